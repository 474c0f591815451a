"""The special forms: what each becomes when it is analysed."""

from __future__ import annotations

from gitflow_runner.lang.collection import encode
from gitflow_runner.lang.destructure import bind, bind_all
from gitflow_runner.lang.forms import (
    Atom,
    Form,
    ListForm,
    MapForm,
    VectorForm,
    head,
    is_keyword,
    is_symbol,
    meta_of,
    value_of,
)
from gitflow_runner.lang.nodes import (
    NIL,
    And,
    Arity,
    Case,
    Catch,
    Const,
    Do,
    Fn,
    If,
    Lazy,
    Let,
    Letfn,
    Loop,
    Node,
    Or,
    Recur,
    Throw,
    Try,
)
from gitflow_runner.lang.scope import Analysis, Frame, Handler, Scope, Target
from gitflow_runner.lang.throwing import class_name
from gitflow_runner.lang.values import Symbol, Value


def expect(analysis: Analysis, form: ListForm, low: int, high: int | None, shape: str) -> bool:
    """Whether a form has as many parts as it should; a problem if not."""
    count = len(form.items) - 1
    if count >= low and (high is None or count <= high):
        return True
    analysis.problem("arity_invalid", f"write it as {shape}", form)
    return False


def branch_meta(form: ListForm) -> Value:
    """The metadata of a branch form, or of its condition."""
    if form.meta is not None:
        return meta_of(form)
    return meta_of(form.items[1]) if len(form.items) > 1 else None


def _if(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 2, 3, "(if test then else)"):
        return NIL
    test = analysis.node(form.items[1], scope)
    then = analysis.node(form.items[2], scope, tail)
    other = analysis.node(form.items[3], scope, tail) if len(form.items) == 4 else NIL
    return If(test, then, other, branch_meta(form))


