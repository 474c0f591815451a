"""The methods of `java.time`, found by the class of the value, and the whole of it for the library."""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from gitflow_runner.lang.compare import compare
from gitflow_runner.lang.core import durations, javanumbers
from gitflow_runner.lang.core import timemath as m
from gitflow_runner.lang.core.javacalls import Method, Methods, add, rows_of
from gitflow_runner.lang.core.table import plain
from gitflow_runner.lang.core.timemaking import STATICS, at_offset, at_zone, clock, made, zone_given
from gitflow_runner.lang.core.timepatterns import DateTimeFormatter, laid_out
from gitflow_runner.lang.core.timevalues import (
    DAYS,
    EPOCH,
    MONTHS,
    ChronoUnit,
    DayOfWeek,
    Duration,
    LocalDate,
    LocalDateTime,
    LocalTime,
    Month,
    OffsetDateTime,
    Period,
    Zone,
    ZonedDateTime,
)
from gitflow_runner.lang.fuel import Builtin
from gitflow_runner.lang.numbers import index
from gitflow_runner.lang.throwing import bad_cast, illegal
from gitflow_runner.lang.values import Dec, Instant, Value

_DATED = (LocalDate, LocalDateTime, ZonedDateTime, OffsetDateTime)
_TIMED = (LocalTime, LocalDateTime, ZonedDateTime, OffsetDateTime)
_TEMPORAL = (LocalTime, *_DATED, Instant)
_ORDERED = (*_TEMPORAL, Duration, DayOfWeek, Month, ChronoUnit, str, int, Dec)


def _day(value: Value) -> date:
    return value.day if isinstance(value, LocalDate) else value.local.date()


def _clock(value: Value) -> time:
    return value.time if isinstance(value, LocalTime) else value.local.time()


def _shifts(*units: str) -> list[Method]:
    """`plusDays`, `minusDays` and so on."""
    found: list[Method] = []
    for unit in units:
        name = unit.upper()
        for prefix, sign in (("plus", 1), ("minus", -1)):
            found.append(
                (
                    f"{prefix}{unit}",
                    lambda value, amount, name=name, sign=sign: m.shift(value, sign * index(amount), name),
                    1,
                    1,
                )
            )
    return found


def _changed(part: str) -> Callable[..., Value]:
    """`.withDayOfMonth` and the like; where year or month change, the day may become the last one."""

    def change(value: Value, number: Value) -> Value:
        day, wanted = _day(value), index(number)
        if part == "day":
            return m.with_date(value, day.replace(day=wanted))
        changed = {"year": day.year, "month": day.month, part: wanted}
        first = date(changed["year"], changed["month"], 1)
        return m.with_date(value, first.replace(day=min(day.day, m.last_of_month(first).day)))

    return made(change)


def _with_day_of_year(value: Value, number: Value) -> Value:
    day = _day(value)
    if not 1 <= index(number) <= 365 + isleap(day.year):
        raise m.date_error(f"Invalid date: there is no day {number} in {day.year}")
    return m.with_date(value, m.plus_days(date(day.year, 1, 1), index(number) - 1))


def _changed_time(part: str) -> Callable[..., Value]:
    def change(value: Value, number: Value) -> Value:
        parts: dict[str, Any] = {part: index(number)}
        return m.with_time(value, _clock(value).replace(**parts))

    return made(change)


def _at_time(value: Value, *args: Value) -> LocalDateTime:
    if len(args) > 1:
        return LocalDateTime(datetime.combine(value.day, clock(*args)))
    if not isinstance(args[0], LocalTime):
        raise bad_cast("a LocalTime", args[0])
    return LocalDateTime(datetime.combine(value.day, args[0].time))


def _start_of_day(value: Value, *zone: Value) -> Value:
    local = LocalDateTime(datetime.combine(value.day, time(0)))
    return at_zone(local, *zone) if zone else local


def _until(value: Value, end: Value, *unit: Value) -> Value:
    if unit:
        return m.until(value, end, *unit)
    if not isinstance(value, LocalDate):
        raise illegal("No matching method until found taking 1 args")
    return m.period_between(value, end)


