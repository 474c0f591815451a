"""Whether a recorded run is whole and says one thing: the structure half of `gfr runs verify`.

Everything is read through the object port alone, so that any second reader gives the same answer.
Signatures and policy are for the caller's `check_turn`: every turn is handed to it before its content
is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from gitflow_runner.errors import DamagedError, GitflowError
from gitflow_runner.git.objects import BLOB_MODE, Commit, Oid, RawObject, decode_commit, decode_tree
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.blobs import Pointer, pointer_in
from gitflow_runner.ledger.chain import (
    EVENTS_FILE,
    RUN_FILE,
    RecordedTurn,
    file_in,
    find_wait_commit,
    head_of,
    read_object,
    read_run,
    values_of,
)
from gitflow_runner.ledger.codec import Places, decode_events, decode_run, encode_event, encode_run
from gitflow_runner.ledger.journal import PAYLOAD_FILE, PIN_FILE
from gitflow_runner.ledger.message import parents_of, resolved_by, turn_trailers
from gitflow_runner.ledger.tree import entry_oid, split_tree
from gitflow_runner.ledger.upcast import UPCASTERS
from gitflow_runner.model.event import Recorded, RunStarted, WaitOpened
from gitflow_runner.model.projection import apply
from gitflow_runner.model.run import OpenWaitState, Run
from gitflow_runner.model.stored import Stored


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: a stable code, the commit where it shows, words for people."""

    code: str
    commit: Oid | None
    message: str


_PLAIN = b"100644 "  # how the entry of a plain file begins
_FOLDERS = 512  # parsed ones that are kept at most; the next turn's differ from them in an entry or two

CheckTurn = Callable[[Oid, bytes], Finding | None]  # (commit id, its raw bytes)
LookUp = Callable[
    [Pointer], str | None
]  # what is wrong with the value beside Git: `incomplete`, `res.digest`


def verify_run(
    reader: ObjectReader,
    ref: str,
    check_turn: CheckTurn,
    *,
    tip: Oid | None = None,
    since: Oid | None = None,
    look_up: LookUp | None = None,
    told: Callable[[RecordedTurn], None] | None = None,
) -> tuple[Finding, ...]:
    """All findings, oldest turn first after those of `check_turn`; none means that the run is whole.

    `tip` stands in for the ref's; `since` is a turn that was verified before: only what follows it is
    looked at, and it must be a turn of this run. `look_up` is asked about each value beside Git; without
    it only the pointers are looked at. `told` hears of each turn that is looked at, the oldest first.

    Codes: those of `DamagedError` (`history.*`, `run.*`, `git.*`), `incomplete` (an object is missing),
    `run.unknown`, `history_rewritten` (`since` is gone), `run.ref`, `run.state` (`run.json` is not the
    fold), `history.canonical`, `trailer_mismatch`, `parents`, `clock`, `wait.alone`, `wait.payload`,
    `pin.digest`, `res.digest`, `tree.mode`. A run that cannot be read further back gives the finding that
    says why, and no more.
    """
    start = tip if tip is not None else reader.resolve(ref)
    if start is None:
        return (Finding("run.unknown", None, f"no run is recorded at {ref}"),)
    return tuple(_Check(reader, check_turn, since, look_up, told).findings(ref, start))


@dataclass(frozen=True, slots=True)
class _Turn:
    oid: Oid
    commit: Commit
    text: bytes  # of events.jsonl
    events: tuple[Recorded, ...]
    after: Run
    resolved: dict[str, OpenWaitState]


