"""Java's dates, times and amounts as values: years 1 to 9999, microseconds, offsets that are fixed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from gitflow_runner.lang.core.javacalls import not_built
from gitflow_runner.lang.throwing import thrown
from gitflow_runner.lang.values import JavaValue, Value

DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER"),
    *("OCTOBER", "NOVEMBER", "DECEMBER"),
)
# The units: their text, and how many microseconds, days or months they are.
UNITS: dict[str, tuple[str, str, int]] = {
    "MICROS": ("Micros", "time", 1),
    "MILLIS": ("Millis", "time", 1_000),
    "SECONDS": ("Seconds", "time", 1_000_000),
    "MINUTES": ("Minutes", "time", 60_000_000),
    "HOURS": ("Hours", "time", 3_600_000_000),
    "HALF_DAYS": ("HalfDays", "time", 43_200_000_000),
    "DAYS": ("Days", "days", 1),
    "WEEKS": ("Weeks", "days", 7),
    "MONTHS": ("Months", "months", 1),
    "YEARS": ("Years", "months", 12),
    "DECADES": ("Decades", "months", 120),
    "CENTURIES": ("Centuries", "months", 1200),
}
SECOND = 1_000_000_000  # in nanoseconds
_ZONE = re.compile(r"(UTC|GMT|UT)?([+-])(?:(\d\d)(?::?(\d\d))?|(\d))\Z")
_REGION = re.compile(r"[A-Za-z][A-Za-z0-9~/._+-]+\Z")


def time_text(when: time) -> str:
    """Java's text of a time: seconds and a fraction only where they are not zero."""
    text = f"{when.hour:02d}:{when.minute:02d}"
    if when.second or when.microsecond:
        text += f":{when.second:02d}"
    if when.microsecond:
        fraction = f"{when.microsecond:06d}"
        text += "." + (fraction[:3] if fraction.endswith("000") else fraction)
    return text


def _order(one: Value, other: Value) -> int:
    return int(one > other) - int(one < other)


def _date_order(one: date, other: date) -> int:
    """Java tells by how many years, months or days."""
    return one.year - other.year or one.month - other.month or one.day - other.day


@dataclass(frozen=True, slots=True)
class LocalDate(JavaValue):
    """A day."""

    day: date

    def text(self) -> str:
        """`2026-01-31`."""
        return self.day.isoformat()

    def order(self, other: Value) -> int:
        """By the calendar."""
        return _date_order(self.day, other.day)


@dataclass(frozen=True, slots=True)
class LocalTime(JavaValue):
    """A time of the day."""

    time: time

    def text(self) -> str:
        """`10:15:30`."""
        return time_text(self.time)

    def order(self, other: Value) -> int:
        """By the clock."""
        return _order(self.time, other.time)


@dataclass(frozen=True, slots=True)
class LocalDateTime(JavaValue):
    """A day and a time, nowhere in particular."""

    local: datetime

    def text(self) -> str:
        """`2026-01-31T10:15`."""
        return f"{self.local.date().isoformat()}T{time_text(self.local.time())}"

    def order(self, other: Value) -> int:
        """By the day, then by the clock."""
        return _date_order(self.local, other.local) or _order(self.local.time(), other.local.time())


@dataclass(frozen=True, slots=True)
class Zone(JavaValue):
    """An offset from UTC in seconds, by the name that was asked for (`Z`, `+02:00`, `UTC`)."""

    name: str
    seconds: int

    @property
    def offset(self) -> str:
        """The offset alone, as Java spells it."""
        return offset_text(self.seconds)

    @property
    def is_region(self) -> bool:
        """Whether the name is more than the offset."""
        return self.name != self.offset

    def text(self) -> str:
        """The name."""
        return self.name


UTC = Zone("Z", 0)


def offset_text(seconds: int) -> str:
    """`Z` or `+02:00`."""
    if not seconds:
        return "Z"
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def zone_of(text: str) -> Zone:
    """The zone of a name; where its offset depends on the date, an error that no user code catches."""
    if text in ("Z", "UTC", "GMT", "UT", "Etc/UTC", "Etc/GMT"):
        return Zone(text, 0)
    found = _ZONE.match(text)
    if found is None:
        if _REGION.match(text):
            raise not_built(
                f"the zone {text[:60]}",
                "rules of zones change with the machine: take UTC or an offset such as +02:00",
            )
        raise thrown("DateTimeException", f"Invalid ID for ZoneOffset, invalid format: {text[:60]}")
    prefix, sign, hours, minutes = found[1] or "", found[2], int(found[3] or found[5]), int(found[4] or 0)
    if minutes > 59 or hours * 60 + minutes > 18 * 60:
        raise thrown("DateTimeException", f"Zone offset not in valid range: -18:00 to +18:00: {text[:60]}")
    seconds = (hours * 60 + minutes) * (-60 if sign == "-" else 60)
    offset = offset_text(seconds)
    return Zone((prefix if prefix and offset == "Z" else prefix + offset), seconds)


