"""Whether the attempt in hand should stop: its process ends, its time is over, or its run is cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.clock import Clock

LOOK_EVERY_MS = 1_000


class Cancelling:
    """Hears of a cancel while a step is busy: whoever asks for one wakes the run's holder (protocol 4.6)."""

    def __init__(
        self, buffer: Buffer, clock: Clock, take_wake: Callable[[], bool], look: Callable[[], None]
    ) -> None:
        """`look` reads and judges requests; it is called in the driver's thread, where somebody woke us."""
        self._buffer = buffer
        self._clock = clock
        self._take_wake = take_wake
        self._look = look
        self._looked_at = clock.monotonic_ms()

    @property
    def is_taken(self) -> bool:
        """Whether a cancel stands in the history."""
        return self._buffer.run.cancel is not None

    def look(self) -> bool:
        """The same after a look at what was sent since, at most one a second."""
        now = self._clock.monotonic_ms()
        if now - self._looked_at >= LOOK_EVERY_MS:
            self._looked_at = now
            if not self.is_taken and self._take_wake():
                self._look()
        return self.is_taken


@dataclass
class Deadline:
    """Stops an attempt; one that was begun under a cancel is cleanup, which only its own time stops."""

    clock: Clock
    deadline_ms: int
    stop: Callable[[], bool]
    cancelling: Cancelling
    is_cleanup: bool

    def asked(self) -> bool:
        """Whether the attempt should end now."""
        if self.stop() or self.clock.monotonic_ms() >= self.deadline_ms:
            return True
        return not self.is_cleanup and self.cancelling.look()


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """Stops what no attempt's time bounds, only its own, when the process is to end."""

    stop: Callable[[], bool]

    def asked(self) -> bool:
        """Whether the process is to end."""
        return self.stop()
