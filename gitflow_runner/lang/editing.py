"""Edits of a text by the spans of its forms: everything outside of them stays byte for byte as it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import encode
from gitflow_runner.lang.forms import Form, MapForm, VectorForm, value_of
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.values import Value

_SPACE = " \t\r\n,"


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` in the place of what stands from `start` to `end` of a source that has no `parts`."""

    source: Source
    start: int
    end: int
    text: str


def replace(form: Form, text: str) -> Edit:
    """Put a text in the place of a form."""
    source, start = form.source.origin(form.start)
    return Edit(source, start, start + form.end - form.start, text)


def insert_before(form: Form, text: str) -> Edit:
    """Put a text directly before a form, apart from a token that ends where the form begins."""
    source, start = form.source.origin(form.start)
    apart = start == 0 or source.text[start - 1] in f"([{{{_SPACE}"
    return Edit(source, start, start, text if apart else f" {text}")


def applied(source: Source, edits: Iterable[Edit]) -> str:
    """The text of `source` with those edits that are about it.

    Raises `LangError` `edit_overlap` if two touch the same text, and what the reader says of the result:
    no edit leaves a file behind that cannot be read.
    """
    mine = sorted((e for e in edits if e.source is source), key=lambda e: (e.start, e.end))
    for one, other in pairwise(mine):
        if other.start < one.end or (other.start, other.end) == (one.start, one.end):
            raise LangError("edit_overlap", "two edits are about the same text", at=source.place(other.start))
    parts, at = [], 0
    for edit in mine:
        parts += [source.text[at : edit.start], edit.text]
        at = edit.end
    text = "".join([*parts, source.text[at:]])
    read_all(text, file=source.file)
    return text


def set_entry(form: MapForm, key: Value, text: str) -> Edit:
    """Give a key of a map another value, or add it as the last one, aligned as the others are."""
    found = _index(form, key)
    if found is not None:
        return replace(form.items[found + 1], text)
    return add_entry(form, readable(key) + " " + text)


def add_entry(form: MapForm, text: str) -> Edit:
    """Add the text of a key and its value after the last entry: on a line of its own where those are."""
    source, start = form.source.origin(form.start)
    if not form.items:
        close = start + form.end - form.start - 1
        return Edit(source, close, close, text)
    last = form.items[-1]
    _, at = last.source.origin(last.end)
    several = "\n" in source.text[start:at]
    first = form.items[0].source.origin(form.items[0].start)[1]
    return Edit(source, at, at, ("\n" + " " * (source.line_col(first)[1] - 1) if several else " ") + text)


def remove_entry(form: MapForm, key: Value) -> Edit | None:
    """Take a key and its value out, with the space that set it apart; comments stay. None without it."""
    found = _index(form, key)
    if found is None:
        return None
    source, start = form.items[found].source.origin(form.items[found].start)
    _, end = form.items[found + 1].source.origin(form.items[found + 1].end)
    text = source.text
    if found > 0:
        _, before = form.items[found - 1].source.origin(form.items[found - 1].end)
        if not text[before:start].strip(_SPACE):
            return Edit(source, before, end, "")
    while end < len(text) and text[end] in _SPACE:
        end += 1
    return Edit(source, start, end, "")


def at_path(form: Form, path: tuple[Value, ...]) -> Form:
    """The form below a path of map keys and vector indices; `LangError` (`edit_path`) if there is none."""
    for step in path:
        found: Form | None = None
        if isinstance(form, MapForm):
            index = _index(form, step)
            found = form.items[index + 1] if index is not None else None
        elif isinstance(form, VectorForm) and isinstance(step, int) and 0 <= step < len(form.items):
            found = form.items[step]
        if found is None:
            at = form.source.place(form.start)
            raise LangError("edit_path", f"there is nothing at {readable(step)} here", at=at)
        form = found
    return form


def _index(form: MapForm, key: Value) -> int | None:
    wanted = encode(key)
    for index in range(0, len(form.items), 2):
        if encode(value_of(form.items[index])) == wanted:
            return index
    return None
