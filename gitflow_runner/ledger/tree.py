"""One turn's tree, held in memory and changed path by path: only what changed is read or written.

Folders are opened when a path leads through them, so that a turn of a run with thousands of steps
touches its root, one shard and one step's folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from gitflow_runner.errors import DamagedError, UsageError
from gitflow_runner.git.objects import Oid, RawObject

_FILE = b"100644 "
_EXECUTABLE = b"100755 "
_FOLDER = b"40000 "
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f\\:]|(?:^|/)(?:\.{0,2}|\.git[^/]*|git~[^/]*)(?=/|$)|[^/]{256}", re.IGNORECASE
)

ReadTree = Callable[[Oid], bytes]


def check_path(path: str) -> str:
    """The path itself if it may stand in a turn's tree; `UsageError` (`ledger.path`) otherwise."""
    if _UNSAFE.search(path):
        raise UsageError("ledger.path", f"{path[:120]!r} cannot be the path of a file in a run's tree")
    return path


def split_tree(data: bytes) -> dict[bytes, bytes]:
    """A tree's entries: sort key (the name, a folder's with a slash) to the entry's own bytes."""
    entries = {}
    position = 0
    while position < len(data):
        nul = data.find(b"\0", position)
        mode, separator, name = data[position:nul].partition(b" ")
        if nul < 0 or not separator or nul + 21 > len(data):
            _cut_off()
        key = name + b"/" if mode == b"40000" else name
        entries[key] = data[position : nul + 21]
        position = nul + 21
    return entries


def find_entry(data: bytes, name: bytes, *, folder: bool) -> Oid | None:
    """The id that a tree holds under `name`, None if it holds no such file or folder.

    Entries are stepped over one by one: the bytes of a name may also stand inside an id.
    """
    wanted = (_FOLDER if folder else _FILE) + name + b"\0"
    position, end = 0, len(data)
    while position < end:
        if data.startswith(wanted, position):
            start = position + len(wanted)
            return Oid(data[start : start + 20].hex()) if start + 20 <= end else _cut_off()
        nul = data.find(b"\0", position)
        if nul < 0:
            _cut_off()
        position = nul + 21
    return None


def _cut_off() -> NoReturn:
    raise DamagedError("git.malformed", "a tree object ends in the middle of an entry")


def entry_oid(entry: bytes) -> Oid:
    """The id at the end of an entry's bytes."""
    return Oid(entry[-20:].hex())


class _Folder:
    __slots__ = ("children", "dirty", "entries")

    def __init__(self, entries: dict[bytes, bytes]) -> None:
        self.entries = entries
        self.children: dict[bytes, _Folder] = {}
        self.dirty = False


class Tree:
    """A tree that is being changed; nothing is written before `write`."""

    def __init__(self, read: ReadTree, oid: Oid | None) -> None:
        self._read = read
        self._root = self._open(oid)

    def names(self, folder: str) -> Mapping[str, int] | None:
        """Every name in a folder with its mode, None if there is no such folder; the root is ``""``."""
        found = self._walk(folder.encode("utf-8", "surrogateescape").split(b"/") if folder else [])
        if found is None:
            return None
        rows = (entry[:-21].partition(b" ") for entry in found.entries.values())
        return {name.decode("utf-8", "surrogateescape"): int(mode, 8) for mode, _, name in rows}

    def put(self, path: str, oid: Oid, *, executable: bool = False) -> bool:
        """Let the file at `path` be the blob of that id; False if it was that already."""
        parts = path.encode("utf-8", "surrogateescape").split(b"/")
        name = parts.pop()
        folder = self._root
        walked = [folder]
        for part in parts:
            folder = self._child(folder, part)
            walked.append(folder)
        entry = (_EXECUTABLE if executable else _FILE) + name + b"\0" + bytes.fromhex(oid)
        if folder.entries.get(name) == entry:
            return False
        for each in walked:
            each.dirty = True
        folder.entries.pop(name + b"/", None)
        folder.children.pop(name, None)
        folder.entries[name] = entry
        return True

    def remove(self, path: str) -> None:
        """Let nothing be at `path`, neither file nor folder; harmless where nothing is."""
        parts = path.encode().split(b"/")
        folder = self._walk(parts[:-1])
        name = parts[-1]
        if folder is None or (name not in folder.entries and name + b"/" not in folder.entries):
            return
        walked = self._root
        walked.dirty = True
        for part in parts[:-1]:
            walked = walked.children[part]
            walked.dirty = True
        folder.entries.pop(name, None)
        folder.entries.pop(name + b"/", None)
        folder.children.pop(name, None)

    def write(self, objects: dict[Oid, RawObject]) -> Oid:
        """Add every changed folder to `objects`, each once; the id of the whole."""
        return self._write(self._root, objects) or self._add(self._root, objects)

    def _write(self, folder: _Folder, objects: dict[Oid, RawObject]) -> Oid | None:
        """The folder's id, None if nothing is left in it: Git keeps no empty folders."""
        entries = folder.entries
        for name, child in folder.children.items():
            if not child.dirty:
                continue
            oid = self._write(child, objects)
            if oid is None:
                entries.pop(name + b"/", None)
            else:
                entries[name + b"/"] = _FOLDER + name + b"\0" + bytes.fromhex(oid)
        folder.dirty = False
        return self._add(folder, objects) if entries else None

    def _add(self, folder: _Folder, objects: dict[Oid, RawObject]) -> Oid:
        entries = folder.entries
        tree = RawObject("tree", b"".join([entries[key] for key in sorted(entries)]))
        oid = tree.oid
        objects[oid] = tree
        return oid

    def _open(self, oid: Oid | None) -> _Folder:
        return _Folder({} if oid is None else split_tree(self._read(oid)))

    def _child(self, folder: _Folder, name: bytes) -> _Folder:
        child = folder.children.get(name)
        if child is None:
            entry = folder.entries.get(name + b"/")
            child = self._open(None if entry is None else entry_oid(entry))
            folder.children[name] = child
        if name in folder.entries:
            del folder.entries[name]
        if name + b"/" not in folder.entries:
            # A placeholder until `write`, so that `remove` sees the folder.
            folder.entries[name + b"/"] = _FOLDER + name + b"\0" + bytes(20)
        return child

    def _walk(self, parts: list[bytes]) -> _Folder | None:
        folder = self._root
        for part in parts:
            if part + b"/" not in folder.entries:
                return None
            folder = self._child(folder, part)
        return folder
