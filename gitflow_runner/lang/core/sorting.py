"""Sorting; sorted maps and sets, and ranges of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key

from gitflow_runner.lang.compare import compare, sort_key
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.numbers import sign
from gitflow_runner.lang.ordered import SortedMap, SortedSet, part, position, sorted_map, sorted_set
from gitflow_runner.lang.seqs import EMPTY_LIST, list_of, walk
from gitflow_runner.lang.throwing import bad_cast, illegal
from gitflow_runner.lang.values import Collection, Function, Value


def comparator(runtime: Runtime, f: Value) -> Callable[[Value, Value], int]:
    """A comparator of ours behind a function that returns a number, or whether the first goes first."""
    if runtime.is_library(f, "compare"):
        return lambda a, b: compare(a, b)
    if f.__class__ is not Function:
        raise bad_cast("a comparator", f)
    call = runtime.caller(f, 2)

    def order(a: Value, b: Value) -> int:
        runtime.charge(1)
        result = call(a, b)
        if result.__class__ is bool:
            if result:
                return -1
            return 1 if call(b, a) is True else 0
        return sign(result)

    return order


def sort(runtime: Runtime, *args: Value) -> Value:
    """`(sort coll)`, `(sort comparator coll)`; stable."""
    items, meta = runtime.realise(walk(args[-1])), _meta(args[-1])
    if len(args) == 1:
        return list_of(sorted_plainly(runtime, items, items), meta)
    key = cmp_to_key(comparator(runtime, args[0]))
    return list_of(sorted(items, key=key), meta)


def _meta(value: Value) -> Value:
    return value.meta if isinstance(value, Collection) else None


def sort_by(runtime: Runtime, f: Value, *args: Value) -> Value:
    """`(sort-by f coll)`, `(sort-by f comparator coll)`."""
    items, meta = runtime.realise(walk(args[-1])), _meta(args[-1])
    if len(items) < 2:
        return list_of(items, meta)
    call = runtime.caller(f, 1)
    keys = [call(item) for item in items]
    if len(args) == 1:
        return list_of(sorted_plainly(runtime, items, keys), meta)
    key = cmp_to_key(comparator(runtime, args[0]))
    order = sorted(range(len(items)), key=lambda at: key(keys[at]))
    return list_of([items[at] for at in order], meta)


def sorted_plainly(runtime: Runtime, items: list[Value], keys: list[Value]) -> list[Value]:
    """The items in the natural order of their keys."""
    runtime.charge(len(items) * max(len(items).bit_length(), 1) // 4)
    kinds = {key.__class__ for key in keys}
    if kinds == {int} or (kinds == {str} and all(key.isascii() for key in keys)):
        if keys is items:
            return sorted(items)
        return [items[at] for at in sorted(range(len(items)), key=keys.__getitem__)]
    key = sort_key
    return [items[at] for at in sorted(range(len(items)), key=lambda at: key(keys[at]))]


def new_map(*args: Value) -> SortedMap:
    """`(sorted-map key value ...)`."""
    return sorted_map(_paired(args))


def new_map_by(runtime: Runtime, f: Value, *args: Value) -> SortedMap:
    """`(sorted-map-by comparator key value ...)`."""
    return sorted_map(_paired(args), comparator(runtime, f))


def _paired(args: tuple[Value, ...]) -> list[tuple[Value, Value]]:
    if len(args) % 2:
        raise illegal("No value supplied for key")
    return list(zip(args[::2], args[1::2], strict=True))


def new_set(*items: Value) -> SortedSet:
    """`(sorted-set ...)`."""
    return sorted_set(items)


def new_set_by(runtime: Runtime, f: Value, *items: Value) -> SortedSet:
    """`(sorted-set-by comparator ...)`."""
    return sorted_set(items, comparator(runtime, f))


def subseq(runtime: Runtime, target: Value, *bounds: Value) -> Value:
    """`(subseq sorted > start < end)`."""
    return _between(runtime, target, bounds, backwards=False)


def rsubseq(runtime: Runtime, target: Value, *bounds: Value) -> Value:
    """`(rsubseq sorted > start < end)`."""
    return _between(runtime, target, bounds, backwards=True)


def _between(runtime: Runtime, target: Value, bounds: tuple[Value, ...], *, backwards: bool) -> Value:
    if not isinstance(target, SortedMap | SortedSet):
        raise bad_cast("a sorted collection", target)
    if len(bounds) == 3:
        raise illegal("subseq takes one test and key, or two of each")
    low, high = 0, len(target.order)
    runtime.charge(high)
    for test, key in zip(bounds[::2], bounds[1::2], strict=True):
        at, there = position(target.order, key, target.comparator)
        match _name(runtime, test):
            case ">":
                low = max(low, at + there)
            case ">=":
                low = max(low, at)
            case "<":
                high = min(high, at)
            case "<=":
                high = min(high, at + there)
            case _:
                raise illegal("subseq wants one of < <= > >=")
    found = part(target, low, high, backwards=backwards)
    if found is None and _is_lazy(runtime, target, bounds, backwards=backwards):
        return EMPTY_LIST
    return found


def _name(runtime: Runtime, test: Value) -> str:
    return next((name for name in ("<", "<=", ">", ">=") if runtime.is_library(test, name)), "")


def _is_lazy(
    runtime: Runtime, target: SortedMap | SortedSet, bounds: tuple[Value, ...], *, backwards: bool
) -> bool:
    """Whether Clojure takes this range lazily from one end, so that an empty one is `()` and not nil."""
    outer = bounds[-2:] if backwards else bounds[:2]
    if len(bounds) == 2:
        return _name(runtime, outer[0])[:1] != ("<" if backwards else ">")
    at, there = position(target.order, outer[1], target.comparator)
    return at + there > 0 if backwards else at < len(target.order)


TABLE = plain(
    ("sorted-map", new_map, 0, MANY),
    ("sorted-set", new_set, 0, MANY),
) | ctx(
    ("sort", sort, 1, 2),
    ("sort-by", sort_by, 2, 3),
    ("comparator", lambda runtime, f: Function("comparator", comparator(runtime, f), 2, 2), 1, 1),
    ("sorted-map-by", new_map_by, 1, MANY),
    ("sorted-set-by", new_set_by, 1, MANY),
    ("subseq", subseq, 3, 5),
    ("rsubseq", rsubseq, 3, 5),
)
