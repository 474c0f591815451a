"""Java's methods of numbers: `BigDecimal` with its scales and roundings, and `.intValue` and its like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from gitflow_runner.lang import numbers as n
from gitflow_runner.lang.core import conversions
from gitflow_runner.lang.core.javacalls import Method, Methods, add
from gitflow_runner.lang.core.timevalues import Constant
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import BigInt, Dec, Value

MODES = ("UP", "DOWN", "CEILING", "FLOOR", "HALF_UP", "HALF_DOWN", "HALF_EVEN", "UNNECESSARY")


@dataclass(frozen=True, slots=True)
class RoundingMode(Constant):
    """How a number is cut."""

    name: str
    names: ClassVar[tuple[str, ...]] = MODES
    package: ClassVar[str] = "java.math"


_EXACT = RoundingMode("UNNECESSARY")


def _given(value: Value) -> Dec:
    if not isinstance(value, Dec):
        raise bad_cast("a BigDecimal", value)
    return value


def _mode(value: Value) -> str:
    if isinstance(value, RoundingMode):
        return value.name
    if value.__class__ is int:  # BigDecimal/ROUND_HALF_UP and its like
        if not 0 <= value < len(MODES):
            raise illegal("Invalid rounding mode")
        return MODES[value]
    raise bad_cast("a RoundingMode", value)


def _unscaled(value: Dec) -> tuple[int, int]:
    """The digits as an integer, and how many of them stand behind the point."""
    sign, digits, exponent = value.value.as_tuple()
    number = int("".join(map(str, digits)) or "0")
    return (-number if sign else number), -int(exponent)


def _scale(value: Value) -> int:
    scale = n.index(value)
    if abs(scale) > n.MAX_DIGITS:
        raise thrown("ArithmeticException", f"a scale has at most {n.MAX_DIGITS} digits here")
    return scale


def _of(unscaled: int, scale: int) -> Dec:
    return n.dec(Decimal((int(unscaled < 0), tuple(map(int, str(abs(unscaled)))), -scale)))


def _rounded(numerator: int, denominator: int, mode: str) -> int:
    """The quotient as an integer; the denominator is positive."""
    whole, rest = divmod(abs(numerator), denominator)
    if not rest:
        return whole if numerator >= 0 else -whole
    if mode == "UNNECESSARY":
        raise thrown("ArithmeticException", "Rounding necessary")
    is_negative = numerator < 0
    twice = 2 * rest
    up = {
        "UP": True,
        "DOWN": False,
        "CEILING": not is_negative,
        "FLOOR": is_negative,
        "HALF_UP": twice >= denominator,
        "HALF_DOWN": twice > denominator,
        "HALF_EVEN": twice > denominator or (twice == denominator and whole % 2 == 1),
    }[mode]
    whole += int(up)
    return -whole if is_negative else whole


def _quotient(numerator: int, denominator: int, scale: int, mode: str) -> int:
    """The quotient times ten to the power of `scale`, as an integer."""
    up = 10**scale if scale > 0 else 1
    down = 10**-scale if scale < 0 else 1
    sign = -1 if denominator < 0 else 1
    return _rounded(sign * numerator * up, sign * denominator * down, mode)


def set_scale(value: Value, scale: Value, mode: Value = _EXACT) -> Dec:
    """`(.setScale decimal 2 RoundingMode/HALF_UP)`."""
    unscaled, own = _unscaled(value)
    wanted = _scale(scale)
    found = _quotient(unscaled, 1, wanted - own, _mode(mode))
    return _of(found, wanted)


def divide(value: Value, by: Value, *how: Value) -> Value:
    """`(.divide decimal by)`, exact; or by a rounding mode, with a scale before it or the decimal's own."""
    if not how:
        return n.divide(value, _given(by))
    numerator, own = _unscaled(value)
    denominator, other = _unscaled(_given(by))
    if not denominator:
        raise thrown("ArithmeticException", "/ by zero" if numerator else "Division undefined")
    wanted = _scale(how[0]) if len(how) == 2 else own
    found = _quotient(numerator, denominator, wanted - own + other, _mode(how[-1]))
    return _of(found, wanted)


