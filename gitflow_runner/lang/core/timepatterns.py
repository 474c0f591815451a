"""Java's `DateTimeFormatter`: times laid out by a pattern of letters and read back; in English."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, time
from typing import ClassVar

from gitflow_runner.lang.core.javacalls import not_built
from gitflow_runner.lang.core.timemath import at_zone, checked, date_error, date_of, time_of, unsupported
from gitflow_runner.lang.core.timevalues import (
    DAYS,
    MONTHS,
    UTC,
    OffsetDateTime,
    Zone,
    ZonedDateTime,
    offset_text,
)
from gitflow_runner.lang.instants import iso_text, moment
from gitflow_runner.lang.throwing import bad_cast, illegal
from gitflow_runner.lang.values import Instant, JavaValue, Value

_TOKEN = re.compile(r"([A-Za-z])\1*|'((?:[^']|'')*)'|.", re.S)
LONGEST = 200
# What Java calls the field of a letter, and how often the letter may stand.
_LETTERS = {
    "y": ("YearOfEra", 9),
    "u": ("Year", 9),
    "G": ("Era", 5),
    "M": ("MonthOfYear", 5),
    "L": ("MonthOfYear", 5),
    "Q": ("QuarterOfYear", 5),
    "q": ("QuarterOfYear", 5),
    "D": ("DayOfYear", 3),
    "d": ("DayOfMonth", 2),
    "E": ("DayOfWeek", 5),
    "a": ("AmPmOfDay", 1),
    "H": ("HourOfDay", 2),
    "h": ("ClockHourOfAmPm", 2),
    "k": ("ClockHourOfDay", 2),
    "K": ("HourOfAmPm", 2),
    "m": ("MinuteOfHour", 2),
    "s": ("SecondOfMinute", 2),
    "S": ("NanoOfSecond", 9),
    "X": ("OffsetSeconds", 5),
    "x": ("OffsetSeconds", 5),
    "Z": ("OffsetSeconds", 5),
    "z": ("ZoneId", 4),
    "V": ("ZoneId", 2),
}
_ELSEWHERE = frozenset("YwWecFnNAOpB")  # Java has them; most hang on the place on earth
NAMES = {"M": MONTHS, "L": MONTHS, "E": DAYS}
_FRACTION = ("NanoOfSecond", 1)  # of the ISO formats, with its point, as long as it has to be
QUARTERS = ("1st quarter", "2nd quarter", "3rd quarter", "4th quarter")
ERAS = {4: "Anno Domini", 5: "A"}


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a pattern: a letter and how often it stands, or a text, or a bracket (no letter)."""

    letter: str
    width: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class DateTimeFormatter(JavaValue):
    """A pattern that was read, and the zone that it shows points of time in.

    `strict` is how the ISO formats read days: the 31st of February is none. Others take the last one.
    """

    tokens: tuple[Token, ...]
    zone: Zone | None = None
    strict: bool = False
    point: bool = False  # ISO_INSTANT: the point of time itself

    package: ClassVar[str] = "java.time.format"

    def text(self) -> str:
        """Java tells its inner parts; here it is the pattern."""
        return "".join([token.text or token.letter * token.width for token in self.tokens])


def of_pattern(pattern: Value) -> DateTimeFormatter:
    """`(DateTimeFormatter/ofPattern pattern)`."""
    if pattern.__class__ is not str:
        raise bad_cast("a pattern", pattern)
    if len(pattern) > LONGEST:
        raise illegal("the pattern is too long")
    return DateTimeFormatter(_tokens(pattern))