def _do(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return analysis.body(form.items[1:], scope, tail)


def _and(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _chain(analysis, form, scope, tail, And, Const(True))


def _or(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return _chain(analysis, form, scope, tail, Or, NIL)


def _chain(
    analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None, kind: type[And | Or], empty: Node
) -> Node:
    parts = form.items[1:]
    if not parts:
        return empty
    nodes = [analysis.node(part, scope) for part in parts[:-1]]
    nodes.append(analysis.node(parts[-1], scope, tail))
    return nodes[0] if len(nodes) == 1 else kind(tuple(nodes))


def _quote(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, 1, "(quote form)"):
        return NIL
    return Const(value_of(form.items[1]))


def _let(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(let [name value ...] body ...)"):
        return NIL
    bindings = bind_all(analysis, form.items[1], scope, "let")
    if bindings is None:
        return NIL
    inner, pairs = scope.inner(), []
    for pattern, value in bindings:
        node = analysis.node(value, inner)
        if is_symbol(pattern):  # a scope of its own each, so that a shadowed name can be told unused
            inner = inner.inner()
        pairs += bind(analysis, pattern, node, inner)
        if isinstance(node, Fn) and is_symbol(pattern):
            found = inner.names.get(head_name(pattern))
            if found is not None:
                found.arity = arity_of(node)
    body = analysis.body(form.items[2:], inner, tail)
    leave_all(analysis, inner, scope)
    return Let(tuple(pairs), body) if pairs else body


def leave_all(analysis: Analysis, inner: Scope, outer: Scope) -> None:
    """Close every scope from `inner` up to, but without, `outer`."""
    scope: Scope | None = inner
    while scope is not None and scope is not outer:
        analysis.leave(scope)
        scope = scope.around


def head_name(form: Form) -> str:
    """The text of a symbol form."""
    return str(form.value.text) if isinstance(form, Atom) else ""


def arity_of(node: Fn) -> tuple[int, int] | None:
    """Fewest and most arguments of a function literal; None where they have gaps."""
    counts = sorted(arity.params for arity in node.arities)
    if counts != list(range(counts[0], counts[-1] + 1)):
        return None
    return counts[0], 1 << 30 if any(arity.variadic for arity in node.arities) else counts[-1]


def _loop(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(loop [name value ...] body ...)"):
        return NIL
    bindings = bind_all(analysis, form.items[1], scope, "loop")
    if bindings is None:
        return NIL
    inner, pairs, again, slots = scope.inner(), [], [], []
    for pattern, value in bindings:
        node = analysis.node(value, inner)
        if is_symbol(pattern):
            bound = bind(analysis, pattern, node, inner)
            pairs += bound
            slots += [slot for slot, _ in bound]
            continue
        held = inner.bind(f"#loop{len(slots)}")  # what recur fills; taken apart anew on each turn
        held.used = True
        slots.append(held.slot)
        pairs.append((held.slot, node))
        taken = bind(analysis, pattern, analysis.node(_name_form(held.name, pattern), inner), inner)
        pairs += taken
        again += taken
    body = analysis.body(form.items[2:], inner, Target(tuple(slots)))
    analysis.leave(inner)
    return Loop(tuple(pairs), Let(tuple(again), body) if again else body)


def _name_form(name: str, at: Form) -> Atom:
    return Atom(Symbol(name), at.start, at.end, at.source)


def _recur(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    args = tuple([analysis.node(item, scope) for item in form.items[1:]])
    if tail is None:
        message = "Can only recur from tail position"
        return analysis.problem(
            "recur_misplaced", message, form, "it must be the last thing a loop or fn does"
        )
    if len(args) != len(tail.slots):
        message = f"Mismatched argument count to recur, expected: {len(tail.slots)} args, got: {len(args)}"
        return analysis.problem("recur_misplaced", message, form)
    tail.used = True
    return Recur(tail.slots, args, form)


def _fn(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return function(analysis, form, scope)


def function(analysis: Analysis, form: ListForm, scope: Scope, known_as: str | None = None) -> Node:
    """The node of a `fn` form, or of a form of its shape with another head."""
    parts, name = list(form.items[1:]), known_as or "fn"
    own_name: Form | None = None
    if parts and is_symbol(parts[0]):
        own_name = parts.pop(0)
        name = head_name(own_name)
    if parts and isinstance(parts[0], VectorForm):
        clauses = [ListForm(tuple(parts), form.start, form.end, form.source)]
    else:
        clauses = [part for part in parts if isinstance(part, ListForm)]
        if not clauses or len(clauses) != len(parts):
            return analysis.problem("arity_invalid", "write it as (fn [params] body ...)", form)
    arities = []
    for clause in clauses:
        made = _arity(analysis, clause, scope, own_name, known_as is None)
        if made is None:
            return NIL
        arities.append(made)
    counts = [(arity.params, arity.variadic) for arity in arities]
    fixed = [params for params, variadic in counts if not variadic]
    if len(fixed) != len(set(fixed)) or len(counts) - len(fixed) > 1:
        return analysis.problem("arity_invalid", "Can't have 2 overloads with same arity", form)
    return Fn(name, tuple(arities))


def _arity(
    analysis: Analysis, clause: ListForm, around: Scope, own_name: Form | None, knows_itself: bool
) -> Arity | None:
    if not clause.items or not isinstance(clause.items[0], VectorForm):
        analysis.problem("arity_invalid", "a parameter list is a vector", clause)
        return None
    frame = Frame(around.frame)
    scope = Scope(frame, around)
    params, pairs, slots, variadic = list(clause.items[0].items), [], [], False
    ampersand = next((at for at, item in enumerate(params) if is_symbol(item, "&")), None)
    if ampersand is not None:
        if ampersand != len(params) - 2:
            analysis.problem("binding_invalid", "& stands before the last parameter only", clause.items[0])
            return None
        variadic = True
        del params[ampersand]
    names = [scope.bind(f"#{at}") for at in range(len(params))]
    inner = scope.inner()
    for held, pattern in zip(names, params, strict=True):
        held.used = True
        slots.append(held.slot)
        if is_symbol(pattern) and not is_symbol(pattern, "&") and "/" not in head_name(pattern):
            inner.name(head_name(pattern), held.slot, pattern)
            continue
        pairs += bind(analysis, pattern, analysis.node(_name_form(held.name, pattern), scope), inner)
    self_slot = None
    if own_name is not None and knows_itself and head_name(own_name) not in inner.names:
        binding = scope.bind(head_name(own_name), own_name)
        binding.used, self_slot = True, binding.slot
    target = Target(tuple(slots), variadic)
    body = _with_conditions(analysis, clause.items[1:], inner, target)
    analysis.leave(inner)
    captures = tuple([(around.frame.find(binding), slot) for binding, slot in frame.captured.items()])
    if pairs:
        body = Let(tuple(pairs), body)
    fixed = len(slots) - variadic
    return Arity(fixed, variadic, frame.size, captures, self_slot, body, target.used)


def _with_conditions(analysis: Analysis, forms: tuple[Form, ...], scope: Scope, target: Target) -> Node:
    """A function body; a leading `{:pre [...]}` map is checked first."""
    if len(forms) < 2 or not isinstance(forms[0], MapForm):
        return analysis.body(forms, scope, target)
    conditions = dict(zip([value_of(key) for key in forms[0].items[::2]], forms[0].items[1::2], strict=True))
    pre = next((form for key, form in conditions.items() if repr(key) == ":pre"), None)
    if not isinstance(pre, VectorForm):
        return analysis.body(forms[1:], scope, target)
    checks = [
        analysis.node(
            ListForm((_name_form("clojure.core/assert", item), item), item.start, item.end, item.source),
            scope,
        )
        for item in pre.items
    ]
    return Do((*checks, analysis.body(forms[1:], scope, target)))


def _letfn(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(letfn [(name [params] body ...) ...] body ...)"):
        return NIL
    specs = form.items[1]
    if not isinstance(specs, VectorForm) or not all(
        isinstance(spec, ListForm) and spec.items and is_symbol(spec.items[0]) for spec in specs.items
    ):
        return analysis.problem("binding_invalid", "letfn wants a vector of (name [params] body)", specs)
    inner = scope.inner()
    bindings = [inner.bind(head(spec) or "", spec) for spec in specs.items]
    pairs = []
    for binding, spec in zip(bindings, specs.items, strict=True):
        assert isinstance(spec, ListForm)
        made = function(analysis, spec, inner, binding.name)
        if isinstance(made, Fn):
            pairs.append((binding.slot, made))
    body = analysis.body(form.items[2:], inner, tail)
    analysis.leave(inner)
    return Letfn(tuple(pairs), body)


def _throw(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, 1, "(throw exception)"):
        return NIL
    return Throw(analysis.node(form.items[1], scope), form)


def _try(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    body, catches, final = [], [], None
    for item in form.items[1:]:
        name = head(item)
        if name == "catch" and isinstance(item, ListForm):
            clause = _catch(analysis, item, scope)
            if clause is not None:
                catches.append(clause)
        elif name == "finally" and isinstance(item, ListForm):
            final = analysis.body(item.items[1:], scope)
        elif catches or final is not None:
            return analysis.problem("try_invalid", "Only catch or finally clause can follow catch", item)
        else:
            body.append(item)
    inside = analysis.body(tuple(body), scope)
    return Try(inside, tuple(catches), final) if catches or final is not None else inside


def _catch(analysis: Analysis, form: ListForm, scope: Scope) -> Catch | None:
    parts = form.items
    if len(parts) < 3 or not is_symbol(parts[2]):
        analysis.problem("try_invalid", "write it as (catch Exception name body ...)", form)
        return None
    cls = None
    if not is_keyword(parts[1], "default"):
        cls = class_name(head_name(parts[1])) if is_symbol(parts[1]) else None
        if cls is None:
            text = parts[1].source.text[parts[1].start : parts[1].end]
            hint = "Exception, Throwable, ExceptionInfo and :default are"
            analysis.problem("unbound_symbol", f"{text} is no known exception class", parts[1], hint)
            return None
    inner = scope.inner()
    binding = inner.bind(head_name(parts[2]), parts[2])
    binding.used = True  # a catch has to name the exception, used or not
    return Catch(cls, binding.slot, analysis.body(parts[3:], inner))


def _case(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    if not expect(analysis, form, 1, None, "(case value constant result ... default)"):
        return NIL
    clauses = list(form.items[2:])
    default = clauses.pop() if len(clauses) % 2 else None
    table: dict[Value, Node] = {}
    test = analysis.node(form.items[1], scope)
    for constants, result in zip(clauses[::2], clauses[1::2], strict=True):
        branch = analysis.node(result, scope, tail)
        for constant in constants.items if isinstance(constants, ListForm) else (constants,):
            key = encode(value_of(constant))
            if key in table:
                text = constant.source.text[constant.start : constant.end]
                analysis.problem("case_duplicate", f"Duplicate case test constant: {text}", constant)
            table[key] = branch
    other = None if default is None else analysis.node(default, scope, tail)
    return Case(test, table, other, form)


def _comment(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return NIL


def _lazy_seq(analysis: Analysis, form: ListForm, scope: Scope, tail: Target | None) -> Node:
    return lazily(analysis, form.items[1:], form, scope)


def lazily(analysis: Analysis, forms: tuple[Form, ...], form: Form, scope: Scope) -> Node:
    """A lazy sequence of what the forms give; made at once where everything is eager."""
    parameters = VectorForm((), form.start, form.end, form.source)
    thunk = ListForm((_name_form("fn*", form), parameters, *forms), form.start, form.end, form.source)
    node = function(analysis, thunk, scope)
    return Lazy(node) if isinstance(node, Fn) else NIL


SPECIALS: dict[str, Handler] = {
    "if": _if,
    "do": _do,
    "and": _and,
    "or": _or,
    "quote": _quote,
    "let": _let,
    "let*": _let,
    "loop": _loop,
    "loop*": _loop,
    "recur": _recur,
    "fn": _fn,
    "fn*": _fn,
    "letfn": _letfn,
    "letfn*": _letfn,
    "throw": _throw,
    "try": _try,
    "case": _case,
    "comment": _comment,
    "lazy-seq": _lazy_seq,
}
