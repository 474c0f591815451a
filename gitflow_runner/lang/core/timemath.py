"""Java's dates and times moved, adjusted and held against each other."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from gitflow_runner.lang.core.timevalues import (
    DAYS,
    EPOCH,
    MICRO,
    UNITS,
    Adjuster,
    ChronoUnit,
    Duration,
    LocalDate,
    LocalDateTime,
    LocalTime,
    Period,
    Zone,
    ZonedDateTime,
)
from gitflow_runner.lang.instants import moment
from gitflow_runner.lang.numbers import index
from gitflow_runner.lang.throwing import FlowThrow, bad_cast, thrown
from gitflow_runner.lang.values import INT_MAX, INT_MIN, Instant, Value


def date_error(message: str) -> FlowThrow:
    """DateTimeException."""
    return thrown("DateTimeException", message)


def unsupported(what: str) -> FlowThrow:
    """UnsupportedTemporalTypeException: a unit or field that the value has not."""
    return thrown("UnsupportedTemporalTypeException", f"Unsupported {what}")


def long(number: int) -> int:
    """The number where it has 64 bits; else ArithmeticException."""
    if not INT_MIN <= number <= INT_MAX:
        raise thrown("ArithmeticException", "long overflow")
    return number


def toward_zero(number: int, size: int) -> int:
    """The quotient as Java's integers divide."""
    return number // size if number >= 0 else -(-number // size)


# What a value holds ----------------------------------------------------------------------------------


def date_of(value: Value) -> date | None:
    """The day of a value; None where it has none."""
    if isinstance(value, LocalDate):
        return value.day
    return value.local.date() if isinstance(value, LocalDateTime | ZonedDateTime) else None


def time_of(value: Value) -> time | None:
    """The time of the day; None where the value has none."""
    if isinstance(value, LocalTime):
        return value.time
    return value.local.time() if isinstance(value, LocalDateTime | ZonedDateTime) else None


def micros_of(value: Value) -> int | None:
    """The point of time in microseconds since 1970; None where the value is none."""
    return value.micros if isinstance(value, Instant | ZonedDateTime) else None


def local_date(value: Value) -> LocalDate:
    """`LocalDate/from`, and what every argument that has to be a day goes through."""
    found = date_of(value)
    if found is None:
        raise bad_cast("a LocalDate", value)
    return LocalDate(found)


def instant(value: Value) -> Instant:
    """`Instant/from`."""
    found = micros_of(value)
    if found is None:
        raise bad_cast("an Instant", value)
    return checked(Instant(found))


def checked(value: Instant) -> Instant:
    """The instant, where it lies in the years 1 to 9999."""
    try:
        moment(value)
    except ValueError as error:
        raise date_error(str(error)) from None
    return value


def at_zone(value: Instant, zone: Zone) -> ZonedDateTime:
    """`(.atZone instant zone)`."""
    return ZonedDateTime(_moved(EPOCH, value.micros + zone.seconds * 1_000_000), zone)


def with_date(value: Value, day: date) -> Value:
    """The value on another day."""
    if isinstance(value, LocalDate):
        return LocalDate(day)
    return with_local(value, datetime.combine(day, value.local.time()))


def with_time(value: Value, at: time) -> Value:
    """The value at another time of its day."""
    if isinstance(value, LocalTime):
        return LocalTime(at)
    return with_local(value, datetime.combine(value.local.date(), at))


def with_local(value: Value, local: datetime) -> Value:
    """The value with another day and time."""
    return replace(value, local=local)


def _moved(local: datetime, micros: int) -> datetime:
    try:
        return local + timedelta(microseconds=micros)
    except OverflowError:
        raise date_error("the result lies outside the years 1 to 9999") from None


# Moving ----------------------------------------------------------------------------------------------


def plus_days(day: date, amount: int) -> date:
    """The day so many days later."""
    try:
        return day + timedelta(days=amount)
    except OverflowError:
        raise date_error("the result lies outside the years 1 to 9999") from None


