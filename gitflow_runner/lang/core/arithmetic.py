"""Numbers: arithmetic and comparison."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from gitflow_runner.lang import numbers as n
from gitflow_runner.lang.core.conversions import double
from gitflow_runner.lang.core.table import MANY, plain
from gitflow_runner.lang.throwing import illegal, thrown
from gitflow_runner.lang.values import INT_MAX, INT_MIN, BigInt, Value


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
)
