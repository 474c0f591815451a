"""What stands in the templates: can it be read, do data and names meet, is SQL put together from data."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import elements, entries, everything, get, name_text, string_text
from gitflow_runner.errors import LangError
from gitflow_runner.lang.forms import Atom, Form, MapForm
from gitflow_runner.lang.reader import string_source
from gitflow_runner.lang.template import Template, parse

SYNTAX = Code(
    "template_syntax_invalid",
    "error",
    "A text of a template cannot be read: an open tag or block, or a helper that there is not.",
)
INTERPOLATED = Code(
    "sql_interpolation",
    "warning",
    "Data put into SQL as text can change what the statement does; hand values over by :params and ?.",
)
DATA = Code(
    "template_data",
    "warning",
    "The :data of a step and the names in its template do not meet: a place stays empty or a value unused.",
)

_TAGS = (
    "there are {{name}}, {{helper value}}, and {{#if a}} … {{else}} … {{/if}}, so too unless, each and with"
)
_NOT_RENDERED = ("id", "type", "label", "description")
_SQL = ("sql", "query")
_JUDGED = ("http", "llm", "db", "notify")  # their data is what the step says and nothing besides


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for index, item in enumerate(elements(subject.field("templates"))):
        for name, form in _texts(item):
            path: Path = (":templates", index, f":{name}")
            try:
                template = parse(string_source(form))
            except LangError as error:
                yield SYNTAX.at(form, _placed(error), hint=error.hint or _TAGS, path=path)
                continue
            if name in _SQL and name_text(get(item, "type")) in ("db-query", "sql") and template.is_filled:
                hint = "write ? in its place and give the value in the step's :params"
                message = "data is put into SQL as text"
                yield INTERPOLATED.at(form, message, hint=hint, path=path)


def _placed(error: LangError) -> str:
    place = error.at
    return error.message if place is None else f"{error.message} ({place.line}:{place.col})"


def _texts(item: Form) -> Iterator[tuple[str, Atom]]:
    """Each string of a template that is rendered, with the top-level key that it lies under."""
    for name, entry in entries(item).items():
        if name in _NOT_RENDERED:
            continue
        for form in _values(entry.value):
            text = string_text(form)
            if text is not None and "{{" in text and isinstance(form, Atom):
                yield name, form


def _values(form: Form) -> Iterator[Form]:
    """The form and what lies in it, the keys of maps left out."""
    if isinstance(form, MapForm):
        for _, value in form.pairs():
            yield from _values(value)
    elif isinstance(form, Atom):
        yield form
    else:
        for child in everything(form):
            if child is not form and isinstance(child, Atom):
                yield child


def _check_data(subject: Subject) -> Iterator[Diagnostic]:
    templates = {name_text(get(item, "id")): item for item in elements(subject.field("templates"))}
    for call in subject.calls:
        item = templates.get(name_text(get(call.config, "template")))
        data = get(call.config, "data")
        if item is None or call.type not in _JUDGED or not isinstance(data, MapForm):
            continue
        read = _read(item)
        given = {name_text(key): key for key, _ in data.pairs()}
        if read is None or None in given:
            continue
        at = partial(DATA.at, path=(":flow",))
        for name in sorted({each for template in read for each in template.needed()} - set(given)):
            near = did_you_mean(name, [each for each in given if each is not None], ":")
            message = f"the template of {call.name} puts {{{{{name}}}}}, which :data does not hold"
            yield at(data, message, hint=near or f"add :{name}")
        used = [template.names() for template in read]
        if any(names is None for names in used):
            continue
        known = {each for names in used if names is not None for each in names}
        for text, key in given.items():
            if text not in known:
                yield at(key, f"the template of {call.name} has no place for :{text}", hint="remove it")


def _read(item: Form) -> list[Template] | None:
    """The texts of a template, None if one of them cannot be read."""
    try:
        return [parse(string_source(form)) for _, form in _texts(item)]
    except LangError:
        return None


SYNTAX_RULE = Rule((SYNTAX, INTERPOLATED), _check)
DATA_RULE = Rule((DATA,), _check_data)
