"""`for`, `doseq` and `dotimes`."""

from __future__ import annotations

from gitflow_runner.lang.destructure import Pairs, bind, bind_all
from gitflow_runner.lang.forms import Atom, Form, ListForm, is_keyword, is_symbol
from gitflow_runner.lang.nodes import (
    NIL,
    Comprehension,
    Const,
    Do,
    Each,
    If,
    LibraryCall,
    Local,
    Loop,
    Node,
    Recur,
    Where,
)
from gitflow_runner.lang.scope import Analysis, Handler, Scope, Target
from gitflow_runner.lang.special import expect, leave_all


def _for(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 2, 2, "(for [name items ...] body)"):
        return NIL
    return _walked(analysis, form, scope, "vector" if analysis.eager else "lazy")


def _doseq(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(doseq [name items ...] body ...)"):
        return NIL
    return _walked(analysis, form, scope, "nothing")


def _walked(analysis: Analysis, form: ListForm, scope: Scope, result: str) -> Node:
    bindings = bind_all(analysis, form.items[1], scope, "for")
    if bindings is None:
        return NIL
    inner = scope.inner()
    steps: list[Each | Where] = []
    for pattern, value in bindings:
        if is_keyword(pattern):
            step = _modifier(analysis, pattern, value, inner)
            if step is None:
                return NIL
            if not steps:
                return analysis.problem("binding_invalid", "for starts with a name and its items", pattern)
            steps.append(step)
            continue
        items = analysis.node(value, inner)
        inner = inner.inner()
        slot = inner.frame.slot()
        steps.append(Each(slot, tuple(bind(analysis, pattern, Local(slot), inner)), items, value))
    body = analysis.body(form.items[2:], inner)
    leave_all(analysis, inner, scope)
    if not steps:
        return body
    return Comprehension(tuple(steps), body, result)


def _modifier(analysis: Analysis, kind: Form, value: Form, scope: Scope) -> Where | None:
    if is_keyword(kind, "let"):
        bindings = bind_all(analysis, value, scope, ":let")
        pairs: Pairs = []
        for pattern, bound in bindings or ():
            pairs += bind(analysis, pattern, analysis.node(bound, scope), scope)
        return Where("let", tuple(pairs), None)
    if is_keyword(kind, "when") or is_keyword(kind, "while"):
        return Where("when" if is_keyword(kind, "when") else "while", (), analysis.node(value, scope))
    analysis.problem("binding_invalid", "for knows :let, :when and :while", kind)
    return None


def _dotimes(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(dotimes [name count] body ...)"):
        return NIL
    bindings = bind_all(analysis, form.items[1], scope, "dotimes")
    if bindings is None or len(bindings) != 1 or not is_symbol(bindings[0][0]):
        return analysis.problem("binding_invalid", "dotimes wants one name and a count", form)
    name, count = bindings[0]
    inner = scope.inner()
    limit = scope.frame.slot()
    most = LibraryCall(analysis.builtin("long"), (analysis.node(count, scope),), form)
    (slot, start), *_ = bind(analysis, name, Const(0), inner) or [(scope.frame.slot(), NIL)]
    inner.names[name.value.name if isinstance(name, Atom) else ""].used = True
    body = analysis.body(form.items[2:], inner)
    again = Recur((slot,), (LibraryCall(analysis.builtin("inc"), (Local(slot),), form),), form)
    test = LibraryCall(analysis.builtin("<"), (Local(slot), Local(limit)), form)
    return Loop(((limit, most), (slot, start)), If(test, Do((body, again)), NIL))


COMPREHENSIONS: dict[str, Handler] = {"for": _for, "doseq": _doseq, "dotimes": _dotimes}
