"""What a driver has decided and not yet made durable: when to write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.git.objects import Ident, Oid
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.model.event import Event, Recorded, StepStarted, StepSucceeded
from gitflow_runner.model.run import Run
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.masking import masked

FLUSH_AFTER_MS = 50  # architecture 2.4


class Observer(Protocol):
    """Who is told of each event as it is added."""

    def __call__(self, events: Sequence[Recorded], /) -> None: ...


class Buffer:
    """The journal with a sense of time: notes events, tells the engine, and decides when to write.

    Nothing gets past `redactor`: what the engine hears of an event is what the turn will hold (protocol 2.1).
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        told: Observer | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        """`told` hears of events once they are durable, and only then (protocol 1.5)."""
        self.redactor = redactor if redactor is not None else Redactor()
        self._journal = journal
        self._clock = clock
        self._told = told
        self._observer: Observer | None = None
        self._durable: list[Callable[[], None]] = []
        self._flushed_at = clock.monotonic_ms()
        self._announced: set[str] = set()
        self._effect_result = False

    @property
    def journal(self) -> Journal:
        """The chain below."""
        return self._journal

    @property
    def run(self) -> Run:
        """The state after everything added, durable or not."""
        return self._journal.ahead

    @property
    def history(self) -> tuple[Recorded, ...]:
        """Everything durable plus everything pending."""
        return self._journal.history()

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

    def add(self, *events: Event, at: int | None = None) -> tuple[Recorded, ...]:
        """Note events for the next turn; nobody outside may be told of them before that is durable.

        `at` (ms) is the moment that a time within the events was reckoned from; else it is now.
        """
        events = tuple(masked(event, self.redactor) for event in events)
        recorded = self._journal.note(events, self._clock.now_ms() if at is None else at)
        for event in events:
            if isinstance(event, StepSucceeded) and event.identity in self._announced:
                self._effect_result = True
        if self._observer is not None:
            self._observer(recorded)
        return recorded

    def put(self, path: str, data: bytes) -> None:
        """Add a file to the next turn's tree."""
        self._journal.attach({path: self.redactor.data(data)})

    def when_durable(self, act: Callable[[], None]) -> None:
        """Run `act` once the pending turn is durable."""
        self._durable.append(act)

    def flush(
        self,
        *,
        files: Mapping[str, bytes] | None = None,
        parents: Sequence[Oid] = (),
        author: Ident | None = None,
        subject: str | None = None,
    ) -> None:
        """Make all that is pending durable as one turn; a no-op without events."""
        noted = self._journal.noted
        if noted:
            now = self._clock.now_ms()
            clean = {path: self.redactor.data(data) for path, data in (files or {}).items()}
            turn = Turn((), now, clean, parents=tuple(parents), author=author, subject=subject)
            self._journal.append(turn)
            self._announced = {
                r.event.identity
                for r in noted
                if isinstance(r.event, StepStarted) and r.event.effect in ("keyed", "unsafe")
            }
            self._effect_result = False
            acts, self._durable = self._durable, []
            for act in acts:
                act()
            if self._told is not None:
                self._told(noted)
        self._flushed_at = self._clock.monotonic_ms()
