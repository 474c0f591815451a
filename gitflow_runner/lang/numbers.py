"""Clojure's arithmetic: 64-bit integers that refuse to overflow, ratios, decimals, doubles."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Final

from gitflow_runner.lang.throwing import bad_cast, illegal, no_number, thrown
from gitflow_runner.lang.values import INT_MAX, INT_MIN, BigInt, Char, Dec, Value

MAX_BITS = 4096
MAX_DIGITS = 1000
NUMBERS = frozenset((int, float, BigInt, Fraction, Dec))
EXACT = frozenset((int, BigInt))

# Wide enough to add and multiply decimals of the permitted size without rounding.
_WIDE: Final = decimal.Context(
    prec=4 * MAX_DIGITS, Emax=999_999, Emin=-999_999, traps=[decimal.InvalidOperation, decimal.Overflow]
)
_INT, _BIG, _RATIO, _DEC, _FLOAT = range(5)
_RANK = {int: _INT, BigInt: _BIG, Fraction: _RATIO, Dec: _DEC, float: _FLOAT}


def rank(value: Value) -> int:
    """The place of a number in the order of contagion; an exception for what is none."""
    found = _RANK.get(value.__class__)
    if found is None:
        raise no_number(value)
    return found


def long(value: int) -> int:
    """A result that must fit 64 bits."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise thrown("ArithmeticException", "integer overflow")


def big(value: int) -> BigInt:
    """A result without that bound, up to `MAX_BITS`."""
    if value.bit_length() > MAX_BITS:
        raise thrown("ArithmeticException", f"an integer would have more than {MAX_BITS} bits")
    return BigInt(value)


def ratio(value: Fraction) -> Value:
    """A ratio, or a big integer where the denominator is 1, as Clojure has it."""
    if value.denominator == 1:
        return big(value.numerator)
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise thrown("ArithmeticException", f"a ratio would have more than {MAX_BITS} bits")
    return value


def dec(value: Decimal) -> Dec:
    """A decimal within `MAX_DIGITS`, in digits and in exponent."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise thrown("NumberFormatException", "Infinite or NaN")
    if not value and value.is_signed():
        value = value.copy_abs()  # Java's decimals have no negative zero
    if len(digits) > MAX_DIGITS or abs(exponent) > MAX_DIGITS:
        raise thrown("ArithmeticException", f"a decimal would have more than {MAX_DIGITS} digits")
    return Dec(value)


def as_int(value: Value) -> int:
    """The Python integer of an exact integer."""
    return int(value.value if value.__class__ is BigInt else value)


def as_float(value: Value) -> float:
    """The double next to a number; beyond the range an infinity."""
    kind = value.__class__
    if kind is float or kind is int:
        return float(value)
    try:
        return float(value.value if kind is BigInt or kind is Dec else value)
    except OverflowError:
        negative = (value.value if kind is BigInt else value) < 0
        return -math.inf if negative else math.inf


def as_fraction(value: Value) -> Fraction:
    """The exact ratio of an integer, ratio or decimal."""
    return Fraction(value.value if value.__class__ in (BigInt, Dec) else value)


def as_decimal(value: Value) -> Decimal:
    """The exact decimal of an integer, ratio or decimal; an exception if a ratio does not end."""
    if value.__class__ is Dec:
        return value.value
    if value.__class__ is Fraction:
        return _exact_quotient(Decimal(value.numerator), Decimal(value.denominator))
    return Decimal(as_int(value))


def _exact_quotient(a: Decimal, b: Decimal) -> Decimal:
    """Java's exact quotient: the preferred scale is the difference of scales, wider only as needed."""
    with decimal.localcontext(_WIDE) as context:
        context.traps[decimal.Inexact] = True
        try:
            value = a / b
        except decimal.Inexact:
            message = "Non-terminating decimal expansion; no exact representable decimal result."
            raise thrown("ArithmeticException", message) from None
    return value


def _mixed(
    a: Value,
    b: Value,
    exact: Callable[[int, int], int],
    fraction: Callable[[Fraction, Fraction], Fraction],
    decimals: Callable[[Decimal, Decimal], Decimal],
    floats: Callable[[float, float], float],
    narrow: Callable[[int], Value],
) -> Value:
    """An operation on numbers of any kinds: the higher rank decides."""
    high = max(rank(a), rank(b))
    if high == _INT:
        return narrow(exact(a, b))
    if high == _FLOAT:
        return floats(as_float(a), as_float(b))
    if high == _BIG:
        return big(exact(as_int(a), as_int(b)))
    if high == _RATIO:
        return ratio(fraction(as_fraction(a), as_fraction(b)))
    return dec(decimals(as_decimal(a), as_decimal(b)))


