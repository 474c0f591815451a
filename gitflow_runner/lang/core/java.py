"""Spellings of Java that people write, as aliases of what the library has."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.build import uuid_of
from gitflow_runner.lang.core import conversions as c
from gitflow_runner.lang.core import sandbox, strings
from gitflow_runner.lang.core.arithmetic import is_nan
from gitflow_runner.lang.core.patterns import found, program
from gitflow_runner.lang.core.table import ctx, plain
from gitflow_runner.lang.core.text import text_of
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.fuel import Builtin
from gitflow_runner.lang.numbers import index
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import Char, Uuid, Value, char


def _number_of(kind: str, parse: Callable[[str], Value], low: int, high: int) -> Callable[..., Value]:
    def call(text: Value, radix: Value = 10) -> Value:
        body = strings.needed(text)
        try:
            number = parse(body) if radix == 10 else int(body, index(radix))
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise thrown("NumberFormatException", f'For input string: "{body[:80]}"')
        return number

    call.__name__ = kind
    return call


def parse_double(text: Value) -> float:
    """`(Double/parseDouble text)`."""
    number = c.parse_double(strings.needed(text))
    if number is None:
        raise thrown("NumberFormatException", f'For input string: "{text[:80]}"')
    return number


def uuid_from_string(text: Value) -> Uuid:
    """`(java.util.UUID/fromString text)`."""
    value = uuid_of(strings.needed(text))
    if value is None:
        raise illegal(f"Invalid UUID string: {text[:80]}")
    return value


def pattern_quote(text: Value) -> str:
    """`(java.util.regex.Pattern/quote text)`."""
    return "\\Q" + strings.needed(text).replace("\\E", "\\E\\\\E\\Q") + "\\E"


def _on_text(method: Callable[..., Value]) -> Callable[..., Value]:
    """A method of strings, and of nothing else."""

    def call(target: Value, *args: Value) -> Value:
        if target.__class__ is not str:
            raise (
                thrown("NullPointerException", "nil is no string")
                if target is None
                else bad_cast("a string", target)
            )
        return method(target, *args)

    return call


def _piece(value: Value) -> str:
    return str(value.value) if isinstance(value, Char) else strings.needed(value)


def char_at(text: str, at: Value) -> Char:
    """`(.charAt text at)`."""
    number = index(at)
    if not 0 <= number < len(text):
        raise thrown("StringIndexOutOfBoundsException", f"index {number}, length {len(text)}")
    return char(text[number])


def substring(text: str, start: Value, end: Value = None) -> str:
    """`(.substring text start end)`."""
    low, high = index(start), len(text) if end is None else index(end)
    if not 0 <= low <= high <= len(text):
        raise thrown("StringIndexOutOfBoundsException", f"begin {low}, end {high}, length {len(text)}")
    return text[low:high]


def _position(text: str, part: Value, start: Value = 0) -> int:
    wanted = chr(part) if part.__class__ is int else _piece(part)
    return text.find(wanted, max(index(start), 0))


def matches(text: str, pattern: Value) -> bool:
    """`(.matches text pattern)`."""
    return found(program(Regex(strings.needed(pattern))).fullmatch(text)) is not None


def equals_ignoring_case(text: str, other: Value) -> bool:
    """`(.equalsIgnoreCase text other)`: letter by letter, as Java does it; never equal to nil."""
    if other is None:
        return False
    compared = strings.needed(other)
    return len(text) == len(compared) and all(map(_is_same_letter, text, compared))


def _is_same_letter(one: str, other: str) -> bool:
    return one == other or _without_case(one) == _without_case(other)


def _without_case(letter: str) -> str:
    """The lower case of the upper case, each one letter as in Java: `ß` stays, `İ` becomes `i`."""
    upper = letter.upper()
    return (upper if len(upper) == 1 else letter).lower()[0]


def _letter(test: Callable[[str], bool]) -> Callable[[Value], bool]:
    def call(value: Value) -> bool:
        if not isinstance(value, Char):
            raise bad_cast("a character", value)
        return test(value.value)

    return call


_LONG = _number_of("parse-long", c.parse_long, -(2**63), 2**63 - 1)
_INT = _number_of("parse-int", c.parse_long, -(2**31), 2**31 - 1)
_METHODS: tuple[tuple[str, Callable[..., Value], int, int], ...] = (
    ("toLowerCase", lambda text: text.lower(), 1, 1),
    ("toUpperCase", lambda text: text.upper(), 1, 1),
    ("trim", lambda text: text.strip("".join(map(chr, range(33)))), 1, 1),
    ("strip", strings.trim, 1, 1),
    ("length", len, 1, 1),
    ("isEmpty", lambda text: not text, 1, 1),
    ("isBlank", strings.is_blank, 1, 1),
    ("startsWith", lambda text, part: text.startswith(_piece(part)), 2, 2),
    ("endsWith", lambda text, part: text.endswith(_piece(part)), 2, 2),
    ("contains", lambda text, part: _piece(part) in text, 2, 2),
    ("indexOf", _position, 2, 3),
    ("lastIndexOf", lambda text, part: text.rfind(_piece(part)), 2, 2),
    ("substring", substring, 2, 3),
    ("charAt", char_at, 2, 2),
    ("concat", lambda text, other: text + strings.needed(other), 2, 2),
    ("matches", matches, 2, 2),
    ("equalsIgnoreCase", equals_ignoring_case, 2, 2),
)

_INSTANT = {
    "parse": (sandbox.instant_of, 1, 1),
    "ofEpochMilli": (sandbox.instant_of, 1, 1),
    "ofEpochSecond": (lambda seconds: sandbox.instant_of(index(seconds) * 1000), 1, 1),
}


def _both(cls: str, name: str, fn: Callable[..., Value], low: int, high: int) -> dict[str, Builtin]:
    """A static method under the short and the full name of its class."""
    short = cls.rsplit(".", 1)[-1]
    return plain((f"{short}/{name}", fn, low, high), (f"{cls}/{name}", fn, low, high))


TABLE: dict[str, Builtin] = {
    **plain(*[(f".{name}", _on_text(method), low, high) for name, method, low, high in _METHODS]),
    **plain(
        ("Long/parseLong", _LONG, 1, 2),
        ("Long/valueOf", lambda value: _LONG(value) if value.__class__ is str else index(value), 1, 1),
        ("Integer/parseInt", _INT, 1, 2),
        ("Integer/valueOf", lambda value: _INT(value) if value.__class__ is str else index(value), 1, 1),
        ("Double/parseDouble", parse_double, 1, 1),
        ("Double/valueOf", lambda x: parse_double(x) if x.__class__ is str else c.double(x), 1, 1),
        ("Double/isNaN", is_nan, 1, 1),
        ("Boolean/parseBoolean", lambda text: text is not None and text.lower() == "true", 1, 1),
        ("Long/toString", lambda value: str(index(value)), 1, 1),
        ("String/valueOf", lambda value: "null" if value is None else text_of(value), 1, 1),
        ("Character/isDigit", _letter(str.isdecimal), 1, 1),
        ("Character/isLetter", _letter(str.isalpha), 1, 1),
        ("Character/isLetterOrDigit", _letter(str.isalnum), 1, 1),
        ("Character/isWhitespace", _letter(lambda letter: strings.is_blank(letter)), 1, 1),
        ("Character/isUpperCase", _letter(str.isupper), 1, 1),
        ("Character/isLowerCase", _letter(str.islower), 1, 1),
        ("BigDecimal.", c.bigdec, 1, 1),
        ("java.math.BigDecimal.", c.bigdec, 1, 1),
        ("BigInteger.", c.bigint, 1, 1),
        ("java.math.BigInteger.", c.bigint, 1, 1),
        (".toEpochMilli", sandbox.epoch_ms, 1, 1),
        (".getTime", sandbox.epoch_ms, 1, 1),
        (".getEpochSecond", lambda value: sandbox.epoch_ms(value) // 1000, 1, 1),
    ),
    **ctx(
        (".toString", lambda runtime, value: text_of(value, runtime), 1, 1),
        (".equals", lambda runtime, one, other: equal(one, other, runtime), 2, 2),
        (".replace", strings.replace, 3, 3),
    ),
    **_both("java.util.UUID", "fromString", uuid_from_string, 1, 1),
    **_both("java.util.UUID", "nameUUIDFromBytes", sandbox.uuid_from_bytes, 1, 1),
    **_both("java.util.regex.Pattern", "quote", pattern_quote, 1, 1),
    **{
        name: row
        for method, (fn, low, high) in _INSTANT.items()
        for name, row in _both("java.time.Instant", method, fn, low, high).items()
    },
}
