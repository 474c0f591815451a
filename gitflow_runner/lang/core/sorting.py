"""Sorted maps and sets, and ranges of them."""

from __future__ import annotations

from gitflow_runner.lang.core.reducing import comparator
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.ordered import SortedMap, SortedSet, part, position, sorted_map, sorted_set
from gitflow_runner.lang.throwing import bad_cast, illegal
from gitflow_runner.lang.values import Function, Value


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
        name = test.name if isinstance(test, Function) else ""
        at, there = position(target.order, key, target.comparator)
        match name:
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
    return part(target, low, high, backwards=backwards)


TABLE = plain(
    ("sorted-map", new_map, 0, MANY),
    ("sorted-set", new_set, 0, MANY),
) | ctx(
    ("sorted-map-by", new_map_by, 1, MANY),
    ("sorted-set-by", new_set_by, 1, MANY),
    ("subseq", subseq, 3, 5),
    ("rsubseq", rsubseq, 3, 5),
)
