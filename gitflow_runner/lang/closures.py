"""Closures for functions, loops, lazy sequences and comprehensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from gitflow_runner.lang.access import wrong_arity
from gitflow_runner.lang.calls import Emit, Frame, Run, failed
from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.fuel import MANY, Runtime, out_of_fuel, too_deep_calls
from gitflow_runner.lang.nodes import (
    Arity,
    Comprehension,
    Each,
    Fn,
    Lazy,
    Let,
    Letfn,
    Loop,
    Recur,
    Where,
)
from gitflow_runner.lang.seqs import ArraySeq, IterSeq, LazySeq, Source, walk
from gitflow_runner.lang.values import Function, Value

LAZY_TICKS: Final = 16  # what making, keeping and entering one costs, in turns of a loop
AGAIN: Final[Value] = object()  # what a `recur` leaves for the loop around it


class Maker:
    """Makes function values of one `fn` form; the two halves let functions see each other."""

    __slots__ = ("arities", "bodies", "high", "low", "name")

    def __init__(self, node: Fn, emit: Emit) -> None:
        self.name = node.name
        self.arities = node.arities
        self.bodies = [emit(arity.body) for arity in node.arities]
        self.low = min(arity.params for arity in node.arities)
        self.high = max(MANY if arity.variadic else arity.params for arity in node.arities)

    def allocate(self, runtime: Runtime) -> tuple[Function, list[Frame]]:
        """A function without its captured values, and where to put them."""
        tails: list[Frame] = [
            [None] * (arity.size - 1 - arity.params - arity.variadic) for arity in self.arities
        ]
        calls = [
            _arity_call(runtime, arity, body, tail, self.name)
            for arity, body, tail in zip(self.arities, self.bodies, tails, strict=True)
        ]
        call = calls[0] if len(calls) == 1 else self._dispatch(calls)
        return Function(self.name, call, self.low, self.high), tails

    def _dispatch(self, calls: list[Callable[..., Value]]) -> Callable[..., Value]:
        fixed = {
            arity.params: call for arity, call in zip(self.arities, calls, strict=True) if not arity.variadic
        }
        variadic = next(
            (call for arity, call in zip(self.arities, calls, strict=True) if arity.variadic), None
        )
        name = self.name

        def call(*args: Value) -> Value:
            chosen = fixed.get(len(args), variadic)
            if chosen is None:
                raise wrong_arity(name, len(args))
            return chosen(*args)

        return call

    def fill(self, frame: Frame, function: Function, tails: list[Frame]) -> None:
        """Copy what the function captures, by value, from the frame where it is made."""
        for arity, tail in zip(self.arities, tails, strict=True):
            base = 1 + arity.params + arity.variadic
            for source, target in arity.captures:
                tail[target - base] = frame[source]
            if arity.self_slot is not None:
                tail[arity.self_slot - base] = function

    def make(self, frame: Frame) -> Function:
        """A function value."""
        function, tails = self.allocate(frame[0])
        self.fill(frame, function, tails)
        return function


def _arity_call(runtime: Runtime, arity: Arity, body: Run, tail: Frame, name: str) -> Callable[..., Value]:
    params, recurs = arity.params, arity.recurs

    def enter(frame: Frame) -> Value:
        depth = runtime.depth + 1
        if depth > runtime.max_depth:
            raise too_deep_calls(runtime.max_depth)
        runtime.depth = depth
        value = body(frame)
        if recurs:
            while value is AGAIN:
                value = body(frame)
        runtime.depth = depth - 1
        return value

    if arity.variadic:

        def variadic(*args: Value) -> Value:
            if len(args) < params:
                raise wrong_arity(name, len(args))
            rest = ArraySeq(args, params) if len(args) > params else None
            return enter([runtime, *args[:params], rest, *tail])

        return variadic
    if recurs or params > 3:

        def fixed(*args: Value) -> Value:
            if len(args) != params:
                raise wrong_arity(name, len(args))
            return enter([runtime, *args, *tail])

        return fixed

    def plain(*args: Value) -> Value:
        if len(args) != params:
            raise wrong_arity(name, len(args))
        depth = runtime.depth + 1
        if depth > runtime.max_depth:
            raise too_deep_calls(runtime.max_depth)
        runtime.depth = depth
        value = body([runtime, *args, *tail])
        runtime.depth = depth - 1
        return value

    return plain


def fn(node: Fn, emit: Emit) -> Run:
    """A function literal."""
    return Maker(node, emit).make


def letfn(node: Letfn, emit: Emit) -> Run:
    """Functions that see each other."""
    makers = [(slot, Maker(made, emit)) for slot, made in node.pairs]
    body = emit(node.body)

    def run(frame: Frame) -> Value:
        made = [(maker, *maker.allocate(frame[0])) for _, maker in makers]
        for (slot, _), (_, function, _) in zip(makers, made, strict=True):
            frame[slot] = function
        for maker, function, tails in made:
            maker.fill(frame, function, tails)
        return body(frame)

    return run


def let(node: Let, emit: Emit) -> Run:
    """Slots filled in turn, then the body."""
    pairs = tuple([(slot, emit(value)) for slot, value in node.pairs])
    body = emit(node.body)
    if len(pairs) == 1:
        slot, value = pairs[0]

        def one(frame: Frame) -> Value:
            frame[slot] = value(frame)
            return body(frame)

        return one

    def run(frame: Frame) -> Value:
        for slot, value in pairs:
            frame[slot] = value(frame)
        return body(frame)

    return run


def loop(node: Loop, emit: Emit) -> Run:
    """As let; the body again for as long as it ends in `recur`."""
    pairs = tuple([(slot, emit(value)) for slot, value in node.pairs])
    body = emit(node.body)

    def run(frame: Frame) -> Value:
        for slot, value in pairs:
            frame[slot] = value(frame)
        result = body(frame)
        while result is AGAIN:
            result = body(frame)
        return result

    return run


def recur(node: Recur, emit: Emit) -> Run:
    """New values for the slots of the target, all of them computed first; the turn is paid for here."""
    slots, args, form = node.slots, tuple([emit(arg) for arg in node.args]), node.form
    if len(slots) == 1:
        only, value = slots[0], args[0]

        def one(frame: Frame) -> Value:
            frame[only] = value(frame)
            runtime = frame[0]
            runtime.fuel -= 1
            if runtime.fuel < 0:
                raise failed(out_of_fuel(), "recur", None, form)
            return AGAIN

        return one
    if len(slots) == 2:
        (first, second), (a, b) = slots, args

        def two(frame: Frame) -> Value:
            x = a(frame)
            frame[second] = b(frame)
            frame[first] = x
            runtime = frame[0]
            runtime.fuel -= 1
            if runtime.fuel < 0:
                raise failed(out_of_fuel(), "recur", None, form)
            return AGAIN

        return two

    def run(frame: Frame) -> Value:
        values = [arg(frame) for arg in args]
        for slot, item in zip(slots, values, strict=True):
            frame[slot] = item
        runtime = frame[0]
        runtime.fuel -= 1
        if runtime.fuel < 0:
            raise failed(out_of_fuel(), "recur", None, form)
        return AGAIN

    return run


def lazy(node: Lazy, emit: Emit) -> Run:
    """`lazy-seq`: the body over captured values, evaluated when somebody looks.

    There may be very many at a time, so each holds one frame, and none is a function of its own.
    """
    (arity,) = node.thunk.arities
    body, size, captures = emit(arity.body), arity.size, arity.captures

    def enter(captured: Frame) -> Value:
        runtime = captured[0]
        depth = runtime.depth + 1
        if depth > runtime.max_depth:
            raise too_deep_calls(runtime.max_depth)
        runtime.depth = depth
        frame = captured.copy()  # a body that throws is asked again, from the beginning
        value = body(frame)
        while value is AGAIN:
            value = body(frame)
        runtime.depth = depth - 1
        return value

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.charge(LAZY_TICKS)
        captured: Frame = [None] * size
        captured[0] = runtime
        for source, target in captures:
            captured[target] = frame[source]
        return LazySeq(partial(enter, captured))

    return run


class _Stop(Exception):
    """A `:while` that does not hold ends the innermost walk."""


def comprehension(node: Comprehension, emit: Emit) -> Run:
    """`for` and `doseq`. A lazy one runs on its own copy of the frame."""
    body = emit(node.body)

    def innermost(frame: Frame) -> Iterator[Value]:
        yield body(frame)

    items: Callable[[Frame], Iterator[Value]] = innermost
    for step in reversed(node.steps):
        items = _each(step, items, emit) if isinstance(step, Each) else _where(step, items, emit)

    def lazily(frame: Frame) -> Value:
        return IterSeq(Source(items(frame.copy())))

    def as_vector(frame: Frame) -> Value:
        return Vec(tuple(items(frame)))

    def for_nothing(frame: Frame) -> Value:
        for _ in items(frame):
            pass
        return None

    return {"lazy": lazily, "vector": as_vector, "nothing": for_nothing}[node.result]


def _each(
    step: Each, inner: Callable[[Frame], Iterator[Value]], emit: Emit
) -> Callable[[Frame], Iterator[Value]]:
    slot, source, form = step.slot, emit(step.items), step.form
    pairs = tuple([(target, emit(value)) for target, value in step.pairs])

    def items(frame: Frame) -> Iterator[Value]:
        runtime = frame[0]
        for item in walk(source(frame)):
            runtime.fuel -= 1
            if runtime.fuel < 0:
                raise failed(out_of_fuel(), "for", None, form)
            frame[slot] = item
            for target, value in pairs:
                frame[target] = value(frame)
            try:
                yield from inner(frame)
            except _Stop:
                return

    return items


def _where(
    step: Where, inner: Callable[[Frame], Iterator[Value]], emit: Emit
) -> Callable[[Frame], Iterator[Value]]:
    if step.test is None:
        pairs = tuple([(target, emit(value)) for target, value in step.pairs])

        def bound(frame: Frame) -> Iterator[Value]:
            for target, value in pairs:
                frame[target] = value(frame)
            return inner(frame)

        return bound
    test, ends = emit(step.test), step.kind == "while"

    def tested(frame: Frame) -> Iterator[Value]:
        value = test(frame)
        if value is not None and value is not False:
            yield from inner(frame)
        elif ends:
            raise _Stop

    return tested
