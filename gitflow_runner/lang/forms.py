"""What the reader makes of code: values with the span of text that they were read from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from gitflow_runner.lang.collection import EMPTY_MAP, EMPTY_SET, Map, TaggedLiteral, Vec, encode, set_of
from gitflow_runner.lang.seqs import list_of
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.values import Keyword, Symbol, Value


class Atom:
    """A symbol, keyword, number, string, character, regex, nil or boolean."""

    __slots__ = ("end", "meta", "source", "start", "value")

    def __init__(self, value: Value, start: int, end: int, source: Source, meta: Form | None = None) -> None:
        self.value = value
        self.start = start
        self.end = end
        self.source = source
        self.meta = meta

    def __repr__(self) -> str:
        return f"Atom({self.value!r})"


class Items:
    """The common part of the four bracketed forms; a map has its keys and values in turn."""

    __slots__ = ("end", "items", "meta", "source", "start")

    def __init__(
        self, items: tuple[Form, ...], start: int, end: int, source: Source, meta: Form | None = None
    ) -> None:
        self.items = items
        self.start = start
        self.end = end
        self.source = source
        self.meta = meta

    def __repr__(self) -> str:
        return f"{type(self).__name__}{list(self.items)!r}"


class ListForm(Items):
    """`( ... )`, and what quote marks and `#()` stand for."""

    __slots__ = ()


class VectorForm(Items):
    """`[ ... ]`."""

    __slots__ = ()


class MapForm(Items):
    """`{ ... }`."""

    __slots__ = ()

    def pairs(self) -> Iterator[tuple[Form, Form]]:
        """Each key with its value, in the order of the text."""
        return zip(self.items[::2], self.items[1::2], strict=True)


class SetForm(Items):
    """`#{ ... }`."""

    __slots__ = ()


class TagForm:
    """`#tag form` with a tag that the reader does not know."""

    __slots__ = ("end", "form", "meta", "source", "start", "tag")

    def __init__(self, tag: Symbol, form: Form, start: int, end: int, source: Source) -> None:
        self.tag = tag
        self.form = form
        self.start = start
        self.end = end
        self.source = source
        self.meta: Form | None = None


Form: TypeAlias = Atom | ListForm | VectorForm | MapForm | SetForm | TagForm


def value_of(form: Form) -> Value:
    """The form as plain data, as `quote` gives it; metadata that was written on it is kept."""
    if form.__class__ is Atom:
        if form.meta is not None and form.value.__class__ is Symbol:
            return Symbol(form.value.text, meta_of(form))
        return form.value
    if isinstance(form, ListForm):
        return list_of([value_of(item) for item in form.items], meta_of(form))
    if isinstance(form, VectorForm):
        return Vec(tuple([value_of(item) for item in form.items]), -1, meta_of(form))
    if isinstance(form, MapForm):
        values = [value_of(item) for item in form.items]
        if not values and form.meta is None:
            return EMPTY_MAP
        pairs = zip(values[::2], values[1::2], strict=True)
        return Map({encode(key): value for key, value in pairs}, meta=meta_of(form))
    if isinstance(form, SetForm):
        if not form.items and form.meta is None:
            return EMPTY_SET
        found = set_of([value_of(item) for item in form.items])
        found.meta = meta_of(form)
        return found
    if isinstance(form, TagForm):
        return TaggedLiteral(form.tag, value_of(form.form))
    raise AssertionError(form)


def meta_of(form: Form) -> Map | None:
    """The metadata written before a form, with the short spellings (`^:k`, `^Type`) filled out."""
    if form.meta is None:
        return None
    value = value_of(form.meta)
    return value if isinstance(value, Map) else None


def head(form: Form) -> str | None:
    """The text of the symbol that a list form starts with; None for anything else."""
    if isinstance(form, ListForm) and form.items:
        first = form.items[0]
        if isinstance(first, Atom) and first.value.__class__ is Symbol:
            return str(first.value.text)
    return None


def symbols(form: Form) -> Iterator[str]:
    """The texts of all symbols in a form, quoted ones too."""
    waiting = [form]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Atom):
            if found.value.__class__ is Symbol:
                yield found.value.text
        elif isinstance(found, TagForm):
            waiting.append(found.form)
        else:
            waiting += found.items


def is_symbol(form: Form, text: str | None = None) -> bool:
    """Whether a form is a symbol, perhaps one of a given text."""
    if not isinstance(form, Atom) or form.value.__class__ is not Symbol:
        return False
    return text is None or form.value.text == text


def is_keyword(form: Form, text: str | None = None) -> bool:
    """Whether a form is a keyword, perhaps one of a given text."""
    if not isinstance(form, Atom) or form.value.__class__ is not Keyword:
        return False
    return text is None or form.value.text == text
