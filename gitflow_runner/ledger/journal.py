"""One run's append-only chain: events are noted, then a turn makes them durable in one signed commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from gitflow_runner.errors import ConflictError, DamagedError, NotFoundError, UsageError
from gitflow_runner.git.objects import Ident, Oid, RawObject, blob
from gitflow_runner.git.refs import SLOTS
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger.chain import (
    EVENTS_FILE,
    RUN_FILE,
    file_in,
    find_wait_commit,
    head_of,
    read_history,
    read_object,
    read_run,
)
from gitflow_runner.ledger.codec import Places, encode_event, encode_run
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.message import compose, parents_of, resolved_by
from gitflow_runner.ledger.tree import Tree, check_path
from gitflow_runner.model.event import Event, Recorded, RunStarted, WaitOpened, WaitResolved
from gitflow_runner.model.projection import apply
from gitflow_runner.model.run import OpenWaitState, Run
from gitflow_runner.model.stored import Stored

PAYLOAD_FILE = "wait/payload.edn"
PIN_FILE = "pin.json"
_WAIT_FOLDERS = ("wait", "edit")
_RESERVED = (RUN_FILE, EVENTS_FILE)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn adds: `at` is the clock's ms, `files` lie in its tree and stay until removed.

    Requests and decisions that the events consume become parents by themselves; `parents` are further
    ones. The author is who caused the turn, the committer if nobody else did.
    """

    events: tuple[Event, ...]
    at: int
    files: Mapping[str, bytes] = field(default_factory=dict)
    removed: tuple[str, ...] = ()  # files or whole folders
    parents: tuple[Oid, ...] = ()
    author: Ident | None = None
    subject: str | None = None


class Sealer(Protocol):
    """What makes a turn durable; a write-ahead journal may acknowledge before Git has it."""

    def seal(self, objects: Sequence[RawObject], moves: Sequence[RefUpdate]) -> None:
        """Durable on return; after a crash a prefix of `moves` stands.

        `ConflictError` if a ref is not where its move expects it: then none has moved.
        """
        ...


class StrictSealer:
    """Every turn is in Git, its refs moved and read back, before anybody hears of it."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def seal(self, objects: Sequence[RawObject], moves: Sequence[RefUpdate]) -> None:
        """One write, one swap, one look."""
        self._repository.write(objects)
        self._repository.swap(moves)
        for move in moves:
            found = self._repository.resolve(move.name)
            if not self._stands(move, found):
                raise ConflictError(
                    "git.ref_moved",
                    f"{move.name} was swapped to {move.new} and reads as {found}",
                    details={"ref": move.name, "expected": move.new, "found": found},
                )

    def _stands(self, move: RefUpdate, found: Oid | None) -> bool:
        if found == move.new:
            return True
        if found is None or move.new is None or not move.name.startswith(SLOTS):
            return False
        # A slot is everybody's: another start may have moved it on since.
        return self._repository.is_ancestor(move.new, found)


@dataclass(frozen=True, slots=True)
class Along:
    """Refs that move in the same transaction as the run's: some before it, some after it."""

    objects: tuple[RawObject, ...] = ()
    before: tuple[RefUpdate, ...] = ()
    after: tuple[RefUpdate, ...] = ()


