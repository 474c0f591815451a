"""A run's input: what was given, checked and coerced against the invocation's declared inputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from gitflow_runner.errors import LangError, UsageError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.values import Keyword, Value
from gitflow_runner.model.flow import Flow, InputField

MAX_INPUT_BYTES = 256 * 1024
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def parse_pairs(pairs: Iterable[str]) -> dict[str, Value]:
    """`name=value` texts as given on a command line; the value stays text until the type is known."""
    found: dict[str, Value] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError("input.malformed", f"{pair[:80]!r} is not name=value", fix=("gfr run --help",))
        found[name.removeprefix(":")] = value
    return found


def parse_input_file(data: bytes, name: str) -> dict[str, Value]:
    """A map from a JSON or EDN file, its keys as plain names."""
    if len(data) > MAX_INPUT_BYTES:
        raise UsageError("input.too_large", f"{name} is larger than {MAX_INPUT_BYTES} bytes")
    try:
        text = data.decode("utf-8")
        value = _decoded(text)
    except (UnicodeDecodeError, LangError, RecursionError) as error:
        raise UsageError("input.malformed", f"{name} is neither JSON nor EDN: {error}") from None
    if not isinstance(value, Map):
        raise UsageError("input.malformed", f"{name} does not hold a map")
    return by_plain_names(value)


def _decoded(text: str) -> Value:
    try:
        found = json.loads(text)
    except ValueError:
        return read_data(text, loose=True)
    return from_json(found)


def from_json(value: object) -> Value:
    """Decoded JSON as `lang` data; keys stay strings and keywords find them (spec A20)."""
    match value:
        case dict():
            return map_of(((key, from_json(item)) for key, item in value.items()), loose=True)
        case list():
            return Vec(tuple(from_json(item) for item in value))
        case _:
            return value


def by_plain_names(given: Map) -> dict[str, Value]:
    """The map's values by the texts of its keys, keywords without their colon."""
    return {key.text if isinstance(key, Keyword) else str(key): value for key, value in given.items()}


def check_input(flow: Flow, given: Mapping[str, Value], *, invocation: str = "default") -> Map:
    """The input map of the run: declared inputs in order, then whatever else was given.

    Raises `UsageError`: `input.missing`, `input.type`, `input.choice`.
    """
    declared = flow.invocations.get(invocation)
    fields = declared.inputs if declared is not None else ()
    values: dict[str, Value] = {}
    for field in fields:
        if given.get(field.name) is not None:
            values[field.name] = _coerced(field, given[field.name])
        elif field.default is not None:
            values[field.name] = field.default
        elif field.required:
            raise UsageError(
                "input.missing",
                f"{flow.slug} needs the input {field.name}" + (f" ({field.label})" if field.label else ""),
                fix=(f"gfr run {flow.slug} -i {field.name}=…",),
            )
    values |= {name: value for name, value in given.items() if name not in values}
    return map_of(values.items(), loose=True)


def _coerced(field: InputField, value: Value) -> Value:
    if field.type in ("secret", "password"):
        raise UsageError(
            "input.secret", f"input {field.name} takes the name of a secret, and no secrets are set up here"
        )
    try:
        coerced = _by_type(field.type, value)
    except ValueError:
        raise UsageError(
            "input.type", f"input {field.name} must be a {field.type}, not {str(value)[:60]!r}"
        ) from None
    if field.type == "select" and field.options and coerced not in field.options:
        choices = ", ".join(str(option) for option in field.options)
        raise UsageError("input.choice", f"input {field.name} must be one of {choices}")
    return coerced


def _by_type(kind: str, value: Value) -> Value:
    match kind:
        case "number" if isinstance(value, str):
            return int(value) if value.strip().lstrip("+-").isdigit() else float(value)
        case "number" if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(value)
        case "boolean" | "checkbox" if isinstance(value, str):
            if value.lower() not in _BOOLEANS:
                raise ValueError(value)
            return _BOOLEANS[value.lower()]
        case "boolean" | "checkbox" if not isinstance(value, bool):
            raise ValueError(value)
        case "json" if isinstance(value, str):
            return from_json(json.loads(value))
        case "string" | "text" | "textarea" | "email" | "date" | "time" | "datetime":
            if not isinstance(value, str):
                raise ValueError(value)
            return value
        case _:
            return value
