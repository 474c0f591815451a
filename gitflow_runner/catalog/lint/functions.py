"""The functions: shape of `:functions`, one readable form each, referred to and in use."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import everything, get, name_text, string_text
from gitflow_runner.errors import LangError
from gitflow_runner.lang.forms import Atom, Form, MapForm, VectorForm
from gitflow_runner.lang.reader import read_all, string_source
from gitflow_runner.model.ids import is_label

INVALID = Code(
    "invalid_function",
    "error",
    ":functions is a vector of {:id :total :language :clojure :code '(fn [input] ...)}; ids are unique.",
)
STRING = Code(
    "function_code_string_invalid",
    "error",
    "A :code text must hold readable code and nothing after its last form. A quoted form, "
    ":code '(fn [input] ...), needs no escapes and is easier to point into.",
)
LARGE = Code("function_code_too_large", "error", "A function holds at most 64 KB of code, all of them 1 MB.")
UNKNOWN = Code("unknown_function", "error", "A step's :ref names no entry of :functions.")
UNUSED = Code("unused_function", "warning", "No step refers to this function.")

MAX_ONE = 64 * 1024
MAX_ALL = 1024 * 1024
_EXAMPLE = "{:id :total :language :clojure :code '(fn [input] ...)}"
STEP_TYPES = ("function", "code")


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("functions")
    if form is None:
        return
    if not isinstance(form, VectorForm):
        yield INVALID.at(form, ":functions must be a vector", hint=f"[{_EXAMPLE}]", path=(":functions",))
        return
    seen: set[str] = set()
    total = 0
    for index, item in enumerate(form.items):
        path: Path = (":functions", index)
        if not isinstance(item, MapForm):
            yield INVALID.at(item, "a function must be a map", hint=_EXAMPLE, path=path)
            continue
        yield from _check_id(item, seen, path)
        code = get(item, "code")
        if code is None:
            yield INVALID.at(item, "the function has no :code", hint="add :code '(fn [input] ...)", path=path)
            continue
        total += code.end - code.start
        if code.end - code.start > MAX_ONE or total > MAX_ALL:
            yield LARGE.at(code, "the code of the functions is too large", hint="split it", path=path)
        if string_text(code) is not None:
            yield from check_code_text(code, (*path, ":code"))


def _check_id(item: MapForm, seen: set[str], path: Path) -> Iterator[Diagnostic]:
    form = get(item, "id")
    name = name_text(form)
    if form is None or name is None or not is_label(name):
        yield INVALID.at(form or item, "a function has an :id, a plain keyword", hint=":id :total", path=path)
    elif name in seen:
        yield INVALID.at(form, f"a second function is named :{name}", hint="rename one of them", path=path)
    else:
        seen.add(name)
    language = get(item, "language")
    if language is not None and name_text(language) != "clojure":
        yield INVALID.at(language, "the only :language is :clojure", hint=":language :clojure", path=path)


def check_code_text(code: Form, path: Path) -> Iterator[Diagnostic]:
    """Findings about code that is written as a text: it must be read to its end.

    Definitions may come before the form that is the function; anything else before it is refused.
    """
    if not isinstance(code, Atom) or not isinstance(code.value, str):
        return
    try:
        forms = read_all(string_source(code))
    except LangError as error:
        yield _placed(STRING.at(code, f"the text of :code cannot be read: {error.message}", path=path), error)
        return
    if not forms:
        yield STRING.at(code, "the text of :code holds no form", hint="(fn [input] ...)", path=path)
    elif len(forms) > 1 and not all(_defines(form) for form in forms[:-1]):
        hint = "keep one form, or put definitions (defn ...) before it"
        yield STRING.at(forms[1], "the text of :code goes on after its form", hint=hint, path=path)


def _defines(form: Form) -> bool:
    return bool(form.source.text[form.start :].startswith(("(defn ", "(defn-", "(def ")))


def _placed(found: Diagnostic, error: LangError) -> Diagnostic:
    """The finding at the place inside the text that the reader named."""
    at = error.at
    if at is None or at.line is None:
        return found
    return Diagnostic(
        found.code, found.severity, found.message, error.hint, at.file, at.line, at.col, path=found.path
    )


def _check_refs(subject: Subject) -> Iterator[Diagnostic]:
    declared = subject.ids("functions")
    for call in subject.calls:
        form = get(call.config, "ref")
        name = name_text(form)
        if call.type in STEP_TYPES and form is not None and name is not None and name not in declared:
            hint = did_you_mean(name, declared, ":") or f"add {{:id :{name} :code '(fn [input] ...)}}"
            message = f"{call.name} refers to the function :{name}, which :functions does not list"
            yield UNKNOWN.at(form, message, hint=hint, path=(":flow",))


def _check_unused(subject: Subject) -> Iterator[Diagnostic]:
    listed = tuple(subject.named("functions"))
    if not listed or any(
        _is_computed(call.config) for call in subject.calls if call.type in (None, *STEP_TYPES)
    ):
        return
    used = {name_text(each) for form in _users(subject) for each in everything(form)}
    for index, form, name in listed:
        if name not in used:
            hint = "remove it, or call it by (flow/step :function :id {:ref :" + name + " ...})"
            yield UNUSED.at(form, f"no step refers to :{name}", hint=hint, path=(":functions", index))


def _is_computed(config: Form | None) -> bool:
    if config is None or not isinstance(config, MapForm):
        return True
    form = get(config, "ref")
    return form is not None and name_text(form) is None


def _users(subject: Subject) -> Iterator[Form]:
    """The forms in which a function's name may stand: body, packaged steps, agents."""
    if subject.body is not None:
        yield subject.body
    for name in ("steps", "agents", "templates"):
        form = subject.field(name)
        if form is not None:
            yield form


SHAPE = Rule((INVALID, STRING, LARGE), _check, blocks=True)
REFS = Rule((UNKNOWN,), _check_refs)
USE = Rule((UNUSED,), _check_unused)
