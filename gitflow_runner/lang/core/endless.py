"""Sequences from nothing: ranges, repetitions, iterations; without end where no bound is given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as counting
from typing import Any

from gitflow_runner.lang.access import keyword_arguments, lookup
from gitflow_runner.lang.core.table import MANY, ctx
from gitflow_runner.lang.equality import MAX_ELEMENTS
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.numbers import add_promoting, ceiling, index, less, rank, sign
from gitflow_runner.lang.seqs import EMPTY_LIST, ArraySeq, Seq, list_of, seq
from gitflow_runner.lang.throwing import too_large
from gitflow_runner.lang.values import INT_MAX, Function, Value, keyword


def endless(runtime: Runtime) -> Iterator[int]:
    """0, 1, 2 and so on; an error where everything is realised at once."""
    for at in counting():
        if runtime.eager and at >= MAX_ELEMENTS:
            raise too_large("a sequence without end cannot be made here")
        yield at


def range_(runtime: Runtime, *args: Value) -> Value:
    """`(range)`, `(range end)`, `(range start end step)`."""
    if not args:
        return runtime.sequence(endless(runtime))
    start, end = (0, args[0]) if len(args) == 1 else (args[0], args[1])
    step = args[2] if len(args) == 3 else 1
    if start.__class__ is int and end.__class__ is int and step.__class__ is int and step != 0:
        return _whole(range(start, min(end, INT_MAX), step))
    for number in (start, end, step):
        rank(number)
    if sign(step) == 0:
        if start == end:
            return EMPTY_LIST
        return runtime.sequence(start for _ in endless(runtime))
    return runtime.sequence(_ranged(start, end, step))


def _whole(numbers: range) -> Seq:
    return ArraySeq(numbers) if len(numbers) else EMPTY_LIST


def _ranged(start: Value, end: Value, step: Value) -> Iterator[Value]:
    upwards = sign(step) > 0
    while less(start, end) if upwards else less(end, start):
        yield start
        start = add_promoting(start, step)


def repeat(runtime: Runtime, *args: Value) -> Value:
    """`(repeat x)`, `(repeat n x)`."""
    if len(args) == 1:
        return runtime.sequence(args[0] for _ in endless(runtime))
    times = index(args[0])
    return runtime.sequence(args[1] for _ in range(times))


def repeatedly(runtime: Runtime, *args: Value) -> Value:
    """`(repeatedly f)`, `(repeatedly n f)`."""
    call = runtime.caller(args[-1], 0)
    if len(args) == 1:
        return runtime.sequence(call() for _ in endless(runtime))
    return runtime.sequence(call() for _ in range(ceiling(args[0])))


def iterate(runtime: Runtime, f: Value, start: Value) -> Value:
    """`(iterate f x)`."""
    return runtime.sequence(_iterated(runtime, runtime.caller(f, 1), start))


def _iterated(runtime: Runtime, call: Any, value: Value) -> Iterator[Value]:
    yield value
    for _ in endless(runtime):
        runtime.charge(1)
        value = call(value)
        yield value


def cycle(runtime: Runtime, coll: Value) -> Value:
    """`(cycle coll)`."""
    found = seq(coll)
    if found is None:
        return EMPTY_LIST
    return runtime.sequence(_cycled(runtime, found))


def _cycled(runtime: Runtime, coll: Seq) -> Iterator[Value]:
    for _ in endless(runtime):
        yield from runtime.items(coll)


def iteration(runtime: Runtime, step: Value, *options: Value) -> Value:
    """`(iteration step :somef f :vf f :kf f :initk k)`: pages until `somef` says that there is none."""
    given = keyword_arguments(list_of(options)) if options else None

    def option(name: str, default: Value) -> Value:
        return lookup(given, keyword(name), default)

    same = Function("identity", lambda value: value, 1, 1)
    exists = Function("some?", lambda value: value is not None, 1, 1)
    some, value, key = option("somef", exists), option("vf", same), option("kf", same)
    return runtime.sequence(_pages(runtime, step, (some, value, key), option("initk", None)))


def _pages(runtime: Runtime, step: Value, uses: tuple[Value, Value, Value], key: Value) -> Iterator[Value]:
    some, value_of, key_of = [runtime.caller(use, 1) for use in uses]
    call = runtime.caller(step, 1)
    for _ in endless(runtime):
        runtime.charge(1)
        page = call(key)
        verdict = some(page)
        if verdict is None or verdict is False:
            return
        yield value_of(page)
        key = key_of(page)
        if key is None:
            return


TABLE = ctx(
    ("iteration", iteration, 1, MANY),
    ("range", range_, 0, 3),
    ("repeat", repeat, 1, 2),
    ("repeatedly", repeatedly, 1, 2),
    ("iterate", iterate, 2, 2),
    ("cycle", cycle, 1, 1),
)
