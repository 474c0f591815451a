"""What screens show of a run: folded from its history, bounded, with the next commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.ledger.listing import RunRef
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
from gitflow_runner.model.run import Run
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.slots import Queued

_UNDER_WAY = frozenset(("running", "retrying", "sleeping", "waiting"))
PREVIEW = 4 * 1024  # characters of one value


@dataclass(slots=True)
class StepView:
    """One step as people see it; times in ms."""

    identity: str
    folder: str
    type: str
    status: str
    attempt: int = 1
    started: int | None = None
    ended: int | None = None
    took_ms: int | None = None
    output: Stored | None = None
    failure: Failure | None = None
    by: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class BranchView:
    """Which way a labelled branch went; `after` is how many steps had begun by then."""

    after: int
    identity: str
    label: str
    choice: str
    taken: bool


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as people see it; `findings` say why it is not to be trusted."""

    at: RunRef
    run: Run
    steps: tuple[StepView, ...]
    branches: tuple[BranchView, ...] = ()
    findings: tuple[Finding, ...] = ()
    output: Stored | None = None
    refused: tuple[DecisionSeen, ...] = ()
    requests: tuple[RequestSeen, ...] = ()
    queued: Queued | None = None

    @property
    def trusted(self) -> bool:
        """Whether the history verifies."""
        return not self.findings


def view_run(
    at: RunRef,
    run: Run,
    history: Sequence[Recorded],
    findings: tuple[Finding, ...],
    queued: Queued | None = None,
) -> RunView:
    """Fold the history into what is shown."""
    steps: dict[str, StepView] = {}
    refused: list[DecisionSeen] = []
    requests: list[RequestSeen] = []
    branches: list[BranchView] = []
    output = None
    for recorded in history:
        event = recorded.event
        if isinstance(event, RunSucceeded):
            output = event.output
        elif isinstance(event, DecisionSeen) and event.reason is not None:
            refused.append(event)
        elif isinstance(event, RequestSeen):
            requests.append(event)
        elif isinstance(event, BranchTaken):
            branches.append(BranchView(len(steps), event.identity, event.label, event.choice, event.taken))
        _note(steps, recorded)
    if run.is_over:
        for step in steps.values():
            # What was under way when the run ended came to nothing that the run could use.
            step.status = "cancelled" if step.status in _UNDER_WAY else step.status
    return RunView(
        at,
        run,
        tuple(steps.values()),
        tuple(branches),
        findings,
        output,
        tuple(refused),
        tuple(requests),
        queued,
    )


def _note(steps: dict[str, StepView], recorded: Recorded) -> None:
    event, at = recorded.event, recorded.at
    match event:
        case StepStarted():
            view = steps.setdefault(
                event.identity, StepView(event.identity, event.folder, event.type, "running", started=at)
            )
            view.status, view.attempt = "running", event.attempt
        case StepSucceeded():
            view = steps[event.identity]
            view.status, view.ended, view.took_ms, view.output = "succeeded", at, event.took_ms, event.output
            view.note = "ran again after a crash" if event.repeated else None
        case StepFailed():
            _fail(steps[event.identity], event, at)
        case StepSkipped():
            if event.identity in steps:
                steps[event.identity].status = "skipped"
        case StepUnknown():
            steps[event.identity].status = "unknown outcome"
        case StepResolved():
            view = steps[event.identity]
            view.status = {"retry": "running", "done": "succeeded", "fail": "failed"}[event.decision]
            view.by, view.output = (event.by,), event.output
        case TimerSet():
            steps[event.identity] = StepView(event.identity, event.folder, "sleep", "sleeping", started=at)
        case TimerFired():
            _end(steps[event.identity], "succeeded", at)
        case WaitOpened():
            steps[event.identity] = StepView(event.identity, event.folder, "wait", "waiting", started=at)
        case WaitResolved():
            view = steps[event.identity]
            _end(view, event.outcome, at)
            view.by, view.output = event.by, event.value
        case (
            RunStarted()
            | RunAdmitted()
            | WaitReminded()
            | CallbackKept()
            | ChangeOpened()
            | ChangeSeen()
            | ChangeCleared()
            | DecisionAttested()
            | DecisionSeen()
            | RequestSeen()
            | RunPaused()
            | RunResumed()
            | CancelAsked()
            | RunSucceeded()
            | RunFailed()
            | RunCancelled()
            | RunTerminated()
            | RunTimedOut()
            | LateResult()
            | LeaseAcquired()
            | BranchTaken()
        ):
            pass
        case _:
            assert_never(event)


def _fail(view: StepView, event: StepFailed, at: int) -> None:
    view.failure, view.took_ms = event.failure, event.took_ms
    view.status, view.ended = ("failed", at) if event.retry_at is None else ("retrying", None)


def _end(view: StepView, status: str, at: int) -> None:
    view.status, view.ended = status, at
    view.took_ms = at - view.started if view.started is not None else None


def preview(stored: Stored | None, limit: int = PREVIEW) -> tuple[str | None, bool]:
    """The beginning of a value's text, and whether it was cut."""
    if stored is None:
        return None, False
    text = stored.text
    return (text, False) if len(text) <= limit else (text[:limit], True)
