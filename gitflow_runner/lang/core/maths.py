"""`clojure.math`, and the `Math/` spellings of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from gitflow_runner.lang.core.arithmetic import absolute
from gitflow_runner.lang.core.conversions import double
from gitflow_runner.lang.core.table import plain
from gitflow_runner.lang.numbers import less, to_long
from gitflow_runner.lang.throwing import thrown
from gitflow_runner.lang.values import INT_MAX, INT_MIN, Value


def _of(f: Callable[[float], float]) -> Callable[[Value], float]:
    """A function of one double that gives NaN outside its domain and infinities beyond its range."""

    def call(value: Value) -> float:
        x = double(value)
        try:
            return f(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return call


def _of_two(f: Callable[[float, float], float]) -> Callable[[Value, Value], float]:
    def call(a: Value, b: Value) -> float:
        x, y = double(a), double(b)
        try:
            return f(x, y)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return call


def _log(base: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: -math.inf if x == 0 else base(x)


def _rounded(f: Callable[[float], int]) -> Callable[[float], float]:
    def call(x: float) -> float:
        if not math.isfinite(x):
            return x
        return math.copysign(float(f(x)), x)

    return call


def rint(x: float) -> float:
    """To the nearest integer, halves to the even one."""
    return math.copysign(float(round(x)), x) if math.isfinite(x) else x


def round_(value: Value) -> int:
    """`(round x)`: to the nearest integer, halves upwards; NaN gives 0, an integer itself."""
    if value.__class__ is int:
        return value
    x = double(value)
    if math.isnan(x):
        return 0
    if x >= INT_MAX or x <= INT_MIN:
        return INT_MAX if x > 0 else INT_MIN
    whole = math.floor(x)
    return whole + 1 if x - whole >= 0.5 else whole


def power(a: Value, b: Value) -> float:
    """`(pow a b)`."""
    x, y = double(a), double(b)
    if abs(x) == 1 and math.isinf(y):
        return math.nan
    if math.isnan(y):
        return math.nan
    try:
        return float(math.pow(x, y))
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf
    except ValueError:
        if x == 0:
            return -math.inf if math.copysign(1, x) < 0 and y % 2 == -1 % 2 and y == int(y) else math.inf
        return math.nan


def floor_div(a: Value, b: Value) -> int:
    """`(floor-div a b)`."""
    number = to_long(a) // _divisor(b)
    return number if number <= INT_MAX else INT_MIN


def floor_mod(a: Value, b: Value) -> int:
    """`(floor-mod a b)`."""
    return to_long(a) % _divisor(b)


def _divisor(value: Value) -> int:
    number = to_long(value)
    if number == 0:
        raise thrown("ArithmeticException", "/ by zero")
    return number


def _exact(op: Callable[[int, int], int]) -> Callable[[Value, Value], int]:
    def call(a: Value, b: Value) -> int:
        value = op(to_long(a), to_long(b))
        if INT_MIN <= value <= INT_MAX:
            return value
        raise thrown("ArithmeticException", "long overflow")

    return call


def ulp(value: Value) -> float:
    """`(ulp d)`."""
    x = double(value)
    return math.inf if math.isinf(x) else math.ulp(x)


def exponent(value: Value) -> int:
    """`(get-exponent d)`."""
    x = double(value)
    if math.isnan(x) or math.isinf(x):
        return 1024
    return -1023 if abs(x) < 2.2250738585072014e-308 else math.frexp(x)[1] - 1


def scalb(value: Value, power_of_two: Value) -> float:
    """`(scalb d n)`."""
    x, by = double(value), max(min(to_long(power_of_two), 5000), -5000)
    try:
        return math.ldexp(x, by)
    except OverflowError:
        return math.copysign(math.inf, x)


def next_after(start: Value, direction: Value) -> float:
    """`(next-after start direction)`."""
    return math.nextafter(double(start), double(direction))


def _towards(limit: float) -> Callable[[Value], float]:
    return lambda value: math.nextafter(double(value), limit)


def _exact_one(op: Callable[[int], int]) -> Callable[[Value], int]:
    def call(value: Value) -> int:
        result = op(to_long(value))
        if INT_MIN <= result <= INT_MAX:
            return result
        raise thrown("ArithmeticException", "long overflow")

    return call


def signum(x: float) -> float:
    """-1.0, 0.0 or 1.0."""
    return x if x == 0 or math.isnan(x) else math.copysign(1.0, x)


def _cbrt(x: float) -> float:
    """The double nearest to the root, whatever the platform's library makes of the last digit."""
    root = math.cbrt(x)
    if root == 0 or not math.isfinite(root):
        return root
    around = (root, math.nextafter(root, math.inf), math.nextafter(root, -math.inf))
    return min(around, key=lambda near: abs(Fraction(near) ** 3 - Fraction(x)))


