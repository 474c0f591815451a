"""Where a flow's text comes from: a commit's tree, the index, a work tree, a pin's blobs, memory.

Every source shows the files below `.breyta/flows/` only, by paths relative to it with `/` between the
parts. Nothing is checked out, and nothing but ordinary files is ever read: a link or a submodule in the
place of a file is refused (`closure.mode`), since what it shows would not be what was signed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from gitflow_runner.errors import DamagedError, NotFoundError, Place, RefusedError, UsageError
from gitflow_runner.git.objects import BLOB_MODE, EXEC_MODE, LINK_MODE, TREE_MODE, Oid, TreeEntry
from gitflow_runner.git.repository import Repository
from gitflow_runner.lang.source import MAX_FILE_BYTES, too_large_file
from gitflow_runner.model.pin import PinnedFile
from gitflow_runner.model.project_path import folded

FLOWS_DIR = ".breyta/flows"
MAX_ENTRIES = 20_000
MAX_DEPTH = 16

_NOT_IN_NAMES = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")  # a release lists its paths with spaces between them
_ORDINARY = (BLOB_MODE, EXEC_MODE)


class Texts(Protocol):
    """The files of `.breyta/flows/` as they stand in one place."""

    def read(self, path: str) -> bytes | None:
        """The bytes at `path`, None if there is no such file.

        Raises `RefusedError` (`closure.mode` for anything but an ordinary file, `closure.path` for a name
        that cannot be carried) and `UsageError` (`closure.size` above 256 KB).
        """
        ...

    def names(self) -> tuple[str, ...]:
        """All paths that are not folders, sorted; links and submodules are listed, but not readable."""
        ...


class MemoryTexts:
    """Files held in memory: for callers that already have them, and for tests."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._files = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}

    def read(self, path: str) -> bytes | None:
        """As `Texts.read`."""
        check_path(path)
        data = self._files.get(path)
        return None if data is None else _bounded(data, path)

    def names(self) -> tuple[str, ...]:
        """As `Texts.names`."""
        return tuple(sorted(self._files))


class CommitTexts:
    """The files of one commit, read from the object database."""

    def __init__(self, repository: Repository, commit: Oid) -> None:
        self._repository = repository
        self._root = _flows_tree(repository, commit)

    def read(self, path: str) -> bytes | None:
        """As `Texts.read`."""
        entry = self._root
        walked: list[str] = []
        for part in check_path(path):
            if entry is None or not entry.is_tree:
                return None
            walked.append(part)
            found = next((e for e in self._repository.tree(entry.oid) if e.name == part), None)
            if found is not None and found.mode not in (TREE_MODE, *_ORDINARY):
                raise refused_mode("/".join(walked), _what(found.mode))
            entry = found
        if entry is None or entry.is_tree:
            return None
        return _bounded(self._repository.blob(entry.oid), path)

    def names(self) -> tuple[str, ...]:
        """As `Texts.names`."""
        if self._root is None:
            return ()
        return _collected(self._walk(self._root.oid, "", 0))

    def _walk(self, tree: Oid, folder: str, depth: int) -> Iterator[str]:
        if depth > MAX_DEPTH:
            raise _too_many(f"{folder} lies more than {MAX_DEPTH} folders deep")
        for entry in self._repository.tree(tree):
            path = folder + entry.name
            if entry.is_tree:
                yield from self._walk(entry.oid, f"{path}/", depth + 1)
            else:
                yield path


class IndexTexts:
    """The files that are staged: entries of Git's index below `.breyta/flows/`, by relative path."""

    def __init__(self, repository: Repository, entries: Mapping[str, TreeEntry]) -> None:
        self._repository = repository
        self._entries = entries

    def read(self, path: str) -> bytes | None:
        """As `Texts.read`."""
        check_path(path)
        entry = self._entries.get(path)
        if entry is None:
            return None
        if entry.mode not in _ORDINARY:
            raise refused_mode(path, _what(entry.mode))
        return _bounded(self._repository.blob(entry.oid), path)

    def names(self) -> tuple[str, ...]:
        """As `Texts.names`."""
        return _collected(iter(self._entries))


class WorkTreeTexts:
    """The files of a work tree as they stand on disk; below `work_dir` no link is ever followed.

    `within` names another folder of it than the usual one, for a file that is taken over from elsewhere.
    """

    def __init__(self, work_dir: Path, within: str = FLOWS_DIR) -> None:
        self._work_dir = work_dir
        self._within = tuple(part for part in within.split("/") if part)

    def read(self, path: str) -> bytes | None:
        """As `Texts.read`."""
        parts = check_path(path)
        folder = self._open_folder((*self._within, *parts[:-1]))
        if folder is None:
            return None
        try:
            return _read_file(folder, parts[-1], path)
        finally:
            os.close(folder)

    def names(self) -> tuple[str, ...]:
        """As `Texts.names`."""
        folder = self._open_folder(self._within)
        if folder is None:
            return ()
        os.close(folder)
        return _collected(_walk_disk(self._work_dir.joinpath(*self._within), "", 0))

    def _open_folder(self, parts: tuple[str, ...]) -> int | None:
        """A descriptor of the folder, opened part by part so that no part can be a link."""
        handle = os.open(self._work_dir, os.O_RDONLY | os.O_DIRECTORY)
        for index, part in enumerate(parts):
            try:
                deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            except FileNotFoundError:
                return None
            except NotADirectoryError:
                found = os.stat(part, dir_fd=handle, follow_symlinks=False)
                if stat.S_ISLNK(found.st_mode):
                    raise refused_mode("/".join(parts[: index + 1]), "a symbolic link") from None
                return None
            finally:
                os.close(handle)
            handle = deeper
        return handle


