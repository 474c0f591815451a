"""Where results are kept: what `:persist` says, and which table a `:table` step asks for."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import entries, get, is_literal, is_nil, name_text, string_text
from gitflow_runner.lang.forms import Atom, Form, MapForm
from gitflow_runner.model.persist import PERSIST_CHOICES, PERSIST_KEYS, PERSIST_NEEDS
from gitflow_runner.model.resource import named_table, table_uri

INVALID = Code(
    "invalid_persist",
    "error",
    "A :persist map has a :type (:blob, :kv or :table) and the keys of that type; :kv needs :key, :table "
    "needs :table, a name of lower-case letters, digits, _ and -.",
)
TABLE = Code(
    "invalid_table_step",
    "error",
    "A :table step names its table by what :persist {:type :table} gave, or by res://table/<name>; a query "
    "asks for a page of 1 to 1000 rows.",
)
_PATH = (":flow",)
_LARGEST_PAGE = 1_000


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for call in subject.calls:
        if not isinstance(call.config, MapForm):
            continue
        persist = get(call.config, "persist")
        if isinstance(persist, MapForm):
            yield from _check_persist(persist)
        if call.type == "table":
            yield from _check_table(call.config)


def _check_persist(form: MapForm) -> Iterator[Diagnostic]:
    given = entries(form)
    kind = get(form, "type")
    name = name_text(kind)
    if kind is None or (is_literal(kind) and name not in PERSIST_KEYS):
        hint = did_you_mean(name or "", PERSIST_KEYS, ":") or ":type :blob, :kv or :table"
        yield INVALID.at(kind or form, ":persist has no :type that is known", hint=hint, path=_PATH)
        return
    if name is None:
        return
    for key, entry in given.items():
        if key not in PERSIST_KEYS[name]:
            hint = did_you_mean(key, sorted(PERSIST_KEYS[name]), ":") or "remove it"
            message = f":persist has no :{key} for :{name}"
            yield INVALID.at(entry.key, message, hint=hint, path=_PATH, severity="warning")
        choices = PERSIST_CHOICES.get(key)
        if choices is not None and _is_other(entry.value, choices):
            listed = " or ".join(f":{each}" for each in choices)
            yield INVALID.at(entry.value, f":{key} must be {listed}", hint=listed, path=_PATH)
    needed = PERSIST_NEEDS.get(name)
    if needed is not None and get(form, needed) is None:
        yield INVALID.at(form, f":persist of :{name} needs :{needed}", hint=f"add :{needed}", path=_PATH)
    table = get(form, "table") if name == "table" else None
    if table is not None and is_literal(table) and named_table(table_uri(name_text(table) or "")) is None:
        hint = 'lower-case letters, digits, _ and -, a letter first: "daily-orders"'
        yield INVALID.at(table, "this is no name of a table", hint=hint, path=_PATH)


def _is_other(form: Form, choices: tuple[str, ...]) -> bool:
    return is_literal(form) and not is_nil(form) and name_text(form) not in choices


def _check_table(config: MapForm) -> Iterator[Diagnostic]:
    named = get(config, "table")
    uri = get(named, "ref") if isinstance(named, MapForm) else named
    text = string_text(uri)
    if uri is not None and text is not None and named_table(text) is None:
        hint = 'give the handle of a table, or "res://table/<name>"'
        yield TABLE.at(uri, "this names no table", hint=hint, path=_PATH)
    page = get(config, "page")
    if not isinstance(page, MapForm):
        return
    limit = get(page, "limit")
    if limit is None or (is_literal(limit) and not _is_page(limit)):
        hint = f":limit 1 to {_LARGEST_PAGE}"
        yield TABLE.at(limit or page, ":page needs a :limit from 1", hint=hint, path=_PATH)


def _is_page(form: Form) -> bool:
    value = form.value if isinstance(form, Atom) else None
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST_PAGE


RULE = Rule((INVALID, TABLE), _check)
