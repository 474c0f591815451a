"""Parts of sequences: from the front, from the back, in groups."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from gitflow_runner.lang.collection import MISSING, Vec
from gitflow_runner.lang.core import transducers as t
from gitflow_runner.lang.core.endless import endless
from gitflow_runner.lang.core.table import ctx
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.numbers import ceiling, index
from gitflow_runner.lang.seqs import EMPTY_LIST, ArraySeq, as_seq, first, list_of, walk
from gitflow_runner.lang.throwing import bad_cast, out_of_bounds
from gitflow_runner.lang.values import Value


def take(runtime: Runtime, number: Value, coll: Value = MISSING) -> Value:
    """`(take n coll)`."""
    limit = ceiling(number)
    if coll is MISSING:
        return t.taking(runtime, limit)
    return runtime.sequence(_taken(runtime, limit, as_seq(coll)))


def _taken(runtime: Runtime, limit: int, coll: Value) -> Iterator[Value]:
    if limit <= 0:
        return
    for item in runtime.items(coll):
        yield item
        limit -= 1
        if limit <= 0:
            return


def drop(runtime: Runtime, number: Value, coll: Value = MISSING) -> Value:
    """`(drop n coll)`."""
    limit = ceiling(number)
    if coll is MISSING:
        return t.dropping(runtime, limit)
    if isinstance(coll, Vec) and limit > 0:
        return ArraySeq(coll.items, min(limit, coll.size), coll.size)
    return runtime.sequence(_dropped(runtime, limit, as_seq(coll)))


def _dropped(runtime: Runtime, limit: int, coll: Value) -> Iterator[Value]:
    for at, item in enumerate(runtime.items(coll)):
        if at >= limit:
            yield item


def take_while(runtime: Runtime, test: Value, coll: Value = MISSING) -> Value:
    """`(take-while test coll)`."""
    if coll is MISSING:
        return t.taking_while(runtime, test)
    return runtime.sequence(_taken_while(runtime, runtime.caller(test, 1), as_seq(coll)))


def _taken_while(runtime: Runtime, call: Any, coll: Value) -> Iterator[Value]:
    for item in runtime.items(coll):
        verdict = call(item)
        if verdict is None or verdict is False:
            return
        yield item


def drop_while(runtime: Runtime, test: Value, coll: Value = MISSING) -> Value:
    """`(drop-while test coll)`."""
    if coll is MISSING:
        return t.dropping_while(runtime, test)
    return runtime.sequence(_dropped_while(runtime, runtime.caller(test, 1), as_seq(coll)))


def _dropped_while(runtime: Runtime, call: Any, coll: Value) -> Iterator[Value]:
    dropping = True
    for item in runtime.items(coll):
        if dropping:
            verdict = call(item)
            if verdict is not None and verdict is not False:
                continue
            dropping = False
        yield item


def take_last(runtime: Runtime, number: Value, coll: Value) -> Value:
    """`(take-last n coll)`."""
    limit, items = ceiling(number), runtime.realise(walk(coll))
    found = items[-limit:] if limit > 0 else []
    return ArraySeq(tuple(found)) if found else None


def drop_last(runtime: Runtime, *args: Value) -> Value:
    """`(drop-last n coll)`."""
    limit, coll = (1, args[0]) if len(args) == 1 else (ceiling(args[0]), args[1])
    items = runtime.realise(walk(coll))
    return list_of(items[: len(items) - max(limit, 0)] if limit < len(items) else ())


def take_nth(runtime: Runtime, number: Value, coll: Value = MISSING) -> Value:
    """`(take-nth n coll)`."""
    step = index(number)
    if coll is MISSING:
        return t.taking_nth(runtime, step)
    items = as_seq(coll)
    if step <= 0:
        start = first(items)
        return runtime.sequence(start for _ in endless(runtime)) if items.seq() else EMPTY_LIST
    return runtime.sequence(item for at, item in enumerate(runtime.items(items)) if at % step == 0)


def split_at(runtime: Runtime, number: Value, coll: Value) -> Vec:
    """`(split-at n coll)`."""
    return Vec((take(runtime, number, coll), drop(runtime, number, coll)))


def split_with(runtime: Runtime, test: Value, coll: Value) -> Vec:
    """`(split-with test coll)`."""
    return Vec((take_while(runtime, test, coll), drop_while(runtime, test, coll)))


def partition(runtime: Runtime, size: Value, *args: Value) -> Value:
    """`(partition n coll)`, `(partition n step coll)`, `(partition n step pad coll)`."""
    step = size if len(args) == 1 else args[0]
    pad = args[1] if len(args) == 3 else MISSING
    return runtime.sequence(_partitions(runtime, index(size), index(step), args[-1], pad, whole=True))


def partition_all(runtime: Runtime, size: Value, *args: Value) -> Value:
    """`(partition-all n coll)`, `(partition-all n step coll)`."""
    number = index(size)
    if not args:
        return t.partitioning_all(runtime, number)
    step = size if len(args) == 1 else args[0]
    return runtime.sequence(_partitions(runtime, number, index(step), args[-1], MISSING, whole=False))


def _partitions(
    runtime: Runtime, size: int, step: int, coll: Value, pad: Value, *, whole: bool
) -> Iterator[Value]:
    if size <= 0:
        if size == 0 or not whole or pad is not MISSING:
            yield from _empty_groups(runtime, step, as_seq(coll), once=size < 0 and whole)
        return
    items = runtime.items(as_seq(coll))
    group: list[Value] = []
    skip = 0
    while True:
        for item in items:
            if skip:
                skip -= 1
                continue
            group.append(item)
            if len(group) >= size:
                break
        if len(group) < size:
            break
        yield list_of(group)
        skip = max(step - len(group), 0)
        group = group[max(step, 0) :] if step > 0 else group
        runtime.charge(1)
    if group and pad is not MISSING:
        padding = runtime.realise(_taken(runtime, size - len(group), as_seq(pad)))
        yield list_of([*group, *padding])
    while group and not whole:
        yield list_of(group)
        group = group[max(step, 1) :]


def _empty_groups(runtime: Runtime, step: int, coll: Value, *, once: bool) -> Iterator[Value]:
    """Groups of no element: one for each step through the collection."""
    if step <= 0 and not once and coll.seq() is not None:
        yield from (EMPTY_LIST for _ in endless(runtime))
    for at, _ in enumerate(runtime.items(coll)):
        if at % max(step, 1) == 0:
            yield EMPTY_LIST
        if once:
            return


def partition_by(runtime: Runtime, f: Value, coll: Value = MISSING) -> Value:
    """`(partition-by f coll)`."""
    if coll is MISSING:
        return t.partitioning_by(runtime, f)
    return runtime.sequence(_runs(runtime, runtime.caller(f, 1), as_seq(coll)))


def _runs(runtime: Runtime, call: Any, coll: Value) -> Iterator[Value]:
    live = coll.seq()
    while live is not None:
        key = call(live.first())
        rest = live.rest()
        # A run may have no end, so it is a sequence of its own; the next one starts where it ended.
        run = runtime.sequence(chain((live.first(),), _alike(runtime, call, key, rest)))
        yield run
        left: Value = live
        for _ in runtime.items(run):
            left = left.seq().rest()
        live = left.seq()


def _alike(runtime: Runtime, call: Any, key: Value, coll: Value) -> Iterator[Value]:
    for item in runtime.items(coll):
        if not equal(key, call(item), runtime):
            return
        yield item


def subvec(runtime: Runtime, value: Value, start: Value, end: Value = MISSING) -> Vec:
    """`(subvec vector start end)`."""
    if not isinstance(value, Vec):
        raise bad_cast("a vector", value)
    low, high = index(start), value.size if end is MISSING else index(end)
    if not 0 <= low <= high <= value.size:
        raise out_of_bounds(high if low >= 0 else low, value.size)
    runtime.charge((high - low) // 64)
    return Vec(value.slice(low, high))


TABLE = ctx(
    ("subvec", subvec, 2, 3),
    ("take", take, 1, 2),
    ("drop", drop, 1, 2),
    ("take-while", take_while, 1, 2),
    ("drop-while", drop_while, 1, 2),
    ("take-last", take_last, 2, 2),
    ("drop-last", drop_last, 1, 2),
    ("take-nth", take_nth, 1, 2),
    ("split-at", split_at, 2, 2),
    ("split-with", split_with, 2, 2),
    ("partition", partition, 2, 4),
    ("partition-all", partition_all, 1, 3),
    ("partition-by", partition_by, 1, 2),
)
