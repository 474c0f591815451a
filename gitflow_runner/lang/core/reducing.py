"""Walking a collection to its end: reductions, searches, groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gitflow_runner.lang.collection import MISSING, Map, Set, Vec, encode
from gitflow_runner.lang.core.collections import into_plain
from gitflow_runner.lang.core.sequences import filtered, mapped
from gitflow_runner.lang.core.table import MANY, ctx
from gitflow_runner.lang.fuel import Runtime, out_of_fuel
from gitflow_runner.lang.numbers import less
from gitflow_runner.lang.seqs import as_seq, walk
from gitflow_runner.lang.throwing import bad_cast
from gitflow_runner.lang.values import Reduced, Value


def reduce(runtime: Runtime, f: Value, *args: Value) -> Value:
    """`(reduce f coll)`, `(reduce f init coll)`."""
    if len(args) == 1:
        items = walk(args[0])
        acc = next(items, MISSING)
        if acc is MISSING:
            return runtime.call(f)
    else:
        acc, items = args[0], walk(args[1])
        if runtime.is_library(f, "conj") and acc.__class__ in (Vec, Map, Set):
            return into_plain(runtime, acc, runtime.items(args[1]))
    return reduced_over(runtime, runtime.caller(f, 2), acc, items)


def reduced_over(runtime: Runtime, step: Callable[..., Value], acc: Value, items: Iterator[Value]) -> Value:
    """The accumulation of a step over an iterator."""
    for item in items:
        runtime.fuel -= 1
        if runtime.fuel < 0:
            raise out_of_fuel()
        acc = step(acc, item)
        if acc.__class__ is Reduced:
            return acc.value
    return acc


def reduce_kv(runtime: Runtime, f: Value, acc: Value, target: Value) -> Value:
    """`(reduce-kv f init coll)`: of a map, or of a vector with its indices."""
    step = runtime.caller(f, 3)
    if isinstance(target, Map):
        pairs: Iterator[tuple[Value, Value]] = target.items()
    elif isinstance(target, Vec):
        pairs = enumerate(target)
    elif target is None:
        return acc
    else:
        raise bad_cast("a map or vector", target)
    for key, value in pairs:
        runtime.charge(1)
        acc = step(acc, key, value)
        if acc.__class__ is Reduced:
            return acc.value
    return acc


def reductions(runtime: Runtime, f: Value, *args: Value) -> Value:
    """`(reductions f init coll)`."""
    return runtime.sequence(_reductions(runtime, f, args))


def _reductions(runtime: Runtime, f: Value, args: tuple[Value, ...]) -> Iterator[Value]:
    step = runtime.caller(f, 2)
    items = runtime.items(args[-1])
    acc = args[0] if len(args) == 2 else next(items, MISSING)
    if acc is MISSING:
        yield runtime.call(f)
        return
    if acc.__class__ is Reduced:
        yield acc.value
        return
    yield acc
    for item in items:
        acc = step(acc, item)
        if acc.__class__ is Reduced:
            yield acc.value
            return
        yield acc


def some(runtime: Runtime, test: Value, coll: Value) -> Value:
    """`(some test coll)`: the first true result."""
    call = runtime.caller(test, 1)
    for item in runtime.items(coll):
        found = call(item)
        if found is not None and found is not False:
            return found
    return None


def every(runtime: Runtime, test: Value, coll: Value) -> bool:
    """`(every? test coll)`."""
    call = runtime.caller(test, 1)
    for item in runtime.items(coll):
        found = call(item)
        if found is None or found is False:
            return False
    return True


def mapv(runtime: Runtime, f: Value, *colls: Value) -> Vec:
    """`(mapv f coll ...)`."""
    return Vec(list(mapped(runtime, f, colls)))


def filterv(runtime: Runtime, test: Value, coll: Value) -> Vec:
    """`(filterv test coll)`."""
    return Vec(list(filtered(runtime, test, as_seq(coll), wanted=True)))


def group_by(runtime: Runtime, f: Value, coll: Value) -> Map:
    """`(group-by f coll)`: keys in the order in which they were first seen."""
    call = runtime.caller(f, 1)
    groups: dict[Value, list[Value]] = {}
    for item in runtime.items(coll):
        groups.setdefault(encode(call(item)), []).append(item)
    return Map({key: Vec(items) for key, items in groups.items()})


def frequencies(runtime: Runtime, coll: Value) -> Map:
    """`(frequencies coll)`."""
    counts: dict[Value, Value] = {}
    for item in runtime.items(coll):
        key = encode(item)
        counts[key] = counts.get(key, 0) + 1
    return Map(counts)


def all_distinct(runtime: Runtime, *items: Value) -> bool:
    """`(distinct? a b ...)`."""
    return len({encode(item) for item in items}) == len(items)


def _best(better: Callable[[Value, Value], bool]) -> Callable[..., Value]:
    def pick(runtime: Runtime, f: Value, *items: Value) -> Value:
        best = items[0]
        if len(items) == 1:
            return best
        call = runtime.caller(f, 1)
        best_key = call(best)
        for item in items[1:]:
            key = call(item)
            if not better(best_key, key):  # of equals the last one, as in Clojure
                best, best_key = item, key
        return best

    return pick


def run_each(runtime: Runtime, f: Value, coll: Value) -> None:
    """`(run! f coll)`."""
    call = runtime.caller(f, 1)
    for item in runtime.items(coll):
        if call(item).__class__ is Reduced:
            return


def doall(runtime: Runtime, *args: Value) -> Value:
    """`(doall coll)`: realised now."""
    if len(args) == 1:
        for _ in runtime.items(args[0]):
            pass
    return args[-1]


def dorun(runtime: Runtime, *args: Value) -> None:
    """`(dorun coll)`."""
    doall(runtime, *args)


TABLE = ctx(
    ("reduce", reduce, 2, 3),
    ("reduce-kv", reduce_kv, 3, 3),
    ("reductions", reductions, 2, 3),
    ("some", some, 2, 2),
    ("every?", every, 2, 2),
    ("not-any?", lambda runtime, test, coll: some(runtime, test, coll) is None, 2, 2),
    ("not-every?", lambda runtime, test, coll: not every(runtime, test, coll), 2, 2),
    ("mapv", mapv, 2, MANY),
    ("filterv", filterv, 2, 2),
    ("group-by", group_by, 2, 2),
    ("frequencies", frequencies, 1, 1),
    ("distinct?", all_distinct, 1, MANY),
    ("max-key", _best(lambda best, key: less(key, best)), 2, MANY),
    ("min-key", _best(lambda best, key: less(best, key)), 2, MANY),
    ("run!", run_each, 2, 2),
    ("doall", doall, 1, 2),
    ("dorun", dorun, 1, 2),
)
