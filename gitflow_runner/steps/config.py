"""A step's config held against its spec: the same check for the linter and for a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Final, Literal

from gitflow_runner.errors import StepError, UsageError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import BigInt, Collection, Dec, Keyword
from gitflow_runner.model.duration import parse_duration
from gitflow_runner.model.persist import PERSIST_CHOICES, PERSIST_KEYS, PERSIST_NEEDS
from gitflow_runner.model.resource import named_table, table_uri
from gitflow_runner.model.retry import RetryPolicy
from gitflow_runner.model.spec import Field, FieldType, Spec

DYNAMIC: Final = object()
"""Stands for a value that is known only at run time, or for a map that holds one; it fits every type."""

MAX_ATTEMPTS = 100
DEFAULT_TIMEOUT_MS = 900_000  # 15 minutes

_RETRY_KEYS = frozenset({"max-attempts", "backoff-ms", "backoff", "retry-on"})
_BACKOFF_KEYS = frozenset({"type", "factor", "step", "max"})
_GROWTHS: Mapping[str, Literal["constant", "linear", "exponential"]] = {
    "constant": "constant",
    "linear": "linear",
    "exponential": "exponential",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key of a config; `code` is also the lint's."""

    code: str
    key: str | None
    message: str
    hint: str | None = None


def plain_config(value: object) -> dict[str, object]:
    """The config map with plain names as keys; `StepError` (`config_type`) if it is none."""
    if not isinstance(value, Map):
        raise StepError("config_type", "the config of a step is a map")
    return {_key_name(key): item for key, item in value.items()}


def _key_name(key: object) -> str:
    if isinstance(key, Keyword):
        return str(key.text)
    if isinstance(key, str):
        return key
    raise StepError("config_type", f"{str(key)[:40]!r} cannot be a key of a config")


def parse_config(spec: Spec, value: object) -> dict[str, object]:
    """The config with plain names; the first problem becomes a `StepError` of its code."""
    config = plain_config(value)
    check_config(spec, config)
    return config


def check_config(spec: Spec, config: Mapping[str, object]) -> None:
    """Raise the first problem of a config as a `StepError` of its code, if there is one.

    Its message, which is all that history keeps, ends with what would have been right.
    """
    for problem in config_problems(spec, config):
        right = f"for example {spec.example}"
        hint = f"{problem.hint} {right}" if problem.hint else right
        raise StepError(problem.code, f"{problem.message}; {hint}", data={"key": problem.key}, hint=hint)


def config_problems(spec: Spec, config: Mapping[str, object]) -> tuple[Problem, ...]:
    """All problems of a config: unknown and missing keys, types, choices, groups.

    What a `:template` may still supply is not missed. A nil counts as absent.
    """
    given = {key: item for key, item in config.items() if item is not None}
    problems = [_unknown(spec, key) for key in config if spec.field(key) is None]
    for field in spec.every_field:
        if field.name in given:
            problems += _check_value(field, given[field.name])
        elif (
            field.required and "template" not in given and not (field.type == "any" and field.name in config)
        ):
            problems.append(Problem("missing_config_key", field.name, f":{spec.type} needs :{field.name}"))
    for group in spec.one_of:
        problems += _check_group(spec, group, given)
    problems += _check_needs(spec, config, given)
    kind = given.get("type", DYNAMIC)
    if kind is not DYNAMIC and isinstance(kind, Keyword) and kind.text != spec.type:
        problems.append(Problem("config_choice", "type", f":type is :{kind.text} in a :{spec.type} step"))
    problems += _problems_inside("retry", given.get("retry"), _policy)
    problems += _problems_inside("persist", given.get("persist"), persist_settings)
    return tuple(problems)


def _unknown(spec: Spec, key: str) -> Problem:
    names = [field.name for field in spec.every_field]
    near = get_close_matches(key, names, n=2)
    hint = "did you mean " + " or ".join(f":{name}" for name in near) + "?" if near else None
    return Problem("unknown_config_key", key, f":{spec.type} has no key :{key}", hint)


