"""A run's chain of turns as it lies in Git, read through nothing but objects by id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
    lines = iter(read_object(reader, oid, "commit").split(b"\n", 40))
    name, _, tree = next(lines).partition(b" ")
    if name != b"tree" or len(tree) != 40:
        raise DamagedError("git.malformed", f"commit {oid} does not begin with its tree")
    parents = []
    for line in lines:
        if not line.startswith(b"parent "):
            break
        parents.append(Oid(line[7:].decode("ascii", "replace")))
    return Oid(tree.decode("ascii", "replace")), tuple(parents)


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

    def read(path: str, digest: str) -> bytes:
        data = file_in(reader, tree, path)
        if data is None:
            raise DamagedError("history.value", f"the turn's tree holds no {path}")
        return data

    return read


class _Newest:
    """The files of a run's newest tree, where nearly every value of older turns still lies."""

    def __init__(self, reader: ObjectReader, tip: Oid) -> None:
        self._reader = reader
        self._folders: dict[str, dict[bytes, bytes]] = {
            "": split_tree(read_object(reader, head_of(reader, tip)[0], "tree"))
        }

    def values_of(self, tree: Oid) -> Read:
        """How the values of the turn with that tree are read: here if they are the same, else there."""
        there = values_in(self._reader, tree)

        def read(path: str, digest: str) -> bytes:
            folder, _, name = path.rpartition("/")
            entry = self._entries(folder).get(name.encode())
            data = b"" if entry is None else read_object(self._reader, entry_oid(entry), "blob")
            if hashlib.sha256(data).hexdigest() == digest:
                return data
            return there(path, digest)

        return read

    def _entries(self, folder: str) -> dict[bytes, bytes]:
        known = self._folders.get(folder)
        if known is None:
            above, _, name = folder.rpartition("/")
            entry = self._entries(above).get(name.encode() + b"/")
            known = {} if entry is None else split_tree(read_object(self._reader, entry_oid(entry), "tree"))
            self._folders[folder] = known
        return known


def _read_turn(reader: ObjectReader, oid: Oid, values: Callable[[Oid], Read]) -> RecordedTurn:
    tree, parents = head_of(reader, oid)
    data = file_in(reader, tree, EVENTS_FILE)
    if data is None:
        raise _damaged(oid, "history.malformed", f"the commit holds no {EVENTS_FILE}")
    return RecordedTurn(oid, parents, decode_events(data, values(tree)))


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
        turn = _read_turn(reader, oid, newest.values_of)
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
