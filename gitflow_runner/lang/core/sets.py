"""`clojure.set`, all 12 names; relations are sets of maps."""

from __future__ import annotations

from collections.abc import Iterable

from gitflow_runner.lang.access import lookup, need_map
from gitflow_runner.lang.collection import MISSING, Map, Set, Vec, encode, map_of, set_of
from gitflow_runner.lang.core.collections import disj, into_plain, select_keys
from gitflow_runner.lang.core.lookups import contains, count
from gitflow_runner.lang.core.table import MANY, ctx
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.seqs import walk
from gitflow_runner.lang.throwing import bad_cast
from gitflow_runner.lang.values import Value


def union(runtime: Runtime, *sets: Value) -> Value:
    """`(union set ...)`: the smaller added to the larger; of other collections, what `conj` gives."""
    if not sets:
        return Set()
    base, *others = _largest_first(runtime, sets, 1)
    for each in others:
        if each is not None:
            runtime.charge(count(runtime, each))
            base = into_plain(runtime, base, walk(each))
    return base


def _largest_first(runtime: Runtime, sets: tuple[Value, ...], sign: int) -> list[Value]:
    """One of the largest (by `sign` smallest) first, the others in their order; of two equals the first."""
    if len(sets) == 1:
        return list(sets)
    sizes = [sign * count(runtime, each) for each in sets]
    found = [at for at, size in enumerate(sizes) if size == max(sizes)]
    at = found[0] if len(sets) == 2 else found[-1]
    return [sets[at], *sets[:at], *sets[at + 1 :]]


def need_set(value: Value) -> Set:
    """A set."""
    if isinstance(value, Set):
        return value
    raise bad_cast("a set", value)


def intersection(runtime: Runtime, first: Value, *sets: Value) -> Value:
    """`(intersection set ...)`."""
    found, *others = _largest_first(runtime, (first, *sets), -1) if len(sets) > 1 else (first, *sets)
    for other in others:
        small, large = (other, found) if count(runtime, other) < count(runtime, found) else (found, other)
        found = _without(runtime, small, [item for item in runtime.items(small) if not contains(large, item)])
    return found


def difference(runtime: Runtime, first: Value, *others: Value) -> Value:
    """`(difference set ...)`."""
    found = first
    for other in others:
        if count(runtime, found) < count(runtime, other):
            gone = [item for item in runtime.items(found) if contains(other, item)]
        else:
            gone = list(runtime.items(other))
        found = _without(runtime, found, gone)
    return found


def _without(runtime: Runtime, target: Value, items: list[Value]) -> Value:
    return disj(runtime, target, *items) if items else target


def select(runtime: Runtime, test: Value, items: Value) -> Value:
    """`(select test set)`."""
    if items is None:
        return None
    call = runtime.caller(test, 1)
    gone = []
    for item in runtime.items(items):
        verdict = call(item)
        if verdict is None or verdict is False:
            gone.append(item)
    return _without(runtime, items, gone)


def subset(runtime: Runtime, small: Value, large: Value) -> bool:
    """`(subset? small large)`."""
    if count(runtime, small) > count(runtime, large):
        return False
    return all(contains(large, item) for item in runtime.items(small))


def superset(runtime: Runtime, large: Value, small: Value) -> bool:
    """`(superset? large small)`."""
    return subset(runtime, small, large)


def project(runtime: Runtime, relation: Value, names: Value) -> Set:
    """`(project relation keys)`."""
    return set_of([select_keys(runtime, row, names) for row in runtime.items(relation)])


def rename_keys(runtime: Runtime, target: Value, names: Value) -> Value:
    """`(rename-keys map {old new})`."""
    if target is None:
        return None
    source, new = need_map(target), need_map(names)
    runtime.charge(len(source) + len(new))
    d = source.dissoc(new.keys()).d.copy()
    for old, name in new.items():
        value = source.get(old, MISSING)
        if value is not MISSING:
            d[encode(name)] = value
    return source.like(d)


def rename(runtime: Runtime, relation: Value, names: Value) -> Set:
    """`(rename relation {old new})`."""
    return set_of([rename_keys(runtime, row, names) for row in runtime.items(relation)])


def index(runtime: Runtime, relation: Value, names: Value) -> Map:
    """`(index relation keys)`: rows by the values of some keys."""
    groups: dict[Value, list[Value]] = {}
    for row in runtime.items(relation):
        groups.setdefault(encode(select_keys(runtime, row, names)), []).append(row)
    return Map({key: set_of(rows) for key, rows in groups.items()})


def map_invert(runtime: Runtime, target: Value) -> Map:
    """`(map-invert map)`."""
    if isinstance(target, Vec):
        return map_of((value, at) for at, value in enumerate(runtime.items(target)))
    source = need_map(target)
    runtime.charge(len(source))
    return map_of((value, key) for key, value in source.items())


def join(runtime: Runtime, left: Value, right: Value, names: Value = None) -> Set:
    """`(join left right {key key})`: rows that agree, merged; by common keys if none are named."""
    rows, others = list(runtime.items(left)), list(runtime.items(right))
    if not rows or not others:
        return Set()
    if names is None:
        pairs = [(key, key) for key, _ in need_map(rows[0]).items() if need_map(others[0]).has(key)]
    else:
        pairs = list(need_map(names).items())
    by_key: dict[Value, list[Value]] = {}
    for row in rows:
        by_key.setdefault(_key(row, [key for key, _ in pairs]), []).append(row)
    found = []
    for other in others:
        for row in by_key.get(_key(other, [key for _, key in pairs]), ()):
            one, two = need_map(row), need_map(other)
            runtime.charge(2 + len(one.d) + len(two.d))  # every pair of rows makes a map of its own
            found.append(map_of([*one.items(), *two.items()]))
    return set_of(found)


def _key(row: Value, names: Iterable[Value]) -> tuple[Value, ...]:
    return tuple([encode(lookup(row, name)) for name in names])


TABLE = {
    f"clojure.set/{name}": row
    for name, row in ctx(
        ("union", union, 0, MANY),
        ("intersection", intersection, 1, MANY),
        ("difference", difference, 1, MANY),
        ("select", select, 2, 2),
        ("subset?", subset, 2, 2),
        ("superset?", superset, 2, 2),
        ("project", project, 2, 2),
        ("rename-keys", rename_keys, 2, 2),
        ("rename", rename, 2, 2),
        ("index", index, 2, 2),
        ("map-invert", map_invert, 1, 1),
        ("join", join, 2, 3),
    ).items()
}