class Journal:
    """The chain of one run, held by one writer (`lease.py`); `append` and `note` are for one thread.

    `run` is the durable state, the only one to tell others of; `ahead` has the noted events as well.
    After an error of `append` the journal stands where it stood; after `ConflictError` open it anew.
    """

    def __init__(
        self, repository: Repository, ref: str, committer: Committer, sealer: Sealer | None, tip: Oid | None
    ) -> None:
        """Use `create` or `open`."""
        self.ref = ref
        self._repository = repository
        self._committer = committer
        self._sealer = sealer if sealer is not None else StrictSealer(repository)
        self._tip = tip
        self._root: Oid | None = None
        self._run: Run | None = None
        if tip is not None:
            self._root = head_of(repository, tip)[0]
            self._run = read_run(repository, tip)
        self._ahead = self._run
        self._tree = self._fresh_tree()
        self._noted: list[Recorded] = []
        self._resolved: dict[str, OpenWaitState] = {}
        self._attached: dict[str, bytes] = {}
        self._history: list[Recorded] | None = None if tip is not None else []
        self._wait_commits: dict[str, Oid] = {}

    @classmethod
    def create(
        cls,
        repository: Repository,
        ref: str,
        committer: Committer,
        turn: Turn,
        *,
        along: Along | None = None,
        sealer: Sealer | None = None,
    ) -> Journal:
        """Record the first turn; `ConflictError` (`git.ref_moved`) if the run exists already."""
        if not turn.events or not isinstance(turn.events[0], RunStarted):
            raise UsageError("turn.start", "the first turn of a run begins with run.started")
        journal = cls(repository, ref, committer, sealer, None)
        journal.append(turn, along)
        return journal

    @classmethod
    def open(
        cls, repository: Repository, ref: str, committer: Committer, *, sealer: Sealer | None = None
    ) -> Journal:
        """The journal of a recorded run; only the tip is read. `NotFoundError` (`run.unknown`)."""
        tip = repository.resolve(ref)
        if tip is None:
            raise NotFoundError("run.unknown", f"no run is recorded at {ref}", fix=("gfr runs ls",))
        journal = cls(repository, ref, committer, sealer, tip)
        if not ref.endswith(f"/{journal.run.slug}/{journal.run.run}"):
            raise DamagedError("run.ref", f"{ref} holds the run {journal.run.slug}/{journal.run.run}")
        return journal

    @property
    def tip(self) -> Oid:
        """The commit of the last durable turn."""
        assert self._tip is not None, "create returns after the first turn only"
        return self._tip

    @property
    def run(self) -> Run:
        """The state after the last durable turn."""
        assert self._run is not None, "create returns after the first turn only"
        return self._run

    @property
    def ahead(self) -> Run:
        """The state after all noted events, durable or not."""
        assert self._ahead is not None, "create returns after the first turn only"
        return self._ahead

    @property
    def noted(self) -> Sequence[Recorded]:
        """The events that wait for the next turn."""
        return tuple(self._noted)

    def history(self, after: int = 0) -> tuple[Recorded, ...]:
        """The events behind #`after`, the noted ones at the end; the chain is walked the first time only."""
        if self._history is None:
            self._history = list(read_history(self._repository, self.tip))
        durable = len(self._history)
        return (*self._history[after:], *self._noted[max(0, after - durable) :])

    def wait_commit(self, folder: str) -> Oid:
        """The commit that opened the wait: what an approval's single parent is."""
        if folder not in self._wait_commits:
            self._wait_commits[folder] = find_wait_commit(self._repository, self.tip, folder)
        return self._wait_commits[folder]

    def read(self, path: str) -> bytes | None:
        """The file at `path` as attached, else in the last durable turn's tree."""
        if path in self._attached:
            return self._attached.get(path)
        return None if self._root is None else file_in(self._repository, self._root, path)

    def note(self, events: Iterable[Event], at: int) -> tuple[Recorded, ...]:
        """Number and fold these events; the next turn makes them durable (barrier rule).

        A time behind the last recorded one counts as that one. `DamagedError` (`history.*`) if an event
        cannot follow; none of them is noted then.
        """
        ahead, resolved = self._ahead, dict(self._resolved)
        added = []
        for event in events:
            resolved |= resolved_by(event, ahead)
            seq, last = (1, at) if ahead is None else (ahead.seq + 1, ahead.at)
            recorded = Recorded(seq, max(at, last), event)
            ahead = apply(ahead, recorded)
            added.append(recorded)
        self._ahead, self._resolved = ahead, resolved
        self._noted += added
        return tuple(added)

    def attach(self, files: Mapping[str, bytes]) -> None:
        """Let these files lie in the next turn's tree, whichever turn that is; safe from any thread."""
        for path in files:
            _check_file(path)
        self._attached.update(files)

    def append(self, turn: Turn, along: Along | None = None) -> Oid:
        """Make the noted events and those of `turn` durable in one commit; its id.

        `ConflictError` if another writer moved the run; `TransientError` if the disk refuses: the noted
        events stay noted, those of `turn` are forgotten, and the same call may be made again.
        """
        before = (self._ahead, self._resolved, len(self._noted))
        attached = dict(self._attached)
        try:
            self.note(turn.events, turn.at)
            objects: dict[Oid, RawObject] = {}
            root = self._grow(turn, {**attached, **turn.files}, objects)
            commit = self._commit(turn, root)
            objects[commit.oid] = commit
            others = along if along is not None else Along()
            move = RefUpdate(self.ref, self._tip, commit.oid)
            self._sealer.seal((*others.objects, *objects.values()), (*others.before, move, *others.after))
        except BaseException:
            self._ahead, self._resolved, count = before
            del self._noted[count:]
            self._tree = self._fresh_tree()
            raise
        self._settle(commit.oid, root)
        for path in attached:  # what a step attached meanwhile waits for the next turn
            self._attached.pop(path, None)
        return commit.oid

    def _grow(self, turn: Turn, files: Mapping[str, bytes], objects: dict[Oid, RawObject]) -> Oid:
        recorded = self._noted
        if not recorded:
            raise UsageError("turn.empty", "a turn records at least one event")
        for path in (*files, *turn.removed):
            _check_file(path)
        _check_events(recorded, files)
        self._clear(recorded, turn.removed)
        writer = _Writer(self._tree, objects)
        for path, data in files.items():
            writer.put(path, data)
        lines = [encode_event(r, partial(writer.place, r.seq)) for r in recorded]
        writer.put(EVENTS_FILE, b"\n".join(lines) + b"\n")
        writer.put(RUN_FILE, encode_run(self.ahead))
        return self._tree.write(objects)

    def _commit(self, turn: Turn, root: Oid) -> RawObject:
        consumed = parents_of(self._noted, self._resolved)
        for oid in consumed:
            if not self._repository.contains(oid):
                raise DamagedError("git.object_missing", f"{oid}, which this turn consumes, is not here")
        previous = () if self._tip is None else (self._tip,)
        parents = tuple(dict.fromkeys((*previous, *consumed, *turn.parents)))
        message = compose(self.ahead, self._noted, self._resolved, self.wait_commit, subject=turn.subject)
        return self._committer.commit(root, parents, message, self.ahead.at, author=turn.author)

    def _clear(self, recorded: Sequence[Recorded], removed: tuple[str, ...]) -> None:
        # `wait/` belongs to the wait that was opened last; it goes when that one is over.
        open_before = () if self._run is None else self._run.waits
        still_open = {w.wait.folder for w in self.ahead.waits}
        opens = isinstance(recorded[0].event, WaitOpened)
        over = bool(open_before) and open_before[-1].wait.folder not in still_open
        for path in (*removed, *(_WAIT_FOLDERS if opens or over else ())):
            self._tree.remove(path)

    def _settle(self, tip: Oid, root: Oid) -> None:
        self._tip, self._run, self._root = tip, self._ahead, root
        if isinstance(self._noted[0].event, WaitOpened):
            self._wait_commits[self._noted[0].event.folder] = tip
        if self._history is not None:
            self._history += self._noted
        self._noted = []
        self._resolved = {}

    def _fresh_tree(self) -> Tree:
        return Tree(self._read_tree, self._root)

    def _read_tree(self, oid: Oid) -> bytes:
        return read_object(self._repository, oid, "tree")


