"""The one way of values into records: every secret masked, in values, errors, events and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar, cast

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.errors import GitflowError, LangError, RefusedError, StepError
from gitflow_runner.git.objects import RawObject
from gitflow_runner.lang.collection import Map, Set, Vec, map_of, set_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.seqs import List, list_of
from gitflow_runner.lang.values import Bytes, Value
from gitflow_runner.model.event import Event
from gitflow_runner.model.secret import SHOWN
from gitflow_runner.model.stored import Stored

# The fields of events and failures that hold free text; all others are names, ids and digests.
_TEXTS: Final = frozenset({"message", "title", "note", "reason"})

D = TypeVar("D")


def masked(event: Event, redactor: Redactor) -> Event:
    """The event as it may be recorded; the very same one where it holds no secret."""
    return _masked(event, redactor) if redactor.knows_any else event


def _masked(item: D, redactor: Redactor) -> D:
    changes: dict[str, object] = {}
    for each in fields(cast(Any, item)):
        value = getattr(item, each.name)
        match value:
            case str() if each.name in _TEXTS:
                fresh: object = redactor.text(value)
            case Stored():
                fresh = masked_stored(value, redactor)
            case _ if is_dataclass(value):
                fresh = _masked(value, redactor)
            case _:
                continue
        if fresh is not value:
            changes[each.name] = fresh
    return cast(D, replace(cast(Any, item), **changes)) if changes else item


def masked_stored(value: Stored, redactor: Redactor) -> Stored:
    """The value as it may be recorded."""
    text = value.text
    fresh = masked_text(text, redactor)
    return value if fresh is text else Stored(fresh)


def masked_text(text: str, redactor: Redactor) -> str:
    """The EDN text of a value as it may be recorded. One in which nothing else helps is masked as a whole."""
    if redactor.text(text) is text:
        return text
    try:
        fresh = write(masked_value(read_data(text), redactor))
    except (LangError, RecursionError):
        fresh = write(SHOWN)
    # A secret that is no text of its own, such as a number or a name, is left in what was walked.
    return fresh if redactor.text(fresh) is fresh else write(SHOWN)


def masked_value(value: Value, redactor: Redactor) -> Value:
    """A `lang` value with the secrets in its texts and bytes masked; keys that become equal keep apart."""
    match value:
        case str():
            return redactor.text(value)
        case Bytes():
            data = redactor.data(value.value)
            return value if data is value.value else Bytes(data)
        case Map():
            return _masked_map(value, redactor)
        case Vec():
            return Vec(tuple(masked_value(item, redactor) for item in value))
        case Set():
            return set_of(masked_value(item, redactor) for item in value)
        case List():
            return list_of([masked_value(item, redactor) for item in value])
        case _:
            return value


def _masked_map(value: Map, redactor: Redactor) -> Map:
    found: list[tuple[Value, Value]] = []
    seen: set[str] = set()
    for key, item in value.items():
        fresh = masked_value(key, redactor)
        if isinstance(fresh, str) and fresh is not key:
            name, number = fresh, 2
            while fresh in seen or value.has(fresh):
                fresh, number = f"{name}-{number}", number + 1
        if isinstance(fresh, str):
            seen.add(fresh)
        found.append((fresh, masked_value(item, redactor)))
    return map_of(found, loose=value.loose)


def masked_error(error: GitflowError, redactor: Redactor) -> GitflowError:
    """The error with message, hint and details masked, in place: whoever catches it may print it."""
    error.message = redactor.text(error.message)
    error.args = (error.message,)
    if error.hint is not None:
        error.hint = redactor.text(error.hint)
    error.fix = tuple(redactor.text(text) for text in error.fix)
    if not isinstance(error, StepError):  # a step's details are values, masked where they are recorded
        error.details = {k: redactor.text(v) if isinstance(v, str) else v for k, v in error.details.items()}
    return error


def guard(redactor: Redactor) -> Callable[[Sequence[RawObject]], None]:
    """What stands before every write into Git, behind all masking: an object with a secret is not written.

    `RefusedError` (`secret.exposed`).
    """

    def inspect(objects: Sequence[RawObject]) -> None:
        for raw in objects:
            if redactor.holds(raw.data):
                raise RefusedError(
                    "secret.exposed",
                    f"a {raw.kind} of {len(raw.data)} bytes holds the value of a secret and is not written",
                    hint="take it out of the flow, the file or the text; a commit is for ever",
                    fix=("gfr doctor",),
                )

    return inspect
