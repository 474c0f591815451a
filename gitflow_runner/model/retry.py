"""When a failed attempt is followed by another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_attempts` counts the first one; lengths are in ms.

    `retry_on` names what is worth another try: codes (`http.timeout`), families (`http`), statuses (`503`);
    None leaves that to whoever raised the error.
    """

    max_attempts: int = 1
    backoff_ms: int = 1_000
    growth: Literal["constant", "linear", "exponential"] = "exponential"
    factor: float = 2.0
    step_ms: int = 0
    max_ms: int = 300_000
    retry_on: tuple[str, ...] | None = None

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

    def another(self, attempt: int, code: str, status: object, *, retryable: bool) -> bool:
        """Whether an attempt may follow the failed `attempt`, which ended with this error.

        A cancel is never tried again, whatever is named.
        """
        if attempt >= self.max_attempts or code == "step.cancelled":
            return False
        if self.retry_on is None:
            return retryable
        return not {code, code.partition(".")[0], str(status)}.isdisjoint(self.retry_on)