def _tokens(pattern: str, own: str = "") -> tuple[Token, ...]:
    """The parts of a pattern; `own` are letters of ours beside Java's."""
    found: list[Token] = []
    open_ = 0
    for match in _TOKEN.finditer(pattern):
        text, letter = match.group(), match.group(1)
        if match.group(2) is not None:
            found.append(Token("'", 0, match.group(2).replace("''", "'") or "'"))
        elif letter is not None:
            found.append(Token(letter, 1) if letter in own else _letter(letter, len(text)))
        elif text in "{}#":
            raise illegal(f"Pattern includes reserved character: '{text}'")
        elif text == "'":
            raise illegal(f"Pattern ends with an incomplete string literal: {pattern}")
        else:
            open_ += (text == "[") - (text == "]")
            if open_ < 0:
                raise illegal("Pattern invalid as it contains ] without previous [")
            found.append(Token("" if text in "[]" else "'", 0, text))
    return (*found, *[Token("", 0, "]")] * open_)


def _letter(letter: str, width: int) -> Token:
    if letter in _ELSEWHERE:
        raise not_built(f"the pattern letter {letter}", f"the letters are {' '.join(_LETTERS)}")
    if letter not in _LETTERS:
        raise illegal(f"Unknown pattern letter: {letter}")
    if width > _LETTERS[letter][1] or (letter == "V" and width != 2):
        raise illegal(f"Too many or too few pattern letters: {letter}")
    return Token(letter, width)


# Laying out ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """What is known of a point of time."""

    day: date | None
    at: time | None
    zone: Zone | None


def formatted(value: Instant, pattern: str) -> str:
    """The instant in UTC, laid out by the pattern; an exception for letters that are not known."""
    try:
        moment(value)
    except ValueError as error:
        raise illegal(str(error)) from None
    return laid_out(replace(of_pattern(pattern), zone=Zone("UTC", 0)), value)


def laid_out(formatter: DateTimeFormatter, value: Value) -> str:
    """`(.format formatter value)`."""
    if isinstance(value, Instant | ZonedDateTime) and (formatter.zone or formatter.point):
        value = at_zone(Instant(value.micros), formatter.zone or UTC)
        if formatter.point:
            return iso_text(checked(Instant(value.micros)))
    if isinstance(value, OffsetDateTime) and any(token.letter in ("z", "V") for token in formatter.tokens):
        raise date_error(f"Unable to extract ZoneId from temporal {value.text()}")
    parts = Parts(date_of(value), time_of(value), value.zone if isinstance(value, ZonedDateTime) else None)
    if formatter.point:
        raise unsupported("field: InstantSeconds")
    if parts.day is None and parts.at is None and not isinstance(value, Instant):
        raise bad_cast("a date or a time", value)
    if parts.zone is None and formatter.zone is not None:
        parts = replace(parts, zone=formatter.zone)
    return _sections(formatter.tokens, parts)


def _sections(tokens: tuple[Token, ...], parts: Parts) -> str:
    """The text; what stands in brackets is left out where something in it is not known."""
    stack: list[tuple[list[str], bool]] = [([], True)]
    for token in tokens:
        out, is_known = stack[-1]
        if token.letter == "":
            if token.text == "[":
                stack.append(([], is_known))
            else:
                stack.pop()
                stack[-1][0].append("".join(out) if is_known else "")
        elif token.letter == "'":
            out.append(token.text)
        elif is_known:
            part = _part(token, parts)
            if part is None:
                if len(stack) == 1:
                    raise unsupported(f"field: {_LETTERS.get(token.letter, _FRACTION)[0]}")
                stack[-1] = (out, False)
            else:
                out.append(part)
    return "".join(stack[0][0])


def _part(token: Token, parts: Parts) -> str | None:
    """What a letter stands for; None where it is not known."""
    letter, width = token.letter, token.width
    if letter in "XxZzVv":
        return None if parts.zone is None else _zone_part(letter, width, parts.zone)
    if letter in "yuGMLQqDdE":
        return None if parts.day is None else _date_part(letter, width, parts.day)
    return None if parts.at is None else _time_part(letter, width, parts.at)