@dataclass(frozen=True, slots=True)
class ZonedDateTime(JavaValue):
    """A day and a time at an offset."""

    local: datetime
    zone: Zone

    @property
    def micros(self) -> int:
        """The point of time, in microseconds since 1970."""
        return (self.local - EPOCH) // MICRO - self.zone.seconds * 1_000_000

    def text(self) -> str:
        """`2026-01-31T10:15Z[UTC]`."""
        region = f"[{self.zone.name}]" if self.zone.is_region else ""
        return f"{LocalDateTime(self.local).text()}{self.zone.offset}{region}"

    def order(self, other: Value) -> int:
        """By the point of time, then by what the clock shows there."""
        return (
            _order(self.micros // 1_000_000, other.micros // 1_000_000)
            or (self.local.microsecond - other.local.microsecond) * 1_000
            or LocalDateTime(self.local).order(LocalDateTime(other.local))
            or _order(self.zone.name, other.zone.name)
        )


@dataclass(frozen=True, slots=True)
class OffsetDateTime(ZonedDateTime):
    """A day and a time at an offset that has no other name."""

    def order(self, other: Value) -> int:
        """By the point of time; at one offset, as dates without it are."""
        if self.zone == other.zone:
            return LocalDateTime(self.local).order(LocalDateTime(other.local))
        return ZonedDateTime.order(self, other)


EPOCH = datetime.combine(date(1970, 1, 1), time(0))
MICRO = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Duration(JavaValue):
    """An amount of time in nanoseconds."""

    nanos: int

    def text(self) -> str:
        """`PT1H30M`."""
        if not self.nanos:
            return "PT0S"
        sign = "-" if self.nanos < 0 else ""
        whole, fraction = divmod(abs(self.nanos), 1_000_000_000)
        hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
        parts = [f"{sign}{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M")) if number]
        if seconds or fraction:
            digits = f".{fraction:09d}".rstrip("0") if fraction else ""
            parts.append(f"{sign}{seconds}{digits}S")
        return "PT" + "".join(parts)

    def order(self, other: Value) -> int:
        """By length."""
        return _order(self.nanos // SECOND, other.nanos // SECOND) or self.nanos - other.nanos


@dataclass(frozen=True, slots=True)
class Period(JavaValue):
    """An amount of years, months and days."""

    years: int
    months: int
    days: int

    def text(self) -> str:
        """`P1Y2M3D`."""
        parts = ((self.years, "Y"), (self.months, "M"), (self.days, "D"))
        return "P" + ("".join([f"{number}{unit}" for number, unit in parts if number]) or "0D")


class Constant(JavaValue):
    """One of a fixed row of names; Java orders them by their places."""

    __slots__ = ()

    names: ClassVar[tuple[str, ...]]
    name: str

    def text(self) -> str:
        """The name."""
        return self.name

    def order(self, other: Value) -> int:
        """By the place in the row."""
        return self.names.index(self.name) - self.names.index(other.name)


@dataclass(frozen=True, slots=True)
class DayOfWeek(Constant):
    """A day of the week."""

    name: str
    names: ClassVar[tuple[str, ...]] = DAYS


@dataclass(frozen=True, slots=True)
class Month(Constant):
    """A month."""

    name: str
    names: ClassVar[tuple[str, ...]] = MONTHS


@dataclass(frozen=True, slots=True)
class ChronoUnit(Constant):
    """A unit of time."""

    name: str
    names: ClassVar[tuple[str, ...]] = tuple(UNITS)
    package: ClassVar[str] = "java.time.temporal"

    def text(self) -> str:
        """`Days`."""
        return UNITS[self.name][0]


@dataclass(frozen=True, slots=True)
class Adjuster(JavaValue):
    """One of `TemporalAdjusters`: its name, and the day of the week or the number that it was given."""

    name: str
    day: int = 0
    nth: int = 0
    package: ClassVar[str] = "java.time.temporal"

    def text(self) -> str:
        """Java's text is an address in memory; this one is the same each time."""
        return f"java.time.temporal.TemporalAdjusters/{self.name}"
