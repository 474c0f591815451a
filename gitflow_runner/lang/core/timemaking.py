"""How values of `java.time` are made: the static methods and the constants of its classes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

from gitflow_runner.lang.core import durations
from gitflow_runner.lang.core import timemath as m
from gitflow_runner.lang.core.javacalls import Method, not_built
from gitflow_runner.lang.core.timepatterns import (
    FORMATS,
    ISO_LOCAL_DATE,
    ISO_LOCAL_DATE_TIME,
    ISO_LOCAL_TIME,
    ISO_OFFSET_DATE_TIME,
    ISO_ZONED_DATE_TIME,
    DateTimeFormatter,
    Parts,
    of_pattern,
)
from gitflow_runner.lang.core.timereading import parsed, unreadable
from gitflow_runner.lang.core.timevalues import (
    DAYS,
    EPOCH,
    MONTHS,
    UNITS,
    UTC,
    Adjuster,
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
    zone_of,
)
from gitflow_runner.lang.numbers import index
from gitflow_runner.lang.throwing import bad_cast, illegal
from gitflow_runner.lang.values import Instant, Value

_ENGLISH = "en"
_LOCALES = ("ENGLISH", "US")


def _month(value: Value) -> int:
    return MONTHS.index(value.name) + 1 if isinstance(value, Month) else index(value)


def zone_given(value: Value) -> Zone:
    """The argument, where it is a zone."""
    if not isinstance(value, Zone):
        raise bad_cast("a ZoneId", value)
    return value


def made(make: Callable[..., Value]) -> Callable[..., Value]:
    """Python's calendar knows what is no date; it is Java's exception that is thrown."""

    def call(*args: Value) -> Value:
        try:
            return make(*args)
        except (ValueError, OverflowError) as error:
            raise m.date_error(f"Invalid value: {error}") from None

    return call


def clock(hour: Value, minute: Value, second: Value = 0, nano: Value = 0) -> time:
    """The time of hours, minutes, seconds and nanoseconds."""
    return time(index(hour), index(minute), index(second), index(nano) // 1_000)


def _date(year: Value, month: Value, day: Value) -> date:
    return date(index(year), _month(month), index(day))


def _date_time(*args: Value) -> LocalDateTime:
    if isinstance(args[0], LocalDate) and len(args) == 2 and isinstance(args[1], LocalTime):
        return LocalDateTime(datetime.combine(args[0].day, args[1].time))
    if len(args) < 5:
        raise illegal("No matching method of found")
    return LocalDateTime(datetime.combine(_date(*args[:3]), clock(*args[3:])))


def _zoned(*args: Value) -> ZonedDateTime:
    if len(args) == 2:
        return at_zone(args[0], args[1])
    if len(args) == 3:
        return at_zone(_date_time(*args[:2]), args[2])
    if len(args) != 8:
        raise illegal("No matching method of found")
    return at_zone(_date_time(*args[:7]), args[7])


def at_zone(value: Value, zone: Value) -> ZonedDateTime:
    """`(.atZone date-time zone)`."""
    if not isinstance(value, LocalDateTime):
        raise bad_cast("a LocalDateTime", value)
    return ZonedDateTime(value.local, zone_given(zone))


def _reader(standard: DateTimeFormatter, make: Callable[[Parts], Value | None]) -> Callable[..., Value]:
    """`Class/parse`: by the format of the class, or by a formatter."""

    def parse(text: Value, formatter: Value = standard) -> Value:
        parts = parsed(_formatter(formatter), text)
        value = make(parts)
        if value is None:
            raise unreadable(text, "the pattern has not all that is asked for")
        return value

    return parse


def _formatter(value: Value) -> DateTimeFormatter:
    if not isinstance(value, DateTimeFormatter):
        raise bad_cast("a DateTimeFormatter", value)
    if value.point:
        raise not_built("reading dates by ISO_INSTANT", "(Instant/parse text)")
    return value


def _local_in(parts: Parts) -> datetime | None:
    return None if parts.day is None or parts.at is None else datetime.combine(parts.day, parts.at)


def _zoned_in(parts: Parts) -> ZonedDateTime | None:
    local = _local_in(parts)
    return None if local is None or parts.zone is None else ZonedDateTime(local, parts.zone)


def _offset_in(parts: Parts) -> OffsetDateTime | None:
    found = _zoned_in(parts)
    return None if found is None else at_offset(found)


def at_offset(value: ZonedDateTime) -> OffsetDateTime:
    """The same at the offset alone, without the name of the zone."""
    return OffsetDateTime(value.local, Zone(value.zone.offset, value.zone.seconds))


def _local_date_time_in(parts: Parts) -> LocalDateTime | None:
    local = _local_in(parts)
    return None if local is None else LocalDateTime(local)


def _from_text(value: Value, zone: Value) -> DateTimeFormatter:
    if zone != _ENGLISH:
        raise not_built("this locale", "names are English: Locale/ENGLISH or Locale/US")
    return of_pattern(value)


def _day_of_epoch(days: Value) -> LocalDate:
    return LocalDate(m.plus_days(EPOCH.date(), index(days)))


def _constant(cls: type, names: tuple[str, ...]) -> list[Method]:
    kind = cls.__name__

    def value_of(text: Value) -> Value:
        if text not in names:
            raise illegal(f"No enum constant {kind}.{text}")
        return cls(text)

    def of(number: Value) -> Value:
        at = index(number)
        if not 1 <= at <= len(names):
            raise m.date_error(f"Invalid value for {kind}: {at}")
        return cls(names[at - 1])

    found: list[Method] = [(f"{kind}/valueOf", value_of, 1, 1)]
    return found if cls is ChronoUnit else [*found, (f"{kind}/of", of, 1, 1)]


def _weekday(value: Value) -> int:
    if not isinstance(value, DayOfWeek):
        raise bad_cast("a DayOfWeek", value)
    return DAYS.index(value.name)


_EDGES = ("firstDayOfMonth", "lastDayOfMonth", "firstDayOfNextMonth", "firstDayOfYear", "lastDayOfYear")
_ADJUSTERS: list[Method] = [
    *[
        (f"TemporalAdjusters/{name}", lambda name=name: Adjuster(name), 0, 0)
        for name in (*_EDGES, "firstDayOfNextYear")
    ],
    *[
        (f"TemporalAdjusters/{name}", lambda day, name=name: Adjuster(name, _weekday(day)), 1, 1)
        for name in ("next", "nextOrSame", "previous", "previousOrSame")
    ],
    ("TemporalAdjusters/firstInMonth", lambda day: Adjuster("dayOfWeekInMonth", _weekday(day), 1), 1, 1),
    ("TemporalAdjusters/lastInMonth", lambda day: Adjuster("dayOfWeekInMonth", _weekday(day), -1), 1, 1),
    (
        "TemporalAdjusters/dayOfWeekInMonth",
        lambda nth, day: Adjuster("dayOfWeekInMonth", _weekday(day), index(nth)),
        2,
        2,
    ),
]
STATICS: list[Method] = [
    ("LocalDate/of", made(lambda *args: LocalDate(_date(*args))), 3, 3),
    ("LocalDate/ofEpochDay", _day_of_epoch, 1, 1),
    ("LocalDate/from", m.local_date, 1, 1),
    (
        "LocalDate/parse",
        _reader(ISO_LOCAL_DATE, lambda parts: None if parts.day is None else LocalDate(parts.day)),
        1,
        2,
    ),
    (
        "LocalDate/ofInstant",
        lambda value, zone: m.local_date(m.at_zone(m.instant(value), zone_given(zone))),
        2,
        2,
    ),
    ("LocalTime/of", made(lambda *args: LocalTime(clock(*args))), 2, 4),
    (
        "LocalTime/parse",
        _reader(ISO_LOCAL_TIME, lambda parts: None if parts.at is None else LocalTime(parts.at)),
        1,
        2,
    ),
    ("LocalDateTime/of", made(_date_time), 2, 7),
    ("LocalDateTime/parse", _reader(ISO_LOCAL_DATE_TIME, _local_date_time_in), 1, 2),
    (
        "LocalDateTime/ofInstant",
        lambda value, zone: LocalDateTime(m.at_zone(m.instant(value), zone_given(zone)).local),
        2,
        2,
    ),
    ("ZonedDateTime/of", made(_zoned), 2, 8),
    ("ZonedDateTime/parse", _reader(ISO_ZONED_DATE_TIME, _zoned_in), 1, 2),
    ("ZonedDateTime/ofInstant", lambda value, zone: m.at_zone(m.instant(value), zone_given(zone)), 2, 2),
    ("OffsetDateTime/of", made(lambda *args: at_offset(_zoned(*args))), 2, 8),
    ("OffsetDateTime/parse", _reader(ISO_OFFSET_DATE_TIME, _offset_in), 1, 2),
    (
        "OffsetDateTime/ofInstant",
        lambda value, zone: at_offset(m.at_zone(m.instant(value), zone_given(zone))),
        2,
        2,
    ),
    ("Instant/from", m.instant, 1, 1),
    ("ZoneId/of", lambda text: _zone_named(text), 1, 1),
    ("ZoneOffset/of", lambda text: _offset_named(text), 1, 1),
    ("ZoneOffset/ofHours", lambda hours: zone_of(f"{index(hours):+03d}") if index(hours) else UTC, 1, 1),
    ("Duration/between", m.duration_between, 2, 2),
    ("Period/between", m.period_between, 2, 2),
    ("DateTimeFormatter/ofPattern", lambda text, *locale: _from_text(text, *locale or (_ENGLISH,)), 1, 2),
    *_constant(DayOfWeek, DAYS),
    *_constant(Month, MONTHS),
    *_constant(ChronoUnit, tuple(UNITS)),
    *_ADJUSTERS,
    *durations.STATICS,
]


def _zone_named(text: Value) -> Zone:
    if text.__class__ is not str:
        raise bad_cast("the name of a zone", text)
    return zone_of(text)


def _offset_named(text: Value) -> Zone:
    zone = _zone_named(text)
    if zone.is_region:
        raise m.date_error(f"Invalid ID for ZoneOffset, invalid format: {text[:60]}")
    return zone


CONSTANTS: dict[str, Value] = {
    **{f"DayOfWeek/{name}": DayOfWeek(name) for name in DAYS},
    **{f"Month/{name}": Month(name) for name in MONTHS},
    **{f"ChronoUnit/{name}": ChronoUnit(name) for name in UNITS},
    **{f"DateTimeFormatter/{name}": found for name, found in FORMATS.items()},
    **{f"Locale/{name}": _ENGLISH for name in _LOCALES},
    "LocalDate/EPOCH": LocalDate(EPOCH.date()),
    "LocalTime/MIDNIGHT": LocalTime(time(0)),
    "LocalTime/MIN": LocalTime(time(0)),
    "LocalTime/NOON": LocalTime(time(12)),
    "Instant/EPOCH": Instant(0),
    "Duration/ZERO": Duration(0),
    "Period/ZERO": Period(0, 0, 0),
    "ZoneOffset/UTC": UTC,
}
ALIASES = {
    **{
        f"java.time.{name}": name
        for name in (
            *(
                "LocalDate",
                "LocalTime",
                "LocalDateTime",
                "ZonedDateTime",
                "OffsetDateTime",
                "Instant",
                "Duration",
                "Period",
            ),
            *("DayOfWeek", "Month", "ZoneId", "ZoneOffset"),
        )
    },
    "java.time.format.DateTimeFormatter": "DateTimeFormatter",
    "java.time.temporal.ChronoUnit": "ChronoUnit",
    "java.time.temporal.TemporalAdjusters": "TemporalAdjusters",
    "java.util.Locale": "Locale",
}
