"""Files laid out: which ones are meant, and what each would become."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import GitflowError, LangError, NotFoundError
from gitflow_runner.lang.layout import laid_out
from gitflow_runner.lang.source import MAX_FILE_BYTES, decoded, too_large_file

SUFFIX = ".edn"
CONFIG = ".breyta"


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A file with its text and what that is in regular layout; `error` says why there is none."""

    path: Path
    before: str
    after: str
    error: GitflowError | None = None

    @property
    def changes(self) -> bool:
        """Whether the file is not in its regular layout."""
        return self.before != self.after


def layout_of(path: Path) -> LaidOut:
    """The layout of one file; a text that cannot be read is told, not raised."""
    try:
        before = _text(path)
    except GitflowError as error:
        return LaidOut(path, "", "", error)
    try:
        return LaidOut(path, before, laid_out(before, file=str(path)))
    except LangError as error:
        return LaidOut(path, before, before, error)


def wanted_files(given: Sequence[Path], directory: Path) -> Iterator[Path]:
    """The files that are meant: those given, all `.edn` files below given folders; else those of `.breyta`.

    Links below a folder are left out. `NotFoundError` (`file.unreadable`) for what does not exist.
    """
    for path in given or (_config(directory),):
        if path.is_dir():
            found = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
            yield from sorted(p for p in found if p.suffix == SUFFIX and not p.is_symlink())
        elif path.is_file():
            yield path
        else:
            raise NotFoundError("file.unreadable", f"there is no file or folder {path}")


def _config(directory: Path) -> Path:
    for folder in (directory, *directory.parents):
        if (folder / CONFIG).is_dir():
            return Path(os.path.relpath(folder / CONFIG, directory))
    raise NotFoundError(
        "file.unreadable", f"there is no {CONFIG}/ here or above", fix=("gfr init", "gfr fmt <file>")
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise NotFoundError("file.unreadable", f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise too_large_file(str(path))
    return decoded(data, str(path))
