"""A changeset: the files that a run has changed upon one commit, as a value that travels between steps.

The value is a handle. The list behind it and every changed file lie in the run as `res://` values, so that
the run needs nothing else for them; a handle is read back as strictly as any other data of a flow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.collection import EMPTY_MAP, Map, Vec
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import canonical
from gitflow_runner.lang.values import Collection, Value, keyword
from gitflow_runner.model.project_path import check_project_path
from gitflow_runner.model.resource import resource_uri
from gitflow_runner.steps.base import Blobs
from gitflow_runner.steps.config import name_of
from gitflow_runner.steps.results import result_map
from gitflow_runner.steps.trees import FileChange, FileContent

MAX_FILES: Final = 500
MAX_FILE_BYTES: Final = 1_000_000  # what lies in the run's own tree, so that the run is whole by itself
MAX_BYTES: Final = 20_000_000
SOURCE: Final = "source-tree-ref"
CHANGESET: Final = "changeset-ref"

_OID = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA = "application/edn"


@dataclass(frozen=True, slots=True)
class Changed:
    """One changed file by its digest; without one it was deleted."""

    sha256: str | None
    size: int = 0
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Changeset:
    """The commit that everything rests on, and what is changed by path."""

    base: str
    files: Mapping[str, Changed] = field(default_factory=dict)

    def put(self, path: str, content: FileContent | None, blobs: Blobs) -> Changeset:
        """The changeset with this content at `path`, None for a deletion.

        `StepError` (`files.path`, `files.too_large`, `files.secret`).
        """
        check_project_path(path)
        changed = Changed(None) if content is None else _stored(path, content, blobs)
        made = replace(self, files={**self.files, path: changed})
        size = sum(each.size for each in made.files.values())
        if len(made.files) > MAX_FILES or size > MAX_BYTES:
            raise StepError(
                "files.too_large",
                f"a changeset holds at most {MAX_FILES} files of {MAX_BYTES} bytes together",
            )
        return made

    def changes(self, blobs: Blobs) -> tuple[FileChange, ...]:
        """All changes with their contents, by path; `StepError` (`res.*`)."""
        return tuple(FileChange(path, self.content(path, blobs)) for path in sorted(self.files))

    def content(self, path: str, blobs: Blobs) -> FileContent | None:
        """What lies at a changed path, None if it was deleted."""
        changed = self.files[path]
        if changed.sha256 is None:
            return None
        uri = resource_uri(changed.sha256)
        if blobs.size(uri) != changed.size:
            raise _malformed(f"{path[:100]!r} has another size than its list says")
        return FileContent(blobs.get(uri), changed.executable)

    def ref(self, tree: str, blobs: Blobs) -> Map:
        """The value that stands for it; `tree` is the id of the tree that it comes to."""
        rows = [_row(path, self.files[path]) for path in sorted(self.files)]
        text = canonical(result_map(base=self.base, files=Vec(tuple(rows))))
        put = blobs.put(text.encode(), _MEDIA)
        return result_map(
            type=keyword(CHANGESET), uri=put.uri, base=self.base, tree=tree, count=len(self.files)
        )


def read_changeset(value: Value, blobs: Blobs) -> Changeset:
    """The changeset behind a handle; `StepError` (`files.changeset`, `res.*`)."""
    uri = ref_part(value, CHANGESET, "uri")
    if blobs.size(uri) > MAX_FILE_BYTES:
        raise _malformed("its list is too long")
    try:
        listed = read_data(blobs.get(uri).decode())
    except (LangError, UnicodeDecodeError):
        raise _malformed("its list cannot be read") from None
    base = listed.get(keyword("base")) if isinstance(listed, Map) else None
    rows = listed.get(keyword("files")) if isinstance(listed, Map) else None
    if not isinstance(base, str) or not _OID.fullmatch(base) or not isinstance(rows, Vec):
        raise _malformed("its list names no base or no files")
    return Changeset(base, _files(rows))


def ref_part(value: Value, kind: str, part: str) -> str:
    """A text of a handle of that kind; `StepError` (`files.source`, `files.changeset`)."""
    stated = value.get(keyword("type")) if isinstance(value, Map) else None
    text = value.get(keyword(part)) if isinstance(value, Map) else None
    if stated is None or name_of(stated) != kind or not isinstance(text, str):
        code = "files.source" if kind == SOURCE else "files.changeset"
        step = ":resolve-source" if kind == SOURCE else ":init-changeset"
        raise StepError(code, f"that is no {kind}", hint=f"hand on what {step} gave")
    return text


def source_ref(commit: str, tree: str) -> Map:
    """The value that stands for an immutable source tree."""
    return result_map(type=keyword(SOURCE), commit=commit, tree=tree)


def _stored(path: str, content: FileContent, blobs: Blobs) -> Changed:
    size = len(content.data)
    if size > MAX_FILE_BYTES:
        raise StepError(
            "files.too_large", f"{path[:100]!r} would hold {size} bytes, at most {MAX_FILE_BYTES} are written"
        )
    put = blobs.put(content.data, "application/octet-stream")
    if put.size != size or blobs.get(put.uri) != content.data:
        # What was stored is masked: a file that says *** where it should work is worse than a failed step.
        raise StepError(
            "files.secret",
            f"{path[:100]!r} would hold the value of a secret, and a commit is for ever",
            hint="let the file name the secret, and put it in where the file is used",
        )
    return Changed(put.sha256, size, content.executable)


def _row(path: str, changed: Changed) -> Map:
    if changed.sha256 is None:
        return result_map(path=path, deleted_=True)
    return result_map(path=path, sha256=changed.sha256, size=changed.size, executable_=changed.executable)


def _files(rows: Iterable[Value]) -> Mapping[str, Changed]:
    found: dict[str, Changed] = {}
    for row in rows:
        get = row.get if isinstance(row, Map) else EMPTY_MAP.get
        path, sha256, size = (get(keyword(name)) for name in ("path", "sha256", "size"))
        if not isinstance(path, str) or path in found or len(found) >= MAX_FILES:
            raise _malformed("a row names no path, or one twice")
        check_project_path(path)
        if get(keyword("deleted?")) is True:
            found[path] = Changed(None)
        elif isinstance(sha256, str) and _SHA256.fullmatch(sha256) and isinstance(size, int):
            if not 0 <= size <= MAX_FILE_BYTES:
                raise _malformed("a row has a size out of bounds")
            found[path] = Changed(sha256, size, get(keyword("executable?")) is True)
        else:
            raise _malformed("a row says neither what the file holds nor that it is deleted")
    return found


def _malformed(why: str) -> StepError:
    return StepError(
        "files.changeset", f"the changeset cannot be used: {why}", hint="hand on what a step gave"
    )


def paths_of(value: Value) -> tuple[str, ...]:
    """The texts of a vector of paths, as they are."""
    return tuple(name_of(each) for each in value) if isinstance(value, Collection) else ()
