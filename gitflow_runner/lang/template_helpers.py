"""The helpers of templates, and how a value reads in a text."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import MISSING, Map
from gitflow_runner.lang.core import json
from gitflow_runner.lang.numbers import is_zero, to_long
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.throwing import FlowThrow
from gitflow_runner.lang.values import (
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

_NUMBERS = (int, float, BigInt, Dec, Fraction)


def is_empty(value: Value) -> bool:
    """What `if` takes for no: nil, false, nought, an empty text, list or set. A map is always yes."""
    if value is None or value is False or value is MISSING:
        return True
    if value is True:
        return False
    if isinstance(value, str):
        return not value
    if isinstance(value, _NUMBERS):
        return is_zero(value)
    return isinstance(value, Collection) and value.kind != "map" and next(iter(value), MISSING) is MISSING


def shown(value: Value) -> str:
    """The text that a value becomes: bare where it is one thing, JSON where it is a collection."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is BigInt:
        return str(value if kind is int else value.value)
    if kind is Keyword or kind is Symbol or kind is Uuid:
        return str(value.text)
    if kind is Char:
        return str(value.value)
    if kind is Dec:
        return format(value.value, "f") if abs(value.value.adjusted()) < 100 else str(value.value)
    if kind is Fraction:
        return write(value)
    if kind is Bytes:
        return base64.b64encode(value.value).decode()
    text = json_text(value)
    return text[1:-1] if kind is Instant else text


def json_text(value: Value, *, pretty: bool = False) -> str:
    """JSON; bytes in base64. `LangError` (`template.value`) for what JSON has no form for."""
    try:
        text = json.encode(base64.b64encode(value.value).decode() if isinstance(value, Bytes) else value)
    except FlowThrow as error:
        raise LangError("template.value", f"the value cannot be written: {error.info.message}") from None
    return _indented(text) if pretty else text


def _indented(text: str) -> str:
    """Compact JSON laid out by two spaces a level; numbers stay the digits they are."""
    out: list[str] = []
    depth, at = 0, 0
    while at < len(text):
        char = text[at]
        if char == '"':
            end = at + 1
            while text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            out.append(text[at : end + 1])
            at = end
        elif char in "[{" and text[at + 1] in "]}":
            out.append(text[at : at + 2])
            at += 1
        elif char in "[{":
            depth += 1
            out.append(char + "\n" + "  " * depth)
        elif char in "]}":
            depth -= 1
            out.append("\n" + "  " * depth + char)
        elif char == ",":
            out.append(",\n" + "  " * depth)
        elif char == ":":
            out.append(": ")
        else:
            out.append(char)
        at += 1
    return "".join(out)


def call_helper(
    name: str, arguments: Sequence[Value], named: Mapping[str, Value], charge: Callable[[int], None]
) -> Value:
    """What a helper gives; `charge` pays for the work. `LangError` (`template.value`) if it cannot."""
    subject = arguments[0]
    match name:
        case "truncate":
            text = shown(subject)
            charge(len(text) // 64)
            return _truncated(text, arguments[1] if len(arguments) > 1 else named.get("length"), named)
        case "json":
            text = json_text(subject, pretty=not is_empty(named.get("pretty")))
            charge(len(text) // 64)
            return text
        case "default":
            return arguments[1] if _is_blank(subject) else subject
    items = _items(subject)
    charge(len(items) // 8)
    match name:
        case "length":
            return len(items)
        case "join":
            separator = arguments[1] if len(arguments) > 1 else named.get("separator", ", ")
            text = shown(separator).join([shown(item) for item in items])
            charge(len(text) // 64)
            return text
        case "first":
            return items[0] if items else None
        case _:
            return items[-1] if items else None


def _truncated(text: str, length: Value, named: Mapping[str, Value]) -> str:
    """At most `length` characters (80 if unsaid), the suffix among them; the suffix only where it was cut."""
    limit = 80 if length is None else _whole(length)
    if len(text) <= limit:
        return text
    suffix = shown(named.get("suffix", "..."))
    return text[: max(0, limit - len(suffix))] + suffix[:limit]


def _whole(value: Value) -> int:
    try:
        number = to_long(value)
    except FlowThrow:
        number = -1
    if number < 0:
        raise LangError("template.value", "length= is a whole number from 0 on")
    return number


def _items(value: Value) -> Sequence[Value]:
    """The elements of a list or set, the characters of a text; nil has none, one thing is itself."""
    if value is None:
        return ()
    if isinstance(value, str):
        return value
    if isinstance(value, Map):
        return value.vals()
    return tuple(value) if isinstance(value, Collection) else (value,)


def _is_blank(value: Value) -> bool:
    """What `default` replaces: nil, an empty text, an empty list or set; not false, not nought."""
    return value is None or (isinstance(value, str | Collection) and is_empty(value))
