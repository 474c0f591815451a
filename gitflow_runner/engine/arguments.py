"""The arguments of `flow/*` calls: counts, lengths of time, ids, and the errors about them."""

from __future__ import annotations

from typing import TypeGuard

from gitflow_runner.errors import LangError, UsageError
from gitflow_runner.lang.fuel import Call
from gitflow_runner.lang.throwing import illegal
from gitflow_runner.lang.values import Keyword, Value
from gitflow_runner.model.duration import parse_duration
from gitflow_runner.model.ids import is_label


def is_count(value: Value) -> TypeGuard[int]:
    """Whether a value is a whole number from 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def length_ms(value: Value) -> int:
    """A length of time in ms: a text with its unit, or bare ms; throws otherwise."""
    try:
        return parse_duration(value, bare_unit_ms=1)
    except UsageError as error:
        raise illegal(error.message) from None


def step_id_of(call: Call, value: Value) -> str:
    """The id of a step; `flow_step_invalid_id` if it cannot be one."""
    text = value.text if isinstance(value, Keyword) else value
    if not isinstance(text, str) or not is_label(text):
        raise refused(call, "flow_step_invalid_id", f"{str(text)[:60]!r} cannot be a step's id")
    return text


def refused(call: Call, code: str, message: str, hint: str | None = None) -> LangError:
    """An error about a call, at its place."""
    return LangError(code, message, at=call.place(), hint=hint)
