"""A run's state as folded from its events: what `run.json` holds and what screens show first."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Literal

from gitflow_runner.model.change import AttestedProof, ChangeOpened, ChangeSeen
from gitflow_runner.model.event import Level, WaitOpened
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.slot import Admission

RunStatus = Literal[
    "queued",
    "running",
    "waiting",
    "paused",
    "succeeded",
    "failed",
    "cancelled",
    "terminated",
    "timed-out",
    "damaged",
]

ENDED: frozenset[RunStatus] = frozenset({"succeeded", "failed", "cancelled", "terminated", "timed-out"})

EXIT_CODES: dict[RunStatus, int] = {
    "succeeded": 0,
    "failed": 1,
    "damaged": 1,
    "timed-out": 1,
    "waiting": 7,
    "queued": 7,
    "paused": 7,
    "running": 8,
    "cancelled": 9,
    "terminated": 9,
}


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A step that was begun and has no result yet; `unknown` if a crash left its effect in doubt."""

    identity: str
    folder: str
    type: str
    effect: str
    attempt: int
    generation: int
    key: str
    announced: bool  # False between two attempts
    retry_at: int | None = None
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class OpenTimer:
    """A sleep in progress."""

    identity: str
    folder: str
    until: int


@dataclass(frozen=True, slots=True)
class SeenDecision:
    """A decision commit of the open wait that was judged before."""

    oid: str
    seen_at: int
    reason: str | None
    principal: str | None
    decision: str | None
    final: bool
    fingerprint: str | None = None
    level: Level = "signed"


@dataclass(frozen=True, slots=True)
class SeenAttestation:
    """A decision that the runner bears witness to, as `DecisionAttested` says."""

    oid: str
    seen_at: int
    proof: AttestedProof
    action: str
    forge: str | None = None
    account: int | None = None


@dataclass(frozen=True, slots=True)
class KeptCallback:
    """An answer that waits for its wait, as `CallbackKept` says."""

    oid: str
    ref: str
    key: str
    kept_at: int
    principal: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class OpenWaitState:
    """An open wait with what has come in so far; `opened_at` in ms."""

    wait: WaitOpened
    opened_at: int
    seen: tuple[SeenDecision, ...] = ()
    reminded: tuple[int, ...] = ()
    change: ChangeOpened | None = None
    standing: ChangeSeen | None = None
    attested: tuple[SeenAttestation, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The projection. `seq` and `at` are those of the last event."""

    run: str
    slug: str
    label: str
    status: RunStatus
    seq: int
    at: int
    started: int
    epoch: int
    owner: str
    starter: str | None
    starter_key: str | None
    ended: int | None = None
    steps_done: int = 0
    steps_begun: int = 0
    requests_seen: tuple[str, ...] = ()
    steps: tuple[OpenStep, ...] = ()
    timers: tuple[OpenTimer, ...] = ()
    waits: tuple[OpenWaitState, ...] = ()
    cancel: tuple[str, str | None, int] | None = None  # by, reason, cleanup deadline
    output: str | None = None  # hex SHA-256
    failure: Failure | None = None
    admission: Admission | None = None
    kept: tuple[KeptCallback, ...] = ()  # answers that came early, oldest first
    queued: bool = False  # not yet admitted to its slot: nothing of it has begun

    @property
    def is_over(self) -> bool:
        """Whether a terminal event stands in the history."""
        return self.status in ENDED

    def step(self, identity: str) -> OpenStep | None:
        """The open step of that identity."""
        return next((s for s in self.steps if s.identity == identity), None)

    def wait(self, folder: str) -> OpenWaitState | None:
        """The open wait in that folder."""
        return next((w for w in self.waits if w.wait.folder == folder), None)


_NAMES = tuple(field.name for field in fields(Run))
_values = attrgetter(*_NAMES)
_setters = {name: getattr(Run, name).__set__ for name in _NAMES}


def changed(run: Run, **changes: object) -> Run:
    """As `dataclasses.replace`, which took a tenth of the time of a run of pure steps."""
    made = object.__new__(Run)
    for put, value in zip(_setters.values(), _values(run), strict=True):
        put(made, value)
    for name, value in changes.items():
        _setters[name](made, value)
    return made


def moved_on(run: Run, after: Run, seq: int, at: int, status: RunStatus) -> Run:
    """`after`, the run as one event changed it, at that event: itself if nobody else can hold it yet.

    `after` is either `run`, which is copied, or was made by `changed` for the caller alone.
    """
    if after is run:
        return changed(run, seq=seq, at=at, status=status)
    _setters["seq"](after, seq)
    _setters["at"](after, at)
    _setters["status"](after, status)
    return after
