"""What a turn's commit message says: a subject for people and trailers for `git log`.

Both follow from the events alone, so that a verifier can say them again; no decision reads them.
Values are one line, control characters escaped, at most 200 bytes (protocol 5.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, assert_never

from gitflow_runner.git.objects import Oid
from gitflow_runner.model.change import ChangeCleared, ChangeOpened, ChangeSeen, DecisionAttested
from gitflow_runner.model.event import (
    BranchTaken,
    CallbackKept,
    CancelAsked,
    DecisionSeen,
    Event,
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
from gitflow_runner.model.run import OpenWaitState, Run

_LIMIT: Final = 200  # bytes of one value

# What a turn is about is the first event of the lowest rank; kinds not named here come last.
_RANKS: Final[dict[type, int]] = {
    RunSucceeded: 0,
    RunFailed: 0,
    RunCancelled: 0,
    RunTerminated: 0,
    RunTimedOut: 0,
    RunStarted: 1,
    RunAdmitted: 1,
    WaitOpened: 2,
    WaitResolved: 2,
    LeaseAcquired: 3,
    CancelAsked: 3,
    RunPaused: 3,
    RunResumed: 3,
    StepUnknown: 4,
    StepResolved: 4,
    StepFailed: 5,
    StepSkipped: 5,
    StepSucceeded: 6,
    TimerFired: 6,
    TimerSet: 7,
    StepStarted: 8,
}


def clean(text: str, limit: int = _LIMIT) -> str:
    """`text` as one line of at most `limit` bytes; what does not print is escaped, a cut ends in `…`."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escape(c) for c in text)
    data = text.strip().encode()
    if len(data) > limit:
        return data[: limit - 3].decode("utf-8", "ignore") + "…"
    return data.decode() or "-"


