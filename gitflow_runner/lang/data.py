"""Plain EDN to values, without spans: the fast way for everything that was written as data."""

from __future__ import annotations

import base64
import binascii
import re

from gitflow_runner.errors import LangError
from gitflow_runner.lang import literals
from gitflow_runner.lang.build import uuid_of
from gitflow_runner.lang.collection import Boxed, Map, Set, TaggedLiteral, Vec
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.instants import parse_instant
from gitflow_runner.lang.reader import MAX_DEPTH, MAX_FORMS, MAX_TEXT, Reader
from gitflow_runner.lang.seqs import List, list_of
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.values import Bytes, Value, keyword

_REST = r"[^\s,()\[\]{}\"\\;@^`~]*"
_DATA = re.compile(
    r"[\s,]*(?:"
    rf":((?:[^\s,()\[\]{{}}\"\\;@^`~:/][^\s,()\[\]{{}}\"\\;@^`~:/]*/)?[^\s,()\[\]{{}}\"\\;@^`~:/]+)(?![:/])"
    r'|"([^"\\]*(?:\\.[^"\\]*)*)"'
    r"|([(\[{]|\#\{)"
    r"|([)\]}])"
    r"|(-?(?:0|[1-9][0-9]{0,17}))(?![^\s,()\[\]{}\";])"
    rf"|([0-9+-]{_REST})"
    rf"|([^\s,()\[\]{{}}\"\\;@^`~\#':%]{_REST})"
    rf"|\\(.{_REST})"
    rf"|\#\#({_REST})"
    r'|\#(inst|uuid|bytes)\s*"([^"\\]*)"'
    r"|(\Z)"
    r")",
    re.S,
)
_KEYWORD, _STRING, _OPEN, _CLOSE, _INT, _NUMBER, _NAME, _CHAR, _SYMBOLIC, _TAG, _TAGGED, _END = range(1, 13)
_CONSTANTS: dict[str, Value] = {"nil": None, "true": True, "false": False}
_CLOSER = {"(": ")", "[": "]", "{": "}", "#{": "}"}
_BOXED = frozenset((bool, float))


class _Unusual(Exception):
    """The text has something that only the full reader judges."""


def read_data(text: str, *, loose: bool = False) -> Value:
    """The one EDN value of a text. With `loose`, its maps find string keys by keyword as well.

    Raises `LangError` with position, as the reader does; evaluation syntax is no data.
    """
    if len(text) > MAX_TEXT:
        return _slowly(text, loose)
    try:
        return _fast(text, loose)
    except (_Unusual, ValueError):
        return _slowly(text, loose)


def _fast(text: str, loose: bool) -> Value:
    out: list[Value] = []
    stack: list[tuple[str, list[Value]]] = []
    match, at = _DATA.match, 0
    while True:
        found = match(text, at)
        if found is None:
            raise _Unusual
        at = found.end()
        kind = found.lastindex
        if kind == _KEYWORD:
            out.append(keyword(found[1]))
        elif kind == _STRING:
            body = found[2]
            out.append(literals.unescape(body) if "\\" in body else body)
        elif kind == _OPEN:
            if len(stack) >= MAX_DEPTH:
                raise _Unusual
            stack.append((found[3], out))
            out = []
        elif kind == _CLOSE:
            if not stack:
                raise _Unusual
            opener, outer = stack.pop()
            if _CLOSER[opener] != found[4]:
                raise _Unusual
            outer.append(_close(opener, out, loose))
            out = outer
        elif kind == _INT:
            out.append(int(found[5]))
        elif kind == _END:
            break
        else:
            out.append(_other(kind, found))
    if stack or len(out) != 1:
        raise _Unusual
    return out[0]


def _close(opener: str, items: list[Value], loose: bool) -> Value:
    if opener == "[":
        return Vec(tuple(items))
    if opener == "{":
        if len(items) % 2:
            raise _Unusual
        d: dict[Value, Value] = {}
        pairs = iter(items)
        for key in pairs:
            d[Boxed(key) if key.__class__ in _BOXED else key] = next(pairs)
        if 2 * len(d) != len(items):
            raise _Unusual
        return Map(d, loose=loose)
    if opener == "(":
        return list_of(items)
    elements = {Boxed(item) if item.__class__ in _BOXED else item: None for item in items}
    if len(elements) != len(items):
        raise _Unusual
    return Set(elements)


def _other(kind: int | None, found: re.Match[str]) -> Value:
    match kind:
        case 6:
            token = found[_NUMBER]
            if token[0].isdigit() or token[1:2].isdigit():
                return literals.number(token)
            return literals.symbol_of(token)
        case 7:
            token = found[_NAME]
            if token in _CONSTANTS:
                return _CONSTANTS[token]
            return literals.symbol_of(token)
        case 8:
            return literals.character(found[_CHAR])
        case 9:
            return literals.symbolic(found[_SYMBOLIC])
        case _:
            return _tagged(found[_TAG], found[_TAGGED])


def _tagged(tag: str, body: str) -> Value:
    if tag == "inst":
        return parse_instant(body)
    if tag == "bytes":
        return bytes_of(body)
    value = uuid_of(body)
    if value is None:
        raise ValueError(f"Invalid UUID string: {body}")
    return value


def bytes_of(body: str) -> Bytes:
    """The octets of base64 text; a `ValueError` if it is none."""
    try:
        return Bytes(base64.b64decode(body, validate=True))
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None


def _slowly(text: str, loose: bool) -> Value:
    """The full reader's verdict: its value for what is rare, its error for what is wrong."""
    source = Source(text)
    forms = Reader(source, MAX_DEPTH, MAX_FORMS, data_only=True).run()
    if len(forms) != 1:
        message = "there is no value in the text" if not forms else "there is more than one value in the text"
        at = source.place(forms[1].start if forms else 0)
        raise LangError("clojure_reader_invalid", message, at=at)
    try:
        return _finished(value_of(forms[0]), loose)
    except ValueError as error:
        raise LangError("clojure_reader_invalid", str(error), at=source.place(0)) from None


def _finished(value: Value, loose: bool) -> Value:
    """The value with `#bytes` decoded and maps marked; the depth is bounded by the reader."""
    if isinstance(value, Map):
        d = {
            _finished(key, loose) if key.__class__ is not Boxed else key: _finished(item, loose)
            for key, item in value.d.items()
        }
        return Map(d, meta=value.meta, loose=loose)
    if isinstance(value, Vec):
        return Vec(tuple([_finished(item, loose) for item in value]), -1, value.meta)
    if isinstance(value, Set):
        return value.like([_finished(item, loose) for item in value])
    if isinstance(value, TaggedLiteral):
        if value.tag.text == "bytes" and isinstance(value.form, str):
            return bytes_of(value.form)
        return TaggedLiteral(value.tag, _finished(value.form, loose))
    if isinstance(value, List):
        return list_of([_finished(item, loose) for item in value], value.meta)
    return value
