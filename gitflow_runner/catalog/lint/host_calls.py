"""How `flow/call-flow` and `flow/parallel` are called, as far as literals show it."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import entries, is_literal, keyword_text, name_text
from gitflow_runner.lang.forms import Atom, Form, ListForm, MapForm, head
from gitflow_runner.model.ids import is_name

CALL = Code(
    "flow_call_flow_invalid",
    "error",
    "flow/call-flow takes (flow/call-flow slug input), (flow/call-flow slug input options) or one map with "
    ":flow-slug and :input. Options are :version or :target (:live, :draft), and :installation-id.",
)
PARALLEL = Code(
    "flow_parallel_invalid",
    "error",
    "flow/parallel takes an id, a map of options (:max, :on-error), the items and a function of one item.",
)

_CALLED = "(flow/call-flow :slug {:n 1} {:version 3})"
_BRANCHES = "(flow/parallel :each {:max 4 :on-error :first} items (fn [item] ...))"
_OPTIONS = ("version", "target", "installation-id", "profile-id")
_PATH = (":flow",)


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for form in subject.executed:
        if isinstance(form, ListForm) and head(form) == "flow/call-flow":
            yield from _call(form)
        elif isinstance(form, ListForm) and head(form) == "flow/parallel":
            yield from _parallel(form)


def _call(form: ListForm) -> Iterator[Diagnostic]:
    given = form.items[1:]
    if len(given) == 1 and isinstance(given[0], MapForm):
        named = entries(given[0])
        slug = named["flow-slug"].value if "flow-slug" in named else None
        if slug is None:
            yield CALL.at(given[0], "flow/call-flow needs :flow-slug", hint=_CALLED, path=_PATH)
        yield from _called(slug, named["input"].value if "input" in named else None)
        yield from _options(given[0], ("flow-slug", "input", *_OPTIONS))
    elif 1 <= len(given) <= 3:  # any other number is the arity rule's
        yield from _called(given[0], given[1] if len(given) > 1 else None)
        if len(given) == 3:
            yield from _options(given[2], _OPTIONS)


def _called(slug: Form | None, given: Form | None) -> Iterator[Diagnostic]:
    if slug is not None and is_literal(slug) and not is_name(name_text(slug) or ""):
        yield CALL.at(slug, "flow/call-flow takes the slug of a flow", hint=_CALLED, path=_PATH)
    if given is not None and is_literal(given) and not isinstance(given, MapForm) and not _is_nil(given):
        yield CALL.at(given, "the input of a called flow is a map", hint=_CALLED, path=_PATH)


def _options(form: Form, known: tuple[str, ...]) -> Iterator[Diagnostic]:
    if not isinstance(form, MapForm):
        if is_literal(form):
            yield CALL.at(form, "the options of flow/call-flow are a map", hint=_CALLED, path=_PATH)
        return
    given = entries(form)
    for name, entry in given.items():
        if name not in known:
            hint = did_you_mean(name, known, ":") or "known: " + " ".join(f":{each}" for each in known)
            yield CALL.at(entry.key, f"flow/call-flow has no option :{name}", hint=hint, path=_PATH)
    target = given.get("target")
    if target is not None and is_literal(target.value) and name_text(target.value) not in ("live", "draft"):
        yield CALL.at(target.value, ":target of flow/call-flow is :live or :draft", hint=_CALLED, path=_PATH)
    if target is not None and "version" in given:
        yield CALL.at(form, "flow/call-flow takes :version or :target, not both", hint=_CALLED, path=_PATH)


def _parallel(form: ListForm) -> Iterator[Diagnostic]:
    given = form.items[1:]
    if not 3 <= len(given) <= 4:
        return  # the arity rule's
    items, branch = given[-2:]
    if isinstance(items, Atom) and is_literal(items) and not _is_nil(items):
        yield PARALLEL.at(items, "the items of flow/parallel are a collection", hint=_BRANCHES, path=_PATH)
    if isinstance(branch, Atom) and is_literal(branch) and keyword_text(branch) is None:
        message = "the last argument of flow/parallel is a function of one item"
        yield PARALLEL.at(branch, message, hint=_BRANCHES, path=_PATH)
    if len(given) == 3:
        return
    options = given[1]
    if not isinstance(options, MapForm):
        if is_literal(options):
            yield PARALLEL.at(options, "the options of flow/parallel are a map", hint=_BRANCHES, path=_PATH)
        return
    yield from _bounds(options)


def _bounds(options: MapForm) -> Iterator[Diagnostic]:
    known = ("max", "on-error")
    for name, entry in entries(options).items():
        value = entry.value
        if name not in known:
            hint = did_you_mean(name, known, ":") or "known: :max :on-error"
            yield PARALLEL.at(entry.key, f"flow/parallel has no option :{name}", hint=hint, path=_PATH)
        elif name == "max" and is_literal(value) and not _is_count(value):
            yield PARALLEL.at(value, ":max is a whole number above 0", hint=":max 4", path=_PATH)
        elif name == "on-error" and is_literal(value) and name_text(value) not in ("first", "collect"):
            message = ":on-error of flow/parallel is :first or :collect"
            yield PARALLEL.at(value, message, hint=":on-error :first", path=_PATH)


def _is_nil(form: Form) -> bool:
    return isinstance(form, Atom) and form.value is None


def _is_count(form: Form) -> bool:
    value = form.value if isinstance(form, Atom) else None
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


RULE = Rule((CALL, PARALLEL), _check)
