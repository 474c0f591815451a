"""Points in time as people type them and as they are printed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gitflow_runner.errors import UsageError

_SECONDS = re.compile(r"[0-9]{1,12}")
_AGO = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_LENGTHS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def read_moment(text: str, now: int) -> int:
    """Ms of `2026-11-22T09:14:02Z`, of a day (its beginning in UTC), of seconds since 1970, or of `7d` ago.

    Raises `UsageError` (`usage.time`); a time of day without a zone is refused.
    """
    if _SECONDS.fullmatch(text):
        return int(text) * 1_000
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _LENGTHS[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or (moment.tzinfo is None and len(text) > len("2026-11-22")):
        raise UsageError(
            "usage.time",
            f"{text[:40]!r} is no time",
            hint="write 2026-11-22T09:14:02Z, 2026-11-22, seconds since 1970, or 7d",
        )
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000)


def show_moment(at: int) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