class _Writer:
    """Puts files into a tree and their blobs among the objects to write."""

    def __init__(self, tree: Tree, objects: dict[Oid, RawObject]) -> None:
        self._tree = tree
        self._objects = objects
        self._places = Places()

    def put(self, path: str, data: bytes) -> None:
        item = blob(data)
        oid = item.oid
        if self._tree.put(path, oid):
            self._objects[oid] = item

    def place(self, seq: int, value: Stored, path: str) -> str:
        path = self._places.of(seq, value, path)
        self.put(path, value.text.encode())
        return path


def _check_file(path: str) -> None:
    if check_path(path) in _RESERVED:
        raise UsageError("ledger.path", f"{path} is written by the journal alone")


def _check_events(recorded: Sequence[Recorded], files: Mapping[str, bytes]) -> None:
    resolutions = 0
    for event in (r.event for r in recorded):
        match event:
            case WaitOpened(payload=payload):
                if len(recorded) > 1:
                    raise UsageError("turn.wait", "a wait opens in a turn of its own")
                found = "sha256:" + hashlib.sha256(files.get(PAYLOAD_FILE, b"")).hexdigest()
                if found != payload:
                    raise UsageError("turn.wait", f"{PAYLOAD_FILE} does not have the digest {payload}")
            case WaitResolved():
                resolutions += 1
            case RunStarted(pin=pin):
                if hashlib.sha256(files.get(PIN_FILE, b"")).hexdigest() != pin:
                    raise UsageError("turn.start", f"{PIN_FILE} does not have the digest {pin}")
            case _:
                pass
    if resolutions > 1:
        raise UsageError("turn.wait", "one turn resolves at most one wait")