class _Check:
    """One verification; remembers what it saw, so that each object is read once."""

    def __init__(
        self,
        reader: ObjectReader,
        check_turn: CheckTurn,
        since: Oid | None,
        look_up: LookUp | None,
        told: Callable[[RecordedTurn], None] | None,
    ) -> None:
        self._reader = reader
        self._look_up = look_up
        self._since = since
        self._check_turn = check_turn
        self._told = told
        self._whole: set[Oid] = set()
        self._last_tree: Oid | None = None
        self._folders: dict[Oid, dict[bytes, bytes]] = {}
        self._wait_commits: dict[str, Oid] = {}

    def findings(self, ref: str, tip: Oid) -> Iterator[Finding]:
        commits: list[tuple[Oid, Commit, bytes, tuple[Recorded, ...]]] = []
        oid: Oid | None = tip
        run: Run | None = None
        try:
            while oid is not None and oid != self._since:
                raw = read_object(self._reader, oid, "commit")
                refused = self._check_turn(oid, raw)
                if refused is not None:
                    yield refused
                commit = decode_commit(raw)
                text = file_in(self._reader, commit.tree, EVENTS_FILE) or b""
                events = decode_events(text, values_of(partial(self._at, commit.tree)))
                commits.append((oid, commit, text, events))
                oid = commit.parents[0] if commit.parents and events[0].seq != 1 else None
            if self._since is not None:
                if oid is None:
                    yield Finding("history_rewritten", tip, f"{self._since} is no turn of this run any more")
                    return
                run = read_run(self._reader, self._since)
                self._last_tree = head_of(self._reader, self._since)[0]
            for oid, commit, text, events in reversed(commits):
                run, resolved = _fold(run, events)
                if self._told is not None:
                    self._told(RecordedTurn(oid, commit.parents, events))
                yield from self._turn(_Turn(oid, commit, text, events, run, resolved))
        except GitflowError as error:
            yield _as_finding(oid, error)
            return
        assert run is not None, "a chain has at least its tip"
        if not ref.endswith(f"/{run.slug}/{run.run}"):
            yield Finding("run.ref", tip, f"{ref} holds the run {run.slug}/{run.run}")

    def _turn(self, turn: _Turn) -> Iterator[Finding]:
        for event in (r.event for r in turn.events):
            if isinstance(event, WaitOpened):
                self._wait_commits[event.folder] = turn.oid
        for check in (self._state, self._events, self._message, self._parents, self._bindings, self._tree):
            try:
                yield from check(turn)
            except GitflowError as error:
                yield _as_finding(turn.oid, error)

    def _state(self, turn: _Turn) -> Iterator[Finding]:
        text = self._file(turn, RUN_FILE)
        recorded = decode_run(text, values_of(partial(self._at, turn.commit.tree)))
        if recorded != turn.after or encode_run(recorded) != text:
            yield Finding(
                "run.state", turn.oid, f"{RUN_FILE} is not what the events to #{turn.after.seq} say"
            )

    def _events(self, turn: _Turn) -> Iterator[Finding]:
        values: list[Stored] = []
        places = Places()

        def place(seq: int, value: Stored, path: str) -> str:
            values.append(value)
            return places.of(seq, value, path)

        for recorded, line in zip(turn.events, turn.text.split(b"\n"), strict=False):
            canonical = encode_event(recorded, partial(place, recorded.seq))
            if canonical != line and recorded.event.kind not in UPCASTERS:
                yield Finding("history.canonical", turn.oid, f"event #{recorded.seq} is not as we write it")
        for value in values:
            try:
                _ = value.text
            except GitflowError as error:
                yield _as_finding(turn.oid, error)

    def _message(self, turn: _Turn) -> Iterator[Finding]:
        expected = turn_trailers(turn.after, turn.events, turn.resolved, self._wait_commit)
        found = turn.commit.message.rstrip("\n").rpartition("\n\n")[2].split("\n")
        if found != expected:
            lines = sorted(set(found) ^ set(expected)) or ["their order"]
            yield Finding("trailer_mismatch", turn.oid, f"trailers and events differ: {lines[0][:200]}")
        if turn.commit.committer.time != turn.after.at // 1000:
            yield Finding("clock", turn.oid, "the commit's time is not that of its last event")

    def _parents(self, turn: _Turn) -> Iterator[Finding]:
        consumed = parents_of(turn.events, turn.resolved)
        if turn.events[0].seq == 1:
            if turn.commit.parents != consumed:
                yield Finding("parents", turn.oid, "the first turn has other parents than its start request")
        elif not set(consumed) <= set(turn.commit.parents[1:]):
            yield Finding("parents", turn.oid, "a consumed request or decision is not a parent")
        for parent in turn.commit.parents:
            if not self._reader.contains(parent):
                yield Finding("incomplete", turn.oid, f"the parent {parent} is missing")

    def _bindings(self, turn: _Turn) -> Iterator[Finding]:
        for event in (r.event for r in turn.events):
            match event:
                case WaitOpened(payload=payload):
                    if len(turn.events) > 1:
                        yield Finding("wait.alone", turn.oid, "a wait opened together with other events")
                    if "sha256:" + _sha256(self._file(turn, PAYLOAD_FILE)) != payload:
                        yield Finding("wait.payload", turn.oid, f"{PAYLOAD_FILE} is not what the wait names")
                case RunStarted(pin=pin) if _sha256(self._file(turn, PIN_FILE)) != pin:
                    yield Finding("pin.digest", turn.oid, f"{PIN_FILE} is not what the start names")
                case _:
                    pass

    def _tree(self, turn: _Turn) -> Iterator[Finding]:
        yield from self._walk(turn.oid, turn.commit.tree, "", self._last_tree)
        self._last_tree = turn.commit.tree

    def _walk(self, commit: Oid, tree: Oid, path: str, before: Oid | None) -> Iterator[Finding]:
        """Look at what is in this folder and was not there `before`, in the turn looked at last."""
        if tree in self._whole or tree == before:
            return
        self._whole.add(tree)
        known = {} if before is None else self._entries(before)
        for key, raw in self._entries(tree).items():
            if known.get(key) == raw:
                continue
            (entry,) = decode_tree(raw)
            where = path + entry.name
            if entry.is_tree:
                was = known.get(key)
                yield from self._walk(commit, entry.oid, where + "/", None if was is None else entry_oid(was))
            elif entry.mode != BLOB_MODE:
                yield Finding("tree.mode", commit, f"{where} is not a plain file")
            elif entry.oid not in self._whole or path == "res/":
                self._whole.add(entry.oid)
                data = self._sound(entry.oid).data
                if path == "res/":
                    yield from self._value(commit, entry.name, data)

    def _value(self, commit: Oid, name: str, data: bytes) -> Iterator[Finding]:
        """A stored value: the bytes themselves, or a pointer to them."""
        if _sha256(data) == name:
            return
        found = pointer_in(data)
        if found is None or found.sha256 != name:
            yield Finding("res.digest", commit, f"res/{name} does not hold what names it")
        elif self._look_up is not None and (code := self._look_up(found)) is not None:
            what = "is missing" if code == "incomplete" else "is not what its name says"
            yield Finding(code, commit, f"the value of res/{name}, which lies beside Git, {what}")

    def _entries(self, tree: Oid) -> dict[bytes, bytes]:
        known = self._folders.get(tree)
        if known is not None:
            return known
        data = self._sound(tree).data
        entries = split_tree(data)
        if b"".join([entries[key] for key in sorted(entries)]) != data:
            decode_tree(data)
            raise DamagedError("git.malformed", f"tree {tree} is not in Git's order")
        if len(self._folders) >= _FOLDERS:
            self._folders.clear()
        self._folders[tree] = entries
        return entries

    def _sound(self, oid: Oid) -> RawObject:
        found = self._reader.read(oid)
        # Built anew, so that the name is computed from the bytes and not remembered by the reader.
        if RawObject(found.kind, found.data).oid != oid:
            raise DamagedError("git.object_damaged", f"the bytes of {oid} have another name")
        return found

    def _file(self, turn: _Turn, path: str) -> bytes:
        return self._at(turn.commit.tree, path) or b""

    def _at(self, tree: Oid, path: str) -> bytes | None:
        """The bytes of a plain file below a tree, by way of the folders that are looked through anyway."""
        *folders, name = path.encode().split(b"/")
        for part in folders:
            below = self._entries(tree).get(part + b"/")
            if below is None:
                return None
            tree = entry_oid(below)
        found = self._entries(tree).get(name)
        if found is None or not found.startswith(_PLAIN):
            return None
        return read_object(self._reader, entry_oid(found), "blob")

    def _wait_commit(self, folder: str) -> Oid:
        if folder not in self._wait_commits and self._since is not None:
            self._wait_commits[folder] = find_wait_commit(self._reader, self._since, folder)
        return self._wait_commits[folder]


def _fold(run: Run | None, events: tuple[Recorded, ...]) -> tuple[Run, dict[str, OpenWaitState]]:
    resolved: dict[str, OpenWaitState] = {}
    for recorded in events:
        resolved |= resolved_by(recorded.event, run)
        run = apply(run, recorded)
    assert run is not None, "a turn has at least one event"
    return run, resolved


def _as_finding(oid: Oid | None, error: GitflowError) -> Finding:
    code = "incomplete" if error.code == "git.object_missing" else error.code
    return Finding(code, oid, error.message)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