def _date_part(letter: str, width: int, day: date) -> str:
    match letter:
        case "y" | "u":
            return f"{day.year % 100:02d}" if width == 2 else str(day.year).zfill(width)
        case "G":
            return ERAS.get(width, "AD")
        case "M" | "L":
            return str(day.month).zfill(width) if width < 3 else name_text(MONTHS[day.month - 1], width)
        case "E":
            return name_text(DAYS[day.weekday()], width)
        case "D":
            return str(day.timetuple().tm_yday).zfill(width)
        case "d":
            return str(day.day).zfill(width)
    quarter = (day.month + 2) // 3
    texts = {3: f"Q{quarter}", 4: QUARTERS[quarter - 1], 5: str(quarter)}
    return texts.get(width) or str(quarter).zfill(width)


def name_text(name: str, width: int) -> str:
    """The name of a month or day in as many letters as a pattern's width asks for."""
    whole = name.capitalize()
    return {4: whole, 5: whole[0]}.get(width, whole[:3])


def _time_part(letter: str, width: int, at: time) -> str:
    if letter == "f":
        return f".{at.microsecond:06d}".rstrip("0") if at.microsecond else ""
    if letter == "S":
        return f"{at.microsecond:06d}".ljust(width, "0")[:width]
    if letter == "a":
        return "AM" if at.hour < 12 else "PM"
    numbers = {
        "H": at.hour,
        "h": (at.hour + 11) % 12 + 1,
        "k": at.hour or 24,
        "K": at.hour % 12,
        "m": at.minute,
        "s": at.second,
    }
    return str(numbers[letter]).zfill(width)


def _zone_part(letter: str, width: int, zone: Zone) -> str | None:
    if letter == "v":
        return zone.name if zone.is_region else None
    if letter in "zV":
        return zone.name
    if not zone.seconds and (letter == "X" or (letter == "Z" and width == 5)):
        return "Z"
    offset = offset_text(zone.seconds) if zone.seconds else "+00:00"
    if letter == "Z" and width == 4:
        return "GMT" + (offset if zone.seconds else "")
    if letter != "Z" and width == 1:
        return offset[:3] + offset[4:].replace("00", "")
    with_colon = width == 5 if letter == "Z" else width in (3, 5)
    return offset if with_colon else offset.replace(":", "")


def _iso(pattern: str, *, strict: bool = True) -> DateTimeFormatter:
    return DateTimeFormatter(_tokens(pattern, "fv"), strict=strict)


_DATE, _TIME = "uuuu-MM-dd", "HH:mm[:ssf]"
_WHOLE = f"{_DATE}'T'{_TIME}"
ISO_LOCAL_DATE = _iso(_DATE)
ISO_LOCAL_TIME = _iso(_TIME)
ISO_LOCAL_DATE_TIME = _iso(_WHOLE)
ISO_OFFSET_DATE_TIME = _iso(f"{_WHOLE}XXX")
ISO_ZONED_DATE_TIME = _iso(f"{_WHOLE}XXX['['v']']")
FORMATS: dict[str, DateTimeFormatter] = {
    "ISO_LOCAL_DATE": ISO_LOCAL_DATE,
    "ISO_LOCAL_TIME": ISO_LOCAL_TIME,
    "ISO_LOCAL_DATE_TIME": ISO_LOCAL_DATE_TIME,
    "ISO_OFFSET_DATE_TIME": ISO_OFFSET_DATE_TIME,
    "ISO_ZONED_DATE_TIME": ISO_ZONED_DATE_TIME,
    "ISO_DATE": _iso(f"{_DATE}[XXX]"),
    "ISO_TIME": _iso(f"{_TIME}[XXX]"),
    "ISO_DATE_TIME": _iso(f"{_WHOLE}[XXX['['v']']]"),
    "ISO_ORDINAL_DATE": _iso("uuuu-DDD[XXX]"),
    "BASIC_ISO_DATE": _iso("uuuuMMdd[XX]"),
    "ISO_INSTANT": DateTimeFormatter((), point=True),
}
