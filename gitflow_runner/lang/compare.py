"""Clojure's `compare`: the one order in which anything here is sorted."""

from __future__ import annotations

from functools import cmp_to_key

from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.equality import MAX_DEPTH, too_deep
from gitflow_runner.lang.numbers import NUMBERS, compare_numbers
from gitflow_runner.lang.throwing import kind_of, thrown
from gitflow_runner.lang.values import Char, Instant, JavaValue, Keyword, Symbol, Uuid, Value

_COMPARABLE = NUMBERS | {str, bool, Char, Keyword, Symbol, Instant, Uuid, type(None)}


def is_comparable(value: Value) -> bool:
    """Whether `compare` takes the value, if the other one is of its kind."""
    return (
        value.__class__ in _COMPARABLE
        or isinstance(value, Vec)
        or (isinstance(value, JavaValue) and value.order(value) is not None)
    )


def compare(a: Value, b: Value, depth: int = 0) -> int:
    """-1, 0 or 1. nil is first; vectors go by length, then element; unlike kinds throw."""
    if a is b:
        return 0
    if a is None or b is None:
        return -1 if a is None else 1
    kind = a.__class__
    if kind in NUMBERS and b.__class__ in NUMBERS:
        return compare_numbers(a, b)
    if isinstance(a, Vec) and isinstance(b, Vec):
        return _vectors(a, b, depth)
    if kind is not b.__class__:
        raise _unlike(a, b)
    if kind is str:
        return _strings(a, b)
    if kind is Keyword or kind is Symbol:
        return _names(a, b)
    if kind is Char:
        return ord(str(a.value)) - ord(str(b.value))
    if kind is bool:
        return int(a) - int(b)
    if kind is Instant:
        return int(a.micros > b.micros) - int(a.micros < b.micros)
    if kind is Uuid:
        return _signed(_halves(a), _halves(b))
    order = a.order(b) if isinstance(a, JavaValue) else None
    if order is None:
        raise _unlike(a, b)
    return order


def _vectors(a: Vec, b: Vec, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise too_deep()
    if a.size != b.size:
        return -1 if a.size < b.size else 1
    for x, y in zip(a, b, strict=True):
        order = compare(x, y, depth + 1)
        if order:
            return order
    return 0


def _strings(a: str, b: str) -> int:
    """Java's `compareTo`: the difference of the first unlike UTF-16 units, else of the lengths."""
    if a == b:
        return 0
    at = _common(a, b)
    if at == min(len(a), len(b)):
        return _units(a[at:]) - _units(b[at:])
    x, y = ord(a[at]), ord(b[at])
    if x > 0xFFFF or y > 0xFFFF:
        x, y = _first_unit(x), _first_unit(y)
        if x == y:  # the same upper half: the lower halves differ
            return ord(a[at]) - ord(b[at])
    return x - y


def _common(a: str, b: str) -> int:
    """The length of what two unlike strings have in common at the start."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _first_unit(code: int) -> int:
    return code if code <= 0xFFFF else 0xD800 + ((code - 0x10000) >> 10)


def _names(a: Keyword | Symbol, b: Keyword | Symbol) -> int:
    if a.text == b.text:
        return 0
    if a.ns is None or b.ns is None:
        if a.ns is not None:
            return 1
        if b.ns is not None:
            return -1
        return _strings(a.name, b.name)
    return _strings(a.ns, b.ns) or _strings(a.name, b.name)


def _halves(value: Uuid) -> tuple[int, int]:
    number = int(value.text.replace("-", ""), 16)
    return number >> 64, number & (2**64 - 1)


def _signed(a: tuple[int, int], b: tuple[int, int]) -> int:
    """Java compares the two halves of a UUID as signed numbers."""
    for x, y in zip(a, b, strict=True):
        x, y = x - 2**64 * (x >> 63), y - 2**64 * (y >> 63)
        if x != y:
            return -1 if x < y else 1
    return 0


def _unlike(a: Value, b: Value) -> Exception:
    return thrown("ClassCastException", f"{kind_of(a)} cannot be compared with {kind_of(b)}")


sort_key = cmp_to_key(compare)
