"""A run's input: what was given, checked and coerced against the invocation's declared inputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from typing import Final

from gitflow_runner.errors import LangError, UsageError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.values import Keyword, Value, keyword
from gitflow_runner.model.connection import Installation
from gitflow_runner.model.flow import Flow, InputField

ACTIVATION: Final = keyword("activation")
MAX_INPUT_BYTES = 256 * 1024


def _email(text: str) -> None:
    name, _, host = text.partition("@")
    if not name or not host or "@" in host or not text.isprintable() or " " in text:
        raise ValueError(text)


_FORMS: Final[Mapping[str, Callable[[str], object]]] = {
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": datetime.fromisoformat,
    "email": _email,
}
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


KnownSecret = Callable[[str], bool]


def check_input(
    flow: Flow,
    given: Mapping[str, Value],
    *,
    invocation: str = "default",
    known_secret: KnownSecret = lambda name: False,
) -> Map:
    """The input map of the run: declared inputs in order, then whatever else was given.

    Raises `UsageError`: `input.missing`, `input.type`, `input.choice`, `input.secret`.
    """
    declared = flow.invocations.get(invocation)
    fields = declared.inputs if declared is not None else ()
    values, missing = _checked(fields, given, known_secret)
    if missing:
        raise UsageError(
            "input.missing",
            f"{flow.slug} needs the input {_told(missing[0])}",
            fix=(f"gfr run {flow.slug} -i {missing[0].name}=…",),
        )
    values |= {name: value for name, value in given.items() if name not in values}
    return map_of(values.items(), loose=True)


def setup_fields(flow: Flow) -> tuple[InputField, ...]:
    """The fields of the flow's setup forms, which an installation fills in once."""
    return tuple(field for each in flow.requires for field in each.fields)


def check_setup(flow: Flow, installation: Installation, *, known_secret: KnownSecret) -> Map:
    """The values of the setup forms as a run sees them under `:activation`; errors as `check_input`."""
    given = {name: from_json(value) for name, value in installation.activation.items()}
    values, missing = _checked(setup_fields(flow), given, known_secret)
    if missing:
        raise UsageError(
            "input.missing",
            f"installation {installation.id} of {flow.slug} lacks {_told(missing[0])}",
            fix=(f"gfr configure check {flow.slug}",),
        )
    values |= {name: value for name, value in given.items() if name not in values}
    return map_of(((keyword(name), value) for name, value in values.items()), loose=True)


def _checked(
    fields: Iterable[InputField], given: Mapping[str, Value], known_secret: KnownSecret
) -> tuple[dict[str, Value], list[InputField]]:
    """The values of the declared fields in their order, and the required ones that lack one."""
    values: dict[str, Value] = {}
    missing = []
    for field in fields:
        if given.get(field.name) is not None:
            values[field.name] = coerced(field, given[field.name], known_secret)
        elif field.default is not None:
            values[field.name] = field.default
        elif field.required:
            missing.append(field)
    return values, missing


def _told(field: InputField) -> str:
    return field.name + (f" ({field.label})" if field.label else "")


def coerced(field: InputField, value: Value, known_secret: KnownSecret) -> Value:
    """The value as the field's type has it; `UsageError` (`input.type`, `input.choice`, `input.secret`).

    A field with several values takes a list, its JSON, or texts between commas.
    """
    if field.multiple:
        return Vec(tuple(_single(field, each, known_secret) for each in _several(field, value)))
    return _single(field, value, known_secret)


def _several(field: InputField, value: Value) -> Iterable[Value]:
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return [each.strip() for each in value.split(",") if each.strip()]
        with suppress(ValueError):
            value = from_json(json.loads(value))
    if not isinstance(value, Vec):
        raise UsageError("input.type", f"input {field.name} takes several values: a list, or a,b,c")
    return value


def _single(field: InputField, value: Value, known_secret: KnownSecret) -> Value:
    if field.type in ("secret", "password"):
        if not isinstance(value, str) or not known_secret(value):
            # What was given is not repeated: it may be the value.
            raise UsageError(
                "input.secret",
                f"input {field.name} takes the name of a secret that is set up here, never a value",
                hint="keep the value first, then give its name",
                fix=("gfr secrets ls", "gfr secrets set NAME --for https://HOST"),
            )
        return value
    try:
        found = _by_type(field.type, value)
    except ValueError:
        raise UsageError(
            "input.type", f"input {field.name} must be a {field.type}, not {str(value)[:60]!r}"
        ) from None
    if field.type != "select" or not field.options or found in field.options:
        return found
    # On a command line, and in YAML, every option is a text.
    chosen = [option for option in field.options if option_text(option) == option_text(found)]
    if not chosen:
        choices = ", ".join(option_text(option) for option in field.options)
        raise UsageError("input.choice", f"input {field.name} must be one of {choices}")
    return chosen[0]


def option_text(option: object) -> str:
    """An option of a select as people type it: a keyword by its name, a map by its `:value`."""
    if isinstance(option, Map):
        option = option.get(keyword("value"))
    return option.text if isinstance(option, Keyword) else str(option)


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
            if kind in _FORMS:
                _FORMS[kind](value)
            return value
        case _:
            return value
