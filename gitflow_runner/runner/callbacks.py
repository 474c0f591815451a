"""Answers by Git to the event waits of one driven run (protocol 6.9), and those that came early (4.7)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gitflow_runner.errors import DamagedError, LangError
from gitflow_runner.git.objects import Ident, Oid, RawObject, decode_commit
from gitflow_runner.git.refs import CALLBACKS, callbacks_prefix, inbox_of_run
from gitflow_runner.git.repository import Repository
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.event import CallbackKept, DecisionSeen, WaitOpened, WaitResolved
from gitflow_runner.model.ids import EARLY, Slug
from gitflow_runner.model.run import KeptCallback, OpenWaitState
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.inputs import from_json
from gitflow_runner.runner.policies import Policies
from gitflow_runner.trust.keyring import Signed
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.requests import read_answer
from gitflow_runner.trust.shape import split
from gitflow_runner.trust.verify import prove

KEEP_MS = 86_400_000  # how long an answer is kept for a wait that does not come
MAX_KEPT = 32  # at once, in one run
MAX_RECORDED_REFUSALS = 64  # of one wait
_OVER = {"answered": "duplicate", "expired": "late"}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a callback says, as far as it is believed; `reason` says why it does not count."""

    oid: Oid
    ref: str
    reason: str | None
    principal: str | None = None
    fingerprint: str | None = None
    value: Map | None = None
    named: str = ""
    signed: str = ""


