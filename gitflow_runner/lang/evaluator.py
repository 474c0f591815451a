"""Nodes to closures: each closure takes a frame and gives a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitflow_runner.errors import Unwind
from gitflow_runner.lang import calls, closures
from gitflow_runner.lang.calls import Frame, Run, failed
from gitflow_runner.lang.collection import Boxed, Map, Set, Vec, encode
from gitflow_runner.lang.nodes import (
    And,
    Case,
    Comprehension,
    Const,
    Do,
    Fn,
    HostCall,
    If,
    Invoke,
    KeywordCall,
    Lazy,
    Let,
    Letfn,
    Library,
    LibraryCall,
    Local,
    Loop,
    MapOf,
    Node,
    Or,
    Recur,
    SetOf,
    Throw,
    Try,
    VectorOf,
)
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.throwing import FlowThrow, bad_cast, illegal, is_a
from gitflow_runner.lang.values import ExInfo, Value


def emit(node: Node) -> Run:
    """The closure of a node."""
    return _EMITTERS[node.__class__](node)


def _const(node: Const) -> Run:
    value = node.value
    return lambda frame: value


def _local(node: Local) -> Run:
    slot = node.slot
    return lambda frame: frame[slot]


def _library(node: Library) -> Run:
    builtin = node.builtin
    return lambda frame: frame[0].function(builtin)


def _if(node: If) -> Run:
    test, then, other = emit(node.test), emit(node.then), emit(node.other)
    meta = node.meta
    if meta is not None:

        def observed(frame: Frame) -> Value:
            value = test(frame)
            taken = value is not None and value is not False
            if frame[0].observer is not None:
                frame[0].observer(meta, taken)
            return then(frame) if taken else other(frame)

        return observed

    def run(frame: Frame) -> Value:
        value = test(frame)
        if value is not None and value is not False:
            return then(frame)
        return other(frame)

    return run


def _and(node: And) -> Run:
    items, last = tuple([emit(item) for item in node.items[:-1]]), emit(node.items[-1])

    def run(frame: Frame) -> Value:
        for item in items:
            value = item(frame)
            if value is None or value is False:
                return value
        return last(frame)

    return run


def _or(node: Or) -> Run:
    items, last = tuple([emit(item) for item in node.items[:-1]]), emit(node.items[-1])

    def run(frame: Frame) -> Value:
        for item in items:
            value = item(frame)
            if value is not None and value is not False:
                return value
        return last(frame)

    return run


def _do(node: Do) -> Run:
    items, last = tuple([emit(item) for item in node.items[:-1]]), emit(node.items[-1])

    def run(frame: Frame) -> Value:
        for item in items:
            item(frame)
        return last(frame)

    return run


def _throw(node: Throw) -> Run:
    value, form = emit(node.value), node.form

    def run(frame: Frame) -> Value:
        thrown = value(frame)
        if not isinstance(thrown, ExInfo):
            raise failed(bad_cast("an exception", thrown), "throw", None, form)
        raise FlowThrow(thrown, form.source.place(form.start))

    return run


def _try(node: Try) -> Run:
    caught = _with_catches(node) if node.catches else emit(node.body)
    if node.final is None:
        return caught
    final = emit(node.final)

    def run(frame: Frame) -> Value:
        depth = frame[0].depth
        try:
            value = caught(frame)
        except (FlowThrow, Unwind):  # but not while an Interrupt passes, nor out of fuel
            frame[0].depth = depth
            final(frame)
            raise
        final(frame)
        return value

    return run


def _with_catches(node: Try) -> Run:
    body = emit(node.body)
    catches = tuple([(clause.cls, clause.slot, emit(clause.body)) for clause in node.catches])

    def run(frame: Frame) -> Value:
        depth = frame[0].depth
        try:
            return body(frame)
        except FlowThrow as error:
            frame[0].depth = depth
            info = error.info
            matching = [clause for clause in catches if clause[0] is None or is_a(info.cls, clause[0])]
            if not matching:
                raise
        _, slot, handler = matching[0]
        frame[slot] = info
        return handler(frame)

    return run


def _case(node: Case) -> Run:
    test, form = emit(node.test), node.form
    table = {key: emit(branch) for key, branch in node.table.items()}
    default = None if node.default is None else emit(node.default)

    def run(frame: Frame) -> Value:
        value = test(frame)
        branch = table.get(encode(value), default)
        if branch is None:
            error = illegal(f"No matching clause: {readable(value)}")
            raise failed(error, "case", None, form)
        return branch(frame)

    return run


def _vector(node: VectorOf) -> Run:
    items = tuple([emit(item) for item in node.items])
    return lambda frame: Vec([item(frame) for item in items])


def _set(node: SetOf) -> Run:
    items, form = tuple([emit(item) for item in node.items]), node.form

    def run(frame: Frame) -> Value:
        d = {encode(item(frame)): None for item in items}
        if len(d) != len(items):
            raise failed(illegal("Duplicate key in a set literal"), "hash-set", None, form)
        return Set(d)

    return run


def _map(node: MapOf) -> Run:
    form = node.form
    values = tuple([emit(value) for _, value in node.pairs])
    if all(isinstance(key, Const) for key, _ in node.pairs):
        keys = tuple([encode(key.value) for key, _ in node.pairs if isinstance(key, Const)])
        return lambda frame: Map(dict(zip(keys, [value(frame) for value in values], strict=True)))
    pairs = tuple([(emit(key), emit(value)) for key, value in node.pairs])

    def run(frame: Frame) -> Value:
        d: dict[Value, Value] = {}
        for key, value in pairs:
            found = key(frame)
            encoded = Boxed(found) if found.__class__ in (bool, float) else found
            if encoded in d:
                raise failed(illegal(f"Duplicate key: {readable(found)}"), "hash-map", None, form)
            d[encoded] = value(frame)
        return Map(d)

    return run


_EMITTERS: dict[type, Callable[[Any], Run]] = {
    Const: _const,
    Local: _local,
    Library: _library,
    If: _if,
    And: _and,
    Or: _or,
    Do: _do,
    Let: lambda node: closures.let(node, emit),
    Loop: lambda node: closures.loop(node, emit),
    Recur: lambda node: closures.recur(node, emit),
    Fn: lambda node: closures.fn(node, emit),
    Letfn: lambda node: closures.letfn(node, emit),
    Lazy: lambda node: closures.lazy(node, emit),
    Comprehension: lambda node: closures.comprehension(node, emit),
    Invoke: lambda node: calls.invoke(node, emit),
    LibraryCall: lambda node: calls.library_call(node, emit),
    KeywordCall: lambda node: calls.keyword_call(node, emit),
    HostCall: lambda node: calls.host_call(node, emit),
    Throw: _throw,
    Try: _try,
    Case: _case,
    VectorOf: _vector,
    SetOf: _set,
    MapOf: _map,
}
