"""Which proposals of a run's history have lost their wait, and why: what is to be cleared away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gitflow_runner.model.change import ChangeCleared, ChangeOpened, Proposal
from gitflow_runner.model.event import (
    Recorded,
    RunCancelled,
    RunFailed,
    RunSucceeded,
    RunTerminated,
    RunTimedOut,
    WaitOpened,
    WaitResolved,
)


@dataclass(frozen=True, slots=True)
class Leftover:
    """One wait's proposal; `why` says how the wait ended, None while it is open."""

    folder: str
    proposal: Proposal
    number: int | None = None
    why: str | None = None


class Proposed:
    """The proposals of one run, followed event by event."""

    def __init__(self) -> None:
        self._standing: dict[str, Leftover] = {}

    def follow(self, events: Iterable[Recorded]) -> None:
        """Take in what was recorded next."""
        for recorded in events:
            self._follow(recorded)

    def owed(self) -> tuple[Leftover, ...]:
        """Those whose wait is over and that nobody has cleared away."""
        return tuple(left for left in self._standing.values() if left.why is not None)

    def drop(self, folder: str) -> None:
        """That one was cleared away, which nothing records any more."""
        self._standing.pop(folder, None)

    def _follow(self, recorded: Recorded) -> None:
        match recorded.event:
            case WaitOpened(folder=folder, proposal=Proposal() as proposal):
                self._standing[folder] = Leftover(folder, proposal)
            case ChangeOpened(folder=folder, number=number) if folder in self._standing:
                self._standing[folder] = replace(self._standing[folder], number=number)
            case WaitResolved(folder=folder) as event if folder in self._standing:
                self._end(folder, _resolved(event))
            case ChangeCleared(folder=folder):
                self._standing.pop(folder, None)
            case RunCancelled(by=by):
                self._end_all(f"the run was cancelled by {by}")
            case RunTerminated(by=by):
                self._end_all(f"the run was terminated by {by}")
            case RunSucceeded() | RunFailed() | RunTimedOut():
                self._end_all("the run ended without it")
            case _:
                pass

    def _end(self, folder: str, why: str) -> None:
        left = self._standing[folder]
        if left.why is None:
            self._standing[folder] = replace(left, why=why)

    def _end_all(self, why: str) -> None:
        for folder in self._standing:
            self._end(folder, why)


def _resolved(event: WaitResolved) -> str:
    if event.outcome == "expired":
        return "nobody decided it in time"
    said = f"it was {event.outcome}"
    if event.action not in (None, "approve", "reject"):
        said += f" ({event.action})"
    if event.by:
        said += f" by {', '.join(event.by)}"
    return said + "".join(f", {oid}" for oid in event.counted[:3])
