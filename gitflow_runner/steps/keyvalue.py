"""Keys and values of the store: what `:kv` and `:persist {:type :kv}` agree on.

A value is kept as JSON would keep it: the keys of its maps are strings, keywords become strings. Read
back, its maps are loose, so that `:name` still finds "name".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value
from gitflow_runner.schemas.jsontext import from_plain, to_plain
from gitflow_runner.steps.base import Context, KvEntry
from gitflow_runner.steps.config import name_of, whole_number
from gitflow_runner.steps.results import result_map

MAX_VALUE_BYTES = 1_000_000
MAX_TTL_S = 31_536_000

_KEY = re.compile(r"[a-zA-Z0-9_:-]{1,256}")


def key_of(value: object) -> str:
    """The checked key; `StepError` (`kv.key`)."""
    text = name_of(value)
    if not _KEY.fullmatch(text):
        raise StepError("kv.key", f"{text[:40]!r} is not a key", hint="at most 256 of a-z A-Z 0-9 _ : -")
    return text


def stored_text(value: Value) -> str:
    """The EDN text that is kept for a value; `StepError` (`kv.too_large`, `json.unwritable`)."""
    text = write(from_plain(to_plain(value)), limit=10 * MAX_VALUE_BYTES)
    if len(text.encode()) > MAX_VALUE_BYTES:
        raise StepError(
            "kv.too_large", f"the value takes more than {MAX_VALUE_BYTES} bytes", hint="use :persist"
        )
    return text


def stored_value(text: str) -> Value:
    """The value of a kept text."""
    return read_data(text, loose=True)


def expires_at(config: Mapping[str, object], context: Context) -> int | None:
    """When a write with `:ttl` (seconds) expires, in ms; None means never."""
    if config.get("ttl") is None:
        return None
    return context.now_ms + 1_000 * whole_number(config, "ttl", default=1, low=1, high=MAX_TTL_S)


def result(**parts: Value) -> Value:
    """The result map of an operation that went well."""
    return result_map(success=True, **parts)


def put(key: str, value: Value, config: Mapping[str, object], context: Context, *, only_new: bool) -> Value:
    """Write the value once for this execution of the step; `{:success :key :created?}`."""
    entry = KvEntry(stored_text(value), expires_at(config, context), _metadata(config))

    def change(old: KvEntry | None) -> tuple[KvEntry | None, str]:
        kept = old if only_new and old is not None else entry
        return kept, write(result(key=key, created_=old is None))

    return read_data(context.kv.update(key, context.key, change))


def _metadata(config: Mapping[str, object]) -> str | None:
    value = config.get("metadata")
    return None if value is None else stored_text(value)
