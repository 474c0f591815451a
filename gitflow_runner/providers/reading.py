"""Looking into a provider's JSON: what is there in the wished kind, and an error where it has to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from gitflow_runner.errors import StepError
from gitflow_runner.providers.base import ToolCall

EXCERPT = 500  # characters of an answer that an error may show


def malformed(why: str, document: object = None) -> StepError:
    """The error for an answer that does not have its format's shape."""
    shown = "" if document is None else json.dumps(document, ensure_ascii=False)[:EXCERPT]
    return StepError(
        "llm.malformed",
        f"the answer does not have the shape of its format: {why}",
        definite=False,
        retryable=True,
        data={"excerpt": shown} if shown else None,
    )


def as_map(value: object, what: str) -> Mapping[str, object]:
    """The object; `StepError` (`llm.malformed`)."""
    if not isinstance(value, dict):
        raise malformed(f"{what} is no object", value)
    return value


def map_at(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The object under a key, empty if there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def list_at(value: Mapping[str, object], key: str) -> Sequence[object]:
    """The array under a key, empty if there is none."""
    found = value.get(key)
    return found if isinstance(found, list) else ()


def maps_at(value: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """The objects in the array under a key."""
    return [item for item in list_at(value, key) if isinstance(item, dict)]


def text_at(value: Mapping[str, object], key: str) -> str | None:
    """The text under a key."""
    found = value.get(key)
    return found if isinstance(found, str) else None


def count_at(value: Mapping[str, object], *path: str) -> int:
    """A number of tokens, 0 where none is told."""
    *way, last = path
    for key in way:
        value = map_at(value, key)
    found = value.get(last)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0


def arguments_of(value: object) -> Mapping[str, object] | str:
    """A call's arguments: the object, or the text that is none."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        return json.dumps(value)
    if not value.strip():
        return {}
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return read if isinstance(read, dict) else value


def arguments_text(call: ToolCall) -> str:
    """A call's arguments as the formats that want a text take them."""
    if isinstance(call.arguments, str):
        return call.arguments
    return json.dumps(call.arguments, ensure_ascii=False, separators=(",", ":"))


def arguments_map(call: ToolCall) -> Mapping[str, object]:
    """A call's arguments as the formats that want an object take them."""
    return {"unreadable": call.arguments} if isinstance(call.arguments, str) else call.arguments


def provider_error(document: object) -> StepError:
    """The error that a provider reports within a stream."""
    whole: Mapping[str, object] = document if isinstance(document, dict) else {}
    error = map_at(whole, "error") or whole
    kind = text_at(error, "type") or text_at(error, "code") or text_at(error, "status") or "error"
    message = text_at(error, "message") or "without a word"
    return StepError(
        "llm.provider",
        f"the provider broke the answer off: {kind[:80]}: {message[:EXCERPT]}",
        definite=False,
        retryable=True,
        data={"type": kind[:80]},
    )


def cut() -> StepError:
    """The error for a stream without its end."""
    return StepError("llm.cut", "the answer broke off before its end", definite=False, retryable=True)
