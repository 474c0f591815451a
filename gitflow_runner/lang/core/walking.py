"""`clojure.walk`, trees as sequences, and `replace`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from gitflow_runner.lang.access import lookup
from gitflow_runner.lang.collection import MISSING, Map, MapEntry, Set, Vec, encode, entry
from gitflow_runner.lang.core import transducers as t
from gitflow_runner.lang.core.collections import into_plain
from gitflow_runner.lang.core.lookups import find
from gitflow_runner.lang.core.table import ctx
from gitflow_runner.lang.equality import MAX_DEPTH, too_deep
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.seqs import List, Seq, as_seq, list_of, walk
from gitflow_runner.lang.values import Collection, Keyword, Value, keyword

Change = Callable[[Value], Value]

NODE_TICKS: Final = 20  # what one node of a walk costs, in turns of a loop; a small form may hold millions


def rebuilt(runtime: Runtime, inner: Change, form: Value) -> Value:
    """A collection of the same sort with each element changed; anything else as it is."""
    if isinstance(form, MapEntry):
        return entry(inner(form.items[0]), inner(form.items[1]))
    if isinstance(form, Vec):
        return Vec(tuple([inner(item) for item in runtime.items(form)]), -1, form.meta)
    if isinstance(form, Map):
        changed = into_plain(runtime, form.empty(), (inner(item) for item in runtime.items(form)))
        changed.loose = form.loose
        return changed
    if isinstance(form, Set):
        return form.like([inner(item) for item in runtime.items(form)])
    if isinstance(form, Seq):
        meta = form.meta if isinstance(form, List) else None
        return list_of([inner(item) for item in runtime.items(form)], meta)
    return form


def walk_(runtime: Runtime, inner: Value, outer: Value, form: Value) -> Value:
    """`(walk inner outer form)`."""
    return runtime.call(outer, rebuilt(runtime, runtime.caller(inner, 1), form))


def postwalk(runtime: Runtime, f: Value, form: Value) -> Value:
    """`(postwalk f form)`."""
    return _post(runtime, runtime.caller(f, 1), form, 0)


def _post(runtime: Runtime, call: Change, form: Value, depth: int) -> Value:
    if depth > MAX_DEPTH:
        raise too_deep()
    runtime.charge(NODE_TICKS)
    if isinstance(form, Collection):
        form = rebuilt(runtime, lambda item: _post(runtime, call, item, depth + 1), form)
    return call(form)


def prewalk(runtime: Runtime, f: Value, form: Value) -> Value:
    """`(prewalk f form)`."""
    return _pre(runtime, runtime.caller(f, 1), form, 0)


def _pre(runtime: Runtime, call: Change, form: Value, depth: int) -> Value:
    if depth > MAX_DEPTH:
        raise too_deep()
    runtime.charge(NODE_TICKS)
    form = call(form)
    if isinstance(form, Collection):
        return rebuilt(runtime, lambda item: _pre(runtime, call, item, depth + 1), form)
    return form


def _replacing(table: Value) -> Change:
    def change(form: Value) -> Value:
        found = lookup(table, form, MISSING)
        return form if found is MISSING else found

    return change


def postwalk_replace(runtime: Runtime, table: Value, form: Value) -> Value:
    """`(postwalk-replace smap form)`."""
    return _post(runtime, _replacing(table), form, 0)


def prewalk_replace(runtime: Runtime, table: Value, form: Value) -> Value:
    """`(prewalk-replace smap form)`."""
    return _pre(runtime, _replacing(table), form, 0)


def _with_keys(change: Change) -> Callable[[Runtime, Value], Value]:
    def changed(form: Value) -> Value:
        if not isinstance(form, Map):
            return form
        return Map({encode(change(key)): value for key, value in form.items()}, meta=form.meta)

    return lambda runtime, form: _post(runtime, changed, form, 0)


def _keywordized(key: Value) -> Value:
    return keyword(key) if key.__class__ is str else key


def _stringified(key: Value) -> Value:
    return key.name if key.__class__ is Keyword else key


def tree_seq(runtime: Runtime, is_branch: Value, children: Value, root: Value) -> Value:
    """`(tree-seq branch? children root)`: depth first, without nesting of our own."""
    return runtime.sequence(_tree(runtime, is_branch, children, root))


def _tree(runtime: Runtime, is_branch: Value, children: Value, root: Value) -> Iterator[Value]:
    stack: list[Iterator[Value]] = [iter((root,))]
    while stack:
        node = next(stack[-1], MISSING)
        if node is MISSING:
            stack.pop()
            continue
        runtime.charge(1)
        yield node
        verdict = runtime.call(is_branch, node)
        if verdict is not None and verdict is not False:
            stack.append(walk(runtime.call(children, node)))


def replace(runtime: Runtime, table: Value, coll: Value = MISSING) -> Value:
    """`(replace smap coll)`: a vector stays a vector."""

    def change(item: Value) -> Value:
        found = find(table, item)
        return item if found is None else found.items[1]

    if coll is MISSING:
        return t.replacing(runtime, table)
    if isinstance(coll, Vec):
        return Vec([change(item) for item in runtime.items(coll)], -1, coll.meta)
    return runtime.sequence(change(item) for item in runtime.items(as_seq(coll)))


TABLE = ctx(
    ("tree-seq", tree_seq, 3, 3),
    ("replace", replace, 1, 2),
    ("clojure.walk/walk", walk_, 3, 3),
    ("clojure.walk/postwalk", postwalk, 2, 2),
    ("clojure.walk/prewalk", prewalk, 2, 2),
    ("clojure.walk/postwalk-replace", postwalk_replace, 2, 2),
    ("clojure.walk/prewalk-replace", prewalk_replace, 2, 2),
    ("clojure.walk/keywordize-keys", _with_keys(_keywordized), 1, 1),
    ("clojure.walk/stringify-keys", _with_keys(_stringified), 1, 1),
)
