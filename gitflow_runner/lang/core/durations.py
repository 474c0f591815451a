"""Java's `Duration` and `Period`: made, counted with and asked."""

from __future__ import annotations

import re
from collections.abc import Callable

from gitflow_runner.lang.core.javacalls import Method
from gitflow_runner.lang.core.timemath import long, toward_zero, unit_name
from gitflow_runner.lang.core.timevalues import SECOND, UNITS, Duration, Period
from gitflow_runner.lang.numbers import index
from gitflow_runner.lang.throwing import bad_cast, thrown
from gitflow_runner.lang.values import Value

_SIZES = {
    "Nanos": 1,
    "Millis": 1_000_000,
    "Seconds": SECOND,
    "Minutes": 60 * SECOND,
    "Hours": 3600 * SECOND,
    "Days": 86400 * SECOND,
}
_TEXT = re.compile(
    r"([-+]?)P(?:([-+]?\d{1,19})D)?(T(?:([-+]?\d{1,19})H)?(?:([-+]?\d{1,19})M)?"
    r"(?:([-+]?)(\d{1,19})(?:[.,](\d{0,9}))?S)?)?\Z",
    re.I | re.ASCII,
)
_PERIOD = re.compile(
    r"([-+]?)P(?:([-+]?\d{1,9})Y)?(?:([-+]?\d{1,9})M)?(?:([-+]?\d{1,9})W)?(?:([-+]?\d{1,9})D)?\Z",
    re.I | re.ASCII,
)