_ONE: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "to-radians": math.radians,
    "to-degrees": math.degrees,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": _log(math.log),
    "log10": _log(math.log10),
    "log1p": lambda x: -math.inf if x == -1 else math.log1p(x),
    "sqrt": math.sqrt,
    "cbrt": _cbrt,
    "ceil": _rounded(math.ceil),
    "floor": _rounded(math.floor),
    "rint": rint,
    "signum": signum,
}
_MATH = {name: ("clojure.math/" + name, _of(f), 1, 1) for name, f in _ONE.items()}
_TWO = {
    "atan2": ("clojure.math/atan2", _of_two(math.atan2), 2, 2),
    "hypot": ("clojure.math/hypot", _of_two(math.hypot), 2, 2),
    "IEEE-remainder": ("clojure.math/IEEE-remainder", _of_two(math.remainder), 2, 2),
    "copy-sign": ("clojure.math/copy-sign", _of_two(math.copysign), 2, 2),
    "pow": ("clojure.math/pow", power, 2, 2),
}

CONSTANTS: dict[str, Value] = {
    "clojure.math/PI": math.pi,
    "clojure.math/E": math.e,
    "Math/PI": math.pi,
    "Math/E": math.e,
    "Long/MAX_VALUE": INT_MAX,
    "Long/MIN_VALUE": INT_MIN,
    "Integer/MAX_VALUE": 2**31 - 1,
    "Integer/MIN_VALUE": -(2**31),
    "Double/MAX_VALUE": 1.7976931348623157e308,
    "Double/MIN_VALUE": 5e-324,
    "Double/POSITIVE_INFINITY": math.inf,
    "Double/NEGATIVE_INFINITY": -math.inf,
    "Double/NaN": math.nan,
}


def larger(a: Value, b: Value) -> Value:
    """The larger of two as Java's `Math.max` has it: NaN if one is, and 0.0 above -0.0."""
    found = b if less(a, b) or _is_below_as_zero(a, b) else a
    return math.nan if _is_nan(a) or _is_nan(b) else found


def smaller(a: Value, b: Value) -> Value:
    """The smaller of two as Java's `Math.min` has it: NaN if one is, and -0.0 below 0.0."""
    found = b if less(b, a) or _is_below_as_zero(b, a) else a
    return math.nan if _is_nan(a) or _is_nan(b) else found


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_below_as_zero(a: Value, b: Value) -> bool:
    if not (isinstance(a, float) and isinstance(b, float) and a == b == 0):
        return False
    return math.copysign(1, a) < math.copysign(1, b)


def _java(name: str) -> str:
    parts = name.split("-")
    return "Math/" + parts[0] + "".join(part.capitalize() for part in parts[1:])


TABLE = plain(
    *_MATH.values(),
    *_TWO.values(),
    ("clojure.math/round", round_, 1, 1),
    ("clojure.math/floor-div", floor_div, 2, 2),
    ("clojure.math/floor-mod", floor_mod, 2, 2),
    ("clojure.math/ulp", ulp, 1, 1),
    ("clojure.math/get-exponent", exponent, 1, 1),
    ("clojure.math/scalb", scalb, 2, 2),
    ("clojure.math/next-after", next_after, 2, 2),
    ("clojure.math/next-up", _towards(math.inf), 1, 1),
    ("clojure.math/next-down", _towards(-math.inf), 1, 1),
    ("clojure.math/negate-exact", _exact_one(int.__neg__), 1, 1),
    ("clojure.math/increment-exact", _exact_one(lambda n: n + 1), 1, 1),
    ("clojure.math/decrement-exact", _exact_one(lambda n: n - 1), 1, 1),
    ("clojure.math/add-exact", _exact(int.__add__), 2, 2),
    ("clojure.math/subtract-exact", _exact(int.__sub__), 2, 2),
    ("clojure.math/multiply-exact", _exact(int.__mul__), 2, 2),
    *[(_java(name), f, low, high) for name, (_, f, low, high) in (_MATH | _TWO).items()],
    ("Math/round", round_, 1, 1),
    ("Math/floorDiv", floor_div, 2, 2),
    ("Math/floorMod", floor_mod, 2, 2),
    ("Math/abs", absolute, 1, 1),
    ("Math/max", larger, 2, 2),
    ("Math/min", smaller, 2, 2),
    ("Math/addExact", _exact(int.__add__), 2, 2),
    ("Math/subtractExact", _exact(int.__sub__), 2, 2),
    ("Math/multiplyExact", _exact(int.__mul__), 2, 2),
)
