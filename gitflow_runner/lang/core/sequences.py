"""Sequences: taking them apart, and making lazy ones of others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Any

from gitflow_runner.lang.collection import MISSING, Map, Set, Vec, encode
from gitflow_runner.lang.core import transducers as t
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.fuel import Runtime, out_of_fuel
from gitflow_runner.lang.numbers import ceiling
from gitflow_runner.lang.seqs import (
    EMPTY_LIST,
    ArraySeq,
    List,
    Seq,
    as_seq,
    counted,
    first,
    rest,
    seq,
    walk,
)
from gitflow_runner.lang.throwing import bad_cast
from gitflow_runner.lang.values import Value


def second(value: Value) -> Value:
    """`(second coll)`."""
    return first(rest(value))


def next_(value: Value) -> Value:
    """`(next coll)`."""
    return rest(value).seq()


def last(runtime: Runtime, value: Value) -> Value:
    """`(last coll)`."""
    if isinstance(value, Vec):
        return value.items[value.size - 1] if value.size else None
    items = deque(runtime.items(value), maxlen=1)
    return items[0] if items else None


def butlast(runtime: Runtime, value: Value) -> Value:
    """`(butlast coll)`."""
    items = runtime.realise(walk(value))[:-1]
    return ArraySeq(tuple(items)) if items else None


def nthrest(runtime: Runtime, value: Value, number: Value) -> Value:
    """`(nthrest coll n)`."""
    found, left = value, ceiling(number)
    while left > 0:
        live = seq(found)
        if live is None:
            return found
        runtime.charge(1)
        found, left = live.rest(), left - 1
    return found


def nthnext(runtime: Runtime, value: Value, number: Value) -> Value:
    """`(nthnext coll n)`."""
    return None if seq(value) is None else seq(nthrest(runtime, value, number))


def reverse(runtime: Runtime, value: Value) -> List:
    """`(reverse coll)`."""
    return List(tuple(runtime.realise(walk(value))))


def map_(runtime: Runtime, f: Value, *colls: Value) -> Value:
    """`(map f coll ...)`; without a collection, a transducer."""
    if not colls:
        return t.mapping(runtime, f)
    return runtime.sequence(mapped(runtime, f, colls))


def mapped(runtime: Runtime, f: Value, colls: tuple[Value, ...]) -> Iterator[Value]:
    """The results of `f` over the elements of one or more collections, as long as all have some."""
    for coll in colls:
        as_seq(coll)  # an argument that is no sequence is told of at once
    call = runtime.caller(f, len(colls))
    if len(colls) > 1:
        return _mapped_together(runtime, call, colls)
    return _mapped(runtime, call, colls[0])


def _mapped(runtime: Runtime, call: Any, coll: Value) -> Iterator[Value]:
    for item in walk(coll):
        runtime.fuel -= 1
        if runtime.fuel < 0:
            raise out_of_fuel()
        yield call(item)


def _mapped_together(runtime: Runtime, call: Any, colls: tuple[Value, ...]) -> Iterator[Value]:
    for items in zip(*map(walk, colls), strict=False):
        runtime.charge(1)
        yield call(*items)


def map_indexed(runtime: Runtime, f: Value, coll: Value = MISSING) -> Value:
    """`(map-indexed f coll)`."""
    if coll is MISSING:
        return t.indexed(runtime, f, keep=False)
    call = runtime.caller(f, 2)
    return runtime.sequence(call(at, item) for at, item in enumerate(runtime.items(as_seq(coll))))


def keep(runtime: Runtime, f: Value, coll: Value = MISSING) -> Value:
    """`(keep f coll)`."""
    if coll is MISSING:
        return t.keeping(runtime, f)
    call = runtime.caller(f, 1)
    results = map(call, runtime.items(as_seq(coll)))
    return runtime.sequence(found for found in results if found is not None)


def keep_indexed(runtime: Runtime, f: Value, coll: Value = MISSING) -> Value:
    """`(keep-indexed f coll)`."""
    if coll is MISSING:
        return t.indexed(runtime, f, keep=True)
    call = runtime.caller(f, 2)
    results = (call(at, item) for at, item in enumerate(runtime.items(as_seq(coll))))
    return runtime.sequence(found for found in results if found is not None)


def filter_(runtime: Runtime, test: Value, coll: Value = MISSING) -> Value:
    """`(filter test coll)`."""
    if coll is MISSING:
        return t.filtering(runtime, test, wanted=True)
    return runtime.sequence(filtered(runtime, test, as_seq(coll), wanted=True))


def remove(runtime: Runtime, test: Value, coll: Value = MISSING) -> Value:
    """`(remove test coll)`."""
    if coll is MISSING:
        return t.filtering(runtime, test, wanted=False)
    return runtime.sequence(filtered(runtime, test, as_seq(coll), wanted=False))


def filtered(runtime: Runtime, test: Value, coll: Value, *, wanted: bool) -> Iterator[Value]:
    """The elements for which the test holds, or for which it does not."""
    call = runtime.caller(test, 1)
    for item in walk(coll):
        runtime.fuel -= 1
        if runtime.fuel < 0:
            raise out_of_fuel()
        verdict = call(item)
        if (verdict is not None and verdict is not False) is wanted:
            yield item


def mapcat(runtime: Runtime, f: Value, *colls: Value) -> Value:
    """`(mapcat f coll ...)`."""
    if not colls:
        return t.composed(runtime, (t.mapping(runtime, f), t.cat(runtime)))
    return runtime.sequence(chain.from_iterable(map(runtime.items, mapped(runtime, f, colls))))


def concat(runtime: Runtime, *colls: Value) -> Value:
    """`(concat coll ...)`; the last one is followed without nesting."""
    if not colls:
        return EMPTY_LIST
    for coll in colls:
        as_seq(coll)
    return runtime.sequence(chain.from_iterable(map(runtime.items, colls[:-1])), colls[-1])


def distinct(runtime: Runtime, coll: Value = MISSING) -> Value:
    """`(distinct coll)`."""
    if coll is MISSING:
        return t.distinct(runtime)
    return runtime.sequence(_distinct(runtime, as_seq(coll)))


def _distinct(runtime: Runtime, coll: Value) -> Iterator[Value]:
    seen = set()
    for item in runtime.items(coll):
        key = encode(item)
        if key not in seen:
            seen.add(key)
            yield item


def dedupe(runtime: Runtime, coll: Value = MISSING) -> Value:
    """`(dedupe coll)`."""
    if coll is MISSING:
        return t.dedupe(runtime)
    return runtime.sequence(_deduped(runtime, as_seq(coll)))


def _deduped(runtime: Runtime, coll: Value) -> Iterator[Value]:
    previous = MISSING
    for item in runtime.items(coll):
        if previous is MISSING or not equal(previous, item, runtime):
            yield item
        previous = item


def interleave(runtime: Runtime, *colls: Value) -> Value:
    """`(interleave coll ...)`."""
    if not colls:
        return EMPTY_LIST
    rounds = zip(*[runtime.items(as_seq(coll)) for coll in colls], strict=False)
    return runtime.sequence(chain.from_iterable(rounds))


def interpose(runtime: Runtime, separator: Value, coll: Value = MISSING) -> Value:
    """`(interpose separator coll)`."""
    if coll is MISSING:
        return t.interpose(runtime, separator)
    return runtime.sequence(_interposed(runtime, separator, as_seq(coll)))


def _interposed(runtime: Runtime, separator: Value, coll: Value) -> Iterator[Value]:
    for at, item in enumerate(runtime.items(coll)):
        if at:
            yield separator
        yield item


def flatten(runtime: Runtime, coll: Value) -> Value:
    """`(flatten coll)`: what is no sequence gives an empty one."""
    return runtime.sequence(_flattened(runtime, coll))


def _flattened(runtime: Runtime, coll: Value) -> Iterator[Value]:
    if not isinstance(coll, Vec | Seq):
        return
    stack = [runtime.items(coll)]
    while stack:
        item = next(stack[-1], MISSING)
        if item is MISSING:
            stack.pop()
        elif isinstance(item, Vec | Seq):
            stack.append(runtime.items(item))
        else:
            yield item


def rseq(runtime: Runtime, value: Value) -> Value:
    """`(rseq coll)`: a vector or sorted collection from the back."""
    runtime.charge((counted(value) or 0) // 16)
    if isinstance(value, Vec):
        items = value.slice(0, value.size)[::-1]
    elif isinstance(value, Map | Set) and hasattr(value, "order"):
        items = tuple(value)[::-1]
    else:
        raise bad_cast("a vector or sorted collection", value)
    return ArraySeq(items) if items else None


TABLE = plain(
    ("seq", seq, 1, 1),
    ("first", first, 1, 1),
    ("second", second, 1, 1),
    ("rest", rest, 1, 1),
    ("next", next_, 1, 1),
    ("ffirst", lambda value: first(first(value)), 1, 1),
    ("fnext", lambda value: first(next_(value)), 1, 1),
    ("nfirst", lambda value: next_(first(value)), 1, 1),
    ("nnext", lambda value: next_(next_(value)), 1, 1),
) | ctx(
    ("rseq", rseq, 1, 1),
    ("last", last, 1, 1),
    ("butlast", butlast, 1, 1),
    ("nthrest", nthrest, 2, 2),
    ("nthnext", nthnext, 2, 2),
    ("reverse", reverse, 1, 1),
    ("map", map_, 1, MANY),
    ("map-indexed", map_indexed, 1, 2),
    ("keep", keep, 1, 2),
    ("keep-indexed", keep_indexed, 1, 2),
    ("filter", filter_, 1, 2),
    ("remove", remove, 1, 2),
    ("mapcat", mapcat, 1, MANY),
    ("concat", concat, 0, MANY),
    ("distinct", distinct, 0, 1),
    ("dedupe", dedupe, 0, 1),
    ("interleave", interleave, 0, MANY),
    ("interpose", interpose, 1, 2),
    ("flatten", flatten, 1, 1),
)