class Callbacks:
    """Looks for answers, keeps those that come early, and lets the first good one resolve its wait."""

    def __init__(
        self,
        *,
        repository: Repository,
        buffer: Buffer,
        policies: Policies,
        clock: Clock,
        slug: Slug,
        require_fresh: Callable[[], None],
    ) -> None:
        """`require_fresh` refuses to judge by a policy that may have changed where it is shared."""
        self._repository = repository
        self._buffer = buffer
        self._policies = policies
        self._clock = clock
        self._slug = slug
        self._require_fresh = require_fresh
        self._passed_over: set[str] = set()
        self._told: dict[str, set[str]] | None = None
        self._is_noted = False

    def look(self) -> None:
        """Take what is new; durable on return."""
        if not self._buffer.run.kept and not self._repository.refs(
            inbox_of_run(CALLBACKS, self._buffer.run.run)
        ):
            return
        self._keep_early()
        for state in self._buffer.run.waits:
            if state.wait.wait == "event" and not self._serve_kept(state):
                self._answer(state)
        self._note_others()
        if self._is_noted:
            self._buffer.flush()
            self._is_noted = False

    def _keep_early(self) -> None:
        """Record at first sight what is addressed to a key of this run; nothing of it is acted upon."""
        for ref, oid in self._new(EARLY):
            answer = self._read(oid, ref, None)
            if answer.reason is None and self._is_known(answer.signed):
                answer = _Answer(oid, ref, "replayed", answer.principal, answer.fingerprint)
            if answer.reason is None and len(self._fresh_kept()) >= MAX_KEPT:
                answer = _Answer(oid, ref, "full", answer.principal, answer.fingerprint)
            if answer.reason is not None or answer.principal is None or answer.value is None:
                self._note(EARLY, answer)
                continue
            self._buffer.add(
                CallbackKept(
                    EARLY,
                    oid,
                    ref,
                    answer.named,
                    answer.principal,
                    answer.fingerprint or "",
                    answer.signed,
                    Stored(write(answer.value)),
                )
            )
            self._buffer.flush(author=self._author(oid))

    def _is_known(self, signed: str) -> bool:
        events = (recorded.event for recorded in self._buffer.history)
        return any(isinstance(event, CallbackKept) and event.signed == signed for event in events)

    def _fresh_kept(self) -> tuple[KeptCallback, ...]:
        now = self._clock.now_ms()
        return tuple(each for each in self._buffer.run.kept if now - each.kept_at <= KEEP_MS)

    def _serve_kept(self, state: OpenWaitState) -> bool:
        """Let the oldest kept answer that fits resolve the wait; the turn that does so names both."""
        tried = {seen.oid for seen in state.seen}
        for kept in self._fresh_kept():
            if kept.key != state.wait.key or kept.oid in tried:
                continue
            answer = self._again(kept, state.wait)
            if answer.reason is None:
                self._resolve(state.wait, answer)
                return True
            self._note(state.wait.folder, answer)
        return False

    def _again(self, kept: KeptCallback, wait: WaitOpened) -> _Answer:
        """A kept answer held against the wait that it comes to, and against today's policy."""
        value = next(
            event.value
            for event in (recorded.event for recorded in self._buffer.history)
            if isinstance(event, CallbackKept) and event.oid == kept.oid
        )
        oid = Oid(kept.oid)
        try:
            if kept.fingerprint not in wait.keys:
                raise Refusal("key_not_allowed", f"the wait does not name the key {kept.fingerprint}")
            principal = self._check_person(prove(self._repository.read(oid)), wait, kept.kept_at)
            given = read_data(value.text, loose=True)
            check_answer(given, wait.required)
        except Refusal as refusal:
            return _Answer(oid, kept.ref, refusal.reason, kept.principal, kept.fingerprint)
        except DamagedError as damage:
            return _Answer(oid, kept.ref, damage.code, kept.principal, kept.fingerprint)
        return _Answer(oid, kept.ref, None, principal, kept.fingerprint, given)

    def _answer(self, state: OpenWaitState) -> None:
        for ref, oid in self._new(state.wait.folder):
            answer = self._read(oid, ref, state.wait)
            if answer.reason is None:
                self._resolve(state.wait, answer)
                return
            self._note(state.wait.folder, answer)

    def _resolve(self, wait: WaitOpened, answer: _Answer) -> None:
        assert answer.value is not None, "an answer that counts has its value"
        assert answer.principal is not None, "an answer that counts is somebody's"
        self._add_seen(wait.folder, answer)
        self._buffer.add(
            WaitResolved(
                wait.identity,
                wait.folder,
                "answered",
                None,
                (answer.principal,),
                (answer.oid,),
                Stored(write(answer.value)),
            )
        )
        self._buffer.flush(author=self._author(answer.oid))

    def _note_others(self) -> None:
        """Record what came to waits that are over, so that its senders see why it counts for nothing."""
        for folder, outcome in self._over():
            for ref, oid in self._new(folder):
                self._note(folder, _Answer(oid, ref, _OVER.get(outcome, "resolved")))

    def _over(self) -> Iterator[tuple[str, str]]:
        events = [recorded.event for recorded in self._buffer.history]
        asked = {e.folder for e in events if isinstance(e, WaitOpened) and e.wait == "event"}
        yield from (
            (e.folder, e.outcome) for e in events if isinstance(e, WaitResolved) and e.folder in asked
        )

    def _new(self, folder: str) -> list[tuple[str, Oid]]:
        """The callbacks of that wait that no turn names yet."""
        there = self._repository.refs(callbacks_prefix(self._buffer.run.run, folder))
        if not there:
            return []
        seen = self._seen(folder) | self._passed_over
        return [(ref, oid) for ref, oid in there if oid not in seen]

    def _seen(self, folder: str) -> set[str]:
        if self._told is None:
            self._told = {}
            for event in (recorded.event for recorded in self._buffer.history):
                if isinstance(event, DecisionSeen | CallbackKept):
                    self._told.setdefault(event.folder, set()).add(event.oid)
        return self._told.setdefault(folder, set())

    def _read(self, oid: Oid, ref: str, wait: WaitOpened | None) -> _Answer:
        """The callback, held against the wait (None: it comes before any) and the policy."""
        run, fingerprint = self._buffer.run.run, None
        try:
            raw = self._repository.read(oid)
            signed = prove(raw)
            fingerprint = signed.fingerprint
            now = self._clock.now_ms()
            found = read_answer(
                raw,
                self._repository,
                run=run,
                wait=None if wait is None else wait.folder,
                opened=None if wait is None else self._buffer.journal.wait_commit(wait.folder),
                keys=frozenset((fingerprint,)) if wait is None else frozenset(wait.keys),
                first_seen=now,
                max_skew=self._policy().skew_ms,
            )
            principal = self._check_person(signed, wait, now)
            value = answered_value(found.name, found.content)
            check_answer(value, () if wait is None else wait.required)
        except Refusal as refusal:
            return _Answer(oid, ref, refusal.reason, None, fingerprint)
        except DamagedError as damage:
            return _Answer(oid, ref, damage.code, None, fingerprint)
        return _Answer(oid, ref, None, principal, fingerprint, value, found.wait, _digest(raw))

    def _check_person(self, signed: Signed, wait: WaitOpened | None, first_seen: int) -> str:
        """Whose key it is today; a runner answers nothing, and the wait's role must still be held."""
        policy = self._policy()
        principal = policy.keyring.who(signed, first_seen=first_seen, now=self._clock.now_ms())
        if wait is not None and wait.role is not None:
            policy.check_role(principal, wait.role, self._slug)
        elif policy.people[principal].kind == "runner":
            raise Refusal("role", f"{principal} is a runner, which answers nothing")
        policy.check_any_role(principal, () if wait is None else wait.any_role, self._slug)
        return principal

    def _policy(self) -> Policy:
        self._require_fresh()
        return self._policies.require()

    def _note(self, folder: str, answer: _Answer) -> None:
        """Record a refusal; past a limit it is left unrecorded, so that no stranger can fill a history."""
        refused = self._seen(folder)
        if len(refused) >= MAX_RECORDED_REFUSALS:
            self._passed_over.add(answer.oid)
            return
        self._add_seen(folder, answer)
        self._is_noted = True

    def _add_seen(self, folder: str, answer: _Answer) -> None:
        self._seen(folder).add(answer.oid)
        self._buffer.add(
            DecisionSeen(
                folder,
                answer.oid,
                answer.ref,
                answer.reason,
                answer.principal,
                answer.fingerprint,
                None,
                True,
            )
        )

    def _author(self, oid: Oid) -> Ident:
        return decode_commit(self._repository.read(oid).data).author


def _digest(raw: RawObject) -> str:
    return hashlib.sha256(split(raw).payload).hexdigest()


def answered_value(name: str, content: bytes) -> Map:
    """The map in an answer's one file: JSON or EDN, as its name says; refuses `tree` and `payload`."""
    try:
        text = content.decode("utf-8")
        if name.endswith(".json"):
            value = from_json(json.loads(text))
        elif name.endswith(".edn"):
            value = read_data(text, loose=True)
        else:
            raise Refusal("tree", f"{name[:64]!r} is neither a .json nor an .edn file")
    except (UnicodeDecodeError, ValueError, LangError, RecursionError):
        raise Refusal("payload", f"{name[:64]} cannot be read") from None
    if not isinstance(value, Map):
        raise Refusal("payload", f"{name[:64]} does not hold a map")
    return value


def check_answer(value: Map, required: tuple[str, ...]) -> None:
    """Refuse (`payload`) an answer that lacks what the wait asks for."""
    for name in required:
        if value.get(keyword(name)) is None and value.get(name) is None:
            raise Refusal("payload", f"the answer lacks {name[:64]}")
