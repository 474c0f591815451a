"""How the catalog looks at forms: what a form is, what a map holds, where a thing stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gitflow_runner.catalog.diagnostic import Diagnostic, Path, Severity, spanning
from gitflow_runner.errors import Place
from gitflow_runner.lang.forms import (
    Atom,
    Form,
    Items,
    ListForm,
    MapForm,
    SetForm,
    TagForm,
    VectorForm,
    head,
)
from gitflow_runner.lang.values import Keyword, Symbol

_QUOTES = ("quote", "clojure.core/quote")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map with its value, both as forms."""

    key: Form
    value: Form


def entries(form: Form | None) -> Mapping[str, Entry]:
    """The keyword keys of a map form by their text without the colon; empty for anything else."""
    if not isinstance(form, MapForm):
        return {}
    return {name: Entry(key, value) for key, value in form.pairs() if (name := keyword_text(key)) is not None}


def get(form: Form | None, name: str) -> Form | None:
    """The value of the keyword key `name` of a map form; None where it is missing or nil."""
    entry = entries(form).get(name)
    return None if entry is None or is_nil(entry.value) else entry.value


def keyword_text(form: Form | None) -> str | None:
    """The text of a keyword without its colon."""
    return form.value.text if isinstance(form, Atom) and isinstance(form.value, Keyword) else None


def string_text(form: Form | None) -> str | None:
    """The text of a string."""
    return form.value if isinstance(form, Atom) and isinstance(form.value, str) else None


def name_text(form: Form | None) -> str | None:
    """The text of a keyword or a string: the two spellings of a name."""
    found = keyword_text(form)
    return found if found is not None else string_text(form)


def flag(form: Form | None) -> bool | None:
    """True or false where one is written, else None."""
    return form.value if isinstance(form, Atom) and isinstance(form.value, bool) else None


def is_nil(form: Form) -> bool:
    """Whether the form is the literal nil."""
    return isinstance(form, Atom) and form.value is None


def elements(form: Form | None) -> tuple[Form, ...]:
    """The elements of a vector form; empty for anything else."""
    return form.items if isinstance(form, VectorForm) else ()


def unquoted(form: Form) -> Form:
    """What a `(quote x)` holds; any other form is itself."""
    return form.items[1] if is_quoted(form) and isinstance(form, ListForm) else form


def is_quoted(form: Form) -> bool:
    """Whether the form is `'x`, `(quote x)` or `(clojure.core/quote x)`."""
    return isinstance(form, ListForm) and len(form.items) == 2 and head(form) in _QUOTES


def is_literal(form: Form) -> bool:
    """Whether the form stands for itself: neither a symbol nor a call, nor a tag nobody knows."""
    if isinstance(form, Atom):
        return not isinstance(form.value, Symbol)
    return isinstance(form, VectorForm | MapForm | SetForm)


def children(form: Form) -> tuple[Form, ...]:
    """The forms directly inside, metadata not among them."""
    if isinstance(form, Items):
        return form.items
    return (form.form,) if isinstance(form, TagForm) else ()


def everything(form: Form) -> Iterator[Form]:
    """The form and all forms below it, outer ones first, in the order of the text."""
    pending = [form]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))


def place(form: Form) -> Place:
    """Where the form begins."""
    return form.source.place(form.start)


def finding(
    code: str,
    severity: Severity,
    message: str,
    form: Form,
    *,
    hint: str | None = None,
    path: Path = (),
) -> Diagnostic:
    """A finding about `form`, with its span and the beginning of its text."""
    end = form.source.place(form.end)
    return spanning(code, severity, message, place(form), end, hint=hint, path=path, form=written(form))


def written(form: Form) -> str:
    """The form as it is written, on one line and short."""
    source, start = form.source.origin(form.start)
    text = " ".join(source.text[start : start + (form.end - form.start)].split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
