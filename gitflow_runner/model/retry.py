"""When a failed attempt is followed by another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_attempts` counts the first one; lengths are in ms."""

    max_attempts: int = 1
    backoff_ms: int = 1_000
    growth: Literal["constant", "linear", "exponential"] = "exponential"
    factor: float = 2.0
    step_ms: int = 0
    max_ms: int = 300_000

    def delay(self, attempt: int, *, asked_ms: int | None, share: float) -> int:
        """Milliseconds to wait after the failed `attempt` (from 1).

        Never shorter than `asked_ms` (Retry-After); `share` in [0, 1) is the caller's jitter and adds up
        to a tenth, so that many runs do not come back at once.
        """
        match self.growth:
            case "constant":
                base = float(self.backoff_ms)
            case "linear":
                base = float(self.backoff_ms + self.step_ms * (attempt - 1))
            case "exponential":
                base = self.backoff_ms * self.factor ** min(attempt - 1, 63)
        bounded = min(base, float(self.max_ms))
        return max(int(bounded * (1 + share / 10)), asked_ms or 0)

    def another(self, attempt: int) -> bool:
        """Whether an attempt may follow the failed `attempt`."""
        return attempt < self.max_attempts
