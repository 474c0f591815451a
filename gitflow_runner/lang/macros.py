"""The macros: threading, conditional bindings, comprehensions, and other forms made of simpler ones."""

from __future__ import annotations

from gitflow_runner.lang.destructure import Pairs, bind, bind_all
from gitflow_runner.lang.forms import Atom, Form, ListForm, is_keyword, is_symbol, meta_of
from gitflow_runner.lang.nodes import (
    NIL,
    Const,
    Do,
    If,
    Let,
    LibraryCall,
    Local,
    Node,
    Throw,
)
from gitflow_runner.lang.scope import Analysis, Handler, Scope, Target
from gitflow_runner.lang.special import branch_meta, expect, lazily
from gitflow_runner.lang.values import Symbol


def _when(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(when test body ...)"):
        return NIL
    test = analysis.node(form.items[1], scope)
    return If(test, analysis.body(form.items[2:], scope, tail), NIL, branch_meta(form))


def _when_not(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(when-not test body ...)"):
        return NIL
    test = _negated(analysis, analysis.node(form.items[1], scope), form)
    return If(test, analysis.body(form.items[2:], scope, tail), NIL, branch_meta(form))


def _if_not(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 2, 3, "(if-not test then else)"):
        return NIL
    test = _negated(analysis, analysis.node(form.items[1], scope), form)
    other = analysis.node(form.items[3], scope, tail) if len(form.items) == 4 else NIL
    return If(test, analysis.node(form.items[2], scope, tail), other, branch_meta(form))


def _negated(analysis: Analysis, node: Node, form: Form) -> Node:
    return LibraryCall(analysis.builtin("not"), (node,), form)


def _if_let(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _bound_test(analysis, form, scope, tail, some=False, has_else=True)


def _when_let(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _bound_test(analysis, form, scope, tail, some=False, has_else=False)


def _if_some(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _bound_test(analysis, form, scope, tail, some=True, has_else=True)


def _when_some(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _bound_test(analysis, form, scope, tail, some=True, has_else=False)


def _bound_test(
    analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None, *, some: bool, has_else: bool
) -> Node:
    name = form.items[0].source.text[form.items[0].start : form.items[0].end]
    shape = f"({name} [name test] then else)" if has_else else f"({name} [name test] body ...)"
    if not expect(analysis, form, 2 if has_else else 1, 3 if has_else else None, shape):
        return NIL
    bindings = bind_all(analysis, form.items[1], scope, name)
    if bindings is None:
        return NIL
    if len(bindings) != 1:
        return analysis.problem("binding_invalid", f"{name} requires exactly 2 forms in binding vector", form)
    pattern, value = bindings[0]
    slot = scope.frame.slot()
    node = analysis.node(value, scope)
    inner = scope.inner()
    pairs = bind(analysis, pattern, Local(slot), inner)
    then = form.items[2:3] if has_else else form.items[2:]
    body = Let(tuple(pairs), analysis.body(then, inner, tail))
    analysis.leave(inner)
    other = analysis.node(form.items[3], scope, tail) if has_else and len(form.items) == 4 else NIL
    test: Node = Local(slot)
    if some:
        test = LibraryCall(analysis.builtin("some?"), (test,), form)
    return Let(((slot, node),), If(test, body, other, branch_meta(form)))


def _when_first(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(when-first [name items] body ...)"):
        return NIL
    bindings = bind_all(analysis, form.items[1], scope, "when-first")
    if bindings is None or len(bindings) != 1:
        return analysis.problem(
            "binding_invalid", "when-first requires exactly 2 forms in binding vector", form
        )
    pattern, value = bindings[0]
    slot = scope.frame.slot()
    node = LibraryCall(analysis.builtin("seq"), (analysis.node(value, scope),), form)
    inner = scope.inner()
    element = LibraryCall(analysis.builtin("first"), (Local(slot),), form)
    pairs = bind(analysis, pattern, element, inner)
    body = Let(tuple(pairs), analysis.body(form.items[2:], inner, tail))
    analysis.leave(inner)
    return Let(((slot, node),), If(Local(slot), body, NIL))


def _cond(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    clauses = form.items[1:]
    if len(clauses) % 2:
        return analysis.problem("arity_invalid", "cond requires an even number of forms", form)
    node: Node = NIL
    made = [
        (test, analysis.node(test, scope), analysis.node(result, scope, tail))
        for test, result in zip(clauses[::2], clauses[1::2], strict=True)
    ]
    for test, condition, result in reversed(made):
        node = If(condition, result, node, meta_of(test))
    return node


def _condp(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 2, None, "(condp predicate value test result ... default)"):
        return NIL
    inner = scope.inner()
    predicate, value = (
        _hold(analysis, form.items[1], inner, form),
        _hold(analysis, form.items[2], inner, form),
    )
    clauses = list(form.items[3:])
    steps: list[tuple[Form, Form, bool]] = []
    while len(clauses) > 1:
        shared = len(clauses) > 2 and is_keyword(clauses[1], ">>")
        steps.append((clauses[0], clauses[2] if shared else clauses[1], shared))
        del clauses[: 3 if shared else 2]
    node: Node
    if clauses:
        node = analysis.node(clauses[0], inner, tail)
    else:
        node = _throwing(analysis, "No matching clause", value[1], form)
    for test, result, shared in reversed(steps):
        call = _list(form, predicate[0], test, value[0])
        if not shared:
            node = If(analysis.node(call, inner), analysis.node(result, inner, tail), node)
            continue
        held, slot = _hold_node(analysis, analysis.node(call, inner), inner, form)
        then = analysis.node(_list(form, result, held), inner, tail)
        node = Let((slot,), If(Local(slot[0]), then, node))
    return Let((predicate[2], value[2]), node)


def _hold(analysis: Analysis, form: Form, scope: Scope, at: Form) -> tuple[Form, Local, tuple[int, Node]]:
    """A name that no source can spell for the value of a form."""
    held, pair = _hold_node(analysis, analysis.node(form, scope), scope, at)
    return held, Local(pair[0]), pair


def _hold_node(analysis: Analysis, node: Node, scope: Scope, at: Form) -> tuple[Form, tuple[int, Node]]:
    binding = scope.bind(f"#{scope.frame.size}")
    binding.used = True
    return Atom(Symbol(binding.name), at.start, at.end, at.source), (binding.slot, node)


def _throwing(analysis: Analysis, message: str, value: Node, form: Form) -> Node:
    text = LibraryCall(analysis.builtin("str"), (Const(message + ": "), value), form)
    make = analysis.builtin("IllegalArgumentException.")
    return Throw(LibraryCall(make, (text,), form), form)


def _list(at: Form, *items: Form) -> ListForm:
    return ListForm(items, at.start, at.end, at.source)


def _threaded(step: Form, value: Form, *, last: bool) -> ListForm:
    """A step of a threading form with the value put into it."""
    if isinstance(step, ListForm) and step.items and not is_symbol(step.items[0], "fn*"):
        items = (*step.items, value) if last else (step.items[0], value, *step.items[1:])
        return ListForm(items, step.start, step.end, step.source, step.meta)
    return _list(step, step, value)


def _thread_first(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _thread(analysis, form, scope, tail, last=False)


def _thread_last(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _thread(analysis, form, scope, tail, last=True)


def _thread(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None, *, last: bool) -> Node:
    if not expect(analysis, form, 1, None, "(-> value step ...)"):
        return NIL
    value = form.items[1]
    for step in form.items[2:]:
        value = _threaded(step, value, last=last)
    return analysis.node(value, scope, tail)


def _as_thread(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 2, None, "(as-> value name step ...)"):
        return NIL
    pairs: Pairs = []
    steps = form.items[3:]
    node, inner = analysis.node(form.items[1], scope), scope.inner()
    for at, step in enumerate(steps):
        pairs += bind(analysis, form.items[2], node, inner)
        node = analysis.node(step, inner, tail if at == len(steps) - 1 else None)
        inner = inner.inner()
    return Let(tuple(pairs), node) if pairs else node


def _some_first(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _some_thread(analysis, form, scope, tail, last=False)


def _some_last(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _some_thread(analysis, form, scope, tail, last=True)


def _some_thread(
    analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None, *, last: bool
) -> Node:
    if not expect(analysis, form, 1, None, "(some-> value step ...)"):
        return NIL
    inner = scope.inner()
    node = analysis.node(form.items[1], scope)
    chain: list[tuple[int, Node]] = []
    steps = form.items[2:]
    for at, step in enumerate(steps):
        held, pair = _hold_node(analysis, node, inner, form)
        chain.append(pair)
        goes_to = tail if at == len(steps) - 1 else None
        node = analysis.node(_threaded(step, held, last=last), inner, goes_to)
    for slot, value in reversed(chain):
        test = LibraryCall(analysis.builtin("some?"), (Local(slot),), form)
        node = Let(((slot, value),), If(test, node, NIL))
    return node


def _cond_first(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _cond_thread(analysis, form, scope, tail, last=False)


def _cond_last(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _cond_thread(analysis, form, scope, tail, last=True)


def _cond_thread(
    analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None, *, last: bool
) -> Node:
    if not expect(analysis, form, 1, None, "(cond-> value test step ...)"):
        return NIL
    clauses = form.items[2:]
    if len(clauses) % 2:
        return analysis.problem("arity_invalid", "cond-> wants a test before each step", form)
    inner, pairs = scope.inner(), []
    held, pair = _hold_node(analysis, analysis.node(form.items[1], scope), inner, form)
    pairs.append(pair)
    node: Node = Local(pair[0])
    for at in range(0, len(clauses), 2):
        test, goes_to = clauses[at], tail if at == len(clauses) - 2 else None
        if at:
            held, pair = _hold_node(analysis, node, inner, form)
            pairs.append(pair)
        condition = analysis.node(test, inner)
        then = analysis.node(_threaded(clauses[at + 1], held, last=last), inner, goes_to)
        node = If(condition, then, Local(pair[0]), meta_of(test))
    return Let(tuple(pairs), node)


def _assert(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, 2, "(assert test message)"):
        return NIL
    test = form.items[1]
    text = test.source.text[test.start : test.end]
    if len(form.items) == 3:
        parts = (analysis.node(form.items[2], scope), Const("\n" + text))
        message: Node = LibraryCall(analysis.builtin("str"), (Const("Assert failed: "), *parts), form)
    else:
        message = Const(f"Assert failed: {text}")
    make = LibraryCall(analysis.builtin("AssertionError."), (message,), form)
    return If(analysis.node(test, scope), NIL, Throw(make, form))


def _lazy_cat(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    parts = tuple([lazily(analysis, (item,), item, scope) for item in form.items[1:]])
    return LibraryCall(analysis.builtin("concat"), parts, form)


def _doto(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(doto value step ...)"):
        return NIL
    inner = scope.inner()
    held, pair = _hold_node(analysis, analysis.node(form.items[1], scope), inner, form)
    steps = [analysis.node(_threaded(step, held, last=False), inner) for step in form.items[2:]]
    return Let((pair,), Do((*steps, Local(pair[0]))))


MACROS: dict[str, Handler] = {
    "when": _when,
    "when-not": _when_not,
    "if-not": _if_not,
    "if-let": _if_let,
    "when-let": _when_let,
    "if-some": _if_some,
    "when-some": _when_some,
    "when-first": _when_first,
    "cond": _cond,
    "condp": _condp,
    "->": _thread_first,
    "assert": _assert,
    "doto": _doto,
}
THREADING: dict[str, Handler] = {
    "->>": _thread_last,
    "as->": _as_thread,
    "some->": _some_first,
    "some->>": _some_last,
    "cond->": _cond_first,
    "cond->>": _cond_last,
}
LAZY: dict[str, Handler] = {"lazy-cat": _lazy_cat}
