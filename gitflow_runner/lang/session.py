"""Compiling and calling functions of flows, and evaluating a text at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitflow_runner.errors import LangError
from gitflow_runner.lang.analyzer import analyze, check
from gitflow_runner.lang.collection import Map, Set, TaggedLiteral, Vec, decode, encode
from gitflow_runner.lang.environments import FUNCTION
from gitflow_runner.lang.equality import MAX_DEPTH, too_deep
from gitflow_runner.lang.forms import Atom, Form, ListForm, VectorForm, head
from gitflow_runner.lang.fuel import Host, Limits, Runtime
from gitflow_runner.lang.ordered import SortedMap, SortedSet
from gitflow_runner.lang.program import Compiled, Environment, HostFn, Problem
from gitflow_runner.lang.reader import read_all, string_source
from gitflow_runner.lang.seqs import Seq, list_of
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import Collection, ExInfo, Symbol, Value

MAX_CODE = 64 * 1024  # characters of one function
_SORTED = frozenset((SortedMap, SortedSet))


@dataclass(frozen=True, slots=True)
class CompiledFunction:
    """A function of a flow, ready to be called; every call gets a budget of its own."""

    code: Compiled
    name: str


def compile_function(
    code: Form | Source | str, *, name: str = "fn", environment: Environment = FUNCTION
) -> CompiledFunction:
    """Compile the `:code` of a function: a form, a string literal of one, or a text.

    A text may start with `(defn ...)` and `(def ...)` forms, if the function comes last. Positions in
    a string literal lead back into its file.
    """
    return CompiledFunction(analyze(_one_form(code), environment), name)


def check_function(code: Form | Source | str) -> tuple[Problem, ...]:
    """Everything that is wrong with the `:code` of a function, errors and warnings; `LangError` as above
    for a text that is not one form."""
    return check(_one_form(code), FUNCTION, {})


def _one_form(code: Form | Source | str) -> Form:
    if isinstance(code, Atom) and isinstance(code.value, str):
        code = string_source(code)
    if isinstance(code, str):
        code = Source(code)
    if not isinstance(code, Source):
        if (
            head(code) in ("quote", "clojure.core/quote")
            and isinstance(code, ListForm)
            and len(code.items) == 2
        ):
            return code.items[1]
        return code
    if len(code.text) > MAX_CODE:
        message = f"the code of a function has more than {MAX_CODE:,} characters"
        raise LangError("code_too_large", message, at=code.place(0))
    forms = read_all(code)
    if not forms:
        raise LangError("function_code_string_invalid", "the code holds no form", at=code.place(0))
    for form in forms[:-1]:
        if head(form) not in ("defn", "defn-", "def"):
            message = "the code must be one form, which (defn ...) and (def ...) may precede"
            raise LangError("function_code_string_invalid", message, at=code.place(form.start))
    return _nested(forms)


def _nested(forms: list[Form]) -> Form:
    """Leading definitions as `letfn` and `let` around the last form."""
    body = forms[-1]
    if head(body) in ("defn", "defn-") and isinstance(body, ListForm):
        body = _list(body, _name("fn", body), *_without_doc(body))
    position = len(forms) - 1
    while position > 0:
        position -= 1
        form = forms[position]
        assert isinstance(form, ListForm)
        if head(form) == "def":
            binding = VectorForm(form.items[1:3], form.start, form.end, form.source)
            body = _list(form, _name("let", form), binding, body)
            continue
        group = [form]
        while position > 0 and head(forms[position - 1]) in ("defn", "defn-"):
            position -= 1
            earlier = forms[position]
            assert isinstance(earlier, ListForm)
            group.insert(0, earlier)
        specs = VectorForm(
            tuple([_list(each, *_without_doc(each)) for each in group]), form.start, form.end, form.source
        )
        body = _list(form, _name("letfn", form), specs, body)
    return body


def _without_doc(form: ListForm) -> tuple[Form, ...]:
    """Name, parameters and body of a `defn`, its docstring left out."""
    items = form.items[1:]
    if len(items) > 2 and isinstance(items[1], Atom) and isinstance(items[1].value, str):
        return (items[0], *items[2:])
    return items


def _name(text: str, at: Form) -> Atom:
    return Atom(Symbol(text), at.start, at.end, at.source)


def _list(at: Form, *items: Form) -> ListForm:
    return ListForm(items, at.start, at.end, at.source)


def call(function: CompiledFunction, args: tuple[Value, ...], limits: Limits | None = None) -> Value:
    """Call a function of a flow; the result is plain data, realised.

    Raises `FlowThrow` for what the code throws, `LangError` for limits and for a result that is no data.
    """
    return _guarded(function.code, lambda runtime, value: runtime.call(value, *args), limits)


def evaluate(
    code: str | Source | Form,
    environment: Environment = FUNCTION,
    *,
    host: Host | None = None,
    names: Mapping[str, HostFn] | None = None,
    limits: Limits | None = None,
) -> Value:
    """The value of a text, realised, leading definitions allowed as in functions; or of one form."""
    form = _one_form(code) if isinstance(code, str | Source) else code
    compiled = analyze(form, environment, names)
    return _guarded(compiled, lambda runtime, value: value, limits, host)


def _guarded(
    code: Compiled,
    use: Callable[[Runtime, Value], Value],
    limits: Limits | None,
    host: Host | None = None,
) -> Value:
    runtime = code.runtime(host, limits)
    try:
        try:
            value = code.root([runtime] + [None] * (code.size - 1))
            return realised(use(runtime, value), runtime)
        except FlowThrow as throw:
            # Whoever reads the data later has no budget: a sequence in it must be at hand by then.
            throw.info = _settled(throw.info, runtime)
            raise
    except RecursionError:
        raise LangError("depth_exceeded", "the code recurs too deeply", hint="use loop/recur") from None


def _settled(info: ExInfo, runtime: Runtime) -> ExInfo:
    """The exception value with its data realised; data that cannot be is left out, not the exception."""
    try:
        return ExInfo(info.message, realised(info.data, runtime), info.cause, info.cls)
    except (FlowThrow, LangError):
        return ExInfo(info.message, None, info.cause, info.cls)


def realised(value: Value, runtime: Runtime, depth: int = 0) -> Value:
    """The value with every lazy sequence in it made a list; depth and work are bounded."""
    if depth > MAX_DEPTH:
        raise too_deep()
    if not isinstance(value, Collection) and value.__class__ is not TaggedLiteral:
        return value
    if isinstance(value, Vec):
        return Vec(
            tuple([realised(item, runtime, depth + 1) for item in runtime.items(value)]), -1, value.meta
        )
    if value.__class__ in _SORTED:
        return value
    if isinstance(value, Map):
        runtime.charge(1)
        d = {
            encode(realised(decode(key), runtime, depth + 1)): realised(item, runtime, depth + 1)
            for key, item in value.d.items()
        }
        return Map(d, meta=value.meta, loose=value.loose)
    if isinstance(value, Set):
        return value.like([realised(item, runtime, depth + 1) for item in runtime.items(value)])
    if isinstance(value, Seq):
        return list_of([realised(item, runtime, depth + 1) for item in runtime.items(value)])
    if isinstance(value, TaggedLiteral):
        return TaggedLiteral(value.tag, realised(value.form, runtime, depth + 1))
    return value
