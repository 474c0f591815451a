"""Schemas of packaged steps: that each is one, and that the calls whose input stands there keep to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.calls import StepCall
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.syntax import (
    elements,
    entries,
    everything,
    get,
    is_literal,
    keyword_text,
    name_text,
)
from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.forms import Form, MapForm, value_of
from gitflow_runner.schemas.jsontext import to_plain
from gitflow_runner.schemas.malli import json_schema
from gitflow_runner.schemas.packaged import OPTIONS
from gitflow_runner.schemas.registry import Check, schema_check

SCHEMA = Code(
    "invalid_packaged_schema",
    "error",
    "The :input-schema and :output-schema of a packaged step are Malli vectors, [:map [:n :int]], or JSON "
    "Schema as a map.",
)
INPUT = Code(
    "packaged_input_invalid",
    "error",
    "A packaged step is called with a map that its :input-schema does not allow; the run would end there.",
)

Json = Mapping[str, object]
_EXAMPLE = "[:map [:name :string]], or {:type :object :properties {:name {:type :string}}}"
# What says something of single keys, and so of a map whose other values are not known before the run.
_BY_KEY = ("type", "properties", "additionalProperties", "$defs", "definitions")


def _check_schemas(subject: Subject) -> Iterator[Diagnostic]:
    for field in ("steps", "agents"):
        for index, item in enumerate(elements(subject.field(field))):
            for key in ("input-schema", "output-schema"):
                form = get(item, key)
                if form is None:
                    continue
                try:
                    schema_check(_schema(form))
                except StepError as error:
                    path = (f":{field}", index, f":{key}")
                    message = f"the :{key} is no schema: {error.message}"
                    yield SCHEMA.at(form, message, hint=error.hint or _EXAMPLE, path=path)


def _check_calls(subject: Subject) -> Iterator[Diagnostic]:
    schemas = {
        name: (get(item, "input-schema"), keyword_text(get(item, "type")) in ("function", "code"))
        for item in elements(subject.field("steps"))
        if (name := name_text(get(item, "id"))) is not None
    }
    for call in subject.calls:
        form, is_function = schemas.get(call.type or "", (None, False))
        if form is not None and call.packaged and isinstance(call.config, MapForm) and not call.threaded:
            try:
                schema = _schema(form)
                check = schema_check(schema)
            except StepError:
                continue  # told where the schema stands
            options = frozenset() if is_function else OPTIONS
            yield from _check_input(call, call.config, schema, check, options)


def _check_input(
    call: StepCall, config: MapForm, schema: Json, check: Check, options: frozenset[str]
) -> Iterator[Diagnostic]:
    given = {key: entry.value for key, entry in entries(config).items()}
    properties = schema.get("properties")
    named = frozenset(properties) if isinstance(properties, Mapping) else frozenset()
    given = {key: form for key, form in given.items() if key in named or key not in options}
    known = {key: value_of(form) for key, form in given.items() if _is_data(form)}
    whole = len(known) == len(given) and len(entries(config)) == len(config.items) // 2
    required = schema.get("required")
    lacking = [key for key in required if key not in given] if isinstance(required, list) else []
    if lacking and len(entries(config)) == len(config.items) // 2:
        message = f":{call.type} is called without :{lacking[0]}"
        yield INPUT.at(config, message, hint=f"add :{lacking[0]}", path=(":flow",))
        return
    try:
        if not whole:
            check = schema_check({key: schema[key] for key in _BY_KEY if key in schema})
        problems = check.problems({key: to_plain(value) for key, value in known.items()})
    except StepError as error:  # what a schema refers to is followed only with a value in hand
        message = f"the :input-schema of :{call.type} cannot be used: {error.message}"
        yield SCHEMA.at(config, message, hint=error.hint or _EXAMPLE, path=(":flow",))
        return
    for problem in problems:
        at: Form = given.get(problem.partition(": ")[0].partition("/")[0], config)
        message = f":{call.type} does not take this: {problem}"
        yield INPUT.at(at, message, hint=f"see the :input-schema of :{call.type}", path=(":flow",))


def _is_data(form: Form) -> bool:
    return all(is_literal(each) for each in everything(form))


def _schema(form: Form) -> Json:
    try:
        return json_schema(value_of(form), to_plain)
    except LangError as error:
        raise StepError("schema.malformed", error.message) from None


SHAPE = Rule((SCHEMA,), _check_schemas)
CALLS = Rule((INPUT, SCHEMA), _check_calls)