def _two(op: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    return lambda value, other: op(value, _given(other))


def _stripped(value: Value) -> Dec:
    unscaled, scale = _unscaled(value)
    if not unscaled:
        return Dec(Decimal(0))
    while unscaled % 10 == 0:
        unscaled //= 10
        scale -= 1
    return _of(unscaled, scale)


def power(value: Value, exponent: Value) -> Dec:
    """`(.pow decimal 3)`."""
    times = n.index(exponent)
    if not 0 <= times <= n.MAX_DIGITS:
        raise thrown("ArithmeticException", "Invalid operation")
    unscaled, scale = _unscaled(value)
    if unscaled.bit_length() * times > 4 * n.MAX_DIGITS:
        raise thrown("ArithmeticException", f"a decimal would have more than {n.MAX_DIGITS} digits")
    return _of(unscaled**times, scale * times)


def _whole(bits: int) -> Callable[[Value], int]:
    """What is behind the point goes; of large integers the low bits stay, doubles stop at the bounds."""
    half = 1 << bits - 1

    def call(value: Value) -> int:
        if isinstance(value, float):
            if value != value:
                return 0
            return (
                int(max(-half, min(half - 1, value)))
                if abs(value) < half
                else (half - 1 if value > 0 else -half)
            )
        number = n.as_int(value) if value.__class__ in n.EXACT else int(n.as_decimal(value))
        return (number + half) % (2 * half) - half

    return call


_DECIMAL: list[Method] = [
    ("setScale", set_scale, 1, 2),
    ("add", _two(n.add), 1, 1),
    ("subtract", _two(n.subtract), 1, 1),
    ("multiply", _two(n.multiply), 1, 1),
    ("divide", divide, 1, 3),
    ("remainder", _two(n.remainder), 1, 1),
    ("pow", power, 1, 1),
    ("negate", n.negate, 0, 0),
    ("abs", lambda value: n.negate(value) if value.value < 0 else value, 0, 0),
    ("max", lambda value, other: value if value.value >= _given(other).value else other, 1, 1),
    ("min", lambda value, other: value if value.value <= _given(other).value else other, 1, 1),
    ("signum", n.sign, 0, 0),
    ("scale", lambda value: _unscaled(value)[1], 0, 0),
    ("precision", lambda value: len(str(abs(_unscaled(value)[0]))), 0, 0),
    ("stripTrailingZeros", _stripped, 0, 0),
    ("toPlainString", lambda value: f"{value.value:f}", 0, 0),
]
_NUMBER: list[Method] = [
    ("intValue", _whole(32), 0, 0),
    ("longValue", _whole(64), 0, 0),
    ("doubleValue", n.as_float, 0, 0),
]


def _value_of(value: Value, *scale: Value) -> Value:
    if scale:
        return _of(n.index(value), _scale(*scale))
    return conversions.bigdec(value)


def add_numbers(methods: Methods) -> None:
    """Give the numbers their methods."""
    add(methods, (Dec,), *_DECIMAL)
    add(methods, (int, float, Dec, BigInt), *_NUMBER)


STATICS: list[Method] = [("BigDecimal/valueOf", _value_of, 1, 2)]
CONSTANTS: dict[str, Value] = {
    **{f"RoundingMode/{name}": RoundingMode(name) for name in MODES},
    **{f"BigDecimal/ROUND_{name}": place for place, name in enumerate(MODES)},
    "BigDecimal/ZERO": Dec(Decimal(0)),
    "BigDecimal/ONE": Dec(Decimal(1)),
    "BigDecimal/TEN": Dec(Decimal(10)),
}
ALIASES = {"java.math.BigDecimal": "BigDecimal", "java.math.RoundingMode": "RoundingMode"}
