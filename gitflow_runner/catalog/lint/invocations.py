"""The ways in: shape of `:invocations` and of their inputs."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import get, keyword_text, name_text
from gitflow_runner.lang.forms import Form, MapForm, VectorForm
from gitflow_runner.model.ids import is_name

SHAPE = Code("invalid_invocations_shape", "error", ":invocations is a map from an id to an invocation.")
ID = Code("invalid_invocation_id", "error", "The id of an invocation is a plain keyword such as :default.")
ENTRY = Code("invalid_invocation_shape", "error", 'An invocation is a map: {:label "..." :inputs [...]}.')
INPUTS = Code("invalid_invocation_inputs_shape", "error", ":inputs is a vector of input maps.")
INPUT = Code("invalid_invocation_input_shape", "error", "An input is a map: {:name :city :type :string}.")
NO_NAME = Code("missing_invocation_input_name", "error", "An input without :name cannot be given.")
NAME = Code(
    "invalid_invocation_input_name",
    "error",
    "An input's :name is a keyword or text of a letter, then letters, digits, `_` or `-`.",
)
TWICE = Code("duplicate_invocation_input_name", "error", "Two inputs of one invocation share a name.")
TYPE = Code("invalid_invocation_input_type", "error", "An input's :type is one of the types of forms.")

INPUT_TYPES = frozenset(
    [
        "string",
        "text",
        "number",
        "email",
        "password",
        "textarea",
        "boolean",
        "checkbox",
        "select",
        "date",
        "time",
        "datetime",
        "json",
        "file",
        "blob",
        "blob-ref",
        "resource",
        "secret",
    ]
)


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("invocations")
    if form is None:
        return
    if not isinstance(form, MapForm):
        hint = "{:default {:inputs [{:name :city :type :string}]}}"
        yield SHAPE.at(form, ":invocations must be a map", hint=hint, path=(":invocations",))
        return
    for key, value in form.pairs():
        name = keyword_text(key)
        if name is None or not is_name(name):
            message = "an invocation's id must be a plain keyword"
            yield ID.at(key, message, hint=":default", path=(":invocations",))
        path = (":invocations", f":{name}")
        if not isinstance(value, MapForm):
            yield ENTRY.at(value, f"invocation {_said(name)} must be a map", hint="{:inputs []}", path=path)
            continue
        yield from check_inputs(get(value, "inputs"), (*path, ":inputs"))


def check_inputs(form: Form | None, path: Path) -> Iterator[Diagnostic]:
    """Findings about a vector of inputs, wherever one is written."""
    if form is None:
        return
    if not isinstance(form, VectorForm):
        yield INPUTS.at(form, ":inputs must be a vector", hint="[{:name :city :type :string}]", path=path)
        return
    seen: set[str] = set()
    for index, item in enumerate(form.items):
        here = (*path, index)
        if not isinstance(item, MapForm):
            yield INPUT.at(item, "an input must be a map", hint="{:name :city :type :string}", path=here)
            continue
        yield from _check_name(item, seen, here)
        kind = get(item, "type")
        if kind is not None and name_text(kind) not in INPUT_TYPES:
            hint = did_you_mean(name_text(kind) or "", INPUT_TYPES, ":") or ":string"
            message = f"{name_text(kind) or 'this'} is not a type of input"
            yield TYPE.at(kind, message, hint=hint, path=(*here, ":type"))


def _check_name(item: MapForm, seen: set[str], path: Path) -> Iterator[Diagnostic]:
    form = get(item, "name")
    if form is None:
        yield NO_NAME.at(item, "an input has no :name", hint="add :name :city", path=path)
        return
    name = name_text(form)
    if name is None or not is_name(name):
        message = "an input's name is a letter, then letters, digits, `_` or `-`"
        yield NAME.at(form, message, hint=":name :city", path=(*path, ":name"))
    elif name in seen:
        hint = "give each input a name of its own"
        yield TWICE.at(form, f"a second input is named :{name}", hint=hint, path=(*path, ":name"))
    else:
        seen.add(name)


def _said(name: str | None) -> str:
    return "here" if name is None else f":{name}"


RULE = Rule((SHAPE, ID, ENTRY, INPUTS, INPUT, NO_NAME, NAME, TWICE, TYPE), _check, blocks=True)
