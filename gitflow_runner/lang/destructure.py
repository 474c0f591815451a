"""Binding patterns: vectors and maps of names, taken apart into slots."""

from __future__ import annotations

from typing import TypeAlias

from gitflow_runner.lang.access import destructured_nth, keyword_arguments, lookup, rest_from
from gitflow_runner.lang.forms import Atom, Form, MapForm, VectorForm, is_keyword, is_symbol
from gitflow_runner.lang.fuel import Builtin
from gitflow_runner.lang.nodes import Const, LibraryCall, Local, Node
from gitflow_runner.lang.scope import Analysis, Scope
from gitflow_runner.lang.values import Keyword, Symbol, Value, keyword, symbol

Pairs: TypeAlias = list[tuple[int, Node]]

_NTH = Builtin("nth", destructured_nth, 2, 2)
_REST = Builtin("nthnext", rest_from, 2, 2)
_AS_MAP = Builtin("hash-map", keyword_arguments, 1, 1)
_GET = Builtin("get", lookup, 2, 3)


def bind(analysis: Analysis, pattern: Form, value: Node, scope: Scope) -> Pairs:
    """Bind the names of a pattern in `scope`; the slots to fill, and with what, in order."""
    if is_symbol(pattern):
        name = _plain_name(analysis, pattern)
        return [] if name is None else [(scope.bind(name, pattern).slot, value)]
    if isinstance(pattern, VectorForm):
        return _vector(analysis, pattern, value, scope)
    if isinstance(pattern, MapForm):
        return _map(analysis, pattern, value, scope)
    analysis.problem("binding_invalid", "a binding is a symbol, a vector or a map of them", pattern)
    return []


def _plain_name(analysis: Analysis, form: Form) -> str | None:
    assert isinstance(form, Atom)
    if form.value.ns is not None:
        analysis.problem("binding_invalid", f"Can't let qualified name: {form.value.text}", form)
        return None
    if form.value.text == "&":
        analysis.problem("binding_invalid", "& stands before the last name of a vector only", form)
        return None
    return str(form.value.name)


def _vector(analysis: Analysis, pattern: VectorForm, value: Node, scope: Scope) -> Pairs:
    whole = scope.frame.slot()
    pairs: Pairs = [(whole, value)]
    items, at, position = pattern.items, 0, 0
    original = whole
    if any(is_symbol(item, "&") for item in items):  # then anything that has a sequence will do
        whole = scope.frame.slot()
        pairs.append((whole, LibraryCall(analysis.builtin("seq"), (Local(original),), pattern)))
    while at < len(items):
        item = items[at]
        if is_symbol(item, "&"):
            if at + 1 >= len(items):
                analysis.problem("binding_invalid", "& wants a name after it", item)
                return pairs
            source = LibraryCall(_REST, (Local(whole), Const(position)), item)
            pairs += bind(analysis, items[at + 1], source, scope)
            at += 2
            if at < len(items) and not is_keyword(items[at], "as"):
                analysis.problem("binding_invalid", "only :as may follow the name after &", items[at])
                return pairs
        elif is_keyword(item, "as"):
            if at + 1 >= len(items) or not is_symbol(items[at + 1]):
                analysis.problem("binding_invalid", ":as wants a name after it", item)
                return pairs
            pairs += bind(analysis, items[at + 1], Local(original), scope)
            at += 2
        else:
            source = LibraryCall(_NTH, (Local(whole), Const(position)), item)
            pairs += bind(analysis, item, source, scope)
            position += 1
            at += 1
    return pairs


def _map(analysis: Analysis, pattern: MapForm, value: Node, scope: Scope) -> Pairs:
    whole = scope.frame.slot()
    pairs: Pairs = [(whole, LibraryCall(_AS_MAP, (value,), pattern))]
    entries = list(pattern.pairs())
    defaults = _defaults(analysis, entries)
    for key, target in entries:
        if is_keyword(key, "as"):
            pairs += bind(analysis, target, Local(whole), scope)
    for key, target in entries:
        if is_keyword(key, "as") or is_keyword(key, "or"):
            continue
        if isinstance(key, Atom) and isinstance(key.value, Keyword):
            pairs += _group(analysis, key, target, defaults, whole, scope)
            continue
        wanted = analysis.node(target, scope)
        name = key.value.text if isinstance(key, Atom) and isinstance(key.value, Symbol) else None
        source = _get(analysis, whole, wanted, defaults.get(name), scope, key)
        pairs += bind(analysis, key, source, scope)
    return pairs


def _defaults(analysis: Analysis, entries: list[tuple[Form, Form]]) -> dict[str | None, Form]:
    """The default forms of `:or` by name."""
    for key, target in entries:
        if is_keyword(key, "or"):
            if not isinstance(target, MapForm):
                analysis.problem("binding_invalid", ":or wants a map of names to values", target)
                return {}
            names = target.items[::2]
            return {
                name.value.text: default
                for name, default in zip(names, target.items[1::2], strict=True)
                if isinstance(name, Atom) and isinstance(name.value, Symbol)
            }
    return {}


def _group(
    analysis: Analysis,
    key: Atom,
    target: Form,
    defaults: dict[str | None, Form],
    whole: int,
    scope: Scope,
) -> Pairs:
    """`:keys`, `:strs` and `:syms`, perhaps with a namespace."""
    kind, ns = key.value.name, key.value.ns
    if kind not in ("keys", "strs", "syms") or not isinstance(target, VectorForm):
        message = f"Unsupported binding form: :{key.value.text}"
        analysis.problem("binding_invalid", message, key)
        return []
    pairs: Pairs = []
    for item in target.items:
        if not isinstance(item, Atom) or not isinstance(item.value, Symbol | Keyword):
            analysis.problem("binding_invalid", f":{kind} wants names", item)
            continue
        name, space = item.value.name, item.value.ns or ns
        full = name if space is None else f"{space}/{name}"
        wanted: Value = keyword(full) if kind == "keys" else full if kind == "strs" else symbol(full)
        source = _get(analysis, whole, Const(wanted), defaults.get(name), scope, item)
        pairs.append((scope.bind(name, item).slot, source))
    return pairs


def _get(analysis: Analysis, whole: int, key: Node, default: Form | None, scope: Scope, form: Form) -> Node:
    if default is None:
        return LibraryCall(_GET, (Local(whole), key), form)
    return LibraryCall(_GET, (Local(whole), key, analysis.node(default, scope)), form)


def bind_all(analysis: Analysis, bindings: Form, scope: Scope, what: str) -> list[tuple[Form, Form]] | None:
    """The pattern and value forms of a binding vector; None, with a problem, if it is none."""
    if not isinstance(bindings, VectorForm):
        analysis.problem("binding_invalid", f"{what} requires a vector for its binding", bindings)
        return None
    if len(bindings.items) % 2:
        message = f"{what} requires an even number of forms in binding vector"
        analysis.problem("binding_invalid", message, bindings)
        return None
    return list(zip(bindings.items[::2], bindings.items[1::2], strict=True))
