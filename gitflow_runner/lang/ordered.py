"""Sorted maps and sets: entries kept in the order of a comparator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any

from gitflow_runner.lang.collection import MISSING, Map, Set, decode, encode
from gitflow_runner.lang.compare import compare, is_comparable
from gitflow_runner.lang.equality import check_count
from gitflow_runner.lang.seqs import ArraySeq
from gitflow_runner.lang.throwing import kind_of, thrown
from gitflow_runner.lang.values import Value

Comparator = Callable[[Value, Value], int]


def check_key(key: Value, comparator: Comparator) -> None:
    """Refuse a key that the default order can never compare, even while there is no other."""
    if comparator is compare and not is_comparable(key):
        message = f"Default comparator requires nil, a number, or something comparable, not {kind_of(key)}"
        raise thrown("ClassCastException", message)


def position(order: tuple[Value, ...], key: Value, comparator: Comparator) -> tuple[int, bool]:
    """Where a key is, or belongs, among sorted keys; whether it is there."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        result = comparator(order[middle], key)
        if result == 0:
            return middle, True
        if result < 0:
            low = middle + 1
        else:
            high = middle
    return low, False


class SortedMap(Map):
    """A map whose entries are in the order of their keys."""

    __slots__ = ("comparator", "order")

    def __init__(
        self,
        order: tuple[Value, ...] = (),
        d: dict[Value, Value] | None = None,
        comparator: Comparator = compare,
        meta: Value = None,
    ) -> None:
        super().__init__(d, meta=meta)
        self.order = order
        self.comparator = comparator

    def like(self, d: dict[Value, Value]) -> Map:
        return sorted_map(((decode(key), value) for key, value in d.items()), self.comparator, self.meta)

    def empty(self) -> Map:
        return SortedMap(comparator=self.comparator, meta=self.meta)

    def key(self, key: Value) -> Value:
        at, there = position(self.order, key, self.comparator)
        return self.order[at] if there else MISSING

    def get(self, key: Value, default: Value = None) -> Value:
        found = self.key(key)
        return default if found is MISSING else self.d[encode(found)]

    def assoc(self, key: Value, value: Value) -> Map:
        at, there = position(self.order, key, self.comparator)
        if there:
            d = self.d.copy()
            d[encode(self.order[at])] = value
            return SortedMap(self.order, d, self.comparator, self.meta)
        check_key(key, self.comparator)
        check_count(len(self.d) + 1)
        order = (*self.order[:at], key, *self.order[at:])
        d = {}
        for item in order:
            encoded = encode(item)
            d[encoded] = value if item is key else self.d[encoded]
        return SortedMap(order, d, self.comparator, self.meta)

    def dissoc(self, keys: Iterable[Value]) -> Map:
        gone = {encode(found) for found in map(self.key, keys) if found is not MISSING}
        d = {key: value for key, value in self.d.items() if key not in gone}
        return SortedMap(tuple(map(decode, d)), d, self.comparator, self.meta)


class SortedSet(Set):
    """A set whose elements are in order."""

    __slots__ = ("comparator", "order")

    def __init__(
        self, order: tuple[Value, ...] = (), comparator: Comparator = compare, meta: Value = None
    ) -> None:
        super().__init__({encode(item): None for item in order}, meta=meta)
        self.order = order
        self.comparator = comparator

    def like(self, items: Iterable[Value]) -> Set:
        return sorted_set(items, self.comparator, self.meta)

    def has(self, item: Value) -> bool:
        return position(self.order, item, self.comparator)[1]

    def key(self, item: Value) -> Value:
        at, there = position(self.order, item, self.comparator)
        return self.order[at] if there else MISSING

    def conj(self, item: Value) -> Set:
        at, there = position(self.order, item, self.comparator)
        if there:
            return self
        check_key(item, self.comparator)
        check_count(len(self.order) + 1)
        return SortedSet((*self.order[:at], item, *self.order[at:]), self.comparator, self.meta)

    def disj(self, items: Iterable[Value]) -> Set:
        gone = {encode(found) for found in map(self.key, items) if found is not MISSING}
        order = tuple([item for item in self.order if encode(item) not in gone])
        return SortedSet(order, self.comparator, self.meta)


def sorted_map(
    pairs: Iterable[tuple[Value, Value]], comparator: Comparator = compare, meta: Value = None
) -> SortedMap:
    """A sorted map of pairs, the last of equal keys winning."""
    found = sorted(pairs, key=_by_key(comparator))
    order: list[Value] = []
    d: dict[Value, Value] = {}
    for key, value in found:
        if order and comparator(order[-1], key) == 0:
            d[encode(order[-1])] = value
            continue
        order.append(key)
        d[encode(key)] = value
    if len(order) == 1:
        check_key(order[0], comparator)
    return SortedMap(tuple(order), d, comparator, meta)


def _by_key(comparator: Comparator) -> Any:
    return cmp_to_key(lambda a, b: comparator(a[0], b[0]))


def sorted_set(items: Iterable[Value], comparator: Comparator = compare, meta: Value = None) -> SortedSet:
    """A sorted set of elements, the first of equal ones kept."""
    order: list[Value] = []
    for item in sorted(items, key=cmp_to_key(comparator)):
        if not order or comparator(order[-1], item) != 0:
            order.append(item)
    if len(order) == 1:
        check_key(order[0], comparator)
    return SortedSet(tuple(order), comparator, meta)


def part(target: SortedMap | SortedSet, low: int, high: int, *, backwards: bool = False) -> ArraySeq | None:
    """The entries or elements between two positions as a sequence; None if there are none."""
    items = tuple(target)[low:high]
    if not items:
        return None
    return ArraySeq(items[::-1] if backwards else items)