def _rolled(names: tuple[str, ...], sign: int) -> Callable[..., Value]:
    def roll(value: Value, amount: Value) -> Value:
        return type(value)(names[(names.index(value.name) + sign * index(amount)) % len(names)])

    return roll


def _seconds_of_day(value: Value) -> int:
    return (datetime.combine(EPOCH, _clock(value)) - EPOCH) // timedelta(seconds=1)


def _same_instant(value: Value, zone: Value) -> ZonedDateTime:
    return m.at_zone(Instant(value.micros), zone_given(zone))


def _in_zone(value: Value, zone: Value) -> Value:
    return replace(value, zone=zone_given(zone))


_OF_DATES: list[Method] = [
    *_shifts("Days", "Weeks", "Months", "Years"),
    ("getYear", lambda value: _day(value).year, 0, 0),
    ("getMonthValue", lambda value: _day(value).month, 0, 0),
    ("getMonth", lambda value: Month(MONTHS[_day(value).month - 1]), 0, 0),
    ("getDayOfMonth", lambda value: _day(value).day, 0, 0),
    ("getDayOfWeek", lambda value: DayOfWeek(DAYS[_day(value).weekday()]), 0, 0),
    ("getDayOfYear", lambda value: _day(value).timetuple().tm_yday, 0, 0),
    ("withDayOfMonth", _changed("day"), 1, 1),
    ("withMonth", _changed("month"), 1, 1),
    ("withYear", _changed("year"), 1, 1),
    ("withDayOfYear", _with_day_of_year, 1, 1),
]
_OF_DAYS: list[Method] = [
    ("lengthOfMonth", lambda value: monthrange(value.day.year, value.day.month)[1], 0, 0),
    ("lengthOfYear", lambda value: 365 + isleap(value.day.year), 0, 0),
    ("isLeapYear", lambda value: isleap(value.day.year), 0, 0),
    ("toEpochDay", lambda value: (value.day - EPOCH.date()).days, 0, 0),
    ("atStartOfDay", _start_of_day, 0, 1),
    ("atTime", made(_at_time), 1, 4),
]
_OF_TIMES: list[Method] = [
    *_shifts("Hours", "Minutes", "Seconds"),
    ("getHour", lambda value: _clock(value).hour, 0, 0),
    ("getMinute", lambda value: _clock(value).minute, 0, 0),
    ("getSecond", lambda value: _clock(value).second, 0, 0),
    ("getNano", lambda value: _clock(value).microsecond * 1_000, 0, 0),
    ("withHour", _changed_time("hour"), 1, 1),
    ("withMinute", _changed_time("minute"), 1, 1),
    ("withSecond", _changed_time("second"), 1, 1),
    (
        "withNano",
        made(lambda value, n: m.with_time(value, _clock(value).replace(microsecond=index(n) // 1000))),
        1,
        1,
    ),
    ("truncatedTo", m.truncated, 1, 1),
]
_OF_ALL: list[Method] = [
    ("plus", m.plus, 1, 2),
    ("minus", m.minus, 1, 2),
    ("until", _until, 1, 2),
]
METHODS: Methods = {}
add(METHODS, _DATED, *_OF_DATES)
add(METHODS, (LocalDate,), *_OF_DAYS)
add(METHODS, _TIMED, *_OF_TIMES)
add(METHODS, _TEMPORAL, *_OF_ALL)
add(
    METHODS,
    _TEMPORAL,
    ("isBefore", lambda value, other: m.order(value, other) < 0, 1, 1),
    ("isAfter", lambda value, other: m.order(value, other) > 0, 1, 1),
)
add(METHODS, _DATED, ("isEqual", lambda value, other: m.order(value, other) == 0, 1, 1))
add(METHODS, (*_DATED, LocalTime), ("with", m.adjusted, 1, 1))
add(
    METHODS,
    (*_DATED, LocalTime),
    ("format", lambda value, formatter: laid_out(_any_formatter(formatter), value), 1, 1),
)
add(METHODS, _ORDERED, ("compareTo", lambda value, other: compare(value, _same(value, other)), 1, 1))
add(
    METHODS,
    (Instant,),
    *_shifts("Seconds", "Millis"),
    ("toInstant", lambda value: value, 0, 0),  # what #inst reads is a Date in Clojure
    ("truncatedTo", m.truncated, 1, 1),
    ("atZone", lambda value, zone: m.at_zone(value, zone_given(zone)), 1, 1),
    ("getNano", lambda value: value.micros % 1_000_000 * 1_000, 0, 0),
)
add(
    METHODS,
    (LocalDateTime,),
    ("toLocalDate", m.local_date, 0, 0),
    ("toLocalTime", lambda value: LocalTime(value.local.time()), 0, 0),
    ("atZone", at_zone, 1, 1),
    ("toInstant", lambda value, zone: m.instant(at_zone(value, zone)), 1, 1),
    ("toEpochSecond", lambda value, zone: at_zone(value, zone).micros // 1_000_000, 1, 1),
)
add(
    METHODS,
    (ZonedDateTime, OffsetDateTime),
    ("toLocalDate", m.local_date, 0, 0),
    ("toLocalTime", lambda value: LocalTime(value.local.time()), 0, 0),
    ("toLocalDateTime", lambda value: LocalDateTime(value.local), 0, 0),
    ("toInstant", m.instant, 0, 0),
    ("toEpochSecond", lambda value: value.micros // 1_000_000, 0, 0),
    ("getOffset", lambda value: Zone(value.zone.offset, value.zone.seconds), 0, 0),
)
add(
    METHODS,
    (ZonedDateTime,),
    ("getZone", lambda value: value.zone, 0, 0),
    ("withZoneSameInstant", _same_instant, 1, 1),
    ("withZoneSameLocal", _in_zone, 1, 1),
    ("toOffsetDateTime", at_offset, 0, 0),
)
add(
    METHODS,
    (OffsetDateTime,),
    ("atZoneSameInstant", _same_instant, 1, 1),
    ("withOffsetSameInstant", lambda value, zone: at_offset(_same_instant(value, zone)), 1, 1),
    ("withOffsetSameLocal", lambda value, zone: at_offset(_in_zone(value, zone)), 1, 1),
    ("toZonedDateTime", lambda value: ZonedDateTime(value.local, value.zone), 0, 0),
)
add(
    METHODS, (Instant,), ("atOffset", lambda value, zone: at_offset(m.at_zone(value, zone_given(zone))), 1, 1)
)
add(METHODS, (LocalDateTime,), ("atOffset", lambda value, zone: at_offset(at_zone(value, zone)), 1, 1))
add(METHODS, (LocalTime,), ("toSecondOfDay", _seconds_of_day, 0, 0))
add(METHODS, (LocalTime,), ("atDate", lambda value, day: _at_time(m.local_date(day), value), 1, 1))
add(METHODS, (Duration,), *durations.DURATION)
add(METHODS, (Period,), *durations.PERIOD)
for _cls, _names in ((DayOfWeek, DAYS), (Month, MONTHS)):
    add(
        METHODS,
        (_cls,),
        ("getValue", lambda value, names=_names: names.index(value.name) + 1, 0, 0),
        ("plus", _rolled(_names, 1), 1, 1),
        ("minus", _rolled(_names, -1), 1, 1),
    )
add(METHODS, (DayOfWeek, Month, ChronoUnit), ("name", lambda value: value.name, 0, 0))
add(
    METHODS,
    (ChronoUnit,),
    ("between", lambda unit, start, end: m.until(start, end, unit), 2, 2),
)
add(
    METHODS,
    (DateTimeFormatter,),
    ("format", laid_out, 1, 1),
    ("withZone", _in_zone, 1, 1),
)


def _any_formatter(value: Value) -> DateTimeFormatter:
    if not isinstance(value, DateTimeFormatter):
        raise bad_cast("a DateTimeFormatter", value)
    return value


def _same(value: Value, other: Value) -> Value:
    if other is None or value.__class__ is not other.__class__:
        raise bad_cast(f"what {type(value).__name__} is compared with", other)
    return other


javanumbers.add_numbers(METHODS)

TABLE: dict[str, Builtin] = {**rows_of(METHODS), **plain(*STATICS, *javanumbers.STATICS)}
