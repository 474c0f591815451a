"""Functions that make or call functions, and exceptions as values."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.collection import Map, TaggedLiteral, Vec
from gitflow_runner.lang.core import transducers as t
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.fuel import Builtin, Runtime
from gitflow_runner.lang.seqs import walk
from gitflow_runner.lang.throwing import bad_cast, illegal
from gitflow_runner.lang.values import ExInfo, Function, Symbol, Value


def identity(value: Value) -> Value:
    """`(identity value)`."""
    return value


def constantly(value: Value) -> Function:
    """`(constantly value)`."""
    return Function("constantly", lambda *args: value, 0, MANY)


def apply(runtime: Runtime, f: Value, *args: Value) -> Value:
    """`(apply f a b items)`."""
    items = runtime.realise(walk(args[-1]))
    return runtime.call(f, *args[:-1], *items)


def comp(runtime: Runtime, *functions: Value) -> Value:
    """`(comp f g ...)`."""
    if not functions:
        return Function("identity", identity, 1, 1)
    return functions[0] if len(functions) == 1 else t.composed(runtime, functions)


def partial(runtime: Runtime, f: Value, *args: Value) -> Value:
    """`(partial f a ...)`."""
    if not args:
        return f
    return Function("partial", lambda *more: runtime.call(f, *args, *more), 0, MANY)


def juxt(runtime: Runtime, *functions: Value) -> Function:
    """`(juxt f g ...)`."""
    return Function("juxt", lambda *args: Vec(tuple([runtime.call(f, *args) for f in functions])), 0, MANY)


def complement(runtime: Runtime, f: Value) -> Function:
    """`(complement f)`."""

    def call(*args: Value) -> bool:
        verdict = runtime.call(f, *args)
        return verdict is None or verdict is False

    return Function("complement", call, 0, MANY)


def fnil(runtime: Runtime, f: Value, *defaults: Value) -> Function:
    """`(fnil f default ...)`: nil arguments in front are replaced."""

    def call(*args: Value) -> Value:
        given = [defaults[at] if at < len(defaults) and arg is None else arg for at, arg in enumerate(args)]
        return runtime.call(f, *given)

    return Function("fnil", call, 1, MANY)


def every_pred(runtime: Runtime, *tests: Value) -> Function:
    """`(every-pred test ...)`."""
    return Function(
        "every-pred",
        lambda *args: all(_true(runtime.call(test, arg)) for test, arg in _rounds(tests, args)),
        0,
        MANY,
    )


def _rounds(tests: tuple[Value, ...], args: tuple[Value, ...]) -> list[tuple[Value, Value]]:
    """Each test on the first three arguments in turn, then all tests on each of the others."""
    first = [(test, arg) for test in tests for arg in args[:3]]
    return first + [(test, arg) for arg in args[3:] for test in tests]


def some_fn(runtime: Runtime, *tests: Value) -> Function:
    """`(some-fn test ...)`: the first true result."""

    def call(*args: Value) -> Value:
        verdict: Value = None
        for test, arg in _rounds(tests, args):
            verdict = runtime.call(test, arg)
            if _true(verdict):
                return verdict
        return verdict

    return Function("some-fn", call, 0, MANY)


def _true(value: Value) -> bool:
    return value is not None and value is not False


def trampoline(runtime: Runtime, f: Value, *args: Value) -> Value:
    """`(trampoline f a ...)`."""
    value = runtime.call(f, *args)
    while isinstance(value, Function):
        runtime.charge(1)
        value = runtime.call(value)
    return value


def ex_info(message: Value, data: Value, cause: Value = None) -> ExInfo:
    """`(ex-info message data cause)`."""
    if not isinstance(data, Map):
        raise illegal("Additional data must be non-nil.") if data is None else bad_cast("a map of data", data)
    if message is not None and message.__class__ is not str:
        raise bad_cast("a message", message)
    if message is not None and message.__class__ is not str:
        raise bad_cast("a message", message)
    return ExInfo(message, data, cause)


def ex_data(value: Value) -> Value:
    """`(ex-data exception)`."""
    return value.data if isinstance(value, ExInfo) else None


def ex_message(value: Value) -> Value:
    """`(ex-message exception)`."""
    return value.message if isinstance(value, ExInfo) else None


def ex_cause(value: Value) -> Value:
    """`(ex-cause exception)`."""
    return value.cause if isinstance(value, ExInfo) else None


def _constructor(cls: str) -> Builtin:
    name = cls.rsplit(".", 1)[1] + "."

    def make(*args: Value) -> ExInfo:
        message = next((arg for arg in args if arg.__class__ is str), None)
        cause = next((arg for arg in args if isinstance(arg, ExInfo)), None)
        return ExInfo(message, None, cause, cls)

    return Builtin(name, make, 0, 2)


EXCEPTIONS = (
    "java.lang.Exception",
    "java.lang.RuntimeException",
    "java.lang.Throwable",
    "java.lang.Error",
    "java.lang.AssertionError",
    "java.lang.IllegalArgumentException",
    "java.lang.IllegalStateException",
    "java.lang.ArithmeticException",
    "java.lang.NumberFormatException",
    "java.lang.NullPointerException",
    "java.lang.ClassCastException",
    "java.lang.IndexOutOfBoundsException",
    "java.lang.UnsupportedOperationException",
)


def tagged_literal(tag: Value, form: Value) -> TaggedLiteral:
    """`(tagged-literal tag form)`."""
    if tag.__class__ is not Symbol:
        raise bad_cast("a symbol", tag)
    return TaggedLiteral(tag, form)


def _accessor(of: Callable[[ExInfo], Value]) -> Callable[[Value], Value]:
    def read(value: Value) -> Value:
        if not isinstance(value, ExInfo):
            raise bad_cast("an exception", value)
        return of(value)

    return read


TABLE = (
    plain(
        ("identity", identity, 1, 1),
        ("constantly", constantly, 1, 1),
        ("ex-info", ex_info, 2, 3),
        ("ex-data", ex_data, 1, 1),
        ("ex-message", ex_message, 1, 1),
        ("ex-cause", ex_cause, 1, 1),
        ("tagged-literal", tagged_literal, 2, 2),
    )
    | ctx(
        ("apply", apply, 2, MANY),
        ("comp", comp, 0, MANY),
        ("partial", partial, 1, MANY),
        ("juxt", juxt, 1, MANY),
        ("complement", complement, 1, 1),
        ("fnil", fnil, 2, 4),
        ("every-pred", every_pred, 1, MANY),
        ("some-fn", some_fn, 1, MANY),
        ("trampoline", trampoline, 1, MANY),
    )
    | {_constructor(cls).name: _constructor(cls) for cls in EXCEPTIONS}
    | {f"{cls}.": _constructor(cls) for cls in EXCEPTIONS}
    | plain(
        (".getMessage", _accessor(lambda value: value.message), 1, 1),
        (".getCause", _accessor(lambda value: value.cause), 1, 1),
        (".getData", _accessor(lambda value: value.data), 1, 1),
    )
)
