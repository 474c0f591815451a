"""Lengths of time as flows write them: whole seconds, or `500ms 10s 5m 2h 1d`."""

from __future__ import annotations

import re

from gitflow_runner.errors import UsageError

MAX_POLL_MS = 3_600_000  # how long `flow/poll` goes on at most
MAX_POLL_ATTEMPTS = 100

_TEXT = re.compile(r"(\d{1,12})\s*(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_duration(value: object, *, bare_unit_ms: int = 1_000) -> int:
    """Milliseconds of `value`: an integer counts `bare_unit_ms` each, a text names its unit.

    Raises `UsageError` (`duration.malformed`) for anything else, negative lengths included.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value * bare_unit_ms
    if isinstance(value, str):
        match = _TEXT.fullmatch(value.strip())
        if match:
            return int(match[1]) * _UNIT_MS[match[2]]
    raise UsageError(
        "duration.malformed",
        f"{str(value)[:40]!r} is not a length of time",
        hint="write whole seconds, or a text such as 500ms, 10s, 5m, 2h, 1d",
    )


def show_duration(ms: int) -> str:
    """A length as people read it: `812 ms`, `12.4 s`, `4 min`, `2 h`, `3 d`."""
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.1f} s".replace(".0 s", " s")
    for unit, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min")):
        if ms >= unit:
            whole, rest = divmod(ms, unit)
            return f"{whole} {name}" if rest < unit / 10 else f"{ms / unit:.1f} {name}"
    raise AssertionError(ms)
