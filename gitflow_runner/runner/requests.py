"""What steers an open run: signed requests (protocol 4.4), and the records of runs that end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from gitflow_runner.errors import DamagedError, LangError
from gitflow_runner.git.objects import Ident, Oid, decode_commit
from gitflow_runner.git.refs import requests_prefix
from gitflow_runner.git.repository import Repository
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.model.event import (
    CancelAsked,
    Event,
    RequestSeen,
    RunPaused,
    RunResumed,
    StepResolved,
    WaitResolved,
)
from gitflow_runner.model.ids import Slug
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.answers import NOTHING
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.orders import Order
from gitflow_runner.runner.policies import Policies
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.requests import SignedRequest, read_request
from gitflow_runner.trust.statement import Request, parse_statement
from gitflow_runner.trust.verify import signed_message

CLEANUP_MS = 60_000
MAX_REFUSALS = 64


class Requests:
    """The requests for one driven run; each is read once, taken or refused, and recorded."""

    def __init__(
        self,
        *,
        repository: Repository,
        buffer: Buffer,
        policies: Policies,
        clock: Clock,
        slug: Slug,
        told_to_end: Callable[[], Order | None],
    ) -> None:
        """`told_to_end` says whether another run's record ends this one."""
        self._repository = repository
        self._buffer = buffer
        self._policies = policies
        self._clock = clock
        self._slug = slug
        self._told_to_end = told_to_end
        self._passed_over: set[str] = set()

    def look(self) -> None:
        """Take what is new; durable on return."""
        run = self._buffer.run
        self._obey()
        self._close_waits()
        seen = self._passed_over.union(run.requests_seen)
        for name, oid in self._repository.refs(requests_prefix(run.run)):
            if self._buffer.run.is_over:
                break
            if oid not in seen:
                self._take(name, oid)
                seen.add(oid)

    def _obey(self) -> None:
        run = self._buffer.run
        order = None if run.cancel is not None or run.is_over else self._told_to_end()
        if order is not None:
            self._buffer.add(CancelAsked(order.by, None, order.reason, self._clock.now_ms() + CLEANUP_MS))
            self._buffer.flush()

    def _take(self, name: str, oid: Oid) -> None:
        author: Ident | None = None
        principal = fingerprint = None
        act = "unknown"
        try:
            raw = self._repository.read(oid)
            now = self._clock.now_ms()
            policy = self._policies.require()
            read = read_request(raw, self._repository, policy, self._slug, first_seen=now, now=now)
            act, principal, fingerprint = read.request.act, read.principal, read.fingerprint
            note = read.request.reason
            events = self._events(read, oid)
            author = decode_commit(raw.data).author
        except Refusal as refusal:
            self._refuse(RequestSeen(oid, name, act, principal, fingerprint, refusal.reason))
        except DamagedError as damage:
            self._refuse(RequestSeen(oid, name, act, principal, fingerprint, damage.code))
        else:
            self._buffer.add(RequestSeen(oid, name, act, principal, fingerprint, None, note), *events)
        self._buffer.flush(author=author)
        self._close_waits()

    def _refuse(self, event: RequestSeen) -> None:
        """Record a refusal; past a limit it is left unrecorded, so that no stranger can fill a history."""
        recorded = (r.event for r in self._buffer.history)
        if sum(1 for e in recorded if isinstance(e, RequestSeen) and e.reason) < MAX_REFUSALS:
            self._buffer.add(event)
        else:
            self._passed_over.add(event.oid)

    def _events(self, read: SignedRequest, oid: Oid) -> tuple[Event, ...]:
        run, said, principal = self._buffer.run, read.request, read.principal
        if said.run != run.run:
            raise Refusal("run", f"the request is for run {said.run}")
        if self._was_taken(principal, said.nonce):
            raise Refusal("replayed", f"{principal} asked this once before, in another object")
        match said.act:
            case "comment":
                return ()
            case "cancel":
                return self._cancel(said, principal, oid)
            case "pause":
                return () if run.status == "paused" else (RunPaused(principal, oid),)
            case "resume":
                return (RunResumed(principal, oid),) if run.status == "paused" else ()
            case "resolve":
                return (self._resolve(read, oid),)
            case "retry" | "adopt":
                raise Refusal("trailers", f"an open run takes no {said.act} here")
            case _:
                assert_never(said.act)

    def _was_taken(self, principal: str, nonce: str) -> bool:
        """Whether the same signed bytes were taken before: a signature can be written in several ways."""
        taken = [
            event.oid
            for event in (recorded.event for recorded in self._buffer.history)
            if isinstance(event, RequestSeen) and event.reason is None and event.principal == principal
        ]
        raws = (self._repository.read(Oid(oid)) for oid in taken)
        return any(parse_statement(signed_message(raw), Request).nonce == nonce for raw in raws)

    def _cancel(self, said: Request, principal: str, oid: Oid) -> tuple[Event, ...]:
        run = self._buffer.run
        if run.cancel is not None:
            return ()
        return (CancelAsked(principal, oid, said.reason, self._clock.now_ms() + CLEANUP_MS),)

    def _close_waits(self) -> None:
        # One turn resolves one wait; recovery closes what a crash left open here.
        while self._buffer.run.cancel is not None and not self._buffer.run.is_over:
            state = next(iter(self._buffer.run.waits), None)
            if state is None:
                return
            wait, by = state.wait, self._buffer.run.cancel[0]
            closed = WaitResolved(wait.identity, wait.folder, "cancelled", None, (by,), (), NOTHING)
            self._buffer.add(closed)
            self._buffer.flush()

    def _resolve(self, read: SignedRequest, oid: Oid) -> StepResolved:
        said = read.request
        step = next((s for s in self._buffer.run.steps if s.unknown and _names(said.step, s.folder)), None)
        if step is None or said.outcome is None:
            raise Refusal("trailers", f"no step {said.step} is in doubt")
        output = None if read.value is None else _value(read.value)
        return StepResolved(step.identity, step.folder, said.outcome, read.principal, oid, output)


def _value(data: bytes) -> Stored:
    try:
        return Stored(write(read_data(data.decode("utf-8"), loose=True)))
    except (LangError, UnicodeDecodeError):
        raise Refusal("payload", "the request's value is no EDN") from None


def _names(given: str | None, folder: str) -> bool:
    return given is not None and (given == folder or folder.partition("-")[2] == given)