def add(a: Value, b: Value) -> Value:
    """`(+ a b)`."""
    if a.__class__ is int and b.__class__ is int:
        value = a + b
        if INT_MIN <= value <= INT_MAX:
            return value
        raise thrown("ArithmeticException", "integer overflow")
    if a.__class__ is float and b.__class__ is float:
        return a + b
    return _mixed(a, b, int.__add__, Fraction.__add__, _WIDE.add, float.__add__, long)


def subtract(a: Value, b: Value) -> Value:
    """`(- a b)`."""
    if a.__class__ is int and b.__class__ is int:
        return long(a - b)
    return _mixed(a, b, int.__sub__, Fraction.__sub__, _WIDE.subtract, float.__sub__, long)


def multiply(a: Value, b: Value) -> Value:
    """`(* a b)`."""
    if a.__class__ is int and b.__class__ is int:
        return long(a * b)
    return _mixed(a, b, int.__mul__, Fraction.__mul__, _WIDE.multiply, float.__mul__, long)


def promoted(value: int) -> int | BigInt:
    """A 64-bit integer where it fits, else a big one: what `+'` and its like return."""
    return value if INT_MIN <= value <= INT_MAX else big(value)


def add_promoting(a: Value, b: Value) -> Value:
    """`(+' a b)`."""
    return _mixed(a, b, int.__add__, Fraction.__add__, _WIDE.add, float.__add__, promoted)


def subtract_promoting(a: Value, b: Value) -> Value:
    """`(-' a b)`."""
    return _mixed(a, b, int.__sub__, Fraction.__sub__, _WIDE.subtract, float.__sub__, promoted)


def multiply_promoting(a: Value, b: Value) -> Value:
    """`(*' a b)`."""
    return _mixed(a, b, int.__mul__, Fraction.__mul__, _WIDE.multiply, float.__mul__, promoted)


def divide(a: Value, b: Value) -> Value:
    """`(/ a b)`: exact unless a double is involved."""
    high = max(rank(a), rank(b))
    if high == _FLOAT:
        return _float_quotient(as_float(a), as_float(b))
    if is_zero(b):
        raise thrown("ArithmeticException", "Divide by zero")
    if high == _DEC:
        return dec(_exact_quotient(as_decimal(a), as_decimal(b)))
    value = as_fraction(a) / as_fraction(b)
    if value.denominator == 1:
        return long(value.numerator) if high == _INT else big(value.numerator)
    return ratio(value)