class PinnedTexts:
    """The files that a pin names, read by blob id and checked against their SHA-256."""

    def __init__(self, repository: Repository, files: Iterable[PinnedFile]) -> None:
        self._repository = repository
        self._files = {file.path: file for file in files}

    def read(self, path: str) -> bytes | None:
        """As `Texts.read`; `DamagedError` (`closure.digest`) if a blob is not what was pinned."""
        check_path(path)
        file = self._files.get(path)
        if file is None:
            return None
        data = self._repository.blob(Oid(file.blob))
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise DamagedError("closure.digest", f"blob {file.blob} of {path} is not the one that was pinned")
        return _bounded(data, path)

    def names(self) -> tuple[str, ...]:
        """As `Texts.names`."""
        return tuple(sorted(self._files))


def check_path(path: str) -> tuple[str, ...]:
    """The parts of a relative path; `RefusedError` (`closure.path`) for one that could mean two things."""
    parts = tuple(path.split("/"))
    for part in parts:
        if part in ("", ".", "..") or "\\" in part:
            raise _refused_path(path)
        if any(unicodedata.category(c) in _NOT_IN_NAMES for c in part):
            raise _refused_path(path)
    return parts


def check_twins(names: Iterable[str], concerning: Iterable[str]) -> None:
    """`RefusedError` (`closure.twin`) if a name, or a folder of it, has a twin that differs in case only.

    Such a pair is one file on some disks and two on others, so what runs would depend on the machine.
    Only pairs that touch a path of `concerning` count; composed and decomposed letters count as equal.
    """
    watched = {folded(path) for name in concerning for path in _prefixes(name)}
    seen: dict[str, str] = {}
    for name in sorted(names):
        for path in _prefixes(name):
            key = folded(path)
            other = seen.setdefault(key, path)
            if other != path and key in watched:
                raise RefusedError(
                    "closure.twin",
                    f"{FLOWS_DIR}/{other} and {FLOWS_DIR}/{path} are one name on some file systems",
                    hint="rename one of them: names must differ in more than case",
                    at=Place(file=f"{FLOWS_DIR}/{path}"),
                    details={"names": [other, path]},
                )


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def refused_mode(path: str, what: str) -> RefusedError:
    """The refusal of something that is not an ordinary file."""
    return RefusedError(
        "closure.mode",
        f"{shown(path)} is {what}, not an ordinary file",
        hint="put a copy of the file in its place and commit that",
        at=Place(file=shown(path)),
    )


def shown(path: str) -> str:
    """A path below `.breyta/flows/` as the repository names it, for messages."""
    whole = path if path.startswith(".breyta") else f"{FLOWS_DIR}/{path}"
    return whole.encode("utf-8", "backslashreplace").decode()


def _flows_tree(repository: Repository, commit: Oid) -> TreeEntry | None:
    """The entry of `.breyta/flows` in the commit, None without one; a link there is refused."""
    entry = TreeEntry("", TREE_MODE, repository.commit(commit).tree)
    walked: list[str] = []
    for part in FLOWS_DIR.split("/"):
        walked.append(part)
        found = next((e for e in repository.tree(entry.oid) if e.name == part), None)
        if found is None:
            return None
        if not found.is_tree:
            if found.mode in _ORDINARY:
                return None
            raise refused_mode("/".join(walked), _what(found.mode))
        entry = found
    return entry


def _what(mode: int) -> str:
    if mode == LINK_MODE:
        return "a symbolic link"
    return "a submodule" if mode == 0o160000 else f"of the odd mode {mode:o}"


def _bounded(data: bytes, path: str) -> bytes:
    if len(data) > MAX_FILE_BYTES:
        raise too_large_file(shown(path))
    return data


def _too_many(why: str) -> UsageError:
    return UsageError("closure.size", f"{FLOWS_DIR}/ holds too much: {why}")


def _refused_path(path: str) -> RefusedError:
    return RefusedError(
        "closure.path",
        f"{path[:200]!r} is not a plain relative path below {FLOWS_DIR}/",
        hint="write parts of letters, digits, `.`, `_`, `-` with `/` between them",
    )


def _collected(found: Iterator[str]) -> tuple[str, ...]:
    names: list[str] = []
    for name in found:
        names.append(name)
        if len(names) > MAX_ENTRIES:
            raise _too_many(f"more than {MAX_ENTRIES} files")
    return tuple(sorted(names))


def _walk_disk(folder: Path, prefix: str, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise _too_many(f"{prefix} lies more than {MAX_DEPTH} folders deep")
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        raise NotFoundError("closure.unreadable", f"{folder} cannot be read") from None
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk_disk(folder / entry.name, f"{prefix}{entry.name}/", depth + 1)
        else:
            yield prefix + entry.name


def _read_file(folder: int, name: str, path: str) -> bytes | None:
    # O_NONBLOCK, or a named pipe in the place of a file would hold the reader for ever.
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise NotFoundError("closure.unreadable", f"{shown(path)} cannot be read") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            what = "a symbolic link" if error.errno == errno.ELOOP else "a device or socket"
            raise refused_mode(path, what) from None
        raise
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            raise refused_mode(path, "a device, pipe or socket")
        with os.fdopen(os.dup(handle), "rb") as stream:
            return _bounded(stream.read(MAX_FILE_BYTES + 1), path)
    finally:
        os.close(handle)
