"""The closed union of facts that a run's history is made of.

An event says what happened, never what to do. Its kind (`step.succeeded`) is what `events.jsonl` and the
trailers show. Adding a kind means a class here, a case in `projection.fold` and one in the engine's
history; mypy finds the missing ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gitflow_runner.model.change import ChangeCleared, ChangeOpened, ChangeSeen, DecisionAttested, Proposal
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.slot import Admission
from gitflow_runner.model.stored import Stored

WaitKind = Literal["approval", "event", "outcome"]
WaitOutcome = Literal["approved", "rejected", "expired", "cancelled", "answered"]
Level = Literal["signed", "forge", "content"]
"""How well a decision is proven: by a person's key, by a forge's word, or by where the content lies."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first fact: who asked for which code with which input. Times are ms since the epoch."""

    kind: ClassVar[str] = "run.started"
    run: str
    slug: str
    label: str
    pin: str  # hex SHA-256 of pin.json
    input: Stored
    starter: str | None  # principal, or `trigger:<id>`; None where nobody signed
    starter_key: str | None
    request: str | None  # the signed start request that is this turn's parent
    epoch: int
    owner: str  # the clone that drives
    admission: Admission | None = None  # None for a run that was recorded before there were slots


@dataclass(frozen=True, slots=True)
class RunAdmitted:
    """A queued run came to the head of its slot's queue: only now does anything of it begin."""

    kind: ClassVar[str] = "run.admitted"
    slot: str


@dataclass(frozen=True, slots=True)
class StepStarted:
    """An attempt was announced; `key` is the idempotency key of its effect."""

    kind: ClassVar[str] = "step.started"
    identity: str
    folder: str
    type: str
    effect: str
    input_hash: str
    attempt: int  # from 1
    generation: int  # from 0; rises after a recorded definite failure only
    key: str
    input: Stored | None = None  # first attempt only
    child: str | None = None  # the run that a call of another flow starts


@dataclass(frozen=True, slots=True)
class StepSucceeded:
    """An attempt reached its result."""

    kind: ClassVar[str] = "step.succeeded"
    identity: str
    folder: str
    attempt: int
    output: Stored
    took_ms: int
    repeated: bool = False  # the attempt ran again after a crash


@dataclass(frozen=True, slots=True)
class StepFailed:
    """An attempt failed; `retry_at` (ms) says when the next one may begin, None means it was the last."""

    kind: ClassVar[str] = "step.failed"
    identity: str
    folder: str
    attempt: int
    failure: Failure
    definite: bool
    retry_at: int | None
    took_ms: int


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """The last attempt failed and the flow said `:on-error :skip`: the value is nil."""

    kind: ClassVar[str] = "step.skipped"
    identity: str
    folder: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class StepUnknown:
    """A crash left an unsafe effect in doubt; a person decides (retry, done with a value, fail)."""

    kind: ClassVar[str] = "step.unknown_outcome"
    identity: str
    folder: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StepResolved:
    """A person settled an unknown outcome."""

    kind: ClassVar[str] = "step.resolved"
    identity: str
    folder: str
    decision: Literal["retry", "done", "fail"]
    by: str
    request: str
    output: Stored | None = None


@dataclass(frozen=True, slots=True)
class TimerSet:
    """A `:sleep` began; it ends at `until` (ms)."""

    kind: ClassVar[str] = "timer.set"
    identity: str
    folder: str
    input_hash: str
    until: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A `:sleep` ended."""

    kind: ClassVar[str] = "timer.fired"
    identity: str
    folder: str


@dataclass(frozen=True, slots=True)
class BranchTaken:
    """A branch that carries a label went one way; told for people, it steers nothing."""

    kind: ClassVar[str] = "branch.taken"
    identity: str
    label: str
    choice: str  # the text of `:yes` or `:no`
    taken: bool


@dataclass(frozen=True, slots=True)
class WaitOpened:
    """The run stops until somebody decides; the commit that records this event is the wait commit."""

    kind: ClassVar[str] = "wait.opened"
    identity: str
    folder: str
    input_hash: str
    wait: WaitKind
    key: str
    title: str
    payload: str  # `sha256:<hex>` of wait/payload.edn
    policy: str | None  # commit of the pinned policy
    deadline: int  # ms
    actions: tuple[str, ...]
    need: int
    role: str | None
    human: bool
    excluded: tuple[str, ...]  # principals that may not decide
    on_timeout: Literal["fail", "continue"] = "fail"
    edits: tuple[str, ...] = ()  # paths under `edit/` that may change
    editor_counts: bool = False
    remind_at: tuple[int, ...] = ()  # ms
    proposal: Proposal | None = None
    keys: tuple[str, ...] = ()  # fingerprints of the keys that may answer an event wait
    required: tuple[str, ...] = ()  # what an answer must hold
    any_role: tuple[str, ...] = ()  # besides `role` one of these, where the flow names several


@dataclass(frozen=True, slots=True)
class CallbackKept:
    """An answer that came before its wait is kept for it, under the wait's key; times as recorded."""

    kind: ClassVar[str] = "callback.kept"
    folder: str  # `EARLY`
    oid: str
    ref: str
    key: str
    principal: str
    fingerprint: str
    signed: str  # hex SHA-256 of the bytes that were signed: in another object it is the same answer
    value: Stored


