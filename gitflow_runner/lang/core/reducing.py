"""Walking a collection to its end: reductions, searches, groups, sorting; and the use of transducers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cmp_to_key

from gitflow_runner.lang.collection import EMPTY_VEC, MISSING, Map, Set, Vec, encode
from gitflow_runner.lang.compare import compare, sort_key
from gitflow_runner.lang.core import transducers as t
from gitflow_runner.lang.core.collections import into_plain
from gitflow_runner.lang.core.sequences import filtered, mapped
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.equality import check_count
from gitflow_runner.lang.fuel import Runtime, out_of_fuel
from gitflow_runner.lang.numbers import less, sign
from gitflow_runner.lang.seqs import EMPTY_LIST, as_seq, list_of, seq, walk
from gitflow_runner.lang.throwing import bad_cast
from gitflow_runner.lang.values import Collection, Function, Reduced, Value


def reduce(runtime: Runtime, f: Value, *args: Value) -> Value:
    """`(reduce f coll)`, `(reduce f init coll)`."""
    if len(args) == 1:
        items = walk(args[0])
        acc = next(items, MISSING)
        if acc is MISSING:
            return runtime.call(f)
    else:
        acc, items = args[0], walk(args[1])
        if f.__class__ is Function and f.name == "conj" and acc.__class__ in (Vec, Map, Set):
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


def comparator(runtime: Runtime, f: Value) -> Callable[[Value, Value], int]:
    """A comparator of ours behind a function that returns a number, or whether the first goes first."""
    if f.__class__ is Function and f.name == "compare":
        return lambda a, b: compare(a, b)
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


def into(runtime: Runtime, *args: Value) -> Value:
    """`(into to from)`, `(into to xform from)`."""
    if not args:
        return EMPTY_VEC
    if len(args) == 1:
        return args[0]
    if len(args) == 2:
        return into_plain(runtime, args[0], runtime.items(args[1]))
    if args[0].__class__ is Vec:
        return transduce(runtime, args[1], Function("conj", _onto_vector, 0, 2), *args[::2])
    return transduce(runtime, args[1], _gathering(runtime, args[0]), _Gathered(), args[2])


class _Gathered:
    """What an `into` has so far, in a list that only its own steps look at."""

    __slots__ = ("items",)

    def __init__(self) -> None:
        self.items: list[Value] = []


def _gathering(runtime: Runtime, target: Value) -> Function:
    """The reducing function of an `into`: builds `target` in place when the reduction completes."""

    def gather(*args: Value) -> Value:
        acc = args[0] if args else _Gathered()
        if len(args) < 2:
            return into_plain(runtime, target, iter(acc.items)) if args else acc
        acc.items.append(args[1])
        check_count(len(acc.items))
        return acc

    return Function("conj", gather, 0, 2)


def _onto_vector(*args: Value) -> Value:
    return args[0].conj(args[1]) if len(args) == 2 else args[0] if args else EMPTY_VEC


def _transduced(runtime: Runtime, xform: Value, colls: tuple[Value, ...]) -> Iterator[Value]:
    out: list[Value] = []

    def gather(*args: Value) -> Value:
        if len(args) == 2:
            out.append(args[1])
        return args[0] if args else None

    rf = runtime.call(xform, Function("gather", gather, 0, 2))
    step = runtime.caller(rf, 1 + len(colls))
    sources = zip(*map(runtime.items, colls), strict=False)
    for items in sources:
        result = step(None, *items)
        yield from out
        out.clear()
        if result.__class__ is Reduced:
            break
    runtime.call(rf, None)
    yield from out


def transduce(runtime: Runtime, xform: Value, f: Value, *args: Value) -> Value:
    """`(transduce xform f init coll)`."""
    acc = args[0] if len(args) == 2 else runtime.call(f)
    rf = runtime.call(xform, f)
    acc = reduced_over(runtime, runtime.caller(rf, 2), acc, walk(args[-1]))
    return runtime.call(rf, acc)


def sequence(runtime: Runtime, *args: Value) -> Value:
    """`(sequence coll)`, `(sequence xform coll ...)`."""
    if len(args) == 1:
        found = seq(args[0])
        return EMPTY_LIST if found is None else found
    return runtime.sequence(_transduced(runtime, args[0], args[1:]))


def eduction(runtime: Runtime, *args: Value) -> Value:
    """`(eduction xform ... coll)`: as a sequence."""
    return runtime.sequence(_transduced(runtime, t.composed(runtime, args[:-1]), args[-1:]))


def completing(runtime: Runtime, f: Value, finish: Value = MISSING) -> Function:
    """`(completing f finish)`."""

    def call(*args: Value) -> Value:
        if len(args) == 1:
            return args[0] if finish is MISSING else runtime.call(finish, args[0])
        return runtime.call(f, *args)

    return Function("completing", call, 0, 2)


def halt_when(runtime: Runtime, test: Value, retf: Value = None) -> Function:
    """`(halt-when test retf)`: the reduction ends with the input, or with what `retf` makes of it."""

    def apply(rf: Value) -> Function:
        inner, end = runtime.caller(rf, 2), runtime.caller(rf, 1)

        def call(*args: Value) -> Value:
            if len(args) == 2:
                verdict = runtime.call(test, args[1])
                if verdict is None or verdict is False:
                    return inner(args[0], args[1])
                value = args[1] if retf is None else runtime.call(retf, end(args[0]), args[1])
                return Reduced(_Halted(value))
            if len(args) == 1:
                return args[0].value if isinstance(args[0], _Halted) else end(args[0])
            return runtime.call(rf)

        return Function("halt-when", call, 0, 2)

    return Function("halt-when", apply, 1, 1)


class _Halted:
    """What `halt-when` hands to its own completion."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value


def cat(runtime: Runtime, rf: Value) -> Value:
    """`cat`."""
    return runtime.call(t.cat(runtime), rf)


TABLE = plain(
    ("reduced", Reduced, 1, 1),
    ("unreduced", t.unreduced, 1, 1),
    ("ensure-reduced", t.ensured, 1, 1),
) | ctx(
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
    ("sort", sort, 1, 2),
    ("sort-by", sort_by, 2, 3),
    ("max-key", _best(lambda best, key: less(key, best)), 2, MANY),
    ("min-key", _best(lambda best, key: less(best, key)), 2, MANY),
    ("run!", run_each, 2, 2),
    ("doall", doall, 1, 2),
    ("dorun", dorun, 1, 2),
    ("into", into, 0, 3),
    ("transduce", transduce, 3, 4),
    ("sequence", sequence, 1, MANY),
    ("eduction", eduction, 1, MANY),
    ("comparator", lambda runtime, f: Function("comparator", comparator(runtime, f), 2, 2), 1, 1),
    ("completing", completing, 1, 2),
    ("halt-when", halt_when, 1, 2),
    ("cat", cat, 1, 1),
)