def _check_group(spec: Spec, group: tuple[str, ...], given: Mapping[str, object]) -> list[Problem]:
    present = [name for name in group if name in given]
    if len(present) == 1 or (not present and "template" in given):
        return []
    names = ", ".join(f":{name}" for name in group)
    found = " and ".join(f":{name}" for name in present) or "none"
    return [
        Problem(
            "config_one_of",
            present[-1] if present else None,
            f":{spec.type} takes exactly one of {names}; there is {found}",
        )
    ]


def _check_needs(spec: Spec, config: Mapping[str, object], given: Mapping[str, object]) -> list[Problem]:
    """What the chosen operation lacks; a nil counts as given where a field takes any value."""
    if spec.needs is None or given.get(spec.needs.by, DYNAMIC) is DYNAMIC:
        return []
    choice = name_of(given[spec.needs.by])
    problems = []
    for group in spec.needs.groups.get(choice, ()):
        fields = [field for field in spec.fields if field.name in group]
        present = [f.name for f in fields if f.name in given or (f.type == "any" and f.name in config)]
        if len(present) != 1:
            code = "missing_config_key" if len(group) == 1 else "config_one_of"
            listed = " or ".join(f":{name}" for name in group)
            problems.append(Problem(code, group[0], f":{spec.type} :{choice} needs {listed}"))
    return problems


def _check_value(field: Field, value: object) -> list[Problem]:
    if value is DYNAMIC:
        return []
    if not _FITS[field.type](value):
        what = _WORDS.get(field.type, f"a {field.type}")
        return [Problem("config_type", field.name, f":{field.name} must be {what}")]
    if field.choices and name_of(value) not in field.choices:
        choices = " ".join(f":{choice}" for choice in field.choices)
        return [Problem("config_choice", field.name, f":{field.name} must be one of {choices}")]
    return []


def name_of(value: object) -> str:
    """A keyword's or string's text."""
    return str(value.text) if isinstance(value, Keyword) else str(value)


def is_integer(value: object) -> bool:
    """A whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Any number of the language; true and false are none."""
    return is_integer(value) or isinstance(value, float | Fraction | Dec | BigInt)


def _is_duration(value: object) -> bool:
    try:
        parse_duration(value)
    except UsageError:
        return False
    return True


def _is_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


_FITS: Mapping[FieldType, Callable[[object], bool]] = {
    "any": lambda value: True,
    "string": lambda value: isinstance(value, str),
    "integer": is_integer,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "keyword": lambda value: isinstance(value, Keyword),
    "name": lambda value: isinstance(value, Keyword | str),
    "duration": _is_duration,
    "map": lambda value: isinstance(value, Map),
    "vector": lambda value: isinstance(value, Collection) and value.kind in ("sequential", "set"),
    "url": _is_url,
}
_WORDS: Mapping[FieldType, str] = {
    "integer": "an integer",
    "name": "a keyword or a string",
    "duration": "seconds, or a text such as 500ms, 10s, 5m, 2h, 1d",
    "url": "a URL that begins with https:// or http://",
}


def _problems_inside(key: str, value: object, parse: Callable[[object], object]) -> list[Problem]:
    """What is wrong inside a map that has a parser of its own."""
    if not isinstance(value, Map):
        return []
    try:
        parse(value)
    except StepError as error:
        return [Problem(error.code, key, error.message, error.hint)]
    return []


def retry_policy(config: Mapping[str, object]) -> RetryPolicy:
    """The policy of `:retry {:max-attempts n :backoff-ms ms :backoff {:type :factor :step :max}}`.

    Without the key there is one attempt. `StepError` (`unknown_config_key`, `config_type`,
    `config_choice`).
    """
    return _policy(config.get("retry"))


