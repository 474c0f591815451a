"""What a driver has decided and not yet made durable: events, files, and the state they lead to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gitflow_runner.git.objects import Ident, Oid
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.model.event import Event, Recorded, StepStarted, StepSucceeded
from gitflow_runner.model.projection import apply
from gitflow_runner.model.run import Run
from gitflow_runner.runner.clock import Clock

FLUSH_AFTER_MS = 50  # architecture 2.4


class Observer(Protocol):
    """Who is told of each event as it is added."""

    def __call__(self, events: Sequence[Recorded], /) -> None: ...


class Buffer:
    """Numbers and times events, folds them, and writes them as one turn when told to."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._run = journal.run
        self._pending: list[Recorded] = []
        self._files: dict[str, bytes] = {}
        self._observer: Observer | None = None
        self._durable: list[Callable[[], None]] = []
        self._flushed_at = clock.monotonic_ms()
        self._effect_result = False

    @property
    def run(self) -> Run:
        """The state after everything added, durable or not."""
        return self._run

    @property
    def history(self) -> tuple[Recorded, ...]:
        """Everything durable plus everything pending."""
        return (*self._journal.history(), *self._pending)

    @property
    def tip(self) -> Oid:
        """The last durable turn."""
        return self._journal.tip

    @property
    def pending(self) -> bool:
        """Whether anything waits to be made durable."""
        return bool(self._pending)

    @property
    def holds_effect_result(self) -> bool:
        """Whether the result of an announced effect is among what is pending."""
        return self._effect_result

    @property
    def is_stale(self) -> bool:
        """Whether the last turn is so long ago that a finished step should be made durable now."""
        return self._clock.monotonic_ms() - self._flushed_at >= FLUSH_AFTER_MS

    def observe(self, observer: Observer) -> None:
        """Tell `observer` of every event from now on."""
        self._observer = observer

    def add(self, event: Event) -> Recorded:
        """Record an event in the pending turn; it is not durable and nobody outside may be told of it."""
        at = max(self._clock.now_ms(), self._run.at)
        recorded = Recorded(self._run.seq + 1, at, event)
        self._run = apply(self._run, recorded)
        self._pending.append(recorded)
        if isinstance(event, StepSucceeded):
            self._effect_result = self._effect_result or self._announced(event.identity)
        if self._observer is not None:
            self._observer((recorded,))
        return recorded

    def put(self, path: str, data: bytes) -> None:
        """Add a file to the pending turn's tree."""
        self._files[path] = data

    def when_durable(self, act: Callable[[], None]) -> None:
        """Run `act` once the pending turn is durable."""
        self._durable.append(act)

    def flush(
        self,
        *,
        parents: Sequence[Oid] = (),
        author: Ident | None = None,
        removed: Sequence[str] = (),
    ) -> None:
        """Make all that is pending durable as one turn; a no-op without events."""
        if self._pending:
            turn = Turn(tuple(self._pending), dict(self._files), tuple(removed), tuple(parents), author)
            self._journal.append(turn)
            self._pending.clear()
            self._files.clear()
            self._effect_result = False
            acts, self._durable = self._durable, []
            for act in acts:
                act()
        self._flushed_at = self._clock.monotonic_ms()

    def _announced(self, identity: str) -> bool:
        # An effect whose start is already durable was announced by an earlier turn.
        return not any(
            isinstance(r.event, StepStarted) and r.event.identity == identity for r in self._pending
        )
