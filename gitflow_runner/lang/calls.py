"""Closures for calls: fuel, the Python behind them, and where it was when something failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gitflow_runner.errors import LangError
from gitflow_runner.lang.access import callable_of, lookup
from gitflow_runner.lang.collection import MISSING, Map
from gitflow_runner.lang.forms import Form
from gitflow_runner.lang.fuel import Call, out_of_fuel
from gitflow_runner.lang.nodes import Const, HostCall, Invoke, KeywordCall, LibraryCall, Local, Node
from gitflow_runner.lang.throwing import TRACE_LIMIT, FlowThrow, kind_of, thrown
from gitflow_runner.lang.values import Function, Keyword, Value

# A frame is a list: the runtime first, then parameters, captured values and locals.
Frame: TypeAlias = list[Value]
Run: TypeAlias = Callable[[Frame], Value]
Emit: TypeAlias = Callable[[Node], Run]

# What the Python behind a library function raises when it is given a kind of value it cannot work on.
_MISUSE = (TypeError, AttributeError, ValueError, LookupError, ArithmeticError)


def failed(error: Exception, name: str, args: tuple[Value, ...] | None, form: Form) -> Exception:
    """The error with the place of the form that was running; a misuse becomes an exception value."""
    if isinstance(error, FlowThrow):
        place = form.source.place(form.start)
        if error.at is None:
            error.at = place
        if len(error.trace) < TRACE_LIMIT:
            error.trace.append(place)
        return error
    if isinstance(error, LangError):
        if error.at is None:
            error.at = form.source.place(form.start)
        return error
    if isinstance(error, _MISUSE):
        what = f" ({', '.join(map(kind_of, args))})" if args else ""
        cause = f"{name} cannot work on these arguments{what}"
        misuse = thrown("ClassCastException", cause)
        misuse.__cause__ = error
        misuse.at = form.source.place(form.start)
        misuse.trace.append(misuse.at)
        return misuse
    return error


def library_call(node: LibraryCall, emit: Emit) -> Run:
    """A call of a library function that is known while compiling."""
    if node.builtin.ctx:
        return _with_runtime(node, emit)
    match len(node.args):
        case 1:
            return _plain_one(node, emit)
        case 2:
            return _plain_two(node, emit)
        case _:
            return _plain_many(node, emit)


def _plain_one(node: LibraryCall, emit: Emit) -> Run:
    fn, name, form = node.builtin.fn, node.builtin.name, node.form
    argument = node.args[0]
    if isinstance(argument, Local):
        slot = argument.slot

        def of_local(frame: Frame) -> Value:
            runtime = frame[0]
            runtime.fuel -= 1
            try:
                if runtime.fuel < 0:
                    raise out_of_fuel()
                return fn(frame[slot])
            except Exception as error:
                raise failed(error, name, (frame[slot],), form) from None

        return of_local
    a = emit(argument)

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.fuel -= 1
        x = a(frame)
        try:
            if runtime.fuel < 0:
                raise out_of_fuel()
            return fn(x)
        except Exception as error:
            raise failed(error, name, (x,), form) from None

    return run


def _plain_two(node: LibraryCall, emit: Emit) -> Run:
    fn, name, form = node.builtin.fn, node.builtin.name, node.form
    left, right = node.args
    if isinstance(left, Local) and isinstance(right, Const):
        slot, constant = left.slot, right.value

        def local_const(frame: Frame) -> Value:
            runtime = frame[0]
            runtime.fuel -= 1
            try:
                if runtime.fuel < 0:
                    raise out_of_fuel()
                return fn(frame[slot], constant)
            except Exception as error:
                raise failed(error, name, (frame[slot], constant), form) from None

        return local_const
    if isinstance(left, Local) and isinstance(right, Local):
        one, two = left.slot, right.slot

        def local_local(frame: Frame) -> Value:
            runtime = frame[0]
            runtime.fuel -= 1
            try:
                if runtime.fuel < 0:
                    raise out_of_fuel()
                return fn(frame[one], frame[two])
            except Exception as error:
                raise failed(error, name, (frame[one], frame[two]), form) from None

        return local_local
    a, b = emit(left), emit(right)

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.fuel -= 1
        x = a(frame)
        y = b(frame)
        try:
            if runtime.fuel < 0:
                raise out_of_fuel()
            return fn(x, y)
        except Exception as error:
            raise failed(error, name, (x, y), form) from None

    return run


def _plain_many(node: LibraryCall, emit: Emit) -> Run:
    fn, name, form = node.builtin.fn, node.builtin.name, node.form
    args = tuple([emit(arg) for arg in node.args])

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.fuel -= 1
        values = [arg(frame) for arg in args]
        try:
            if runtime.fuel < 0:
                raise out_of_fuel()
            return fn(*values)
        except Exception as error:
            raise failed(error, name, tuple(values), form) from None

    return run


def _with_runtime(node: LibraryCall, emit: Emit) -> Run:
    fn, name, form = node.builtin.fn, node.builtin.name, node.form
    args = tuple([emit(arg) for arg in node.args])
    if len(args) == 2:
        a, b = args

        def two(frame: Frame) -> Value:
            runtime = frame[0]
            runtime.fuel -= 1
            x = a(frame)
            y = b(frame)
            try:
                if runtime.fuel < 0:
                    raise out_of_fuel()
                return fn(runtime, x, y)
            except Exception as error:
                raise failed(error, name, (x, y), form) from None

        return two

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.fuel -= 1
        values = [arg(frame) for arg in args]
        try:
            if runtime.fuel < 0:
                raise out_of_fuel()
            return fn(runtime, *values)
        except Exception as error:
            raise failed(error, name, tuple(values), form) from None

    return run


def keyword_call(node: KeywordCall, emit: Emit) -> Run:
    """`(:key target)`, the commonest call of all."""
    key, target, form = node.key, emit(node.target), node.form
    default = emit(node.default) if node.default is not None else None

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.fuel -= 1
        if runtime.fuel < 0:
            raise failed(out_of_fuel(), "get", None, form)
        value = target(frame)
        if value.__class__ is Map:
            found = value.d.get(key, MISSING)
            if found is not MISSING:
                return found
        try:
            return lookup(value, key, None if default is None else default(frame))
        except Exception as error:
            raise failed(error, repr(key), (value,), form) from None

    return run


def invoke(node: Invoke, emit: Emit) -> Run:
    """A call of a value that is known only while running."""
    function, form = emit(node.function), node.form
    args = tuple([emit(arg) for arg in node.args])
    count = len(args)

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.fuel -= 1
        f = function(frame)
        values = [arg(frame) for arg in args]
        try:
            if runtime.fuel < 0:
                raise out_of_fuel()
            if f.__class__ is Function and f.low <= count <= f.high:
                return f.call(*values)
            return callable_of(f, count)(*values)
        except Exception as error:
            raise failed(error, _named(f), tuple(values), form) from None

    return run


def _named(value: Value) -> str:
    if value.__class__ is Function:
        return str(value.name)
    return repr(value) if value.__class__ is Keyword else kind_of(value)


def host_call(node: HostCall, emit: Emit) -> Run:
    """A call of one of the embedder's names; the depth is restored, since others may run meanwhile."""
    name, form = node.name, node.form
    args = tuple([emit(arg) for arg in node.args])

    def run(frame: Frame) -> Value:
        runtime = frame[0]
        runtime.fuel -= 1
        if runtime.fuel < 0:
            raise failed(out_of_fuel(), name, None, form)
        values = tuple([arg(frame) for arg in args])
        depth = runtime.depth
        try:
            result = runtime.host(Call(name, values, form, runtime))
        except FlowThrow as error:
            runtime.depth = depth
            raise failed(error, name, values, form) from None
        runtime.depth = depth
        return result

    return run