def _float_quotient(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def is_zero(value: Value) -> bool:
    """`(zero? value)`."""
    kind = value.__class__
    if kind is int or kind is float or kind is Fraction:
        return bool(value == 0)
    if kind is BigInt or kind is Dec:
        return bool(value.value == 0)
    raise no_number(value)


def sign(value: Value) -> int:
    """-1, 0 or 1; 0 for NaN."""
    kind = value.__class__
    if kind not in NUMBERS:
        raise no_number(value)
    plain = value.value if kind is BigInt or kind is Dec else value
    return 1 if plain > 0 else -1 if plain < 0 else 0


def _truncated(a: Value, b: Value) -> tuple[int, Value, Value]:
    """The quotient cut towards zero, and both operands as plain exact numbers."""
    if is_zero(b):
        raise thrown("ArithmeticException", "Divide by zero")
    x, y = as_fraction(a), as_fraction(b)
    return math.trunc(x / y), x, y


def quotient(a: Value, b: Value) -> Value:
    """`(quot a b)`: cut towards zero."""
    high = max(rank(a), rank(b))
    if high == _INT:
        if b == 0:
            raise thrown("ArithmeticException", "Divide by zero")
        value = abs(a) // abs(b)
        return long(value if (a < 0) == (b < 0) else -value)
    if high == _FLOAT:
        x, y = as_float(a), as_float(b)
        if y == 0:
            raise thrown("ArithmeticException", "Divide by zero")
        value = _float_quotient(x, y)
        if math.isnan(value) or math.isinf(value):
            raise thrown("NumberFormatException", "Infinite or NaN")
        return float(math.trunc(value))
    cut, _, _ = _truncated(a, b)
    return dec(_scaled(cut, as_decimal(a), as_decimal(b))) if high == _DEC else big(cut)


def _scaled(cut: int, a: Decimal, b: Decimal) -> Decimal:
    """A whole quotient with Java's preferred scale, that of `a` less that of `b`, where it can be had."""
    exponent = int(a.as_tuple().exponent) - int(b.as_tuple().exponent)
    while exponent > 0 and cut and cut % 10**exponent:
        exponent -= 1
    return Decimal(cut).scaleb(-exponent, _WIDE).quantize(Decimal(1), context=_WIDE).scaleb(exponent, _WIDE)


def remainder(a: Value, b: Value) -> Value:
    """`(rem a b)`: the sign of the dividend."""
    high = max(rank(a), rank(b))
    if high == _INT:
        if b == 0:
            raise thrown("ArithmeticException", "Divide by zero")
        value = abs(a) % abs(b)
        return value if a >= 0 else -value
    if high == _FLOAT:
        x, y = as_float(a), as_float(b)
        return x - float(quotient(x, y)) * y
    cut, x, y = _truncated(a, b)
    if high == _DEC:
        whole = _scaled(cut, as_decimal(a), as_decimal(b))
        return dec(_WIDE.subtract(as_decimal(a), _WIDE.multiply(whole, as_decimal(b))))
    return ratio(x - cut * y)


def modulus(a: Value, b: Value) -> Value:
    """`(mod a b)`: the sign of the divisor."""
    if a.__class__ is int and b.__class__ is int and b != 0:
        return a % b
    value = remainder(a, b)
    if is_zero(value) or (sign(value) > 0) == (sign(b) > 0):
        return value
    return add(value, b)


def negate(value: Value) -> Value:
    """`(- value)`."""
    if value.__class__ is float:
        return -value
    return Dec(-value.value) if value.__class__ is Dec and value.value else subtract(0, value)


def negate_promoting(value: Value) -> Value:
    """`(-' value)`."""
    return subtract_promoting(0, value) if value.__class__ is int else negate(value)


def compare_numbers(a: Value, b: Value) -> int:
    """-1, 0 or 1 across all kinds; NaN compares as equal to everything, as in Clojure's `compare`."""
    high = max(rank(a), rank(b))
    if high == _FLOAT:
        x, y = as_float(a), as_float(b)
    elif high in (_INT, _BIG):
        x, y = as_int(a), as_int(b)
    else:
        x, y = as_fraction(a), as_fraction(b)  # type: ignore[assignment]  # ordered alike
    return -1 if x < y else 1 if x > y else 0


def less(a: Value, b: Value) -> bool:
    """`(< a b)`."""
    kind = a.__class__
    if kind is b.__class__ and (kind is int or kind is float):
        return bool(a < b)
    if max(rank(a), rank(b)) == _FLOAT:
        return as_float(a) < as_float(b)
    return compare_numbers(a, b) < 0


def less_or_equal(a: Value, b: Value) -> bool:
    """`(<= a b)`."""
    kind = a.__class__
    if kind is b.__class__ and (kind is int or kind is float):
        return bool(a <= b)
    if max(rank(a), rank(b)) == _FLOAT:
        return as_float(a) <= as_float(b)
    return compare_numbers(a, b) <= 0


def same_number(a: Value, b: Value) -> bool:
    """`(== a b)`: equal in value across kinds."""
    if max(rank(a), rank(b)) == _FLOAT:
        return as_float(a) == as_float(b)
    return compare_numbers(a, b) == 0


def to_long(value: Value) -> int:
    """`(long value)`: cut towards zero; numbers and characters."""
    if value.__class__ is int:
        return value
    kind = value.__class__
    if kind is float:
        if math.isnan(value):
            return 0  # as Java casts it
        if not INT_MIN <= value <= INT_MAX:
            raise illegal(f"Value out of range for long: {value}")
        return int(value)
    if kind in NUMBERS:
        number = int(value.value if kind in (BigInt, Dec) else value)
        if INT_MIN <= number <= INT_MAX:
            return number
        raise illegal(f"Value out of range for long: {number}")
    if kind is Char:
        return ord(str(value.value))
    raise no_number(value)


def ceiling(value: Value) -> int:
    """A number as a count of steps: what is left of one counts as one."""
    if value.__class__ is int:
        return value
    if value.__class__ is float and not math.isfinite(value):
        return INT_MAX if value > 0 else 0
    return math.ceil(as_float(value) if rank(value) == _FLOAT else as_fraction(value))


def index(value: Value) -> int:
    """A number used as an index or a count."""
    if value.__class__ is int:
        return value
    if value.__class__ in NUMBERS:
        return to_long(value)
    if value is None:
        raise no_number(value)
    raise bad_cast("a number", value)
