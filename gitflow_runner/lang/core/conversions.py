"""One kind of number from another, or from text."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from gitflow_runner.lang import literals
from gitflow_runner.lang import numbers as n
from gitflow_runner.lang.core.table import plain
from gitflow_runner.lang.numbertext import double_text
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import INT_MAX, INT_MIN, BigInt, Dec, Value


def double(value: Value) -> float:
    """`(double value)`."""
    n.rank(value)
    return n.as_float(value)


def single(value: Value) -> float:
    """`(float value)`: doubles serve for both, but the range of a float is kept."""
    number = double(value)
    if abs(number) > 3.4028234663852886e38:
        raise illegal(f"Value out of range for float: {number}")
    return number


def to_int(value: Value) -> int:
    """`(int value)`: within 32 bits. As in Java, only a double is out of range; an integer overflows."""
    number = n.to_long(value)
    if value.__class__ is not float and not -(2**31) <= number < 2**31:
        raise thrown("ArithmeticException", "integer overflow")
    return _narrow(32, "int")(value)


def _narrow(bits: int, name: str) -> Callable[[Value], int]:
    def narrow(value: Value) -> int:
        number = n.to_long(value)
        exact = value if value.__class__ is float and value == value else number
        if not -(2 ** (bits - 1)) <= exact <= 2 ** (bits - 1) - 1:
            raise illegal(f"Value out of range for {name}: {number}")
        return number

    return narrow


def number(value: Value) -> Value:
    """`(num value)`; nil passes."""
    if value is not None:
        n.rank(value)
    return value


def bigint(value: Value) -> BigInt:
    """`(bigint value)`: of a number, or of a string of digits."""
    if value.__class__ is str:
        return n.big(_parsed_int(value))
    if value.__class__ is float:
        if not math.isfinite(value):
            raise thrown("NumberFormatException", "Infinite or NaN")
        return n.big(int(Decimal(repr(value))))
    n.rank(value)
    return n.big(int(n.as_fraction(value)))


def _parsed_int(text: str) -> int:
    digits = text.lstrip("+-")
    if not digits.isascii() or not digits.isdigit() or len(text) - len(digits) > 1 or len(text) > 1300:
        raise thrown("NumberFormatException", f'For input string: "{text[:80]}"')
    return int(text)


def bigdec(value: Value) -> Dec:
    """`(bigdec value)`."""
    kind = value.__class__
    if kind is str:
        try:
            found = literals.number(value if value.endswith("M") else value + "M")
        except ValueError:
            raise thrown("NumberFormatException", f'For input string: "{value[:80]}"') from None
        return found if isinstance(found, Dec) else n.dec(n.as_decimal(found))
    if kind is float:
        if not math.isfinite(value):
            raise thrown("NumberFormatException", "Infinite or NaN")
        return n.dec(Decimal(double_text(value)))
    n.rank(value)
    return n.dec(n.as_decimal(value))


def rationalize(value: Value) -> Value:
    """`(rationalize value)`: a double by its shortest decimal; nil passes."""
    if value is None:
        return None
    n.rank(value)
    if value.__class__ is float:
        if not math.isfinite(value):
            raise thrown("NumberFormatException", "Infinite or NaN")
        return n.ratio(Fraction(double_text(value)))
    return n.ratio(n.as_fraction(value)) if value.__class__ is Dec else value


def numerator(value: Value) -> int | BigInt:
    """`(numerator ratio)`."""
    if value.__class__ is not Fraction:
        raise bad_cast("a ratio", value)
    return n.promoted(value.numerator)


def denominator(value: Value) -> int | BigInt:
    """`(denominator ratio)`."""
    if value.__class__ is not Fraction:
        raise bad_cast("a ratio", value)
    return n.promoted(value.denominator)


def _parsed(kind: str, value: Value) -> str:
    if value.__class__ is not str:
        what = "nil" if value is None else type(value).__name__
        raise illegal(f"Expected string, got {what} for {kind}")
    return str(value)


def parse_long(text: Value) -> int | None:
    """`(parse-long text)`: nil for what is no 64-bit integer in decimal digits."""
    body = _parsed("parse-long", text)
    digits = body[1:] if body[:1] in ("+", "-") else body
    if not digits.isascii() or not digits.isdigit() or len(digits) > 40:
        return None
    value = int(body)
    return value if INT_MIN <= value <= INT_MAX else None


def parse_double(text: Value) -> float | None:
    """`(parse-double text)`: Java's notation, blanks around it allowed."""
    body = _parsed("parse-double", text).strip("".join(map(chr, range(33))))
    plain_text = body.rstrip("dDfF") if body[-1:] in "dDfF" and len(body) > 1 else body
    sign = body[1:] if body[:1] in ("+", "-") else body
    if sign in ("NaN", "Infinity"):
        return math.nan if sign == "NaN" else math.copysign(math.inf, -1 if body[0] == "-" else 1)
    if not plain_text or not set(plain_text) <= set("0123456789+-.eE") or len(plain_text) > 1000:
        return None
    try:
        return float(plain_text)
    except ValueError:
        return None


TABLE = plain(
    ("int", to_int, 1, 1),
    ("long", n.to_long, 1, 1),
    ("short", _narrow(16, "short"), 1, 1),
    ("byte", _narrow(8, "byte"), 1, 1),
    ("double", double, 1, 1),
    ("float", single, 1, 1),
    ("num", number, 1, 1),
    ("bigint", bigint, 1, 1),
    ("biginteger", bigint, 1, 1),
    ("bigdec", bigdec, 1, 1),
    ("rationalize", rationalize, 1, 1),
    ("numerator", numerator, 1, 1),
    ("denominator", denominator, 1, 1),
    ("parse-long", parse_long, 1, 1),
    ("parse-double", parse_double, 1, 1),
)
