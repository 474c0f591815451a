"""Looking into collections."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.access import lookup
from gitflow_runner.lang.access import nth as element
from gitflow_runner.lang.collection import MISSING, Map, MapEntry, Set, Vec, decode, entry
from gitflow_runner.lang.core.patterns import Matcher
from gitflow_runner.lang.core.table import ctx, plain
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.numbers import EXACT, NUMBERS, as_int, index
from gitflow_runner.lang.seqs import ArraySeq, List, as_seq, counted, sequence_over, walk
from gitflow_runner.lang.throwing import bad_cast, illegal, kind_of, thrown
from gitflow_runner.lang.values import Collection, Function, Symbol, Value


def get_in(target: Value, keys: Value, default: Value = None) -> Value:
    """`(get-in coll keys default)`."""
    for key in walk(keys):
        target = lookup(target, key, MISSING)
        if target is MISSING:
            return default
    return target


def nth(target: Value, at: Value, default: Value = MISSING) -> Value:
    """`(nth coll at default)`."""
    return target.group(index(at), default) if isinstance(target, Matcher) else element(target, at, default)


def keys(target: Value) -> Value:
    """`(keys map)`."""
    return _column(target, 0)


def vals(target: Value) -> Value:
    """`(vals map)`."""
    return _column(target, 1)


def _column(target: Value, at: int) -> Value:
    if isinstance(target, Map):
        return sequence_over(iter(target.d.values()) if at else map(decode, target.d), len(target.d))
    items = []
    for item in walk(target):
        if not isinstance(item, MapEntry):
            raise bad_cast("a map entry", item)
        items.append(item.items[at])
    return ArraySeq(tuple(items)) if items else None


def _part_of_entry(at: int) -> Callable[[Value], Value]:
    def part(item: Value) -> Value:
        if not isinstance(item, MapEntry):
            raise bad_cast("a map entry", item)
        return item.items[at]

    return part


def contains(target: Value, key: Value) -> bool:
    """`(contains? coll key)`: of a vector or string, whether there is such an index."""
    if isinstance(target, Map | Set):
        return target.has(key)
    if target is None:
        return False
    if isinstance(target, Vec):
        return key.__class__ in EXACT and 0 <= as_int(key) < target.size
    if target.__class__ is str and key.__class__ in NUMBERS:
        return 0 <= index(key) < len(target)
    raise illegal(f"contains? not supported on {kind_of(target)}")


def find(target: Value, key: Value) -> Value:
    """`(find map key)`."""
    if target is None:
        return None
    if isinstance(target, Map):
        value = target.get(key, MISSING)
        if value is MISSING:
            return None
        own = target.key(key)
        return entry(key if own is MISSING else own, value)
    if isinstance(target, Vec):
        return entry(key, target.items[index(key)]) if contains(target, key) else None
    raise illegal(f"find not supported on {kind_of(target)}")


def count(runtime: Runtime, value: Value) -> int:
    """`(count coll)`."""
    known = counted(value)
    if known is not None:
        return known
    if not isinstance(value, Collection):
        raise thrown("UnsupportedOperationException", f"count not supported on {kind_of(value)}")
    return sum(1 for _ in runtime.items(value))


def bounded_count(runtime: Runtime, most: Value, value: Value) -> int:
    """`(bounded-count n coll)`."""
    known = None if value.__class__ is str else counted(value)
    if known is not None:
        return known
    return sum(1 for _ in zip(range(index(most)), runtime.items(as_seq(value)), strict=False))


def peek(value: Value) -> Value:
    """`(peek coll)`: the last of a vector, the first of a list."""
    if isinstance(value, Vec):
        return value.items[value.size - 1] if value.size else None
    if value is None:
        return None
    if value.__class__ is List:
        return value.first() if value.size else None
    raise bad_cast("a stack", value)


def pop(value: Value) -> Value:
    """`(pop coll)`."""
    if isinstance(value, Vec):
        return value.pop()
    if value is None:
        return None
    if value.__class__ is List:
        if not value.size:
            raise thrown("IllegalStateException", "Can't pop empty list")
        return value.rest()
    raise bad_cast("a stack", value)


def get(target: Value, key: Value, default: Value = None) -> Value:
    """`(get coll key default)`."""
    return lookup(target, key, default)


def meta(value: Value) -> Value:
    """`(meta value)`."""
    return value.meta if isinstance(value, Collection | Symbol | Function) else None


TABLE = plain(
    ("get", get, 2, 3),
    ("get-in", get_in, 2, 3),
    ("nth", nth, 2, 3),
    ("keys", keys, 1, 1),
    ("vals", vals, 1, 1),
    ("key", _part_of_entry(0), 1, 1),
    ("val", _part_of_entry(1), 1, 1),
    ("contains?", contains, 2, 2),
    ("find", find, 2, 2),
    ("peek", peek, 1, 1),
    ("pop", pop, 1, 1),
    ("meta", meta, 1, 1),
) | ctx(
    ("count", count, 1, 1),
    ("bounded-count", bounded_count, 2, 2),
)
