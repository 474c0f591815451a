"""Syntax quote: a template of data with unquoted parts, built by the library's own functions."""

from __future__ import annotations

from gitflow_runner.lang.forms import Atom, Form, ListForm, MapForm, SetForm, VectorForm, head, value_of
from gitflow_runner.lang.nodes import Const, Library, LibraryCall, Node
from gitflow_runner.lang.scope import Analysis, Scope, Target


def syntax_quote(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    """The node of a syntax-quoted form; symbols stay as they are written."""
    return _template(analysis, form.items[1], scope)


def _template(analysis: Analysis, form: Form, scope: Scope) -> Node:
    if head(form) == "clojure.core/unquote" and isinstance(form, ListForm):
        return analysis.node(form.items[1], scope)
    if isinstance(form, Atom):
        return Const(value_of(form))
    if not isinstance(form, ListForm | VectorForm | MapForm | SetForm):
        return analysis.problem("form_forbidden", "a tagged literal is data, not code", form)
    pieces: list[Node] = []
    for item in form.items:
        if head(item) == "clojure.core/unquote-splicing" and isinstance(item, ListForm):
            pieces.append(analysis.node(item.items[1], scope))
        else:
            single = LibraryCall(analysis.builtin("list"), (_template(analysis, item, scope),), form)
            pieces.append(single)
    joined = LibraryCall(analysis.builtin("concat"), tuple(pieces), form)
    if isinstance(form, ListForm):
        return LibraryCall(analysis.builtin("apply"), (_function(analysis, "list"), joined), form)
    name = {VectorForm: "vector", MapForm: "hash-map", SetForm: "hash-set"}[type(form)]
    return LibraryCall(analysis.builtin("apply"), (_function(analysis, name), joined), form)


def _function(analysis: Analysis, name: str) -> Node:
    """A function of the library as a value."""
    return Library(analysis.builtin(name))
