"""A history as the body asks it: by step identity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, assert_never

from gitflow_runner.errors import DamagedError
from gitflow_runner.model.change import ChangeCleared, ChangeOpened, ChangeSeen, DecisionAttested
from gitflow_runner.model.event import (
    BranchTaken,
    CallbackKept,
    CancelAsked,
    DecisionSeen,
    LateResult,
    LeaseAcquired,
    Recorded,
    RequestSeen,
    RunAdmitted,
    RunCancelled,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    RunSucceeded,
    RunTerminated,
    RunTimedOut,
    StepFailed,
    StepResolved,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUnknown,
    TimerFired,
    TimerSet,
    WaitOpened,
    WaitReminded,
    WaitResolved,
)
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.stored import Stored

State = Literal["started", "between", "unknown", "open", "done", "failed", "expired", "cancelled"]


@dataclass(slots=True)
class StepRecord:
    """What the history knows of one identity; `seq` and `at` are those of its completion."""

    folder: str
    input_hash: str
    state: State
    attempt: int = 1
    generation: int = 0
    retry_at: int = 0
    output: Stored | None = None  # None with state `done` means nil
    failure: Failure | None = None
    seq: int = 0
    at: int = 0

    @property
    def complete(self) -> bool:
        """Whether the body can go on past this step."""
        return self.state in ("done", "failed", "expired", "cancelled")


class History:
    """Records by identity, plus what concerns the whole run."""

    def __init__(self, events: Iterable[Recorded] = ()) -> None:
        self.steps: dict[str, StepRecord] = {}
        self.scopes: set[str] = set()  # every branch of a parallel form that anything is recorded of
        self.branches: set[str] = set()  # labelled branches that were recorded
        self.started: RunStarted | None = None
        self.started_at = 0
        self.cancel: CancelAsked | None = None
        self.cancel_seq = 0
        self.over = False
        self.last_seq = 0
        for recorded in events:
            self.append(recorded)

    def append(self, recorded: Recorded) -> None:
        """Take one more event; events come in order and without gaps."""
        if recorded.seq != self.last_seq + 1:
            raise DamagedError("history.gap", f"event #{recorded.seq} follows #{self.last_seq}")
        self.last_seq = recorded.seq
        event = recorded.event
        match event:
            case RunStarted():
                self.started, self.started_at = event, recorded.at
            case StepStarted():
                self._step_started(event)
            case StepSucceeded():
                self._complete(recorded, event.identity, "done", output=event.output)
            case StepFailed():
                self._step_failed(recorded, event)
            case StepSkipped():
                self._complete(recorded, event.identity, "done")
            case StepUnknown():
                self.steps[event.identity].state = "unknown"
            case StepResolved():
                self._resolved(recorded, event)
            case TimerSet():
                self._begin(event.identity, StepRecord(event.folder, event.input_hash, "open"))
            case TimerFired():
                self._complete(recorded, event.identity, "done")
            case WaitOpened():
                self._begin(event.identity, StepRecord(event.folder, event.input_hash, "open"))
            case WaitResolved():
                self._wait_resolved(recorded, event)
            case CancelAsked():
                self.cancel, self.cancel_seq = event, recorded.seq
            case RunSucceeded() | RunFailed() | RunCancelled() | RunTerminated() | RunTimedOut():
                self.over = True
            case BranchTaken():
                self.branches.add(event.identity)
            case DecisionSeen() | RequestSeen() | WaitReminded() | LateResult() | LeaseAcquired():
                pass
            case ChangeOpened() | ChangeSeen() | ChangeCleared() | DecisionAttested() | CallbackKept():
                pass
            case RunPaused() | RunResumed() | RunAdmitted():
                pass  # pausing and queueing hold the shell's hand, they change no value
            case _:
                assert_never(event)

    def _begin(self, identity: str, record: StepRecord) -> None:
        self.steps[identity] = record
        if "]/" in identity:
            parts = identity.split("/")
            for end in range(1, len(parts)):
                self.scopes.add("/".join(parts[:end]))

    def _step_started(self, event: StepStarted) -> None:
        known = self.steps.get(event.identity)
        if known is None:
            known = StepRecord(event.folder, event.input_hash, "started")
            self._begin(event.identity, known)
        known.state = "started"
        known.attempt, known.generation = event.attempt, event.generation

    def _step_failed(self, recorded: Recorded, event: StepFailed) -> None:
        record = self.steps[event.identity]
        record.generation += 1 if event.definite else 0
        if event.retry_at is None:
            self._complete(recorded, event.identity, "failed", failure=event.failure)
            return
        record.state, record.retry_at = "between", event.retry_at
        record.attempt = event.attempt + 1

    def _resolved(self, recorded: Recorded, event: StepResolved) -> None:
        match event.decision:
            case "retry":
                record = self.steps[event.identity]
                record.state, record.retry_at = "between", recorded.at
                record.attempt += 1
            case "done":
                self._complete(recorded, event.identity, "done", output=event.output)
            case "fail":
                failure = Failure(
                    "step.unknown_outcome", f"{event.by} took the step as failed", event.identity
                )
                self._complete(recorded, event.identity, "failed", failure=failure)

    def _wait_resolved(self, recorded: Recorded, event: WaitResolved) -> None:
        state: State
        match event.outcome:
            case "expired":
                state = "expired"
            case "cancelled":
                state = "cancelled"
            case _:
                state = "done"
        self._complete(recorded, event.identity, state, output=event.value)

    def _complete(
        self,
        recorded: Recorded,
        identity: str,
        state: State,
        *,
        output: Stored | None = None,
        failure: Failure | None = None,
    ) -> None:
        record = self.steps[identity]
        record.state, record.output, record.failure = state, output, failure
        record.seq, record.at = recorded.seq, recorded.at
