"""Instants to text and back: RFC 3339 with microseconds, over the proleptic Gregorian calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from gitflow_runner.lang.values import Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
_TEXT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt](\d\d)(?::(\d\d)(?::(\d\d)(?:[.](\d{1,9}))?)?)?)?)?)?"
    r"([Zz]|[+-]\d\d:?\d\d)?\Z"
)


def parse_instant(text: str, *, strict: bool = False) -> Instant:
    """The instant of a timestamp. Parts on the right may be missing, as in `#inst`, unless `strict`."""
    found = _TEXT.match(text)
    if found is None or (strict and (found[5] is None or found[8] is None)):
        raise ValueError(f"Unrecognized date/time syntax: {text}")
    parts = [int(part) if part else default for part, default in zip(found.groups()[:6], _LEAST, strict=True)]
    year, month, day, hour, minute, second = parts
    micros = int((found[7] or "0").ljust(9, "0")[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"Unrecognized date/time syntax: {text} ({error})") from None
    offset = found[8] or "Z"
    shift = timedelta()
    if offset not in "Zz":
        digits = offset[1:].replace(":", "")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        shift = -shift if offset[0] == "-" else shift
    return Instant((moment - _EPOCH - shift) // _MICRO)


_LEAST = (1970, 1, 1, 0, 0, 0)


def moment(instant: Instant) -> datetime:
    """The instant as a calendar date in UTC; a `ValueError` outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(microseconds=instant.micros)
    except OverflowError:
        raise ValueError(f"the instant lies outside the years 1 to 9999: {instant.micros} us") from None


def tag_text(instant: Instant) -> str:
    """The text inside `#inst`: milliseconds, or microseconds where there are any."""
    when = moment(instant)
    fraction = f"{when.microsecond:06d}"
    if fraction.endswith("000"):
        fraction = fraction[:3]
    return f"{when.year:04d}-{when.month:02d}-{when.day:02d}T{when:%H:%M:%S}.{fraction}-00:00"


def iso_text(instant: Instant) -> str:
    """Java's `Instant.toString`: a fraction of 3 or 6 digits only where it is not zero."""
    when = moment(instant)
    fraction = f".{when.microsecond:06d}" if when.microsecond else ""
    if fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{when.year:04d}-{when.month:02d}-{when.day:02d}T{when:%H:%M:%S}{fraction}Z"