def _policy(retry: object) -> RetryPolicy:
    if retry is None:
        return RetryPolicy()
    settings = _closed("retry", retry, _RETRY_KEYS)
    backoff = _closed("backoff", settings.get("backoff"), _BACKOFF_KEYS)
    growth = _GROWTHS.get(name_of(backoff.get("type", "exponential")))
    if growth is None:
        raise StepError("config_choice", ":backoff :type must be one of :constant :linear :exponential")
    plain = RetryPolicy()
    factor = backoff.get("factor", plain.factor)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1 <= factor <= 100:
        raise StepError("config_type", ":backoff :factor must be a number from 1 to 100")
    return RetryPolicy(
        max_attempts=_whole("max-attempts", settings.get("max-attempts", 1), 1, MAX_ATTEMPTS),
        backoff_ms=_whole("backoff-ms", settings.get("backoff-ms", plain.backoff_ms), 0, 86_400_000),
        growth=growth,
        factor=float(factor),
        step_ms=_length("step", backoff.get("step"), 0),
        max_ms=_length("max", backoff.get("max"), plain.max_ms),
        retry_on=_retry_on(settings.get("retry-on")),
    )


def _retry_on(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    items = tuple(value) if isinstance(value, Collection) and not isinstance(value, Map) else ()
    if not items or not all(isinstance(i, Keyword | str) or is_integer(i) for i in items):
        raise StepError("config_type", ":retry-on must be a vector of codes, families and statuses")
    return tuple(name_of(item) for item in items)


def _closed(name: str, value: object, keys: frozenset[str]) -> dict[str, object]:
    if value is None:
        return {}
    settings = plain_config(value)
    for key in settings:
        if key not in keys:
            raise StepError("unknown_config_key", f":{name} has no key :{key}")
    return {key: item for key, item in settings.items() if item is not None}


def _whole(name: str, value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise StepError("config_type", f":{name} must be an integer from {low} to {high}")
    return value


def _length(name: str, value: object, default: int) -> int:
    return default if value is None else length_ms(name, value, bare_unit_ms=1)


def length_ms(name: str, value: object, *, bare_unit_ms: int = 1_000) -> int:
    """A length of time in ms; `StepError` (`config_type`) names the key."""
    try:
        return parse_duration(value, bare_unit_ms=bare_unit_ms)
    except UsageError as error:
        raise StepError("config_type", f":{name}: {error.message}", hint=error.hint) from None


def persist_settings(options: object) -> dict[str, object]:
    """The checked `:persist` map with plain names as keys."""
    settings = plain_config(options)
    kind = text_of(settings, "type")
    if kind is None or kind not in PERSIST_KEYS:
        raise StepError("config_choice", ":persist :type must be one of :blob :kv :table")
    for key in settings:
        if key not in PERSIST_KEYS[kind]:
            raise StepError("unknown_config_key", f":persist has no key :{key} for :{kind}")
    needed = PERSIST_NEEDS.get(kind)
    if needed is not None and settings.get(needed) is None:
        raise StepError("missing_config_key", f":persist {{:type :{kind}}} needs :{needed}")
    for key, choices in PERSIST_CHOICES.items():
        chosen = settings.get(key)
        if chosen is not None and chosen is not DYNAMIC and name_of(chosen) not in choices:
            listed = " ".join(f":{choice}" for choice in choices)
            raise StepError("config_choice", f":persist :{key} must be one of {listed}")
    if kind == "table" and settings["table"] is not DYNAMIC:
        table_name(settings["table"])
    return settings


def table_name(value: object) -> str:
    """The name if a table may have it, else `StepError` (`table.name`)."""
    name = name_of(value)
    if not isinstance(value, str | Keyword) or named_table(table_uri(name)) is None:
        raise StepError(
            "table.name",
            f"{name[:40]!r} is no name of a table",
            hint="lower-case letters, digits, _ and -, a letter first, at most 64",
        )
    return name


def timeout_ms(config: Mapping[str, object], default_ms: int = DEFAULT_TIMEOUT_MS) -> int:
    """The bound of one attempt, from `:timeout` (seconds, or a text)."""
    value = config.get("timeout")
    return default_ms if value is None else max(length_ms("timeout", value), 1)


def whole_number(config: Mapping[str, object], name: str, *, default: int, low: int = 0, high: int) -> int:
    """An integer key within its bounds; `StepError` (`config_type`)."""
    value = config.get(name)
    return default if value is None else _whole(name, value, low, high)


def text_of(config: Mapping[str, object], name: str) -> str | None:
    """A `string` or `name` key as text, None if absent."""
    value = config.get(name)
    return None if value is None else name_of(value)
