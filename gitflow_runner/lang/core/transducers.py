"""Transducers: functions from reducing function to reducing function."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.access import wrong_arity
from gitflow_runner.lang.collection import MISSING, Vec, encode
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.fuel import MANY, Runtime
from gitflow_runner.lang.seqs import walk
from gitflow_runner.lang.throwing import thrown
from gitflow_runner.lang.values import Function, Reduced, Value

Step = Callable[[Value, Value], Value]
Finish = Callable[[Value], Value]
# Whether the group ends before an item, and whether it ends with it.
Judge = Callable[[list[Value], Value], tuple[bool, bool]]


def transducer(
    runtime: Runtime,
    name: str,
    make: Callable[[Step], Step],
    finish: Callable[[Step, Finish], Finish] | None = None,
) -> Function:
    """A transducer whose step is made anew, with its own state, for each use."""

    def apply(rf: Value) -> Function:
        inner = runtime.caller(rf, 2)
        step = make(inner)
        end = runtime.caller(rf, 1)
        complete = end if finish is None else finish(step, end)

        def call(*args: Value) -> Value:
            if len(args) == 2:
                runtime.charge(1)
                return step(args[0], args[1])
            if len(args) == 1:
                return complete(args[0])
            if not args:
                return runtime.call(rf)
            raise wrong_arity(name, len(args))

        return Function(name, call, 0, 2)

    return Function(name, apply, 1, 1)


def _true(value: Value) -> bool:
    return value is not None and value is not False


def mapping(runtime: Runtime, f: Value) -> Function:
    """The transducer of `map`; its step takes several inputs, as `sequence` gives them."""

    def apply(rf: Value) -> Function:
        inner, end = runtime.caller(rf, 2), runtime.caller(rf, 1)

        def call(*args: Value) -> Value:
            if len(args) == 2:
                runtime.charge(1)
                return inner(args[0], runtime.call(f, args[1]))
            if len(args) > 2:
                return inner(args[0], runtime.call(f, *args[1:]))
            return end(args[0]) if args else runtime.call(rf)

        return Function("map", call, 0, MANY)

    return Function("map", apply, 1, 1)


def filtering(runtime: Runtime, test: Value, *, wanted: bool) -> Function:
    """The transducers of `filter` and `remove`."""
    call = runtime.caller(test, 1)
    return transducer(
        runtime,
        "filter",
        lambda inner: lambda acc, item: inner(acc, item) if _true(call(item)) is wanted else acc,
    )


def keeping(runtime: Runtime, f: Value) -> Function:
    """The transducer of `keep`."""
    call = runtime.caller(f, 1)

    def make(inner: Step) -> Step:
        def step(acc: Value, item: Value) -> Value:
            found = call(item)
            return acc if found is None else inner(acc, found)

        return step

    return transducer(runtime, "keep", make)


def indexed(runtime: Runtime, f: Value, *, keep: bool) -> Function:
    """The transducers of `map-indexed` and `keep-indexed`."""
    call = runtime.caller(f, 2)

    def make(inner: Step) -> Step:
        at = -1

        def step(acc: Value, item: Value) -> Value:
            nonlocal at
            at += 1
            found = call(at, item)
            return acc if keep and found is None else inner(acc, found)

        return step

    return transducer(runtime, "map-indexed", make)


def taking(runtime: Runtime, limit: int) -> Function:
    """The transducer of `take`."""

    def make(inner: Step) -> Step:
        left = limit

        def step(acc: Value, item: Value) -> Value:
            nonlocal left
            result = inner(acc, item) if left > 0 else acc
            left -= 1
            return ensured(result) if left <= 0 else result

        return step

    return transducer(runtime, "take", make)


def dropping(runtime: Runtime, limit: int) -> Function:
    """The transducer of `drop`."""

    def make(inner: Step) -> Step:
        left = limit

        def step(acc: Value, item: Value) -> Value:
            nonlocal left
            left -= 1
            return acc if left >= 0 else inner(acc, item)

        return step

    return transducer(runtime, "drop", make)


def taking_while(runtime: Runtime, test: Value) -> Function:
    """The transducer of `take-while`."""
    call = runtime.caller(test, 1)
    return transducer(
        runtime,
        "take-while",
        lambda inner: lambda acc, item: inner(acc, item) if _true(call(item)) else Reduced(acc),
    )


def dropping_while(runtime: Runtime, test: Value) -> Function:
    """The transducer of `drop-while`."""
    call = runtime.caller(test, 1)

    def make(inner: Step) -> Step:
        dropping_still = True

        def step(acc: Value, item: Value) -> Value:
            nonlocal dropping_still
            if dropping_still and _true(call(item)):
                return acc
            dropping_still = False
            return inner(acc, item)

        return step

    return transducer(runtime, "drop-while", make)


def taking_nth(runtime: Runtime, every: int) -> Function:
    """The transducer of `take-nth`."""

    def make(inner: Step) -> Step:
        at = -1

        def step(acc: Value, item: Value) -> Value:
            nonlocal at
            at += 1
            if every == 0:
                raise thrown("ArithmeticException", "Divide by zero")
            return inner(acc, item) if at % abs(every) == 0 else acc

        return step

    return transducer(runtime, "take-nth", make)


def distinct(runtime: Runtime) -> Function:
    """The transducer of `distinct`."""

    def make(inner: Step) -> Step:
        seen: set[Value] = set()

        def step(acc: Value, item: Value) -> Value:
            key = encode(item)
            if key in seen:
                return acc
            seen.add(key)
            return inner(acc, item)

        return step

    return transducer(runtime, "distinct", make)


def dedupe(runtime: Runtime) -> Function:
    """The transducer of `dedupe`."""

    def make(inner: Step) -> Step:
        previous: Value = MISSING

        def step(acc: Value, item: Value) -> Value:
            nonlocal previous
            before, previous = previous, item
            return acc if before is not MISSING and equal(before, item, runtime) else inner(acc, item)

        return step

    return transducer(runtime, "dedupe", make)


def interpose(runtime: Runtime, separator: Value) -> Function:
    """The transducer of `interpose`."""

    def make(inner: Step) -> Step:
        started = False

        def step(acc: Value, item: Value) -> Value:
            nonlocal started
            if not started:
                started = True
                return inner(acc, item)
            acc = inner(acc, separator)
            return acc if acc.__class__ is Reduced else inner(acc, item)

        return step

    return transducer(runtime, "interpose", make)


def replacing(runtime: Runtime, table: Value) -> Function:
    """The transducer of `replace`."""
    call = runtime.caller(table, 2)
    return transducer(runtime, "replace", lambda inner: lambda acc, item: inner(acc, call(item, item)))


def cat(runtime: Runtime) -> Function:
    """`cat`: the elements of each input; an end that the inner reduction asks for goes on outwards."""

    def make(inner: Step) -> Step:
        def step(acc: Value, items: Value) -> Value:
            for item in walk(items):
                runtime.charge(1)
                acc = inner(acc, item)
                if acc.__class__ is Reduced:
                    return acc
            return acc

        return step

    return transducer(runtime, "cat", make)


def partitioning_all(runtime: Runtime, size: int) -> Function:
    """The transducer of `partition-all`."""
    return _grouping(runtime, "partition-all", lambda: lambda group, _: (False, len(group) + 1 >= size))


def partitioning_by(runtime: Runtime, f: Value) -> Function:
    """The transducer of `partition-by`."""

    def make() -> Judge:
        key: Value = None

        def judge(group: list[Value], item: Value) -> tuple[bool, bool]:
            nonlocal key
            before, key = key, runtime.call(f, item)
            return bool(group) and not equal(before, key, runtime), False

        return judge

    return _grouping(runtime, "partition-by", make)


def _grouping(runtime: Runtime, name: str, make: Callable[[], Judge]) -> Function:
    """A transducer of groups, with a judge of its own for each use."""

    def apply(rf: Value) -> Function:
        inner, end, judge = runtime.caller(rf, 2), runtime.caller(rf, 1), make()
        group: list[Value] = []

        def flush(acc: Value) -> Value:
            items = Vec(tuple(group))
            group.clear()
            return inner(acc, items)

        def call(*args: Value) -> Value:
            if len(args) == 2:
                acc, item = args
                runtime.charge(1)
                ends_before, ends_with = judge(group, item)
                if ends_before:
                    acc = flush(acc)
                    if acc.__class__ is Reduced:
                        return acc
                group.append(item)
                return flush(acc) if ends_with else acc
            if len(args) == 1:
                return end(unreduced(flush(args[0])) if group else args[0])
            return runtime.call(rf)

        return Function(name, call, 0, 2)

    return Function(name, apply, 1, 1)


def composed(runtime: Runtime, functions: tuple[Value, ...]) -> Function:
    """The composition of functions, the last one called first with all arguments."""
    calls = [runtime.caller(f, 1) for f in functions[:-1]]
    innermost = functions[-1]

    def call(*args: Value) -> Value:
        value = runtime.call(innermost, *args)
        for f in reversed(calls):
            value = f(value)
        return value

    return Function("comp", call, 0, MANY)


def ensured(value: Value) -> Reduced:
    """`(ensure-reduced value)`."""
    return value if isinstance(value, Reduced) else Reduced(value)


def unreduced(value: Value) -> Value:
    """`(unreduced value)`."""
    return value.value if isinstance(value, Reduced) else value
