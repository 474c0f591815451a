"""Clojure's `=` and the hash that goes with it, both bounded in depth and work."""

from __future__ import annotations

from gitflow_runner.errors import LangError
from gitflow_runner.lang.throwing import too_large
from gitflow_runner.lang.values import BigInt, Collection, Meter, Value

MAX_DEPTH = 200
MAX_ELEMENTS = 1_000_000
MAX_STRING = 8_000_000


class Budget:
    """A meter that stands alone, for comparisons that no run pays for."""

    __slots__ = ("left",)

    def __init__(self, ticks: int = 10 * MAX_ELEMENTS) -> None:
        self.left = ticks

    def charge(self, ticks: int) -> None:
        """Take `ticks`; a `LangError` once they are used up."""
        self.left -= ticks
        if self.left < 0:
            raise too_large("a value has too many parts to be compared")


def equal(a: Value, b: Value, meter: Meter | None = None, depth: int = 0) -> bool:
    """Whether `(= a b)`: numbers of one category only, sequences by their elements."""
    if a is b:
        return a.__class__ is not float or bool(a == a)
    if isinstance(a, Collection):
        if not isinstance(b, Collection) or a.kind != b.kind:
            return False
        if depth > MAX_DEPTH:
            raise too_deep()
        return a.equiv(b, Budget() if meter is None else meter, depth + 1)
    if a.__class__ is b.__class__ or a.__class__ is BigInt or b.__class__ is BigInt:
        return bool(a == b)
    return False


def hash_value(value: Value, depth: int = 0) -> int:
    """A hash that agrees with `equal`; it differs between processes, so nothing may show it."""
    if isinstance(value, Collection):
        if depth > MAX_DEPTH:
            raise too_deep()
        return value.hashed(depth + 1)
    return hash(value)


def too_deep() -> LangError:
    """The error for nesting beyond `MAX_DEPTH`."""
    return too_large(f"a value is nested more than {MAX_DEPTH} deep")


def check_count(count: int) -> None:
    """Refuse a collection of more than `MAX_ELEMENTS`."""
    if count > MAX_ELEMENTS:
        raise too_large(f"a collection would have more than {MAX_ELEMENTS:,} elements")


def check_string(length: int) -> None:
    """Refuse a string of more than `MAX_STRING` characters."""
    if length > MAX_STRING:
        raise too_large(f"a string would have more than {MAX_STRING:,} characters")
