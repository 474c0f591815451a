"""Forms as plain JSON values with their spans, for editors and other tools."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

from gitflow_runner.lang.forms import Atom, Form, ListForm, MapForm, SetForm, TagForm, VectorForm
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.source import Source, decoded
from gitflow_runner.lang.values import BigInt, Char, Dec, Instant, Keyword, Symbol, Uuid, Value

_EXACT = 1 << 53  # integers up to here are the same number for every reader of JSON
_KINDS: dict[type, str] = {
    type(None): "nil",
    bool: "boolean",
    int: "integer",
    BigInt: "integer",
    float: "double",
    Fraction: "ratio",
    Dec: "decimal",
    str: "string",
    Char: "character",
    Keyword: "keyword",
    Symbol: "symbol",
    Regex: "regex",
    Instant: "inst",
    Uuid: "uuid",
    ListForm: "list",
    VectorForm: "vector",
    MapForm: "map",
    SetForm: "set",
}


def outline(data: bytes, file: str | None = None) -> list[dict[str, object]]:
    """The top-level forms of a text, nested ones in `items`, as values that JSON can hold.

    Every form has `type`, `start` and `end` (line and col from 1, `offset` in code points and `byte` from 0;
    the end is exclusive). Scalars have `value`, native where JSON has the same one and printed where not.
    What quote marks and `#()` stand for has the spans of what was written. `LangError` as the reader's,
    `encoding_invalid` for what is not UTF-8.
    """
    text = decoded(data, file)
    forms = read_all(text, file=file)
    bytes_at = None if text.isascii() else [0, *accumulate(len(c.encode()) for c in text)]
    return [_Outliner(bytes_at).node(form) for form in forms]


class _Outliner:
    """One text's way from offsets in code points to offsets in bytes; None where they are the same."""

    def __init__(self, bytes_at: list[int] | None) -> None:
        self._bytes_at = bytes_at

    def node(self, form: Form) -> dict[str, object]:
        node: dict[str, object] = {"type": _kind(form)}
        if isinstance(form, Atom):
            node["value"] = _native(form.value)
        elif isinstance(form, TagForm):
            node |= {"tag": form.tag.text, "items": [self.node(form.form)]}
        else:
            node["items"] = [self.node(item) for item in form.items]
        if form.meta is not None:
            node["meta"] = self.node(form.meta)
        return node | {
            "start": self._position(form.source, form.start),
            "end": self._position(form.source, form.end),
        }

    def _position(self, source: Source, offset: int) -> dict[str, int]:
        line, col = source.line_col(offset)
        byte = offset if self._bytes_at is None else self._bytes_at[offset]
        return {"line": line, "col": col, "offset": offset, "byte": byte}


def _kind(form: Form) -> str:
    if isinstance(form, TagForm):
        return "tag"
    return _KINDS[form.value.__class__ if isinstance(form, Atom) else form.__class__]


def _native(value: Value) -> object:
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) <= _EXACT:
            return value
        case float() if value == value and abs(value) != float("inf"):
            return value
        case _:
            return readable(value)