@dataclass(frozen=True, slots=True)
class WaitReminded:
    """The approvers were told again before the deadline."""

    kind: ClassVar[str] = "wait.reminded"
    folder: str
    due: int  # the remind_at that this answers


@dataclass(frozen=True, slots=True)
class DecisionSeen:
    """A decision commit was seen for the first time; `reason` says why it does not count, if so."""

    kind: ClassVar[str] = "decision.seen"
    folder: str
    oid: str
    ref: str
    reason: str | None
    principal: str | None
    fingerprint: str | None
    decision: str | None
    final: bool  # False: judged again when the policy changes
    level: Level = "signed"


@dataclass(frozen=True, slots=True)
class WaitResolved:
    """The wait is over; `counted` are the commits that carry it: decisions become parents, callbacks not."""

    kind: ClassVar[str] = "wait.resolved"
    identity: str
    folder: str
    outcome: WaitOutcome
    action: str | None
    by: tuple[str, ...]
    counted: tuple[str, ...]
    value: Stored
    edited: str | None = None  # digest of the edited files


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """A signed request was read: taken (`reason` None) or refused with a code."""

    kind: ClassVar[str] = "request.seen"
    oid: str
    ref: str
    act: str
    principal: str | None
    fingerprint: str | None
    reason: str | None
    note: str | None = None  # the person's words


@dataclass(frozen=True, slots=True)
class RunPaused:
    """No new step is begun until the run is resumed."""

    kind: ClassVar[str] = "run.paused"
    by: str
    request: str


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A paused run goes on."""

    kind: ClassVar[str] = "run.resumed"
    by: str
    request: str


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A cancel was taken: the body's `finally` forms run once, then the run ends.

    `by` is a principal, or `run:<id>` where a newer run supersedes this one, or its caller is cancelled.
    """

    kind: ClassVar[str] = "cancel.asked"
    by: str
    request: str | None  # None where no person asked
    reason: str | None
    deadline: int  # ms; cleanup ends here at the latest


@dataclass(frozen=True, slots=True)
class RunSucceeded:
    """The body returned."""

    kind: ClassVar[str] = "run.succeeded"
    output: Stored


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The body failed."""

    kind: ClassVar[str] = "run.failed"
    failure: Failure


@dataclass(frozen=True, slots=True)
class RunCancelled:
    """The run ended because somebody allowed to asked for it."""

    kind: ClassVar[str] = "run.cancelled"
    by: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RunTerminated:
    """The run ended without cleanup."""

    kind: ClassVar[str] = "run.terminated"
    by: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RunTimedOut:
    """The run outlived its limit."""

    kind: ClassVar[str] = "run.timed_out"
    limit_ms: int


@dataclass(frozen=True, slots=True)
class LateResult:
    """A step that was in flight came back after the run's end; it changes no outcome."""

    kind: ClassVar[str] = "late.result"
    identity: str
    folder: str
    attempt: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class LeaseAcquired:
    """Another clone took the run over; the epoch rises by exactly one."""

    kind: ClassVar[str] = "lease.acquired"
    owner: str
    epoch: int


Event = (
    RunStarted
    | RunAdmitted
    | StepStarted
    | StepSucceeded
    | StepFailed
    | StepSkipped
    | StepUnknown
    | StepResolved
    | TimerSet
    | TimerFired
    | BranchTaken
    | WaitOpened
    | CallbackKept
    | ChangeOpened
    | ChangeSeen
    | ChangeCleared
    | DecisionAttested
    | WaitReminded
    | DecisionSeen
    | WaitResolved
    | RequestSeen
    | RunPaused
    | RunResumed
    | CancelAsked
    | RunSucceeded
    | RunFailed
    | RunCancelled
    | RunTerminated
    | RunTimedOut
    | LateResult
    | LeaseAcquired
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event in its place: `seq` counts from 1 without gaps, `at` (ms) never decreases."""

    seq: int
    at: int
    event: Event
