"""`fold(events) -> Run`: the one meaning of a history.

The fold refuses what cannot follow (`DamagedError`, `history.*`): a gap in `seq`, time going backwards,
an event after the end, a result for a step that nobody began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, assert_never

from gitflow_runner.errors import DamagedError, Place
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
from gitflow_runner.model.ids import EARLY
from gitflow_runner.model.run import (
    KeptCallback,
    OpenStep,
    OpenTimer,
    OpenWaitState,
    Run,
    RunStatus,
    SeenAttestation,
    SeenDecision,
    changed,
    moved_on,
)

CALL = "call-flow"  # a step that waits for the run which it started
_AFTERWARDS = ("late", "resolved", "duplicate")
_ENDS: Final[Mapping[str, RunStatus]] = {
    RunCancelled.kind: "cancelled",
    RunTerminated.kind: "terminated",
    RunTimedOut.kind: "timed-out",
}
_BEGINNINGS = (StepStarted, TimerSet, WaitOpened, RunSucceeded)  # nothing of these before the admission


def fold(history: Iterable[Recorded]) -> Run:
    """The state after all of `history`; `DamagedError` (`history.empty`) if there is none."""
    run: Run | None = None
    for recorded in history:
        run = apply(run, recorded)
    if run is None:
        raise DamagedError("history.empty", "a run's history holds no event")
    return run


def apply(run: Run | None, recorded: Recorded) -> Run:
    """The state after one more event."""
    event = recorded.event
    if run is None:
        if not isinstance(event, RunStarted) or recorded.seq != 1:
            raise DamagedError("history.start", f"a history begins with {event.kind} #{recorded.seq}")
        queued = event.admission is not None and event.admission.is_waiting
        return Run(
            event.run,
            event.slug,
            event.label,
            "queued" if queued else "running",
            1,
            recorded.at,
            recorded.at,
            event.epoch,
            event.owner,
            event.starter,
            event.starter_key,
            admission=event.admission,
            queued=queued,
        )
    if recorded.seq != run.seq + 1:
        raise _damaged(run, "history.gap", f"event #{recorded.seq} follows #{run.seq}")
    if recorded.at < run.at:
        raise _damaged(run, "history.time", f"event #{recorded.seq} is older than the one before it")
    if run.is_over and not isinstance(event, LateResult):
        raise _damaged(run, "history.ended", f"{event.kind} #{recorded.seq} comes after the end")
    if run.queued and isinstance(event, _BEGINNINGS):
        raise _damaged(
            run, "history.queued", f"{event.kind} #{recorded.seq} comes before the run is admitted"
        )
    after = _applied(run, recorded)
    # Moving on is the only thing every event does; doing it here keeps each case to its own fact.
    return moved_on(run, after, recorded.seq, recorded.at, _status(after))


def _applied(run: Run, recorded: Recorded) -> Run:
    event = recorded.event
    match event:
        case RunStarted():
            raise _damaged(run, "history.start", "a run starts twice")
        case RunAdmitted():
            return _admitted(run, event)
        case StepStarted():
            return _step_started(run, event)
        case StepSucceeded():
            left_steps = _steps_without(run, event.identity, event.attempt)
            return changed(run, steps=left_steps, steps_done=run.steps_done + 1)
        case StepFailed():
            return _step_failed(run, event)
        case StepSkipped():
            return changed(run, steps_done=run.steps_done + 1)
        case StepUnknown():
            return _step_unknown(run, event)
        case StepResolved():
            return _step_resolved(run, event)
        case TimerSet():
            return _timer_set(run, event)
        case TimerFired():
            return _timer_fired(run, event)
        case WaitOpened():
            return _wait_opened(run, recorded.at, event)
        case CallbackKept():
            return _callback_kept(run, recorded.at, event)
        case WaitReminded():
            return _reminded(run, event)
        case ChangeOpened() | ChangeSeen() | DecisionAttested():
            return _change_moved(run, recorded.at, event)
        case DecisionSeen():
            return _decision_seen(run, recorded.at, event)
        case WaitResolved():
            return _wait_resolved(run, event)
        case RequestSeen():
            return changed(run, requests_seen=(*run.requests_seen, event.oid))
        case RunPaused():
            return changed(run, status="paused")
        case RunResumed():
            return changed(run, status="running")
        case CancelAsked():
            return changed(run, cancel=(event.by, event.reason, event.deadline))
        case RunSucceeded():
            return _ended(run, recorded.at, "succeeded", output=event.output.digest)
        case RunFailed():
            return changed(_ended(run, recorded.at, "failed"), failure=event.failure)
        case RunCancelled() | RunTerminated() | RunTimedOut():
            return _ended(run, recorded.at, _ENDS[event.kind])
        case LateResult() | BranchTaken() | ChangeCleared():
            return run
        case LeaseAcquired():
            return _lease_acquired(run, event)
        case _:
            assert_never(event)


def _admitted(run: Run, event: RunAdmitted) -> Run:
    if not run.queued or run.admission is None or run.admission.slot != event.slot:
        raise _damaged(run, "history.queued", "a run is admitted that does not queue for this slot")
    return changed(run, queued=False)


def _timer_set(run: Run, event: TimerSet) -> Run:
    timer = OpenTimer(event.identity, event.folder, event.until)
    return changed(run, timers=(*run.timers, timer), steps_begun=run.steps_begun + 1)


def _wait_opened(run: Run, at: int, event: WaitOpened) -> Run:
    return changed(run, waits=(*run.waits, OpenWaitState(event, at)), steps_begun=run.steps_begun + 1)


def _timer_fired(run: Run, event: TimerFired) -> Run:
    left = tuple(t for t in run.timers if t.identity != event.identity)
    if len(left) == len(run.timers):
        raise _damaged(run, "history.timer", f"no timer runs for {event.identity}")
    return changed(run, timers=left, steps_done=run.steps_done + 1)


def _lease_acquired(run: Run, event: LeaseAcquired) -> Run:
    if event.epoch != run.epoch + 1:
        raise _damaged(run, "history.epoch", f"epoch {event.epoch} follows {run.epoch}")
    return changed(run, epoch=event.epoch, owner=event.owner)


def _status(run: Run) -> RunStatus:
    if run.is_over or run.status == "paused":
        return run.status
    if run.queued:
        return "queued"
    parked = bool(run.waits or run.timers) or any(s.unknown or s.type == CALL for s in run.steps)
    busy = any(s.announced and not s.unknown and s.type != CALL for s in run.steps)
    return "waiting" if parked and not busy else "running"


def _step_started(run: Run, event: StepStarted) -> Run:
    known = run.step(event.identity)
    expected = known.attempt + (0 if known.announced else 1) if known is not None else 1
    if event.attempt != expected or (known is not None and known.announced and not known.unknown):
        raise _damaged(run, "history.step", f"attempt {event.attempt} of {event.identity} begins out of turn")
    step = OpenStep(
        event.identity,
        event.folder,
        event.type,
        event.effect,
        event.attempt,
        event.generation,
        event.key,
        True,
    )
    begun = run.steps_begun + (1 if known is None else 0)
    return changed(run, steps=_steps_with(run, step), steps_begun=begun)


def _step_failed(run: Run, event: StepFailed) -> Run:
    step = _open_step(run, event.identity, event.attempt)
    if event.retry_at is None:
        return changed(run, steps=_steps_without(run, event.identity, event.attempt))
    generation = step.generation + (1 if event.definite else 0)
    return _with_step(
        run, replace(step, announced=False, generation=generation, retry_at=event.retry_at, unknown=False)
    )


def _step_unknown(run: Run, event: StepUnknown) -> Run:
    return _with_step(run, replace(_open_step(run, event.identity, event.attempt), unknown=True))


def _step_resolved(run: Run, event: StepResolved) -> Run:
    step = next((s for s in run.steps if s.identity == event.identity and s.unknown), None)
    if step is None:
        raise _damaged(run, "history.step", f"{event.identity} is not in doubt")
    if event.decision == "retry":
        return _with_step(run, replace(step, unknown=False, announced=False))
    left = _steps_without(run, event.identity, step.attempt)
    return changed(run, steps=left, steps_done=run.steps_done + 1)


def _decision_seen(run: Run, at: int, event: DecisionSeen) -> Run:
    stray = event.reason in _AFTERWARDS or (event.folder == EARLY and event.reason is not None)
    if stray and run.wait(event.folder) is None:
        return run  # it came to a wait that is over or not yet there, and changes nothing
    state = _open_wait(run, event.folder)
    before = next((s for s in state.seen if s.oid == event.oid), None)
    # Judged again after a policy change: the first sight keeps its time.
    seen = SeenDecision(
        event.oid,
        before.seen_at if before else at,
        event.reason,
        event.principal,
        event.decision,
        event.final,
        event.fingerprint,
        event.level,
    )
    kept = tuple(s for s in state.seen if s.oid != event.oid)
    return _with_wait(run, replace(state, seen=(*kept, seen)))


def _callback_kept(run: Run, at: int, event: CallbackKept) -> Run:
    if any(known.oid == event.oid for known in run.kept):
        raise _damaged(run, "history.callback", f"{event.oid} is kept twice")
    kept = KeptCallback(event.oid, event.ref, event.key, at, event.principal, event.fingerprint)
    return changed(run, kept=(*run.kept, kept))


def _wait_resolved(run: Run, event: WaitResolved) -> Run:
    state = _open_wait(run, event.folder)
    if state.wait.wait == "event" and event.outcome == "answered":
        run = _answered(run, state, event)
    left = tuple(w for w in run.waits if w.wait.folder != event.folder)
    return changed(run, waits=left, steps_done=run.steps_done + 1)


def _answered(run: Run, state: OpenWaitState, event: WaitResolved) -> Run:
    """An answer that was kept is used up: it serves one wait."""
    counted = {seen.oid for seen in state.seen if seen.reason is None}
    if len(event.counted) != 1 or not set(event.counted) <= counted:
        raise _damaged(run, "history.callback", f"no answer that counts resolves {event.folder}")
    return changed(run, kept=tuple(each for each in run.kept if each.oid not in event.counted))


def _reminded(run: Run, event: WaitReminded) -> Run:
    state = _open_wait(run, event.folder)
    return _with_wait(run, replace(state, reminded=(*state.reminded, event.due)))


def _change_moved(run: Run, at: int, event: ChangeOpened | ChangeSeen | DecisionAttested) -> Run:
    state = _open_wait(run, event.folder)
    if state.wait.proposal is None:
        raise _damaged(run, "history.wait", f"wait {event.folder} proposes nothing")
    match event:
        case ChangeOpened():
            return _with_wait(run, replace(state, change=event))
        case ChangeSeen():
            return _with_wait(run, replace(state, standing=event))
        case DecisionAttested():
            return _attested(run, at, state, event)


def _attested(run: Run, at: int, state: OpenWaitState, event: DecisionAttested) -> Run:
    if any(known.oid == event.oid for known in state.attested):
        raise _damaged(run, "history.wait", f"{event.oid} is attested twice")
    seen = SeenAttestation(event.oid, at, event.proof, event.action, event.forge, event.account)
    return _with_wait(run, replace(state, attested=(*state.attested, seen)))


def _ended(run: Run, at: int, status: RunStatus, *, output: str | None = None) -> Run:
    return changed(run, status=status, ended=at, waits=(), timers=(), output=output)


def _open_step(run: Run, identity: str, attempt: int) -> OpenStep:
    step = run.step(identity)
    if step is None or step.attempt != attempt or not step.announced:
        raise _damaged(run, "history.step", f"attempt {attempt} of {identity} was not begun")
    return step


def _open_wait(run: Run, folder: str) -> OpenWaitState:
    state = run.wait(folder)
    if state is None:
        raise _damaged(run, "history.wait", f"wait {folder} is not open")
    return state


def _with_step(run: Run, step: OpenStep) -> Run:
    return changed(run, steps=_steps_with(run, step))


def _steps_with(run: Run, step: OpenStep) -> tuple[OpenStep, ...]:
    return (*(s for s in run.steps if s.identity != step.identity), step)


def _steps_without(run: Run, identity: str, attempt: int) -> tuple[OpenStep, ...]:
    step = _open_step(run, identity, attempt)
    return tuple(s for s in run.steps if s is not step)


def _with_wait(run: Run, state: OpenWaitState) -> Run:
    folder = state.wait.folder
    return changed(run, waits=tuple(state if w.wait.folder == folder else w for w in run.waits))


def _damaged(run: Run, code: str, message: str) -> DamagedError:
    return DamagedError(code, f"run {run.run}: {message}", at=Place(context={"run": run.run}))
