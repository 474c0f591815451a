"""Texts read by the patterns of Java's `DateTimeFormatter`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from functools import lru_cache
from typing import Any

from gitflow_runner.lang.core.javacalls import not_built
from gitflow_runner.lang.core.timemath import last_of_month, plus_days
from gitflow_runner.lang.core.timepatterns import (
    ERAS,
    LONGEST,
    NAMES,
    QUARTERS,
    DateTimeFormatter,
    Parts,
    Token,
    name_text,
)
from gitflow_runner.lang.core.timevalues import DAYS, MONTHS, Zone, zone_of
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.throwing import bad_cast, thrown
from gitflow_runner.lang.values import Value

_SPECIAL = frozenset(r"\.^$|()[]{}*+?")


def parsed(formatter: DateTimeFormatter, text: Value) -> Parts:
    """What a text says by the pattern; DateTimeParseException where it does not fit."""
    if text.__class__ is not str:
        raise bad_cast("a string", text)
    if len(text) > LONGEST:
        raise unreadable(text)
    match = _program(formatter.tokens).fullmatch(text)
    if match is None:
        raise unreadable(text)
    letters = [token.letter for token in formatter.tokens if token.letter not in ("", "'")]
    fields: dict[str, str] = {}
    for letter, found in zip(letters, match.groups(), strict=True):
        if found is not None and fields.setdefault(letter, found) != found:
            raise unreadable(text)
    try:
        parts = _resolved(fields, formatter.strict)
    except ValueError as error:
        raise unreadable(text, str(error)) from None
    return parts if parts.zone is not None else replace(parts, zone=formatter.zone)


def unreadable(text: str, why: str = "") -> Exception:
    """DateTimeParseException."""
    reason = f": {why}" if why else ""
    return thrown("DateTimeParseException", f"Text '{text[:64]}' could not be parsed{reason}")


@lru_cache(maxsize=64)
def _program(tokens: tuple[Token, ...]) -> Any:
    return Regex("".join([_readable(token) for token in tokens])).program


def _readable(token: Token) -> str:
    letter, width = token.letter, token.width
    if letter == "":
        return "(?:" if token.text == "[" else ")?"
    if letter == "'":
        return "".join([f"\\{each}" if each in _SPECIAL else each for each in token.text])
    return "(?:[.]([0-9]{0,9}))?" if letter == "f" else f"({_field(letter, width)})"


def _field(letter: str, width: int) -> str:
    """The pattern of one field's text."""
    if (letter in NAMES and width > 2) or letter == "E":
        if width == 5:
            raise not_built(
                f"reading {letter * width}", "one letter does not tell which it is; take three or four"
            )
        return "|".join([name_text(name, width) for name in NAMES[letter]])
    match letter:
        case "y" | "u":
            return {1: "[0-9]{1,4}", 2: "[0-9]{2}", 3: "[0-9]{3,4}"}.get(width, f"[0-9]{{{width}}}")
        case "G":
            return ERAS.get(width, "AD")
        case "Q" | "q":
            return {2: "0[1-4]", 3: "Q[1-4]", 4: "|".join(QUARTERS)}.get(width, "[1-4]")
        case "S":
            return f"[0-9]{{{width}}}"
        case "D":
            return f"[0-9]{{{width},3}}"
        case "a":
            return "AM|PM"
        case "z" | "V" | "v":
            return "[A-Za-z0-9/_+:~.-]+"
        case "X" | "x" | "Z":
            return _offset_field(letter, width)
    return "[0-9]{1,2}" if width == 1 else "[0-9]{2}"


def _offset_field(letter: str, width: int) -> str:
    if letter == "Z":
        texts = {4: "GMT(?:[+-][0-9]{2}:[0-9]{2})?", 5: "Z|[+-][0-9]{2}:[0-9]{2}"}
        return texts.get(width, "[+-][0-9]{4}")
    zero = "Z|" if letter == "X" else ""
    shape = {1: "[0-9]{2}(?:[0-9]{2})?", 2: "[0-9]{4}", 4: "[0-9]{4}"}.get(width, "[0-9]{2}:[0-9]{2}")
    return f"{zero}[+-]{shape}"


def _resolved(fields: dict[str, str], strict: bool) -> Parts:
    """The parts that the fields make; a `ValueError` where they contradict each other."""
    at, later = _time_in(fields, strict)
    day = _date_in(fields, strict)
    if day is not None and later:
        day = plus_days(day, 1)
    return Parts(day, at, _zone_in(fields))


def _number(fields: dict[str, str], letters: str) -> int | None:
    return next((int(fields[letter]) for letter in letters if letter in fields), None)


def _date_in(fields: dict[str, str], strict: bool) -> date | None:
    year = _number(fields, "yu")
    if year is None:
        return None
    if len(fields.get("y", fields.get("u", ""))) == 2:
        year += 2000
    day_of_year, number = _number(fields, "D"), _number(fields, "d")
    month = next((_index(MONTHS, fields[letter]) for letter in "ML" if letter in fields), None)
    if month is not None and number is not None:
        first = date(year, month, 1)
        last = last_of_month(first).day
        if number > 31 or (strict and number > last):
            raise ValueError(f"there is no day {number} in that month")
        found = first.replace(day=number if number <= last else last)
    elif day_of_year is not None:
        found = plus_days(date(year, 1, 1), day_of_year - 1)
        if found.year != year:
            raise ValueError(f"there is no day {day_of_year} in that year")
    else:
        return None
    if "E" in fields and _index(DAYS, fields["E"]) != found.weekday() + 1:
        raise ValueError(f"{found} is no {fields['E']}")
    return found


def _index(names: tuple[str, ...], text: str) -> int:
    """The number of a month or day, given as such or by a name."""
    if text.isdecimal():
        return int(text)
    return next(at for at, name in enumerate(names, 1) if name.startswith(text.upper()))


def _time_in(fields: dict[str, str], strict: bool) -> tuple[time | None, bool]:
    """The time, and whether it is the midnight at the end of the day."""
    hour = _hour_in(fields)
    if hour is None:
        return None, False
    minute, second = _number(fields, "m") or 0, _number(fields, "s") or 0
    fraction = fields.get("S", fields.get("f", "")) or "0"
    micros = int(fraction.ljust(9, "0")[:6])
    if hour == 24 and "H" in fields and not strict and not (minute or second or micros):
        return time(0), True
    return time(hour, minute, second, micros), False


def _hour_in(fields: dict[str, str]) -> int | None:
    hour, of_day = _number(fields, "H"), _number(fields, "k")
    if hour is not None:
        return hour
    if of_day is not None:
        if not 1 <= of_day <= 24:
            raise ValueError(f"there is no hour {of_day}")
        return of_day % 24
    clock, plain = _number(fields, "h"), _number(fields, "K")
    if "a" not in fields or (clock is None and plain is None):
        return None
    if (clock is not None and not 1 <= clock <= 12) or (plain is not None and plain > 11):
        raise ValueError("there is no such hour")
    half = clock % 12 if clock is not None else plain
    return (half or 0) + (12 if fields["a"] == "PM" else 0)


def _zone_in(fields: dict[str, str]) -> Zone | None:
    for letter in "vVz":
        if letter in fields:
            return zone_of(fields[letter])
    text = next((fields[letter] for letter in "XxZ" if letter in fields), None)
    if text is None:
        return None
    return zone_of(text.removeprefix("GMT") or "Z")
