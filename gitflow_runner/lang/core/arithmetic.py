"""Numbers: arithmetic, comparison, conversion, bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from gitflow_runner.lang import literals
from gitflow_runner.lang import numbers as n
from gitflow_runner.lang.core.table import MANY, plain
from gitflow_runner.lang.numbertext import double_text, number_text
from gitflow_runner.lang.throwing import bad_cast, illegal, no_number, thrown
from gitflow_runner.lang.values import INT_MAX, INT_MIN, BigInt, Dec, Value


def _folded(op: Callable[[Value, Value], Value], unit: int) -> Callable[..., Value]:
    def fold(*args: Value) -> Value:
        if len(args) == 2:
            return op(args[0], args[1])
        if not args:
            return unit
        if len(args) == 1:
            n.rank(args[0])
            return args[0]
        total = args[0]
        for arg in args[1:]:
            total = op(total, arg)
        return total

    return fold


def _reducing(op: Callable[[Value, Value], Value], alone: Callable[[Value], Value]) -> Callable[..., Value]:
    def fold(*args: Value) -> Value:
        if len(args) == 2:
            return op(args[0], args[1])
        if len(args) == 1:
            return alone(args[0])
        total = args[0]
        for arg in args[1:]:
            total = op(total, arg)
        return total

    return fold


def _ordered(holds: Callable[[Value, Value], bool]) -> Callable[..., bool]:
    def chain(*args: Value) -> bool:
        if len(args) == 2:
            return holds(args[0], args[1])
        return all(holds(a, b) for a, b in pairwise(args))

    return chain


def less(*args: Value) -> bool:
    """`(< a b ...)`."""
    if len(args) == 2:
        a, b = args
        if a.__class__ is int and b.__class__ is int:
            return bool(a < b)
        return n.less(a, b)
    return all(n.less(a, b) for a, b in pairwise(args))


def add(*args: Value) -> Value:
    """`(+ a b ...)`."""
    if len(args) == 2:
        return n.add(args[0], args[1])
    if not args:
        return 0
    total = args[0]
    n.rank(total)
    for arg in args[1:]:
        total = n.add(total, arg)
    return total


def divide(*args: Value) -> Value:
    """`(/ a b ...)`; alone, a double zero has no inverse."""
    if len(args) == 1 and n.is_zero(args[0]):
        raise thrown("ArithmeticException", "Divide by zero")
    return _quotient(*args)


_quotient = _reducing(n.divide, lambda value: n.divide(1, value))


def inc(value: Value) -> Value:
    """`(inc value)`."""
    if value.__class__ is int:
        if value < INT_MAX:
            return value + 1
        raise thrown("ArithmeticException", "integer overflow")
    return n.add(value, 1)


def dec(value: Value) -> Value:
    """`(dec value)`."""
    if value.__class__ is int:
        if value > INT_MIN:
            return value - 1
        raise thrown("ArithmeticException", "integer overflow")
    return n.subtract(value, 1)


def _pick(beats: Callable[[Value, Value], bool]) -> Callable[..., Value]:
    def pick(*args: Value) -> Value:
        best = args[0]
        for arg in args[1:]:
            if arg.__class__ is float and math.isnan(arg):
                return arg
            if best.__class__ is float and math.isnan(best):
                return best
            if not beats(best, arg):  # of equals the later one, as in Clojure
                best = arg
        return best

    return pick


def absolute(value: Value) -> Value:
    """`(abs value)`; the least integer stays negative, as in Java."""
    if value.__class__ is float:
        return abs(value)
    if value.__class__ is int and value == INT_MIN:
        return value
    return n.negate(value) if n.sign(value) < 0 else value


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
    """`(int value)`: within 32 bits."""
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
    """`(rationalize value)`: a double by its shortest decimal."""
    n.rank(value)
    if value.__class__ is float:
        if not math.isfinite(value):
            raise thrown("NumberFormatException", "Infinite or NaN")
        return n.ratio(Fraction(repr(value)))
    return n.ratio(n.as_fraction(value)) if value.__class__ is Dec else value


def numerator(value: Value) -> BigInt:
    """`(numerator ratio)`."""
    if value.__class__ is not Fraction:
        raise bad_cast("a ratio", value)
    return n.promoted(value.numerator)  # type: ignore[no-any-return]


def denominator(value: Value) -> BigInt:
    """`(denominator ratio)`."""
    if value.__class__ is not Fraction:
        raise bad_cast("a ratio", value)
    return n.promoted(value.denominator)  # type: ignore[no-any-return]


def _bits(value: Value) -> int:
    if value.__class__ is int:
        return int(value)
    if value is None:
        raise no_number(value)
    raise illegal(f"bit operation not supported for: {number_text(value)}")


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >> 63 else value


def _bitwise(op: Callable[[int, int], int]) -> Callable[..., int]:
    def fold(*args: Value) -> int:
        total = _bits(args[0])
        for arg in args[1:]:
            total = op(total, _bits(arg))
        return _signed(total)

    return fold


def _shifted(op: Callable[[int, int], int]) -> Callable[[Value, Value], int]:
    return lambda value, by: _signed(op(_bits(value), _bits(by) & 63))


def _at_bit(op: Callable[[int, int], int]) -> Callable[[Value, Value], Value]:
    return lambda value, bit: _signed(op(_bits(value), 1 << (_bits(bit) & 63)))


def bit_test(value: Value, bit: Value) -> bool:
    """`(bit-test value bit)`."""
    return bool(_bits(value) >> (_bits(bit) & 63) & 1)


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


def is_integer(value: Value) -> bool:
    """`(integer? value)`."""
    return value.__class__ in (int, BigInt)


def positive(value: Value) -> bool:
    """`(pos? value)`."""
    return value > 0 if value.__class__ is int else n.sign(value) > 0


def negative(value: Value) -> bool:
    """`(neg? value)`."""
    return value < 0 if value.__class__ is int else n.sign(value) < 0


def even(value: Value) -> bool:
    """`(even? value)`."""
    if not is_integer(value):
        raise illegal(f"Argument must be an integer: {value}")
    return n.as_int(value) % 2 == 0


def odd(value: Value) -> bool:
    """`(odd? value)`."""
    return not even(value)


def is_nan(value: Value) -> bool:
    """`(NaN? value)`."""
    return math.isnan(double(value))


def is_infinite(value: Value) -> bool:
    """`(infinite? value)`."""
    return math.isinf(double(value))


TABLE = plain(
    ("+", add, 0, MANY),
    ("-", _reducing(n.subtract, n.negate), 1, MANY),
    ("*", _folded(n.multiply, 1), 0, MANY),
    ("/", divide, 1, MANY),
    ("+'", _folded(n.add_promoting, 0), 0, MANY),
    ("-'", _reducing(n.subtract_promoting, n.negate_promoting), 1, MANY),
    ("*'", _folded(n.multiply_promoting, 1), 0, MANY),
    ("unchecked-add", lambda a, b: _signed(_bits(a) + _bits(b)), 2, 2),
    ("unchecked-subtract", lambda a, b: _signed(_bits(a) - _bits(b)), 2, 2),
    ("unchecked-multiply", lambda a, b: _signed(_bits(a) * _bits(b)), 2, 2),
    ("unchecked-inc", lambda a: _signed(_bits(a) + 1), 1, 1),
    ("unchecked-negate", lambda a: _signed(-_bits(a)), 1, 1),
    ("unchecked-dec", lambda a: _signed(_bits(a) - 1), 1, 1),
    ("inc", inc, 1, 1),
    ("dec", dec, 1, 1),
    ("inc'", lambda a: n.add_promoting(a, 1), 1, 1),
    ("dec'", lambda a: n.subtract_promoting(a, 1), 1, 1),
    ("quot", n.quotient, 2, 2),
    ("rem", n.remainder, 2, 2),
    ("mod", n.modulus, 2, 2),
    ("min", _pick(n.less), 1, MANY),
    ("max", _pick(lambda best, arg: n.less(arg, best)), 1, MANY),
    ("abs", absolute, 1, 1),
    ("<", less, 1, MANY),
    ("<=", _ordered(n.less_or_equal), 1, MANY),
    (">", _ordered(lambda a, b: n.less(b, a)), 1, MANY),
    (">=", _ordered(lambda a, b: n.less_or_equal(b, a)), 1, MANY),
    ("==", _ordered(n.same_number), 1, MANY),
    ("zero?", n.is_zero, 1, 1),
    ("pos?", positive, 1, 1),
    ("neg?", negative, 1, 1),
    ("even?", even, 1, 1),
    ("odd?", odd, 1, 1),
    ("NaN?", is_nan, 1, 1),
    ("infinite?", is_infinite, 1, 1),
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
    ("bit-and", _bitwise(int.__and__), 2, MANY),
    ("bit-or", _bitwise(int.__or__), 2, MANY),
    ("bit-xor", _bitwise(int.__xor__), 2, MANY),
    ("bit-and-not", _bitwise(lambda a, b: a & ~b), 2, MANY),
    ("bit-not", lambda value: ~_bits(value), 1, 1),
    ("bit-shift-left", _shifted(int.__lshift__), 2, 2),
    ("bit-shift-right", _shifted(int.__rshift__), 2, 2),
    ("unsigned-bit-shift-right", _shifted(lambda a, b: (a & (2**64 - 1)) >> b), 2, 2),
    ("bit-set", _at_bit(int.__or__), 2, 2),
    ("bit-clear", _at_bit(lambda a, b: a & ~b), 2, 2),
    ("bit-flip", _at_bit(int.__xor__), 2, 2),
    ("bit-test", bit_test, 2, 2),
)
