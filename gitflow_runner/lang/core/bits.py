"""Integers as 64 bits: bit operations, and arithmetic that wraps around."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang import numbers as n
from gitflow_runner.lang.core.table import MANY, plain
from gitflow_runner.lang.numbertext import number_text
from gitflow_runner.lang.throwing import illegal, no_number
from gitflow_runner.lang.values import Value


def _bits(value: Value) -> int:
    if value.__class__ is int:
        return int(value)
    if value is None:
        raise no_number(value)
    raise illegal(f"bit operation not supported for: {number_text(value)}")


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >> 63 else value


def _wrapped(op: Callable[..., int], other: Callable[..., Value]) -> Callable[..., Value]:
    """Arithmetic of integers that wraps around; of other numbers it is the checked one, as in Clojure."""

    def run(*args: Value) -> Value:
        return _signed(op(*args)) if all(arg.__class__ is int for arg in args) else other(*args)

    return run


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


TABLE = plain(
    ("unchecked-add", _wrapped(lambda a, b: a + b, n.add), 2, 2),
    ("unchecked-subtract", _wrapped(lambda a, b: a - b, n.subtract), 2, 2),
    ("unchecked-multiply", _wrapped(lambda a, b: a * b, n.multiply), 2, 2),
    ("unchecked-inc", _wrapped(lambda a: a + 1, lambda a: n.add(a, 1)), 1, 1),
    ("unchecked-dec", _wrapped(lambda a: a - 1, lambda a: n.subtract(a, 1)), 1, 1),
    ("unchecked-negate", _wrapped(lambda a: -a, n.negate), 1, 1),
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
