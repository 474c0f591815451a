"""Time and chance as the runner hands them down: the system's, and a clock that is moved by hand."""

from __future__ import annotations

import random
import secrets
import threading
import time
from typing import Protocol

_RUNS_ON = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


class Clock(Protocol):
    """Wall time, monotonic time, and waiting; the only way anything below gets to know them."""

    def now_ms(self) -> int:
        """Wall clock, ms since the epoch."""
        ...

    def monotonic_ms(self) -> int:
        """A clock that never jumps."""
        ...

    def pause(self, ms: int) -> None:
        """Let `ms` pass; may return early when somebody wakes this process."""
        ...

    def sleep_ms(self, duration_ms: int) -> None:
        """Let that much time pass, for the short moments between two tries at a lock."""
        ...


class Jitter(Protocol):
    """Chance."""

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...

    def token(self, length: int) -> str:
        """Random letters and digits of the run id's alphabet."""
        ...

    def seed(self) -> bytes:
        """32 bytes fit for a key."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self._stop = threading.Event()

    def now_ms(self) -> int:
        """Wall clock, ms since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Monotonic clock in ms; it runs on while the machine sleeps, so that waking up is no jump."""
        return time.clock_gettime_ns(_RUNS_ON) // 1_000_000

    def pause(self, ms: int) -> None:
        """Sleep until the time has passed or `wake` is called."""
        self._stop.wait(ms / 1_000)

    def sleep_ms(self, duration_ms: int) -> None:
        """Sleep for a moment that nobody should cut short."""
        time.sleep(duration_ms / 1_000)

    def wake(self) -> None:
        """End every pause, now and later: the process is to stop."""
        self._stop.set()


class ManualClock:
    """A clock that moves only when told, or while somebody pauses on it."""

    def __init__(self, now_ms: int) -> None:
        self._now = now_ms
        self._passed = 0

    def now_ms(self) -> int:
        """The time that was set."""
        return self._now

    def monotonic_ms(self) -> int:
        """What has passed since the start."""
        return self._passed

    def pause(self, ms: int) -> None:
        """Let the time pass at once."""
        self.move(ms)

    def sleep_ms(self, duration_ms: int) -> None:
        """Let the time pass at once."""
        self.move(duration_ms)

    def move(self, ms: int) -> None:
        """Let `ms` pass."""
        self._now += ms
        self._passed += ms

    def set(self, now_ms: int) -> None:
        """Set the wall clock, as people do; no time passes."""
        self._now = now_ms


class SystemJitter:
    """The machine's chance."""

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return random.random()

    def token(self, length: int) -> str:
        """Random letters and digits."""
        return "".join(secrets.choice(BASE32) for _ in range(length))

    def seed(self) -> bytes:
        """32 bytes from the operating system."""
        return secrets.token_bytes(32)


class CountedJitter:
    """Chance that repeats itself: for rehearsals and tests."""

    def __init__(self, start: int = 0) -> None:
        self._count = start

    def fraction(self) -> float:
        """Always the middle."""
        return 0.5

    def token(self, length: int) -> str:
        """The next number, written in the alphabet."""
        self._count += 1
        value, letters = self._count, ""
        for _ in range(length):
            value, digit = divmod(value, len(BASE32))
            letters = BASE32[digit] + letters
        return letters

    def seed(self) -> bytes:
        """A different seed at each call."""
        self._count += 1
        return self._count.to_bytes(32, "big")
