"""Step types and their settings, held against what the step types declare about themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.functions import STEP_TYPES
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import (
    elements,
    entries,
    get,
    is_literal,
    is_nil,
    keyword_text,
    name_text,
    string_text,
    written,
)
from gitflow_runner.errors import UsageError
from gitflow_runner.lang.forms import Atom, Form, MapForm, SetForm, VectorForm
from gitflow_runner.lang.values import Keyword
from gitflow_runner.model.duration import parse_duration
from gitflow_runner.model.spec import Field, Spec

UNKNOWN_TYPE = Code("unknown_step_type", "error", "No step type of this name is built in or installed.")
MISSING = Code(
    "missing_step_config", "error", "The step type demands a setting that the config does not have."
)
UNKNOWN = Code("unknown_step_config", "warning", "The step type has no setting of this name: it is ignored.")
INVALID = Code("invalid_step_config", "error", "A setting holds a kind of value that the step type refuses.")
DURATION = Code(
    "invalid_duration",
    "error",
    "A length of time is whole seconds, or a text such as 500ms, 10s, 5m, 2h, 1d.",
)
TYPE = Code(
    "step_type_mismatch", "error", "The :type inside a config repeats the type of the step, or is left out."
)

_ALIASES = {"code": "function"}


def _check(subject: Subject) -> Iterator[Diagnostic]:
    if not subject.specs:
        return
    for call in subject.calls:
        if call.type is None or call.packaged:
            continue
        spec = subject.specs.get(_ALIASES.get(call.type, call.type))
        if spec is None:
            yield _unknown_type(call.arguments[0], call.type, subject.specs, (":flow",))
        elif isinstance(call.config, MapForm):
            yield from _check_config(call.name, call.type, call.config, spec)
    for index, item in enumerate(elements(subject.field("steps"))):
        kind = get(item, "type")
        name = keyword_text(kind)
        if kind is not None and name is not None and _ALIASES.get(name, name) not in subject.specs:
            yield _unknown_type(kind, name, subject.specs, (":steps", index, ":type"))


def _unknown_type(form: Form, name: str, specs: Mapping[str, Spec], path: Path) -> Diagnostic:
    hint = did_you_mean(name, specs, ":") or "known are " + " ".join(f":{each}" for each in sorted(specs))
    return UNKNOWN_TYPE.at(form, f"there is no step type :{name}", hint=hint, path=path)


def _check_config(name: str, kind: str, config: MapForm, spec: Spec) -> Iterator[Diagnostic]:
    """The settings of one call; the rule of function steps speaks of the input that a `:ref` gets."""
    given = entries(config)
    repeated = given.get("type")
    if (
        repeated is not None
        and is_literal(repeated.value)
        and name_text(repeated.value) not in (kind, spec.type)
    ):
        message = f"{name} is called as :{kind}, but its config says :type {written(repeated.value)}"
        yield TYPE.at(repeated.value, message, hint=f":type :{kind}", path=(":flow",))
    if kind not in STEP_TYPES:
        yield from _check_missing(name, config, spec, frozenset(given))
    for key, entry in given.items():
        field = spec.field(key)
        if field is None:
            yield _unknown(f"a :{spec.type} step", key, entry.key, spec.every_field)
        elif key != "type" and not (kind in STEP_TYPES and key == "input" and "ref" in given):
            yield from _check_value(name, field, entry.value)
            yield from _check_inside(name, field, entry.value)


def _check_inside(name: str, field: Field, form: Form) -> Iterator[Diagnostic]:
    """The keys of a map that has a closed set of them."""
    if not field.keys or not isinstance(form, MapForm):
        return
    for key, entry in entries(form).items():
        inner = next((each for each in field.keys if each.name == key), None)
        if inner is None:
            yield _unknown(f":{field.name} of {name}", key, entry.key, field.keys)
        else:
            yield from _check_value(name, inner, entry.value)
            yield from _check_inside(name, inner, entry.value)


def _unknown(what: str, key: str, form: Form, known: Sequence[Field]) -> Diagnostic:
    listed = [each.name for each in known]
    hint = did_you_mean(key, listed, ":") or "remove it; known are " + " ".join(f":{each}" for each in listed)
    return UNKNOWN.at(form, f"{what} has no setting :{key}", hint=hint, path=(":flow",))


def _check_missing(name: str, config: MapForm, spec: Spec, given: frozenset[str]) -> Iterator[Diagnostic]:
    if "template" in given:
        return  # what the config leaves out may stand in the template
    for field in spec.fields:
        if field.required and field.name not in given:
            hint = f"add :{field.name}: {field.summary}"
            yield MISSING.at(config, f"{name} has no :{field.name}", hint=hint, path=(":flow",))
    for group in spec.one_of:
        found = [each for each in group if each in given]
        if len(found) == 1:
            continue
        listed = " or ".join(f":{each}" for each in group)
        message = f"{name} has {' and '.join(f':{each}' for each in found) or 'no ' + listed}"
        yield MISSING.at(config, message, hint=f"give exactly one of {listed}", path=(":flow",))
    yield from _check_needs(name, config, spec, given)


def _check_needs(name: str, config: MapForm, spec: Spec, given: frozenset[str]) -> Iterator[Diagnostic]:
    """What the operation that is written there needs besides."""
    choice = name_text(get(config, spec.needs.by)) if spec.needs is not None else None
    if spec.needs is None or choice is None:
        return
    for group in spec.needs.groups.get(choice, ()):
        if len(given.intersection(group)) != 1:
            listed = " or ".join(f":{each}" for each in group)
            message, hint = f"{name} has no {listed}, which :{choice} needs", f"add {listed}"
            if given.intersection(group):
                message, hint = f"{name} has more than one of {listed}", "keep one of them"
            yield MISSING.at(config, message, hint=hint, path=(":flow",))


def _check_value(name: str, field: Field, form: Form) -> Iterator[Diagnostic]:
    if not is_literal(form) or is_nil(form):
        return
    if field.type == "duration":
        value = form.value if isinstance(form, Atom) else None
        try:
            parse_duration(value)
        except UsageError as error:
            message = f":{field.name} of {name} is not a length of time"
            yield DURATION.at(form, message, hint=error.hint, path=(":flow",))
        return
    text = name_text(form)
    if not _fits(field, form):
        message = f":{field.name} of {name} must be {_article(field.type)}"
        yield INVALID.at(form, message, hint=f":{field.name}: {field.summary}", path=(":flow",))
    elif field.choices and text is not None and text not in field.choices:
        hint = did_you_mean(text, field.choices, ":") or "one of " + " ".join(f":{c}" for c in field.choices)
        message = f":{field.name} of {name} cannot be {written(form)}"
        yield INVALID.at(form, message, hint=hint, path=(":flow",))


def _fits(field: Field, form: Form) -> bool:
    value = form.value if isinstance(form, Atom) else None
    match field.type:
        case "string" | "url":
            return string_text(form) is not None
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(form, Atom) and not isinstance(value, bool | str | Keyword)
        case "boolean":
            return isinstance(value, bool)
        case "keyword" | "name":
            return name_text(form) is not None
        case "map":
            return isinstance(form, MapForm)
        case "vector":
            return isinstance(form, VectorForm | SetForm)
        case "any" | "duration":
            return True


def _article(kind: str) -> str:
    named = {"name": "a keyword or a text", "string": "a text", "url": "a URL as a text"}
    return named.get(kind, f"an {kind}" if kind[0] in "aeiou" else f"a {kind}")


RULE = Rule((UNKNOWN_TYPE, MISSING, UNKNOWN, INVALID, DURATION, TYPE), _check)
