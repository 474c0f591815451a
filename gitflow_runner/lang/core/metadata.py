"""Metadata: copies of values that carry another map beside them."""

from __future__ import annotations

from copy import copy

from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.throwing import bad_cast
from gitflow_runner.lang.values import Collection, Function, Symbol, Value


def with_meta(value: Value, meta: Value) -> Value:
    """`(with-meta value map)`: an equal value with that metadata."""
    if meta is not None and not isinstance(meta, Map):
        raise bad_cast("a map", meta)
    if value.__class__ is Symbol:
        return Symbol(value.text, meta)
    if isinstance(value, Function):
        return Function(value.name, value.call, value.low, value.high, meta)
    if not isinstance(value, Collection):
        raise bad_cast("something that carries metadata", value)
    found = copy(value)
    found.meta = meta
    return found


def vary_meta(runtime: Runtime, value: Value, f: Value, *args: Value) -> Value:
    """`(vary-meta value f arg ...)`."""
    old = value.meta if isinstance(value, Collection | Symbol | Function) else None
    return with_meta(value, runtime.call(f, old, *args))


TABLE = plain(("with-meta", with_meta, 2, 2)) | ctx(("vary-meta", vary_meta, 2, MANY))
