"""Taking over a flow file from a checkout of the hosted service: same text, new place and name.

Markers that the service's client writes into pulled copies are left out; everything else, comments
included, stays byte for byte. Files that the flow includes come along to the same relative place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.catalog.includes import expand
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.loader import root_path
from gitflow_runner.catalog.sources import FLOWS_DIR, MemoryTexts, Texts, WorkTreeTexts
from gitflow_runner.catalog.syntax import get, name_text, place
from gitflow_runner.catalog.validate import require_valid
from gitflow_runner.errors import LangError, NotFoundError, Place
from gitflow_runner.model.flow import SourceFile
from gitflow_runner.model.ids import Slug, is_name

_MARKER = re.compile(r"[ \t]*;;[ \t]*breyta:[ \t]*(pulled-source|legacy-bare-function-input)\b[^\n]*\n?")


@dataclass(frozen=True, slots=True)
class Imported:
    """The files to write below `.breyta/flows/`, the root first."""

    slug: Slug
    files: tuple[SourceFile, ...]

    @property
    def path(self) -> str:
        """The path of the flow's file in the repository."""
        return f"{FLOWS_DIR}/{self.files[0].path}"


def import_file(path: Path) -> Imported:
    """The flow in the file at `path`, with what it includes from the folder of that file.

    Raises `NotFoundError` (`import.missing`) without such a file, and what loading a flow raises; positions
    then name the file as it will be called.
    """
    if not path.is_file():
        raise NotFoundError("import.missing", f"there is no file {path}", fix=("gfr flows import FILE.clj",))
    return import_flow(WorkTreeTexts(path.parent, within=""), path.name)


def import_flow(texts: Texts, name: str) -> Imported:
    """The flow in the file `name` of `texts`; errors as `import_file`."""
    expanded = expand(texts, name)
    form = get(expanded.form, "slug")
    slug = name_text(form)
    if slug is None or not is_name(slug):
        at = place(form) if form is not None else Place(file=name, line=1, col=1)
        hint = "write :slug :my-flow as its first entry"
        raise LangError("invalid_slug", f"{name} holds no flow with a plain :slug", at=at, hint=hint)
    first, *rest = expanded.files
    root = SourceFile(root_path(slug), strip_markers(first.text))
    files = (root, *rest)
    again = expand(MemoryTexts({file.path: file.text for file in files}), root.path)
    require_valid(Subject(slug, again))
    return Imported(Slug(slug), files)


def strip_markers(text: str) -> str:
    """`text` without the marker comments of a pulled copy, which stand on lines of their own at its top."""
    kept: list[str] = []
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith(";"):
            if not _MARKER.fullmatch(line):
                kept.append(line)
            continue
        kept.extend(lines[index:])
        break
    return "".join(kept)
