"""Whether this machine's wall clock is believed: held against the monotonic clock and what is on record."""

from __future__ import annotations

from gitflow_runner.runner.clock import Clock

DRIFT_MS = 60_000  # between the two clocks since this process began; more is a jump (protocol 4.5)
STEP_MS = 1_000  # clocks that are kept by others are set back by less than this every day


class ClockWatch:
    """One for a process; a jump is forgotten when the clocks agree again, or by starting a new process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart = clock.now_ms() - clock.monotonic_ms()

    def doubt(self, recorded: int) -> str | None:
        """Why no time is to be judged now, None if it may; `recorded` (ms) is the highest time on record."""
        now = self._clock.now_ms()
        jumped = now - self._clock.monotonic_ms() - self._apart
        if abs(jumped) > DRIFT_MS:
            way = "ahead" if jumped > 0 else "back"
            return f"this machine's clock was set {way} by {abs(jumped) // 1_000} s while this process ran"
        if now + STEP_MS < recorded:
            return f"this machine's clock is {(recorded - now) // 1_000} s behind what is on record"
        return None
