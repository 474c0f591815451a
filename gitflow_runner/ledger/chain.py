"""A run's chain of turns as it lies in Git, read through nothing but objects by id."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from gitflow_runner.errors import DamagedError, Place
from gitflow_runner.git.objects import Kind, Oid
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.codec import Read, decode_events, decode_run
from gitflow_runner.ledger.tree import entry_oid, find_entry, split_tree
from gitflow_runner.model.event import Recorded, WaitOpened
from gitflow_runner.model.run import Run

RUN_FILE: Final = "run.json"
EVENTS_FILE: Final = "events.jsonl"

_HEAD = re.compile(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)author ")


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """One commit of a run: its parents (the previous turn first) and its events."""

    oid: Oid
    parents: tuple[Oid, ...]
    events: tuple[Recorded, ...]

    @property
    def is_first(self) -> bool:
        """Whether the run starts here; the parents are then requests, not turns."""
        return self.events[0].seq == 1

    @property
    def previous(self) -> Oid | None:
        """The turn before this one; `DamagedError` (`history.cut`) if there ought to be one."""
        if self.is_first:
            return None
        if not self.parents:
            raise _damaged(self.oid, "history.cut", "an inner turn has no parent")
        return self.parents[0]


def read_object(reader: ObjectReader, oid: Oid, kind: Kind) -> bytes:
    """The object's bytes; `DamagedError` (`git.object_missing`, `git.object_kind`)."""
    found = reader.read(oid)
    if found.kind != kind:
        raise DamagedError("git.object_kind", f"{oid} is a {found.kind}, not a {kind}")
    return found.data


def head_of(reader: ObjectReader, oid: Oid) -> tuple[Oid, tuple[Oid, ...]]:
    """(tree, parents) of a commit, the rest of it unread."""
    found = _HEAD.match(read_object(reader, oid, "commit"))
    if found is None:
        raise DamagedError("git.malformed", f"commit {oid} does not begin with its tree and its parents")
    return Oid(found[1].decode()), tuple([Oid(line[7:].decode()) for line in found[2].splitlines()])


def file_in(reader: ObjectReader, tree: Oid, path: str) -> bytes | None:
    """The bytes of the file at `path` below a tree, None where no file is."""
    *folders, name = path.encode().split(b"/")
    for part in folders:
        below = find_entry(read_object(reader, tree, "tree"), part, folder=True)
        if below is None:
            return None
        tree = below
    found = find_entry(read_object(reader, tree, "tree"), name, folder=False)
    return None if found is None else read_object(reader, found, "blob")


def values_in(reader: ObjectReader, tree: Oid) -> Read:
    """How the values of a turn are read from its tree."""
    return values_of(partial(file_in, reader, tree))


def values_of(find: Callable[[str], bytes | None]) -> Read:
    """How the values of a turn are read where `find` gives the file at a path of its tree."""

    def read(path: str, digest: str) -> bytes:
        data = find(path)
        if data is None:
            raise DamagedError("history.value", f"the turn's tree holds no {path}")
        return data

    return read


class _Newest:
    """The files of a run's newest tree, where nearly every value of older turns still lies."""

    def __init__(self, reader: ObjectReader, tip: Oid) -> None:
        self._reader = reader
        self._root = read_object(reader, head_of(reader, tip)[0], "tree")
        self._folders: dict[str, dict[bytes, bytes]] = {}
        self._last = ("", self._root)  # of most folders one value is read, then another folder's

    def read(self, path: str, digest: str) -> bytes | None:
        """The file's bytes if they still have that digest here."""
        folder, _, name = path.rpartition("/")
        last = self._last
        if folder != last[0]:
            last = self._last = (folder, self._tree(folder))
        found = find_entry(last[1], name.encode(), folder=False)
        data = b"" if found is None else read_object(self._reader, found, "blob")
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def _tree(self, folder: str) -> bytes:
        """The bytes of a folder's tree, none where there is no such folder."""
        if not folder:
            return self._root
        above, _, name = folder.rpartition("/")
        entry = self._entries(above).get(name.encode() + b"/")
        return b"" if entry is None else read_object(self._reader, entry_oid(entry), "tree")

    def _entries(self, folder: str) -> dict[bytes, bytes]:
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = split_tree(self._tree(folder))
        return known


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of the turn with that tree: read from the newest one if they are the same there.

    A long history has one of these a turn, so it holds no more than it must.
    """

    reader: ObjectReader
    newest: _Newest
    tree: Oid

    def __call__(self, path: str, digest: str) -> bytes:
        found = self.newest.read(path, digest)
        return found if found is not None else values_in(self.reader, self.tree)(path, digest)


def _read_turn(reader: ObjectReader, oid: Oid, newest: _Newest) -> RecordedTurn:
    tree, parents = head_of(reader, oid)
    data = file_in(reader, tree, EVENTS_FILE)
    if data is None:
        raise _damaged(oid, "history.malformed", f"the commit holds no {EVENTS_FILE}")
    return RecordedTurn(oid, parents, decode_events(data, _Values(reader, newest, tree)))


def read_run(reader: ObjectReader, oid: Oid) -> Run:
    """The state that the turn's `run.json` holds; only this one file is read."""
    tree, _ = head_of(reader, oid)
    data = file_in(reader, tree, RUN_FILE)
    if data is None:
        raise _damaged(oid, "run.malformed", f"the commit holds no {RUN_FILE}")
    return decode_run(data, values_in(reader, tree))


def turns(reader: ObjectReader, tip: Oid) -> Iterator[RecordedTurn]:
    """The turns from `tip` back to the first; `DamagedError` where they do not join."""
    oid: Oid | None = tip
    expected: int | None = None
    newest = _Newest(reader, tip)
    while oid is not None:
        turn = _read_turn(reader, oid, newest)
        if expected is not None and turn.events[-1].seq != expected:
            raise _damaged(oid, "history.gap", f"event #{turn.events[-1].seq} comes before #{expected + 1}")
        yield turn
        expected = turn.events[0].seq - 1
        oid = turn.previous


def read_history(reader: ObjectReader, tip: Oid) -> tuple[Recorded, ...]:
    """All events of the run whose latest turn is `tip`, in order, unfolded."""
    found = [turn.events for turn in turns(reader, tip)]
    return tuple(event for events in reversed(found) for event in events)


def find_wait_commit(reader: ObjectReader, tip: Oid, folder: str) -> Oid:
    """The commit that opened the wait; `DamagedError` (`history.wait`) if none did."""
    for turn in turns(reader, tip):
        for recorded in turn.events:
            if isinstance(recorded.event, WaitOpened) and recorded.event.folder == folder:
                return turn.oid
    raise _damaged(tip, "history.wait", f"no turn opened the wait {folder}")


def _damaged(oid: Oid, code: str, message: str) -> DamagedError:
    return DamagedError(code, f"turn {oid[:12]}: {message}", at=Place(ref=oid))
