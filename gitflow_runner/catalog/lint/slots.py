"""What a flow needs from outside: shape of `:requires`, and that every slot in use is declared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import elements, everything, get, keyword_text, name_text
from gitflow_runner.lang.forms import Form, ListForm, MapForm, VectorForm, head
from gitflow_runner.model.flow import RequirementKind
from gitflow_runner.model.ids import is_name

INVALID = Code(
    "invalid_requirement",
    "error",
    ":requires is a vector of {:slot :shop-api :type :http-api ...}, {:kind :form :fields [...]} or "
    "{:kind :worker ...}; a slot is a plain keyword and stands there once.",
)
UNKNOWN = Code(
    "unknown_slot",
    "error",
    "A keyword in :connection, or in flow/slot-bound?, is a slot that :requires declares. What a flow may "
    "reach is decided by bindings of its slots; a connection outside of them is written as a text.",
)
TYPE = Code("unknown_slot_type", "warning", "No kind of connection of this name is built in.")
UNUSED = Code("unused_slot", "warning", "No step uses this slot.")

KINDS: tuple[str, ...] = get_args(RequirementKind)
SLOT_TYPES = (
    "http-api",
    "database",
    "secret",
    "blob-storage",
    "kv-store",
    "ssh",
    "llm-provider",
    "email",
    "apprise",
)
_EXAMPLE = "{:slot :shop-api :type :http-api}"
_STEP_SLOTS = {"ssh": "ssh", "db": "database", "http": "http-api", "llm": "http-api", "agent": "http-api"}


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("requires")
    if form is None:
        return
    if not isinstance(form, VectorForm):
        yield INVALID.at(form, ":requires must be a vector", hint=f"[{_EXAMPLE}]", path=(":requires",))
        return
    seen: set[str] = set()
    for index, item in enumerate(form.items):
        path: Path = (":requires", index)
        if not isinstance(item, MapForm):
            yield INVALID.at(item, "a requirement must be a map", hint=_EXAMPLE, path=path)
            continue
        kind = get(item, "kind")
        if kind is not None and keyword_text(kind) not in KINDS:
            yield INVALID.at(kind, ":kind is :connection, :form or :worker", hint=":kind :form", path=path)
        elif kind is None or keyword_text(kind) == "connection":
            yield from _check_connection(item, seen, path)
        elif keyword_text(kind) == "form":
            yield from _check_form(item, path)


def _check_connection(item: MapForm, seen: set[str], path: Path) -> Iterator[Diagnostic]:
    slot = get(item, "slot")
    name = name_text(slot)
    if slot is None or name is None or not is_name(name):
        message = "a connection has a :slot, a plain keyword"
        yield INVALID.at(slot or item, message, hint=":slot :shop-api", path=path)
    elif name in seen:
        yield INVALID.at(slot, f"the slot :{name} is declared twice", hint="rename one of them", path=path)
    else:
        seen.add(name)
    kind = get(item, "type")
    text = name_text(kind)
    if kind is None or text is None:
        yield INVALID.at(kind or item, "the slot has no :type", hint=":type :http-api", path=(*path, ":type"))
    elif text not in SLOT_TYPES:
        hint = did_you_mean(text, SLOT_TYPES, ":") or "known are " + " ".join(
            f":{each}" for each in SLOT_TYPES
        )
        yield TYPE.at(kind, f":{text} is no known type of connection", hint=hint, path=(*path, ":type"))


def _check_form(item: MapForm, path: Path) -> Iterator[Diagnostic]:
    fields = get(item, "fields")
    if fields is not None and not isinstance(fields, VectorForm):
        yield INVALID.at(fields, ":fields must be a vector", hint="[{:key :region}]", path=(*path, ":fields"))
        return
    for index, field in enumerate(elements(fields)):
        if name_text(get(field, "key")) is None and name_text(get(field, "name")) is None:
            here = (*path, ":fields", index)
            yield INVALID.at(field, "a field of a form has a :key", hint="{:key :region}", path=here)


def _check_use(subject: Subject) -> Iterator[Diagnostic]:
    declared = subject.ids("requires", "slot")
    for call in subject.calls:
        form = get(call.config, "connection")
        name = keyword_text(form)
        if form is not None and name is not None and name not in declared:
            kind = _STEP_SLOTS.get(call.type or "", "http-api")
            yield _unknown(form, f"{call.name} uses connection :{name}", name, kind, declared)
    for form in subject.executed:
        if isinstance(form, ListForm) and head(form) == "flow/slot-bound?" and len(form.items) > 1:
            name = keyword_text(form.items[1])
            if name is not None and name not in declared:
                yield _unknown(form.items[1], f"the flow asks for :{name}", name, "http-api", declared)


def _unknown(form: Form, what: str, name: str, kind: str, declared: frozenset[str]) -> Diagnostic:
    hint = did_you_mean(name, declared, ":") or f"add {{:slot :{name} :type :{kind}}} to :requires"
    return UNKNOWN.at(form, f"{what} that :requires does not list", hint=hint, path=(":flow",))


def _check_unused(subject: Subject) -> Iterator[Diagnostic]:
    if any(not isinstance(call.config, MapForm) for call in subject.calls):
        return
    used = {
        name_text(each)
        for name, entry in subject.fields.items()
        if name != "requires"
        for each in everything(entry.value)
    }
    requires = elements(subject.field("requires"))
    for index, form, name in subject.named("requires", "slot"):
        if name not in used and name_text(get(requires[index], "type")) != "secret":
            hint = "remove it, or name it in a step by :connection"
            yield UNUSED.at(form, f"no step uses the slot :{name}", hint=hint, path=(":requires", index))


SHAPE = Rule((INVALID, TYPE), _check, blocks=True)
REFS = Rule((UNKNOWN,), _check_use)
USE = Rule((UNUSED,), _check_unused)
