"""Code as plain JSON data and back, so that another process compiles exactly the forms that were read here.

Sources are kept apart: every form names the source that it was read from by a number, because positions
in messages lead back into those texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.forms import Atom, Form, ListForm, MapForm, SetForm, TagForm, VectorForm
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.source import Part, Source
from gitflow_runner.lang.values import Keyword, Symbol, Value, keyword, symbol

# Lists, texts, whole numbers, booleans and null, as the json module writes and reads them.
Json: TypeAlias = Any
Number: TypeAlias = Callable[[Source], int]

_BRACKETS: dict[type, str] = {ListForm: "(", VectorForm: "[", MapForm: "{", SetForm: "#{"}
_KINDS: dict[str, type[ListForm] | type[VectorForm] | type[MapForm] | type[SetForm]] = {
    "(": ListForm,
    "[": VectorForm,
    "{": MapForm,
    "#{": SetForm,
}
_PLAIN = frozenset((type(None), bool, str))


def pack(code: Form | Source, number: Number) -> Json:
    """The code as JSON data; `number` gives each source its number."""
    if isinstance(code, Source):
        return ["source", number(code)]
    return ["form", _packed(code, number)]


def unpack(data: Json, sources: Sequence[Source]) -> Form | Source:
    """The code that `pack` was given, over sources in the order of their numbers."""
    kind, content = data
    return sources[content] if kind == "source" else _unpacked(content, sources)


def pack_source(source: Source, number: Number) -> Json:
    """A source as JSON data; the sources of its parts go by their numbers."""
    parts = [[part.start, number(part.source), part.offset] for part in source.parts]
    return [source.text, source.file, parts]


def unpack_source(data: Json, sources: Sequence[Source]) -> Source:
    """The source that `pack_source` was given."""
    text, file, parts = data
    return Source(text, file, tuple(Part(start, sources[at], offset) for start, at, offset in parts))


def _packed(form: Form, number: Number) -> Json:
    where = [number(form.source), form.start, form.end]
    meta = None if form.meta is None else _packed(form.meta, number)
    if isinstance(form, Atom):
        return [*_atom(form.value), meta, *where]
    if isinstance(form, TagForm):
        return ["tag", [form.tag.text, _packed(form.form, number)], meta, *where]
    return [_BRACKETS[type(form)], [_packed(item, number) for item in form.items], meta, *where]


def _unpacked(data: Json, sources: Sequence[Source]) -> Form:
    kind, content, packed_meta, source, start, end = data
    meta = None if packed_meta is None else _unpacked(packed_meta, sources)
    form: Form
    if kind == "tag":
        tag, inner = content
        form = TagForm(symbol(tag), _unpacked(inner, sources), start, end, sources[source])
        form.meta = meta
        return form
    if kind in _KINDS:
        items = tuple([_unpacked(item, sources) for item in content])
        return _KINDS[kind](items, start, end, sources[source], meta)
    return Atom(_value(kind, content), start, end, sources[source], meta)


def _atom(value: Value) -> tuple[str, Json]:
    kind = type(value)
    if kind in _PLAIN:
        return "plain", value
    if kind is Symbol:
        return "symbol", value.text
    if kind is Keyword:
        return "keyword", value.text
    if kind is Regex:
        return "regex", value.source
    return "edn", write(value)


def _value(kind: str, content: Json) -> Value:
    match kind:
        case "plain":
            return content
        case "symbol":
            return symbol(content)
        case "keyword":
            return keyword(content)
        case "regex":
            return Regex(content)
        case _:
            return read_data(content)