def plus_months(day: date, amount: int) -> date:
    """The day so many months later, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + amount, 12)
    if not 1 <= year <= 9999:
        raise date_error("the result lies outside the years 1 to 9999")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def shift(value: Value, amount: int, unit: str) -> Value:
    """The value moved by so many of a unit."""
    text, kind, size = UNITS[unit]
    total = long(amount * size)
    if isinstance(value, Instant):
        if unit == "DAYS":
            total *= 86_400_000_000
        elif kind != "time":
            raise unsupported(f"unit: {text}")
        return checked(Instant(value.micros + total))
    if kind == "time":
        at = time_of(value)
        if at is None:
            raise unsupported(f"unit: {text}")
        if isinstance(value, LocalTime):
            into = (datetime.combine(EPOCH, at) - EPOCH) // MICRO + total
            return LocalTime((EPOCH + timedelta(microseconds=into % 86_400_000_000)).time())
        return with_local(value, _moved(value.local, total))
    day = date_of(value)
    if day is None:
        raise unsupported(f"unit: {text}")
    return with_date(value, plus_days(day, total) if kind == "days" else plus_months(day, total))


def shift_by(value: Value, amount: Value, sign: int) -> Value:
    """The value moved by a Duration or a Period."""
    if isinstance(amount, Duration):
        if not amount.nanos:
            return value
        if time_of(value) is None and not isinstance(value, Instant):
            raise unsupported("unit: Seconds")
        return shift(value, sign * amount.nanos // 1_000, "MICROS")
    if not isinstance(amount, Period):
        raise bad_cast("a Duration or a Period", amount)
    months = amount.years * 12 + amount.months
    moved = shift(value, sign * months, "MONTHS") if months else value
    return shift(moved, sign * amount.days, "DAYS") if amount.days else moved


def unit_name(unit: Value) -> str:
    """The name of a ChronoUnit."""
    if not isinstance(unit, ChronoUnit):
        raise bad_cast("a ChronoUnit", unit)
    return unit.name


def plus(value: Value, amount: Value, *unit: Value) -> Value:
    """`(.plus value 3 ChronoUnit/DAYS)` or `(.plus value duration)`."""
    return shift(value, index(amount), unit_name(*unit)) if unit else shift_by(value, amount, 1)


def minus(value: Value, amount: Value, *unit: Value) -> Value:
    """`(.minus value 3 ChronoUnit/DAYS)` or `(.minus value duration)`."""
    return shift(value, -index(amount), unit_name(*unit)) if unit else shift_by(value, amount, -1)


def truncated(value: Value, unit: Value) -> Value:
    """`(.truncatedTo value ChronoUnit/HOURS)`."""
    text, kind, size = UNITS[unit_name(unit)]
    if kind == "months" or text == "Weeks":
        raise unsupported("unit: Unit is too large to be used for truncation")
    step = size * 86_400_000_000 if kind == "days" else size
    if isinstance(value, Instant):
        return checked(Instant(value.micros - value.micros % step))
    at = time_of(value)
    if at is None:
        raise unsupported(f"unit: {text}")
    into = (datetime.combine(EPOCH, at) - EPOCH) // MICRO
    return with_time(value, (EPOCH + timedelta(microseconds=into - into % step)).time())


# Between ---------------------------------------------------------------------------------------------


def until(start: Value, end: Value, unit: Value) -> int:
    """`(.between ChronoUnit/DAYS start end)`: whole units, cut towards zero."""
    text, kind, size = UNITS[unit_name(unit)]
    if isinstance(start, Instant):
        if kind == "months" or text == "Weeks":
            raise unsupported(f"unit: {text}")
        if text == "Millis":  # Java counts these alone by the clock
            return instant(end).micros // 1_000 - start.micros // 1_000
        size *= 86_400_000_000 if kind == "days" else 1
        return toward_zero(instant(end).micros - start.micros, size)
    if isinstance(start, ZonedDateTime):
        if not isinstance(end, ZonedDateTime):
            raise bad_cast("a ZonedDateTime", end)
        end = at_zone(Instant(end.micros), start.zone)
    if kind == "time":
        return toward_zero(_micros_between(start, end, f"unit: {text}"), size)
    first, last = date_of(start), local_date(end).day
    if first is None:
        raise unsupported(f"unit: {text}")
    if not isinstance(start, LocalDate):  # a day that is not full does not count
        if not isinstance(end, LocalDateTime | ZonedDateTime):
            raise bad_cast("a LocalDateTime", end)
        before, after = start.local.time(), end.local.time()
        last = plus_days(last, int(last < first and after > before) - int(last > first and after < before))
    if kind == "days":
        return toward_zero((last - first).days, size)
    months = toward_zero(_packed(last) - _packed(first), 32)
    return toward_zero(months, size)


def _packed(day: date) -> int:
    return (day.year * 12 + day.month) * 32 + day.day


def _micros_between(start: Value, end: Value, what: str) -> int:
    if isinstance(start, LocalTime):
        at = time_of(end)
        if at is None:
            raise bad_cast("a LocalTime", end)
        return (datetime.combine(EPOCH, at) - datetime.combine(EPOCH, start.time)) // MICRO
    if not isinstance(start, LocalDateTime | ZonedDateTime):
        raise unsupported(what)
    if not isinstance(end, LocalDateTime | ZonedDateTime):
        raise bad_cast("a LocalDateTime", end)
    return (end.local - start.local) // MICRO


def duration_between(start: Value, end: Value) -> Duration:
    """`(Duration/between start end)`."""
    if isinstance(start, Instant | ZonedDateTime):
        return Duration((instant(end).micros - instant(start).micros) * 1_000)
    if not isinstance(start, LocalDate | LocalDateTime | LocalTime):
        raise bad_cast("a time", start)
    return Duration(_micros_between(start, end, "unit: Seconds") * 1_000)


def period_between(start: Value, end: Value) -> Period:
    """`(Period/between start end)`: years, months and days."""
    first, last = local_date(start).day, local_date(end).day
    months = (last.year - first.year) * 12 + last.month - first.month
    days = last.day - first.day
    if months > 0 and days < 0:
        months -= 1
        days = (last - plus_months(first, months)).days
    elif months < 0 and days > 0:
        months += 1
        days -= monthrange(last.year, last.month)[1]
    years = toward_zero(months, 12)
    return Period(years, months - years * 12, days)


def order(one: Value, other: Value) -> int:
    """Where two values of one kind stand: for `.isBefore`, `.isAfter`, `.isEqual`."""
    points = micros_of(one), micros_of(other)
    if one.__class__ is not other.__class__:
        raise bad_cast(f"a {type(one).__name__}", other)
    if points[0] is not None and points[1] is not None:
        return points[0] - points[1]
    return int(one.order(other))


# Adjusters -------------------------------------------------------------------------------------------


def adjusted(value: Value, adjuster: Value) -> Value:
    """`(.with value adjuster)`: an adjuster, or a day or time that takes the place of its own."""
    if isinstance(adjuster, LocalTime) and time_of(value) is not None:
        return with_time(value, adjuster.time)
    day = date_of(value)
    if day is None:
        raise unsupported("field: EpochDay")
    if isinstance(adjuster, LocalDate):
        return with_date(value, adjuster.day)
    if not isinstance(adjuster, Adjuster):
        raise bad_cast("one of TemporalAdjusters", adjuster)
    return with_date(value, _adjusted(day, adjuster))


def _adjusted(day: date, adjuster: Adjuster) -> date:
    weekday = adjuster.day
    match adjuster.name:
        case "firstDayOfMonth":
            return day.replace(day=1)
        case "lastDayOfMonth":
            return last_of_month(day)
        case "firstDayOfNextMonth":
            return plus_months(day.replace(day=1), 1)
        case "firstDayOfYear":
            return day.replace(month=1, day=1)
        case "lastDayOfYear":
            return day.replace(month=12, day=31)
        case "firstDayOfNextYear":
            return plus_months(day.replace(month=1, day=1), 12)
        case "next":
            return plus_days(day, (weekday - day.weekday() - 1) % 7 + 1)
        case "nextOrSame":
            return plus_days(day, (weekday - day.weekday()) % 7)
        case "previous":
            return plus_days(day, -((day.weekday() - weekday - 1) % 7 + 1))
        case "previousOrSame":
            return plus_days(day, -((day.weekday() - weekday) % 7))
    if adjuster.nth > 0:
        first = day.replace(day=1)
        return plus_days(first, (weekday - first.weekday()) % 7 + 7 * (adjuster.nth - 1))
    last = last_of_month(day)
    back = -((last.weekday() - weekday) % 7) + 7 * (adjuster.nth + 1)
    return plus_days(last, back) if adjuster.nth else plus_days(_adjusted(day, _FIRST[weekday]), -7)


_FIRST = [Adjuster("dayOfWeekInMonth", day, 1) for day in range(len(DAYS))]


def last_of_month(day: date) -> date:
    """The last day of its month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
