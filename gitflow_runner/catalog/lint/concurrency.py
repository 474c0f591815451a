"""How many runs may be open: the map of `:concurrency`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import elements, entries, get, keyword_text, name_text
from gitflow_runner.lang.forms import Form, MapForm, VectorForm
from gitflow_runner.model.flow import ConcurrencyType, OnNewVersion

INVALID = Code(
    "invalid_concurrency",
    "error",
    ":concurrency is {:type :singleton|:keyed :on-new-version :supersede|:drain|:coexist}; a keyed one names "
    "by :key-field where in the input its key lies (:order-id or [:event :id]). All of it is static.",
)
UNKNOWN = Code("unknown_concurrency_key", "warning", "A key of :concurrency that means nothing here.")

TYPES: tuple[str, ...] = get_args(ConcurrencyType)
POLICIES: tuple[str, ...] = get_args(OnNewVersion)
_EXAMPLE = "{:type :singleton :on-new-version :drain}"


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("concurrency")
    if form is None:
        return
    if not isinstance(form, MapForm):
        yield _wrong(form, ":concurrency must be a map", _EXAMPLE)
        return
    for name, choices in (("type", TYPES), ("on-new-version", POLICIES)):
        value = get(form, name)
        if value is None:
            yield _wrong(form, f":concurrency has no :{name}", f"add :{name} :{choices[0]}")
        elif keyword_text(value) not in choices:
            hint = did_you_mean(name_text(value) or "", choices, ":") or f":{name} :{choices[0]}"
            yield _wrong(value, f":{name} must be one of {_listed(choices)}", hint, name)
    keyed = keyword_text(get(form, "type")) == "keyed"
    key = get(form, "key-field")
    if keyed and key is None:
        yield _wrong(form, "a keyed flow needs :key-field", "add :key-field :order-id")
    elif key is not None and not _is_path(key):
        yield _wrong(
            key, ":key-field must be a key or a vector of keys", ":key-field [:event :id]", "key-field"
        )
    for name, entry in entries(form).items():
        if name not in ("type", "on-new-version", "key-field"):
            path = (":concurrency", f":{name}")
            yield UNKNOWN.at(entry.key, f":concurrency knows no :{name}", hint=f"remove :{name}", path=path)


def _is_path(form: Form) -> bool:
    if isinstance(form, VectorForm):
        return bool(form.items) and all(name_text(item) is not None for item in elements(form))
    return name_text(form) is not None


def _listed(names: tuple[str, ...]) -> str:
    return " ".join(f":{name}" for name in names)


def _wrong(form: Form, message: str, hint: str, name: str | None = None) -> Diagnostic:
    path = (":concurrency",) if name is None else (":concurrency", f":{name}")
    return INVALID.at(form, message, hint=hint, path=path)


RULE = Rule((INVALID, UNKNOWN), _check, blocks=True)
