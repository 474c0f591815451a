"""The use of transducers: into, transduce, and the sequences that they make."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.lang.collection import EMPTY_VEC, MISSING, Vec
from gitflow_runner.lang.core import transducers as t
from gitflow_runner.lang.core.collections import into_plain
from gitflow_runner.lang.core.reducing import reduced_over
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.equality import check_count
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.seqs import EMPTY_LIST, seq, walk
from gitflow_runner.lang.values import Function, Reduced, Value


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
    ("into", into, 0, 3),
    ("transduce", transduce, 3, 4),
    ("sequence", sequence, 1, MANY),
    ("eduction", eduction, 1, MANY),
    ("completing", completing, 1, 2),
    ("halt-when", halt_when, 1, 2),
    ("cat", cat, 1, 1),
)
