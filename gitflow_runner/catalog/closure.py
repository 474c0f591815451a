"""The closure of a flow: the files that its meaning rests on, their digest, and their names in Git."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gitflow_runner.git.objects import RawObject, blob
from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.printer import canonical
from gitflow_runner.model.flow import Flow, SourceFile
from gitflow_runner.model.pin import PinnedFile


def closure_digest(files: Iterable[SourceFile]) -> str:
    """Hex SHA-256 over the lines `<path> NUL <hex SHA-256 of the bytes> LF`, sorted by path.

    The order in which files were found does not count, so that a release and a draft with the same texts
    have the same digest.
    """
    whole = hashlib.sha256()
    for path, sha256 in sorted((file.path, _sha256(file)) for file in files):
        whole.update(f"{path}\0{sha256}\n".encode())
    return whole.hexdigest()


def requires_digest(flow: Flow) -> str:
    """Hex SHA-256 of the canonical EDN of what the flow requires, `[]` for nothing."""
    settings = Vec(tuple(each.settings for each in flow.requires))
    return hashlib.sha256(canonical(settings).encode()).hexdigest()


def closure_blobs(files: Iterable[SourceFile]) -> tuple[RawObject, ...]:
    """The blobs that hold these files, ready for the repository's `write`."""
    return tuple(blob(file.text.encode()) for file in files)


def pinned_files(files: Iterable[SourceFile]) -> tuple[PinnedFile, ...]:
    """The files as a pin names them, in the order given (the root first)."""
    return tuple(PinnedFile(file.path, blob(file.text.encode()).oid, _sha256(file)) for file in files)


def _sha256(file: SourceFile) -> str:
    return hashlib.sha256(file.text.encode()).hexdigest()