def utc(millis: int) -> str:
    """A time in ms as `2026-11-25T10:25:19Z`."""
    return datetime.fromtimestamp(millis // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main_event(recorded: Sequence[Recorded]) -> Event:
    """The event that names the turn."""
    return min((r.event for r in recorded), key=lambda e: _RANKS.get(type(e), 9))


def parents_of(recorded: Sequence[Recorded], resolved: Mapping[str, OpenWaitState]) -> tuple[Oid, ...]:
    """The commits that these events consume and that become parents: requests and counted decisions.

    Callbacks are copied and never parents (protocol 6.9).
    """
    found: dict[Oid, None] = {}
    for event in (r.event for r in recorded):
        match event:
            case RunStarted(request=str(oid)):
                found[Oid(oid)] = None
            case RequestSeen(reason=None, oid=oid):
                found[Oid(oid)] = None
            case WaitResolved() if resolved[event.folder].wait.wait != "event":
                # What the runner bears witness to lies in the tree: it would draw the project into the run.
                inside = {attested.oid for attested in resolved[event.folder].attested}
                found.update((Oid(oid), None) for oid in event.counted if oid not in inside)
            case _:
                pass
    return tuple(found)


def resolved_by(event: Event, before: Run | None) -> dict[str, OpenWaitState]:
    """The wait that the event resolves, as it was `before`, by its folder; empty if it resolves none."""
    state = before.wait(event.folder) if isinstance(event, WaitResolved) and before is not None else None
    return {} if state is None else {state.wait.folder: state}


def compose(
    after: Run,
    recorded: Sequence[Recorded],
    resolved: Mapping[str, OpenWaitState],
    wait_commit: Callable[[str], Oid],
    *,
    subject: str | None = None,
) -> str:
    """The whole message; `resolved` holds the waits that the events resolve, as they were just before."""
    main = main_event(recorded)
    more = f" +{len(recorded) - 1}" if len(recorded) > 1 else ""
    first = clean(subject) if subject is not None else clean(_describe(main)) + more
    return "\n".join([first, "", *turn_trailers(after, recorded, resolved, wait_commit)]) + "\n"


def turn_trailers(
    after: Run,
    recorded: Sequence[Recorded],
    resolved: Mapping[str, OpenWaitState],
    wait_commit: Callable[[str], Oid],
) -> list[str]:
    """The lines of the message's last paragraph."""
    main = main_event(recorded)
    first, last = recorded[0].seq, recorded[-1].seq
    step = getattr(main, "identity", None)
    lines = [
        _trailer("Run", after.run),
        _trailer("Flow", after.slug),
        _trailer("Release", after.label),
        _trailer("Seq", str(first) if first == last else f"{first}-{last}"),
        _trailer("Event", main.kind),
        *([] if step is None else [_trailer("Step", step)]),
        _trailer("Status", after.status),
        _trailer("Epoch", str(after.epoch)),
    ]
    for event in (r.event for r in recorded):
        match event:
            case WaitOpened():
                lines += _opened(event)
            case WaitResolved():
                lines += _resolved(event, resolved[event.folder], wait_commit)
            case _:
                pass
    for event in (r.event for r in recorded):
        lines += _messages(event, resolved)
    return lines


def _opened(event: WaitOpened) -> list[str]:
    policy = [] if event.policy is None else [_trailer("Policy", event.policy)]
    return [
        _trailer("Wait", event.folder),
        _trailer("Payload", event.payload),
        *policy,
        _trailer("Deadline", utc(event.deadline)),
    ]


def _resolved(event: WaitResolved, state: OpenWaitState, wait_commit: Callable[[str], Oid]) -> list[str]:
    seen = {s.oid: s for s in state.seen}
    counted = [seen[oid] for oid in event.counted if oid in seen]
    return [
        _trailer("Wait", event.folder),
        _trailer("Wait-Commit", wait_commit(event.folder)),
        _trailer("Outcome", event.outcome),
        _trailer("Quorum", f"{len(event.by)}/{state.wait.need}"),
        *(
            _trailer("Approved-By", f"{s.principal or '-'} {s.fingerprint or s.level} {utc(s.seen_at)}")
            for s in counted
            if event.outcome == "approved"
        ),
    ]


def _messages(event: Event, resolved: Mapping[str, OpenWaitState]) -> list[str]:
    match event:
        case DecisionSeen(reason=str(reason), oid=oid) | RequestSeen(reason=str(reason), oid=oid):
            return [_trailer("Refused", f"{oid} {reason}")]
        case RequestSeen(oid=oid) | RunStarted(request=str(oid)) | CallbackKept(oid=oid):
            return [_trailer("Consumed", oid)]
        case WaitResolved(counted=counted, folder=folder) if resolved[folder].wait.wait == "event":
            return [_trailer("Consumed", oid) for oid in counted]
        case _:
            return []


def _trailer(key: str, value: str) -> str:
    return f"Gitflow-{key}: {clean(value)}"


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _name(folder: str) -> str:
    return folder[6:]


def _judged(reason: str | None, otherwise: str) -> str:
    return otherwise if reason is None else f"refused ({reason})"


def _stands(event: ChangeSeen) -> str:
    return event.standing if event.reason is None else f"{event.standing} ({event.reason})"


def _begun(event: RunStarted) -> str:
    return "queued" if event.admission is not None and event.admission.is_waiting else "started"


def _by(people: tuple[str, ...]) -> str:
    return f"by {', '.join(people)}" if people else ""


def _describe(event: Event) -> str:
    match event:
        case RunStarted():
            return f"run {event.slug} {_begun(event)} by {event.starter or 'unknown'} ({event.label})"
        case RunAdmitted():
            return "run admitted to its slot"
        case StepStarted():
            return f"step {_name(event.folder)} started (attempt {event.attempt})"
        case StepSucceeded():
            return f"step {_name(event.folder)} succeeded (attempt {event.attempt}, {event.took_ms} ms)"
        case StepFailed():
            return f"step {_name(event.folder)} failed (attempt {event.attempt}, {event.failure.code})"
        case StepSkipped():
            return f"step {_name(event.folder)} skipped ({event.failure.code})"
        case StepUnknown():
            return f"step {_name(event.folder)} has an unknown outcome (attempt {event.attempt})"
        case StepResolved():
            return f"step {_name(event.folder)} resolved as {event.decision} by {event.by}"
        case TimerSet():
            return f"timer {_name(event.folder)} set until {utc(event.until)}"
        case TimerFired():
            return f"timer {_name(event.folder)} fired"
        case BranchTaken():
            return f"{event.label} {event.choice}"
        case WaitOpened():
            return f"wait {_name(event.folder)} opened: {event.title}"
        case CallbackKept():
            return f"answer {event.oid[:10]} kept for {event.key}"
        case WaitReminded():
            return f"wait {_name(event.folder)} reminded"
        case ChangeOpened():
            return f"change of {_name(event.folder)} opened: {event.url or event.forge}"
        case ChangeSeen():
            return f"change of {_name(event.folder)} {_stands(event)}"
        case ChangeCleared():
            return f"change of {_name(event.folder)} cleared away: {event.change}, branch {event.branch}"
        case DecisionAttested():
            return f"decision {event.oid[:10]} for {_name(event.folder)} attested ({event.proof})"
        case DecisionSeen():
            return f"decision {event.oid[:10]} for {_name(event.folder)} {_judged(event.reason, 'seen')}"
        case WaitResolved():
            return f"wait {_name(event.folder)} {event.outcome} {_by(event.by)}"
        case RequestSeen():
            return f"request {event.act} {_judged(event.reason, 'taken')}"
        case RunPaused():
            return f"run paused by {event.by}"
        case RunResumed():
            return f"run resumed by {event.by}"
        case CancelAsked():
            return f"cancel asked by {event.by}"
        case RunSucceeded():
            return "run succeeded"
        case RunFailed():
            return f"run failed ({event.failure.code})"
        case RunCancelled():
            return f"run cancelled by {event.by}"
        case RunTerminated():
            return f"run terminated by {event.by}"
        case RunTimedOut():
            return f"run timed out (limit {event.limit_ms} ms)"
        case LateResult():
            return f"late result of {_name(event.folder)} ({'succeeded' if event.succeeded else 'failed'})"
        case LeaseAcquired():
            return f"lease acquired by {event.owner} (epoch {event.epoch})"
        case _:
            assert_never(event)
