"""What a driving command says while steps happen: one line a change, on stderr or as a JSON stream."""

from __future__ import annotations

from collections.abc import Sequence

from gitflow_runner.cli.output import Output
from gitflow_runner.cli.shown import iso, mark
from gitflow_runner.model.duration import show_duration
from gitflow_runner.model.event import (
    Recorded,
    StepFailed,
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


class Progress:
    """Hears of durable events; `stream` makes it write JSON lines to stdout."""

    def __init__(self, out: Output, *, stream: bool = False) -> None:
        self._out = out
        self._stream = stream
        self._types: dict[str, str] = {}

    def __call__(self, events: Sequence[Recorded], /) -> None:
        for recorded in events:
            if self._stream:
                self._out.jsonl(event_data(recorded))
            else:
                self._say(recorded)

    def _say(self, recorded: Recorded) -> None:
        event = recorded.event
        match event:
            case StepStarted():
                self._types[event.identity] = event.type
            case StepSucceeded():
                self._line("succeeded", event.identity, show_duration(event.took_ms))
            case StepFailed():
                again = "" if event.retry_at is None else f", again at {iso(event.retry_at)}"
                status = "failed" if event.retry_at is None else "retrying"
                self._line(status, event.identity, f"{event.failure.message} ({event.failure.code}){again}")
            case StepSkipped():
                self._line("skipped", event.identity, "")
            case StepUnknown():
                self._line("unknown outcome", event.identity, "a crash left its effect in doubt")
            case TimerSet():
                self._types[event.identity] = "sleep"
                self._line("sleeping", event.identity, f"until {iso(event.until)}")
            case TimerFired():
                self._line("succeeded", event.identity, "")
            case WaitOpened():
                self._types[event.identity] = "wait"
                self._line("waiting", event.identity, event.title)
            case WaitReminded():
                self._line("waiting", event.folder, "still waits")
            case WaitResolved():
                by = f"by {', '.join(event.by)}" if event.by else ""
                self._line(event.outcome, event.identity, by)
            case _:
                pass

    def _line(self, status: str, identity: str, detail: str) -> None:
        kind = self._types.get(identity, "")
        row = (
            f"{mark(self._out, status)} {identity:<20} {':' + kind if kind else '':<10} {status:<10} {detail}"
        )
        self._out.note(row.rstrip())


def event_data(recorded: Recorded) -> dict[str, object]:
    """One event as a line of a JSON stream."""
    event = recorded.event
    data: dict[str, object] = {"seq": recorded.seq, "at": iso(recorded.at), "event": event.kind}
    identity = getattr(event, "identity", None) or getattr(event, "folder", None)
    return data | ({"step": identity} if identity else {})
