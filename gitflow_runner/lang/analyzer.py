"""Forms to nodes: names resolved against an environment, everything refused that must not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal

from gitflow_runner.errors import LangError
from gitflow_runner.lang.evaluator import emit
from gitflow_runner.lang.forms import (
    Atom,
    Form,
    ListForm,
    MapForm,
    SetForm,
    TagForm,
    VectorForm,
    symbols,
    value_of,
)
from gitflow_runner.lang.fuel import MANY, Builtin
from gitflow_runner.lang.hints import usual_hint
from gitflow_runner.lang.nodes import (
    NIL,
    Const,
    Do,
    HostCall,
    Invoke,
    KeywordCall,
    Library,
    LibraryCall,
    MapOf,
    Node,
    SetOf,
    VectorOf,
)
from gitflow_runner.lang.program import Compiled, Environment, HostFn, HostSite, Problem
from gitflow_runner.lang.refused import INTEROP, Refusal, java_of
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.scope import Binding, Frame, Handler, Scope, Target, local
from gitflow_runner.lang.special import function
from gitflow_runner.lang.values import Keyword, Symbol

UNSHADOWABLE: Final = frozenset(
    ("if", "do", "quote", "recur", "try", "throw", "let*", "fn*", "loop*", "letfn*", "var", "def", "new")
)
# Calls with fewer arguments than this go on for ever; under one of the names below they may.
ENDLESS: Final = {"range": 1, "repeat": 2, "repeatedly": 2, "iterate": 3, "cycle": 2}
BOUNDING: Final = frozenset(
    (
        "take",
        "take-while",
        "first",
        "second",
        "nth",
        "zipmap",
        "map",
        "mapv",
        "interleave",
        "some",
        "drop",
        "rest",
    )
)


@dataclass(slots=True)
class Analyzer:
    """One analysis. Problems are gathered, so that all of them can be shown at once."""

    environment: Environment
    host: Mapping[str, HostFn]
    eager: bool
    problems: list[Problem] = field(default_factory=list)
    sites: list[HostSite] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    bounded: list[bool] = field(default_factory=list)  # of each call around: whether it takes only so much
    misused: set[str] = field(default_factory=set)  # what the forms with errors name: it may be used there

    def problem(self, code: str, message: str, form: Form, hint: str | None = None) -> Node:
        """Note an error."""
        self._note("error", code, message, form, hint)
        self.misused.update(symbols(form))
        return NIL

    def warn(self, code: str, message: str, form: Form, hint: str | None = None) -> None:
        """Note a warning."""
        self._note("warning", code, message, form, hint)

    def _note(
        self, severity: Literal["error", "warning"], code: str, message: str, form: Form, hint: str | None
    ) -> None:
        source = form.source
        text = source.text[form.start : form.end]
        text = text if len(text) <= 80 else text[:77] + "..."
        place, end = source.place(form.start), source.place(form.end)
        hint = hint or usual_hint(code, message)
        self.problems.append(Problem(severity, code, message, hint, place, end, text))

    def builtin(self, name: str) -> Builtin:
        """A function of the library."""
        found = self.environment.functions.get(name)
        if found is None:
            raise AssertionError(f"an expansion needs {name}, which {self.environment.name} lacks")
        return found

    def leave(self, scope: Scope) -> None:
        """Warn of names that were bound for nothing; `_` in front says that this is meant."""
        for binding in scope.names.values():
            if binding.used or binding.name[:1] in ("_", "#", "%") or binding.form is None:
                continue
            if binding.name in self.misused:
                continue
            self.warn("unused_binding", f"{binding.name} is never used", binding.form)

    def body(self, forms: tuple[Form, ...], scope: Scope, tail: Target | None = None) -> Node:
        """Forms in turn."""
        if not forms:
            return NIL
        if len(forms) == 1:
            return self.node(forms[0], scope, tail)
        nodes = [self.node(form, scope) for form in forms[:-1]]
        return Do((*nodes, self.node(forms[-1], scope, tail)))

    def node(self, form: Form, scope: Scope, tail: Target | None = None) -> Node:
        """The node of any form."""
        if isinstance(form, Atom):
            return self._atom(form, scope)
        if isinstance(form, ListForm):
            return self._list(form, scope, tail) if form.items else Const(value_of(form))
        if isinstance(form, VectorForm | MapForm | SetForm):
            return self._literal(form, scope)
        if isinstance(form, TagForm):
            return self.problem("tag_forbidden", f"#{form.tag.text} has no meaning in code", form)
        raise AssertionError(form)

    def _atom(self, form: Atom, scope: Scope) -> Node:
        value = form.value
        if value.__class__ is Symbol:
            return self._symbol(form, value, scope)
        if value.__class__ is Regex:
            try:
                _ = value.program
            except LangError as error:
                return self.problem(error.code, error.message, form, error.hint)
        return Const(value)

    def _literal(self, form: VectorForm | MapForm | SetForm, scope: Scope) -> Node:
        nodes = [self.node(item, scope) for item in form.items]
        if _is_data(form):
            return Const(value_of(form))
        node: Node
        if isinstance(form, VectorForm):
            node = VectorOf(tuple(nodes))
        elif isinstance(form, MapForm):
            node = MapOf(tuple(zip(nodes[::2], nodes[1::2], strict=True)), form)
        else:
            node = SetOf(tuple(nodes), form)
        if form.meta is None:
            return node
        return LibraryCall(self.builtin("with-meta"), (node, self.node(form.meta, scope)), form)

    def _symbol(self, form: Atom, name: Symbol, scope: Scope) -> Node:
        if name.ns is None:
            binding = scope.find(name.text)
            if binding is not None:
                return local(scope, binding)
        if name.text in self.host:
            message = f"{name.text} can only be called, not handed on"
            return self.problem("host_misused", message, form, "wrap the call: (fn [x] (...))")
        text = self._full(name)
        refusal = self._refusal(name, text)
        if refusal is not None:
            return self._refused(name, refusal, form)
        if text in self.environment.functions:
            return Library(self.environment.functions[text])
        if text in self.environment.constants:
            return Const(self.environment.constants[text])
        if text in self.environment.specials:
            return self.problem("macro_as_value", f"Can't take value of a macro: {name.text}", form)
        return self._unbound(name, form, scope)

    def _full(self, name: Symbol) -> str:
        """The name under which the tables of the environment hold a symbol."""
        if name.ns is None:
            return name.text
        if name.ns == "clojure.core" or (name.ns == "core" and "core" not in self.environment.aliases):
            return name.name
        return f"{self.environment.aliases.get(name.ns, name.ns)}/{name.name}"

    def _refusal(self, name: Symbol, text: str) -> Refusal | None:
        by_name = self.environment.refused_names.get(name.name)
        if by_name is not None:
            return by_name
        if name.ns is not None and text == name.name:  # clojure.core/->> is not drawn, but it is understood
            text = f"clojure.core/{text}" if name.name in self.environment.specials else text
        return self.environment.refused.get(text) or self.environment.refused.get(name.text)

    def _refused(self, name: Symbol, refusal: Refusal, form: Form) -> Node:
        return self.problem(refusal.code, f"{name.text} is not available here", form, refusal.hint)

    def _unbound(self, name: Symbol, form: Form, scope: Scope) -> Node:
        text = name.text
        java = java_of(text)
        if java is not None:
            return self._refused(name, java, form)
        known = [*self.environment.functions, *self.environment.specials, *self.host, *_locals(scope)]
        near = get_close_matches(text, known, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}?" if near else None
        return self.problem("unbound_symbol", f"Unable to resolve symbol: {text}", form, hint)

    def _list(self, form: ListForm, scope: Scope, tail: Target | None) -> Node:
        first = form.items[0]
        if isinstance(first, Atom) and first.value.__class__ is Symbol:
            return self._named_call(form, first, first.value, scope, tail)
        if isinstance(first, Atom) and first.value.__class__ is Keyword and 2 <= len(form.items) <= 3:
            target = self.node(form.items[1], scope)
            default = self.node(form.items[2], scope) if len(form.items) == 3 else None
            return KeywordCall(first.value, target, default, form)
        if isinstance(first, Atom) and not isinstance(first.value, Keyword):
            text = first.source.text[first.start : first.end]
            message = f"{text} cannot be called as a function"
            self.warn("call_invalid", message, first)
        args = tuple([self.node(item, scope) for item in form.items[1:]])
        return Invoke(self.node(first, scope), args, form)

    def _named_call(
        self, form: ListForm, first: Atom, name: Symbol, scope: Scope, tail: Target | None
    ) -> Node:
        if name.ns is None and name.text not in UNSHADOWABLE:
            binding = scope.find(name.text)
            if binding is not None:
                return self._local_call(form, binding, scope)
        if name.text in self.host:
            return self._host_call(form, self.host[name.text], scope)
        if name.text == "new" and len(form.items) > 1:
            return self._construction(form, form.items[1], scope)
        text = self._full(name)
        refusal = self._refusal(name, text)
        if refusal is not None:
            if name.name != "comment":
                for item in form.items[1:]:
                    self.node(item, scope)
            return self._refused(name, refusal, first)
        handler = self.environment.specials.get(text)
        if handler is not None:
            return self._special(text, handler, form, scope, tail)
        builtin = self.environment.functions.get(text)
        self.bounded.append(text in BOUNDING)
        args = tuple([self.node(item, scope) for item in form.items[1:]])
        self.bounded.pop()
        if builtin is None:
            if not args and text[0].isupper() and text in self.environment.constants:
                return Const(
                    self.environment.constants[text]
                )  # Clojure reads a static field in brackets, too
            return Invoke(self._symbol(first, name, scope), args, form)
        if not builtin.low <= len(args) <= builtin.high:
            message = f"Wrong number of args ({len(args)}) passed to: {builtin.full_name}"
            return self.problem("arity_invalid", message, form, _takes(builtin.low, builtin.high))
        if len(args) < ENDLESS.get(text, 0):
            self._endless(text, form)
        return LibraryCall(builtin, args, form)

    def _construction(self, form: ListForm, cls: Form, scope: Scope) -> Node:
        """`(new C x)` as `(C. x)`."""
        if not isinstance(cls, Atom) or not isinstance(cls.value, Symbol):
            return self.problem(INTEROP.code, "new wants the name of a class", form, INTEROP.hint)
        head = Atom(Symbol(cls.value.text + "."), cls.start, cls.end, cls.source)
        return self._list(ListForm((head, *form.items[2:]), form.start, form.end, form.source), scope, None)

    def _endless(self, name: str, form: ListForm) -> None:
        message, hint = f"{name} has no end here", "give a bound, or put it under take"
        if self.eager:
            self.problem("unbounded_sequence", message, form, hint)
        elif name == "range":
            self.warn("sandbox_unbounded_range", message, form, hint)
        elif not self.bounded[-1:] or not self.bounded[-1]:
            self.warn("unbounded_sequence", message, form, hint)

    def _special(
        self, text: str, handler: Handler, form: ListForm, scope: Scope, tail: Target | None
    ) -> Node:
        nested = text in ("loop", "fn", "fn*", "for", "doseq", "dotimes", "letfn", "lazy-seq")
        if nested:
            self.inside.append(text)
        node = handler(self, form, scope, tail)
        if nested:
            self.inside.pop()
        return node

    def _local_call(self, form: ListForm, binding: Binding, scope: Scope) -> Node:
        args = tuple([self.node(item, scope) for item in form.items[1:]])
        if binding.arity is not None and not binding.arity[0] <= len(args) <= binding.arity[1]:
            message = f"Wrong number of args ({len(args)}) passed to: {binding.name}"
            return self.problem("arity_invalid", message, form, _takes(*binding.arity))
        return Invoke(local(scope, binding), args, form)

    def _host_call(self, form: ListForm, host: HostFn, scope: Scope) -> Node:
        self.sites.append(HostSite(host.name, form, tuple(self.inside)))
        count = len(form.items) - 1
        args = tuple(
            [
                self._thunk(item, scope) if at in host.thunks else self.node(item, scope)
                for at, item in enumerate(form.items[1:])
            ]
        )
        if not host.low <= count <= host.high:
            message = f"Wrong number of args ({count}) passed to: {host.name}"
            return self.problem("arity_invalid", message, form, _takes(host.low, host.high))
        return HostCall(host.name, args, form)

    def _thunk(self, form: Form, scope: Scope) -> Node:
        name = Atom(Symbol("fn*"), form.start, form.end, form.source)
        parameters = VectorForm((), form.start, form.end, form.source)
        thunk = ListForm((name, parameters, form), form.start, form.end, form.source)
        return function(self, thunk, scope)


def _locals(scope: Scope) -> list[str]:
    names: list[str] = []
    found: Scope | None = scope
    while found is not None:
        names += [name for name in found.names if name[:1] != "#"]
        found = found.around
    return names


def _takes(low: int, high: int) -> str:
    if high >= MANY:
        return f"it takes at least {low}"
    return f"it takes {low}" if low == high else f"it takes {low} to {high}"


def _is_data(form: Form) -> bool:
    """Whether evaluating a literal gives just what is written."""
    if isinstance(form, Atom):
        return form.value.__class__ is not Symbol
    return isinstance(form, VectorForm | MapForm | SetForm) and all(map(_is_data, form.items))


def _too_deep(form: Form) -> Problem:
    """Code that nests deeper than it can be compiled; threading forms nest what looks flat."""
    place = form.source.place(form.start)
    message, hint = "the code is nested too deeply", "give parts of it names, with let or as functions"
    return Problem("error", "depth_exceeded", message, hint, place, place, "")


def check(form: Form, environment: Environment, host: Mapping[str, HostFn]) -> tuple[Problem, ...]:
    """Everything that is wrong with code, errors and warnings, in the order of the text."""
    analyzer = Analyzer(environment, host, environment.eager)
    try:
        analyzer.node(form, Scope(Frame()))
    except RecursionError:
        analyzer.problems.append(_too_deep(form))
    return tuple(sorted(analyzer.problems, key=lambda found: (found.place.line or 0, found.place.col or 0)))


def analyze(form: Form, environment: Environment, host: Mapping[str, HostFn] | None = None) -> Compiled:
    """Compile a form. Raises the first error as a `LangError` whose details list all of them."""
    analyzer = Analyzer(environment, host or {}, environment.eager)
    frame = Frame()
    try:
        node = analyzer.node(form, Scope(frame))
        root = emit(node)
    except RecursionError:
        raise _too_deep(form).error() from None
    errors = [problem for problem in analyzer.problems if problem.severity == "error"]
    if errors:
        first = errors[0].error()
        first.details = {"problems": [problem.as_json() for problem in errors]}
        raise first
    warnings = tuple(analyzer.problems)
    return Compiled(root, frame.size, environment, warnings, tuple(analyzer.sites))
