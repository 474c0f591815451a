"""Building collections, looking into them, and changing copies of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitflow_runner.lang.access import lookup, need_map
from gitflow_runner.lang.collection import (
    MISSING,
    Map,
    MapEntry,
    Set,
    Vec,
    encode,
    map_of,
    set_of,
)
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.equality import check_count
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.ordered import SortedMap, SortedSet
from gitflow_runner.lang.seqs import (
    EMPTY_LIST,
    Cons,
    List,
    Seq,
    key_value,
    list_of,
    seq,
    walk,
)
from gitflow_runner.lang.throwing import bad_cast, illegal, kind_of
from gitflow_runner.lang.values import Collection, Value


def pay_for_copy(runtime: Runtime, target: Value) -> None:
    """Charge for copying a large collection in order to change it."""
    if isinstance(target, SortedMap | SortedSet):
        runtime.charge(len(target.d) // 4)
    elif isinstance(target, Map | Set) and len(target.d) > 64:
        runtime.charge(len(target.d) // 64)
    elif isinstance(target, Vec) and target.size > 64:
        runtime.charge(target.size // 64)


def vector(*items: Value) -> Vec:
    """`(vector ...)`."""
    return Vec(list(items))


def vec(runtime: Runtime, items: Value) -> Vec:
    """`(vec items)`."""
    if isinstance(items, Vec):
        return Vec(items.slice(0, items.size)) if items.__class__ is MapEntry else items
    return Vec(runtime.realise(walk(items)))


def list_(*items: Value) -> List:
    """`(list ...)`."""
    return list_of(items)


def hash_map(*items: Value) -> Map:
    """`(hash-map key value ...)`."""
    if len(items) % 2:
        raise illegal(f"No value supplied for key: {items[-1]!r}")
    return map_of(zip(items[::2], items[1::2], strict=True))


def hash_set(*items: Value) -> Set:
    """`(hash-set ...)`."""
    return set_of(items)


def set_(runtime: Runtime, items: Value) -> Set:
    """`(set items)`."""
    if isinstance(items, Set):
        return items
    return set_of(runtime.items(items))


def cons(head: Value, tail: Value) -> Seq:
    """`(cons head tail)`."""
    if tail is None:
        return list_of((head,))
    if not isinstance(tail, Collection) and tail.__class__ is not str:
        raise illegal(f"{kind_of(tail)} cannot be walked as a sequence")
    return Cons(head, tail)


def list_star(*args: Value) -> Value:
    """`(list* a b items)`."""
    tail = args[-1]
    for item in reversed(args[:-1]):
        tail = cons(item, tail)
    return tail if len(args) > 1 else seq(tail)


def conj_one(target: Value, item: Value) -> Value:
    """Add one item where the collection takes it cheapest."""
    if isinstance(target, Vec):
        if target.__class__ is MapEntry:
            return Vec([*target, item])
        return target.conj(item)
    if target.__class__ is List:
        return target.conj(item)
    if isinstance(target, Set):
        return target.conj(item)
    if isinstance(target, Map):
        return _conj_map(target, item)
    if target is None:
        return list_of((item,))
    if isinstance(target, Seq):
        return Cons(item, target)
    raise bad_cast("a collection", target)


def _conj_map(target: Map, item: Value) -> Map:
    if item is None:
        return target
    if isinstance(item, Map):
        return merge_two(target, item)
    if isinstance(item, Vec):
        key, value = key_value(item)
        return target.assoc(key, value)
    found = target
    for each in walk(item):
        if not isinstance(each, MapEntry):
            raise bad_cast("a map entry", each)
        found = found.assoc(*key_value(each))
    return found


def conj(runtime: Runtime, *args: Value) -> Value:
    """`(conj coll item ...)`."""
    if not args:
        return Vec()
    target = args[0]
    if len(args) == 2:
        if target.__class__ is Vec:
            grown = target.grown(args[1])
            if grown is not None:
                return grown
        pay_for_copy(runtime, target)
        return conj_one(target, args[1])
    for item in args[1:]:
        pay_for_copy(runtime, target)
        target = conj_one(target, item)
    return target


def merge_two(target: Map, other: Map) -> Map:
    """The entries of both, the second winning."""
    if target.__class__ is Map:
        d = target.d.copy()
        d.update(other.d)
        check_count(len(d))
        return Map(d, meta=target.meta, loose=target.loose or other.loose)
    found = target
    for key, value in other.items():
        found = found.assoc(key, value)
    return found


def into_plain(runtime: Runtime, target: Value, items: Iterable[Value]) -> Value:
    """All items added to a collection, building in place."""
    kind = target.__class__
    if kind is Vec:
        found = [*target]
        found.extend(items)
        check_count(len(found))
        runtime.charge(target.size // 64)
        return Vec(found, -1, target.meta)
    if kind is Map:
        return _into_map(runtime, target, items)
    if kind is Set:
        d = target.d.copy()
        for item in items:
            d[encode(item)] = None
        runtime.charge(len(target.d) // 64)
        check_count(len(d))
        return Set(d, meta=target.meta)
    for item in items:
        target = conj_one(target, item)
    return target


def _into_map(runtime: Runtime, target: Map, items: Iterable[Value]) -> Map:
    d, loose = target.d.copy(), target.loose
    runtime.charge(len(d) // 64)
    for item in items:
        if isinstance(item, Vec):
            key, value = key_value(item)
            d[encode(key)] = value
        elif isinstance(item, Map):
            d.update(item.d)
            loose = loose or item.loose
        elif item is not None:
            found = _conj_map(Map(d), item)
            d = found.d
    check_count(len(d))
    return Map(d, meta=target.meta, loose=loose)


def empty(value: Value) -> Value:
    """`(empty coll)`."""
    if isinstance(value, Map):
        return value.empty()
    if isinstance(value, Set):
        return value.like(())
    if isinstance(value, MapEntry) or not isinstance(value, Collection):
        return None
    if isinstance(value, Vec):
        return Vec(meta=value.meta)
    return List(meta=value.meta) if value.__class__ is List and value.meta is not None else EMPTY_LIST


def assoc(runtime: Runtime, target: Value, *args: Value) -> Value:
    """`(assoc coll key value ...)`."""
    if len(args) % 2:
        raise illegal("assoc expects even number of arguments after map/vector, found odd number")
    if target is None:
        return map_of(zip(args[::2], args[1::2], strict=True))
    pay_for_copy(runtime, target)
    if target.__class__ is Map:
        d = target.d.copy()
        for at in range(0, len(args), 2):
            d[encode(args[at])] = args[at + 1]
        if len(d) > 1000:
            check_count(len(d))
        return Map(d, meta=target.meta, loose=target.loose)
    if not isinstance(target, Map | Vec):
        raise bad_cast("a map or vector", target)
    if target.__class__ is MapEntry:
        target = Vec(target.slice(0, 2))
    for at in range(0, len(args), 2):
        target = target.assoc(args[at], args[at + 1])
    return target


def dissoc(runtime: Runtime, target: Value, *keys: Value) -> Value:
    """`(dissoc map key ...)`."""
    if target is None or not keys:
        return target
    if not isinstance(target, Map):
        raise bad_cast("a map", target)
    pay_for_copy(runtime, target)
    return target.dissoc(keys)


def disj(runtime: Runtime, target: Value, *items: Value) -> Value:
    """`(disj set item ...)`."""
    if target is None:
        return None
    if not isinstance(target, Set):
        raise bad_cast("a set", target)
    pay_for_copy(runtime, target)
    return target.disj(items)


def _path(keys: Value) -> list[Value]:
    path = list(walk(keys))
    return path or [None]  # as in Clojure, where an empty path means the key nil


def assoc_in(runtime: Runtime, target: Value, keys: Value, value: Value) -> Value:
    """`(assoc-in coll keys value)`."""
    return _changed_in(runtime, target, _path(keys), lambda _: value)


def update_in(runtime: Runtime, target: Value, keys: Value, f: Value, *args: Value) -> Value:
    """`(update-in coll keys f arg ...)`."""
    return _changed_in(runtime, target, _path(keys), lambda old: runtime.call(f, old, *args))


def _changed_in(
    runtime: Runtime, target: Value, path: list[Value], change: Callable[[Value], Value]
) -> Value:
    passed = []
    for key in path[:-1]:
        passed.append((target, key))
        target = lookup(target, key)
    changed = assoc(runtime, target, path[-1], change(lookup(target, path[-1])))
    for holder, key in reversed(passed):
        changed = assoc(runtime, holder, key, changed)
    return changed


def update(runtime: Runtime, target: Value, key: Value, f: Value, *args: Value) -> Value:
    """`(update coll key f arg ...)`."""
    return assoc(runtime, target, key, runtime.call(f, lookup(target, key), *args))


def update_keys(runtime: Runtime, target: Value, f: Value) -> Map:
    """`(update-keys map f)`; of a vector the keys are its indices, as `reduce-kv` has it."""
    if isinstance(target, Vec):
        target = Map(dict(enumerate(target)))
    source, call = need_map(target), runtime.caller(f, 1)
    runtime.charge(len(source.d))
    return Map(
        {encode(call(key)): value for key, value in source.items()}, meta=source.meta, loose=source.loose
    )


def update_vals(runtime: Runtime, target: Value, f: Value) -> Map | Vec:
    """`(update-vals map f)`; a vector stays one."""
    if isinstance(target, Vec):
        runtime.charge(len(target))
        of_one = runtime.caller(f, 1)
        return Vec([of_one(value) for value in target], meta=target.meta)
    source, call = need_map(target), runtime.caller(f, 1)
    runtime.charge(len(source.d))
    return Map({key: call(value) for key, value in source.d.items()}, meta=source.meta, loose=source.loose)


def select_keys(runtime: Runtime, target: Value, keys: Value) -> Map:
    """`(select-keys map keys)`."""
    d = {}
    for key in runtime.items(keys):
        if target is not None and not isinstance(target, Map | Vec):
            raise illegal(f"find not supported on {kind_of(target)}")
        value = lookup(target, key, MISSING)
        if value is not MISSING:
            d[encode(key)] = value
    if not isinstance(target, Map):
        return Map(d)
    return Map(d, meta=target.meta, loose=target.loose)


def merge(runtime: Runtime, *maps: Value) -> Value:
    """`(merge map ...)`."""
    if all(each is None or each is False for each in maps):
        return None
    found = maps[0]
    for each in maps[1:]:
        if found is None or found is False:
            found = Map({})
        if isinstance(found, Map) and isinstance(each, Map):
            runtime.charge(1 + (len(found.d) + len(each.d)) // 64)
            found = merge_two(found, each)
        elif each is not None or not isinstance(found, Map):
            found = conj_one(found, each)
    return found


def merge_with(runtime: Runtime, f: Value, *maps: Value) -> Value:
    """`(merge-with f map ...)`."""
    given = [need_map(each) for each in maps if each is not None]
    if not given:
        return None
    call, d = runtime.caller(f, 2), given[0].d.copy()
    for each in given[1:]:
        runtime.charge(len(each.d))
        for key, value in each.d.items():
            d[key] = call(d[key], value) if key in d else value
    return (
        given[0].like(d)
        if given[0].__class__ is not Map
        else Map(d, meta=given[0].meta, loose=any(each.loose for each in given))
    )


def zipmap(runtime: Runtime, names: Value, values: Value) -> Map:
    """`(zipmap keys vals)`."""
    return map_of(zip(runtime.items(names), walk(seq(values)), strict=False))


TABLE = plain(
    ("vector", vector, 0, MANY),
    ("list", list_, 0, MANY),
    ("hash-map", hash_map, 0, MANY),
    ("array-map", hash_map, 0, MANY),
    ("hash-set", hash_set, 0, MANY),
    ("cons", cons, 2, 2),
    ("list*", list_star, 1, MANY),
    ("empty", empty, 1, 1),
) | ctx(
    ("vec", vec, 1, 1),
    ("set", set_, 1, 1),
    ("conj", conj, 0, MANY),
    ("assoc", assoc, 3, MANY),
    ("dissoc", dissoc, 1, MANY),
    ("disj", disj, 1, MANY),
    ("assoc-in", assoc_in, 3, 3),
    ("update", update, 3, MANY),
    ("update-in", update_in, 3, MANY),
    ("update-keys", update_keys, 2, 2),
    ("update-vals", update_vals, 2, 2),
    ("select-keys", select_keys, 2, 2),
    ("merge", merge, 0, MANY),
    ("merge-with", merge_with, 1, MANY),
    ("zipmap", zipmap, 2, 2),
)