def duration(nanos: int) -> Duration:
    """The duration, where its seconds have 64 bits."""
    long(nanos // SECOND)
    return Duration(nanos)


def _given(value: Value) -> int:
    if not isinstance(value, Duration):
        raise bad_cast("a Duration", value)
    return value.nanos


def _of_unit(amount: Value, unit: Value) -> int:
    text, kind, size = UNITS[unit_name(unit)]
    if text == "Days":
        size = 86_400_000_000
    elif kind != "time":
        raise thrown("UnsupportedTemporalTypeException", "Unit must not have an estimated duration")
    return index(amount) * size * 1_000


def parse_duration(text: Value) -> Duration:
    """`(Duration/parse "PT1H30M")`."""
    if text.__class__ is not str:
        raise bad_cast("a string", text)
    found = _TEXT.match(text)
    if found is None or found[3] in ("T", "t") or (found[2] is None and found[3] is None):
        raise thrown("DateTimeParseException", "Text cannot be parsed to a Duration")
    seconds = int(found[7] or 0) * SECOND + int((found[8] or "").ljust(9, "0"))
    total = (int(found[2] or 0) * 24 * 60 + int(found[4] or 0) * 60 + int(found[5] or 0)) * 60 * SECOND
    total += -seconds if found[6] == "-" else seconds
    return duration(-total if found[1] == "-" else total)


def parse_period(text: Value) -> Period:
    """`(Period/parse "P1Y2M3D")`."""
    if text.__class__ is not str:
        raise bad_cast("a string", text)
    found = _PERIOD.match(text)
    if found is None or not any(found.groups()[1:]):
        raise thrown("DateTimeParseException", "Text cannot be parsed to a Period")
    sign = -1 if found[1] == "-" else 1
    years, months, weeks, days = (sign * int(part or 0) for part in found.groups()[1:])
    return period(years, months, 7 * weeks + days)


def period(years: Value = 0, months: Value = 0, days: Value = 0) -> Period:
    """`(Period/of years months days)`."""
    parts = index(years), index(months), index(days)
    if any(abs(part) >= 2**31 for part in parts):
        raise thrown("ArithmeticException", "integer overflow")
    return Period(*parts)


def _divided(value: Value, by: Value) -> Value:
    if isinstance(by, Duration):
        if not by.nanos:
            raise thrown("ArithmeticException", "Cannot divide by zero")
        return long(toward_zero(value.nanos, abs(by.nanos)) * (1 if by.nanos > 0 else -1))
    number = index(by)
    if not number:
        raise thrown("ArithmeticException", "Cannot divide by zero")
    return duration(toward_zero(value.nanos, abs(number)) * (1 if number > 0 else -1))


def _moved(sign: int) -> Callable[..., Duration]:
    def move(value: Value, amount: Value, *unit: Value) -> Duration:
        more = _of_unit(amount, *unit) if unit else _given(amount)
        return duration(value.nanos + sign * more)

    return move


def _units(make: Callable[[int], Callable[..., Value]], prefix: str) -> list[Method]:
    return [(f"{prefix}{unit}", make(size), 1, 1) for unit, size in _SIZES.items()]


def _period_moved(sign: int) -> Callable[..., Period]:
    def move(value: Value, amount: Value) -> Period:
        if not isinstance(amount, Period):
            raise bad_cast("a Period", amount)
        return period(
            value.years + sign * amount.years,
            value.months + sign * amount.months,
            value.days + sign * amount.days,
        )

    return move


def _period_plus(part: str, sign: int) -> Callable[..., Period]:
    def move(value: Value, amount: Value) -> Period:
        parts = {"years": value.years, "months": value.months, "days": value.days}
        parts[part] += sign * index(amount)
        return period(**parts)

    return move


def normalized(value: Value) -> Period:
    """`(.normalized period)`: months below twelve."""
    total = value.years * 12 + value.months
    years = toward_zero(total, 12)
    return period(years, total - years * 12, value.days)


def _to(size: int) -> Callable[[Value], int]:
    return lambda value: long(toward_zero(value.nanos, size))


def _whole(size: int) -> Callable[[Value], int]:
    """From the whole seconds before, as Java counts everything above them."""
    return lambda value: toward_zero(value.nanos // SECOND, size)


def _part(before: int, after: int) -> Callable[[Value], int]:
    def part(value: Value) -> int:
        count = toward_zero(value.nanos // SECOND, before)
        return count - toward_zero(count, after) * after

    return part


DURATION: list[Method] = [
    *_units(lambda size: lambda value, amount: duration(value.nanos + index(amount) * size), "plus"),
    *_units(lambda size: lambda value, amount: duration(value.nanos - index(amount) * size), "minus"),
    ("plus", _moved(1), 1, 2),
    ("minus", _moved(-1), 1, 2),
    ("toNanos", _to(1), 0, 0),
    ("toMillis", _to(1_000_000), 0, 0),
    ("toSeconds", _whole(1), 0, 0),
    ("getSeconds", _whole(1), 0, 0),
    ("toMinutes", _whole(60), 0, 0),
    ("toHours", _whole(3600), 0, 0),
    ("toDays", _whole(86400), 0, 0),
    ("toDaysPart", _whole(86400), 0, 0),
    ("toHoursPart", _part(3600, 24), 0, 0),
    ("toMinutesPart", _part(60, 60), 0, 0),
    ("toSecondsPart", _part(1, 60), 0, 0),
    ("toMillisPart", lambda value: value.nanos % SECOND // 1_000_000, 0, 0),
    ("getNano", lambda value: value.nanos % SECOND, 0, 0),
    ("multipliedBy", lambda value, by: duration(value.nanos * index(by)), 1, 1),
    ("dividedBy", _divided, 1, 1),
    ("negated", lambda value: duration(-value.nanos), 0, 0),
    ("abs", lambda value: duration(abs(value.nanos)), 0, 0),
    ("isZero", lambda value: not value.nanos, 0, 0),
    ("isNegative", lambda value: value.nanos < 0, 0, 0),
]
PERIOD: list[Method] = [
    *[(f"plus{part.capitalize()}", _period_plus(part, 1), 1, 1) for part in ("years", "months", "days")],
    *[(f"minus{part.capitalize()}", _period_plus(part, -1), 1, 1) for part in ("years", "months", "days")],
    ("plus", _period_moved(1), 1, 1),
    ("minus", _period_moved(-1), 1, 1),
    ("getYears", lambda value: value.years, 0, 0),
    ("getMonths", lambda value: value.months, 0, 0),
    ("getDays", lambda value: value.days, 0, 0),
    ("toTotalMonths", lambda value: value.years * 12 + value.months, 0, 0),
    ("normalized", normalized, 0, 0),
    ("negated", lambda value: period(-value.years, -value.months, -value.days), 0, 0),
    ("isZero", lambda value: not (value.years or value.months or value.days), 0, 0),
    ("isNegative", lambda value: min(value.years, value.months, value.days) < 0, 0, 0),
]
STATICS: list[Method] = [
    *[
        (f"Duration/of{unit}", lambda n, size=size: duration(index(n) * size), 1, 1)
        for unit, size in _SIZES.items()
    ],
    ("Duration/of", lambda amount, unit: duration(_of_unit(amount, unit)), 2, 2),
    ("Duration/parse", parse_duration, 1, 1),
    ("Period/of", period, 3, 3),
    ("Period/ofYears", period, 1, 1),
    ("Period/ofMonths", lambda months: period(0, months), 1, 1),
    ("Period/ofWeeks", lambda weeks: period(0, 0, index(weeks) * 7), 1, 1),
    ("Period/ofDays", lambda days: period(0, 0, days), 1, 1),
    ("Period/parse", parse_period, 1, 1),
]
