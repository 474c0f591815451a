"""Instants by a pattern of letters, as Java's `DateTimeFormatter` has them; UTC and English."""

from __future__ import annotations

import re
from datetime import datetime

from gitflow_runner.lang.instants import moment
from gitflow_runner.lang.throwing import illegal
from gitflow_runner.lang.values import Instant

_TOKEN = re.compile(r"([A-Za-z])\1*|'((?:[^']|'')*)'|.", re.S)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def formatted(instant: Instant, pattern: str) -> str:
    """The instant in UTC, laid out by the pattern; an exception for letters that are not known."""
    try:
        when = moment(instant)
    except ValueError as error:
        raise illegal(str(error)) from None
    if len(pattern) > 200:
        raise illegal("the pattern is too long")
    return "".join([_part(match, when) for match in _TOKEN.finditer(pattern)])


def _part(match: re.Match[str], when: datetime) -> str:
    text, letter = match.group(), match.group(1)
    if match.group(2) is not None:
        return match.group(2).replace("''", "'") or "'"
    if letter is None:
        return text
    width = len(text)
    match letter:
        case "y" | "u":
            return f"{when.year % 100:02d}" if width == 2 else str(when.year).zfill(width)
        case "M" | "L":
            return _name(_MONTHS[when.month - 1], width) or str(when.month).zfill(width)
        case "E":
            name = _DAYS[when.weekday()]
            return name if width == 4 else name[:3]
        case "S":
            return f"{when.microsecond:06d}".ljust(width, "0")[:width]
        case "a":
            return "AM" if when.hour < 12 else "PM"
        case "X":
            return "Z"
        case "Z":
            return "+0000"
        case "z" | "V":
            return "UTC"
        case "D":
            return str(when.timetuple().tm_yday).zfill(width)
        case "Q":
            return str((when.month + 2) // 3).zfill(width)
    numbers = {
        "d": when.day,
        "H": when.hour,
        "h": (when.hour + 11) % 12 + 1,
        "k": when.hour or 24,
        "K": when.hour % 12,
        "m": when.minute,
        "s": when.second,
    }
    if letter not in numbers:
        raise illegal(f"Unknown pattern letter: {letter}")
    return str(numbers[letter]).zfill(width)


def _name(name: str, width: int) -> str | None:
    if width == 3:
        return name[:3]
    return name if width == 4 else None
