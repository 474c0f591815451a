"""Values of drivers as values of the language, and parameters the other way."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from gitflow_runner.databases.query import MAX_BYTES
from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.instants import moment
from gitflow_runner.lang.values import (
    INT_MAX,
    INT_MIN,
    BigInt,
    Bytes,
    Char,
    Collection,
    Dec,
    Instant,
    Keyword,
    Symbol,
    Uuid,
    Value,
)

MAX_DEPTH = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Intake:
    """Takes the rows of one answer in, up to `MAX_BYTES`; `StepError` (`db.too_large`) beyond."""

    def __init__(self) -> None:
        self._room = MAX_BYTES

    def row(self, values: Sequence[object]) -> tuple[Value, ...]:
        """One row."""
        return tuple(self._value(value, 0) for value in values)

    def _value(self, value: object, depth: int) -> Value:
        self._room -= 16 + (len(value) if isinstance(value, str | bytes | memoryview) else 0)
        if self._room < 0:
            raise StepError(
                "db.too_large",
                f"the answer takes more than {MAX_BYTES} bytes",
                hint="select fewer columns or rows",
            )
        if depth > MAX_DEPTH:
            raise StepError("db.too_large", f"a value is nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            pairs = {str(key): self._value(item, depth + 1) for key, item in value.items()}
            return Map(pairs, loose=True)
        if isinstance(value, list | tuple):
            return Vec(tuple(self._value(item, depth + 1) for item in value))
        return scalar(value)


def scalar(value: object) -> Value:
    """One value that is no collection. Local times and dates are texts, since they are no point of time."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if INT_MIN <= value <= INT_MAX else BigInt(value)
    if isinstance(value, Decimal):
        return Dec(value) if value.is_finite() else float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return Bytes(bytes(value))
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.isoformat()
        return Instant((value - _EPOCH) // timedelta(microseconds=1))
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, uuid.UUID):
        return Uuid(str(value))
    return str(value)  # addresses, ranges, enumerations: as their driver writes them


def _duration(value: timedelta) -> str:
    """ISO 8601, in days and seconds, which is all that a timedelta knows."""
    sign, size = ("-", -value) if value < timedelta() else ("", value)
    seconds = Decimal(size.seconds) + Decimal(size.microseconds) / 1_000_000
    clock = f"T{seconds.normalize():f}S" if seconds or not size.days else ""
    return f"{sign}P{f'{size.days}D' if size.days else ''}{clock}"


def parameter(value: Value, number: int) -> object:
    """A parameter as Python's type for it; maps and vectors stay what they are, for the driver to write.

    `StepError` (`db.params`) for what no database takes.
    """
    match value:
        case None | bool() | str() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case Keyword() | Symbol():
            return value.text
        case Char():
            return value.value
        case BigInt():
            return value.value
        case Dec():
            return value.value
        case Fraction():
            return float(value)
        case Uuid():
            return uuid.UUID(value.text)
        case Instant():
            return moment(value)
        case Bytes():
            return value.value
        case Collection():
            return value
        case _:
            raise StepError("db.params", f"value {number} of :params cannot be handed to a database")
