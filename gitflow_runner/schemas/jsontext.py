"""JSON text to values of the language and back.

Keys stay strings; the maps are loose, so that a keyword finds the string of its name.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from fractions import Fraction

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.instants import iso_text
from gitflow_runner.lang.values import (
    INT_MAX,
    INT_MIN,
    BigInt,
    Bytes,
    Char,
    Collection,
    Dec,
    Instant,
    Keyword,
    Symbol,
    Uuid,
    Value,
)

MAX_DEPTH = 200
MAX_NODES = 1_000_000


def read_json(text: str | bytes) -> Value:
    """The value of one JSON text; `StepError` (`json.malformed`, `json.too_large`)."""
    try:
        return from_plain(json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        raise StepError("json.malformed", f"the text is not JSON: {str(error)[:200]}") from None


def _no_constant(name: str) -> Value:
    raise ValueError(f"{name} is not a JSON number")


def from_plain(value: object) -> Value:
    """Dicts, lists and scalars of Python as values; `StepError` (`json.too_large`, `json.malformed`)."""
    return _from_plain(value, 0, iter(range(MAX_NODES)))


def _from_plain(value: object, depth: int, budget: Iterator[int]) -> Value:
    # Counting what is built, not what is there, since an alias makes much out of little.
    if depth > MAX_DEPTH or next(budget, None) is None:
        raise StepError("json.too_large", f"more than {MAX_DEPTH} levels or {MAX_NODES} values")
    if isinstance(value, dict):
        return Map(
            {
                key if isinstance(key, str) else write_json(key): _from_plain(item, depth + 1, budget)
                for key, item in value.items()
            },
            loose=True,
        )
    if isinstance(value, list | tuple):
        return Vec(tuple(_from_plain(item, depth + 1, budget) for item in value))
    if isinstance(value, int) and not isinstance(value, bool):
        return value if INT_MIN <= value <= INT_MAX else BigInt(value)
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, bytes):
        return Bytes(value)
    return str(value)


def write_json(value: Value) -> str:
    """Compact JSON; `StepError` (`json.unwritable`) for what JSON has no form for."""
    return json.dumps(to_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_plain(value: Value, depth: int = 0) -> object:
    """A value as dicts, lists and scalars: keywords by their name, sets and lists as arrays."""
    if depth > MAX_DEPTH:
        raise StepError("json.unwritable", f"the value is nested deeper than {MAX_DEPTH}")
    match value:
        case None | bool() | str() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case Map():
            return {key_text(key): to_plain(item, depth + 1) for key, item in value.items()}
        case Collection():
            return [to_plain(item, depth + 1) for item in value]
        case Keyword() | Symbol() | Uuid():
            return value.text
        case BigInt() | Char():
            return value.value
        case Fraction():
            return float(value)
        case Dec():
            return float(value.value)
        case Instant():
            return iso_text(value)
        case Bytes():
            return base64.b64encode(value.value).decode()
        case _:
            raise StepError("json.unwritable", f"JSON has no form for a {type(value).__name__.lower()}")


def key_text(key: Value) -> str:
    """A map's key as JSON spells it."""
    match key:
        case str():
            return key
        case Keyword() | Symbol():
            return str(key.text)
        case _:
            return write_json(key)
