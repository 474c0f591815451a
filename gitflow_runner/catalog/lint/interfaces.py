"""The surfaces of a flow: shape of `:interfaces` and what they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import entries, get, keyword_text, name_text, string_text
from gitflow_runner.lang.forms import Form, MapForm, VectorForm
from gitflow_runner.model.flow import Category
from gitflow_runner.model.ids import is_name

SHAPE = Code("invalid_interfaces_shape", "error", ":interfaces is a map from a category to a vector.")
CATEGORY = Code(
    "invalid_interface_category_shape", "error", "A category of :interfaces holds a vector of interface maps."
)
MANY = Code(
    "too_many_interfaces",
    "error",
    ":manual, :http and :webhook take one interface each; :mcp and :git any number.",
)
ENTRY = Code("invalid_interface_shape", "error", "An interface is a map: {:id :start :invocation :default}.")
NO_ID = Code("missing_interface_id", "error", "An interface has an :id (:mcp: a :tool-name).")
ID = Code("invalid_interface_id", "error", "An interface's id is a plain keyword or text.")
TWICE = Code("duplicate_interface_id", "error", "Ids are unique across all categories of :interfaces.")
NO_INVOCATION = Code("missing_interface_invocation", "error", "An interface names the :invocation it starts.")
INVOCATION = Code("invalid_interface_invocation", "error", "An interface's :invocation is a plain keyword.")
UNKNOWN = Code(
    "unknown_interface_invocation", "error", "An interface names an invocation that is not declared."
)

CATEGORIES: tuple[str, ...] = get_args(Category)
_SEVERAL = ("mcp", "git")


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("interfaces")
    if form is None:
        return
    path: Path = (":interfaces",)
    if not isinstance(form, MapForm):
        hint = "{:manual [{:id :start :invocation :default}]}"
        yield SHAPE.at(form, ":interfaces must be a map", hint=hint, path=path)
        return
    declared = frozenset(entries(subject.field("invocations")))
    seen: set[str] = set()
    for name in CATEGORIES:
        listed = get(form, name)
        if listed is None:
            continue
        here = (*path, f":{name}")
        if not isinstance(listed, VectorForm):
            hint = f":{name} [{{:id :start :invocation :default}}]"
            yield CATEGORY.at(listed, f":{name} must be a vector", hint=hint, path=here)
            continue
        if name not in _SEVERAL and len(listed.items) > 1:
            message = f":{name} takes one interface, {len(listed.items)} are given"
            yield MANY.at(listed.items[1], message, hint="remove the others", path=(*here, 1))
        for index, item in enumerate(listed.items):
            yield from _check_entry(name, item, declared, seen, (*here, index))


def _check_entry(
    category: str, item: Form, declared: frozenset[str], seen: set[str], path: Path
) -> Iterator[Diagnostic]:
    if not isinstance(item, MapForm):
        yield ENTRY.at(
            item, "an interface must be a map", hint="{:id :start :invocation :default}", path=path
        )
        return
    yield from _check_id(category, item, seen, path)
    form = get(item, "invocation")
    if form is None:
        yield NO_INVOCATION.at(
            item, "the interface names no :invocation", hint=":invocation :default", path=path
        )
        return
    here = (*path, ":invocation")
    name = name_text(form)
    if name is None or not is_name(name):
        yield INVOCATION.at(
            form, ":invocation must be a plain keyword", hint=":invocation :default", path=here
        )
    elif name not in declared:
        hint = did_you_mean(name, declared, ":") or f"add :{name} to :invocations"
        yield UNKNOWN.at(form, f":invocations has no :{name}", hint=hint, path=here)


def _check_id(category: str, item: MapForm, seen: set[str], path: Path) -> Iterator[Diagnostic]:
    key = "tool-name" if category == "mcp" else "id"
    form = get(item, key)
    if form is None:
        yield NO_ID.at(item, f"the interface has no :{key}", hint=f"add :{key}", path=path)
        return
    here = (*path, f":{key}")
    name = string_text(form) if category == "mcp" else name_text(form)
    if category == "mcp" and name is None:
        name = keyword_text(form)
    if name is None or not name.strip() or (category != "mcp" and not is_name(name)):
        message = f":{key} is a letter, then letters, digits, `_` or `-`"
        if category == "mcp":
            message = ":tool-name is a text that is not blank"
        yield ID.at(form, message, hint=f":{key} :start", path=here)
    elif name in seen:
        yield TWICE.at(form, f"another interface is named {name!r}", hint="rename one of them", path=here)
    else:
        seen.add(name)


RULE = Rule(
    (SHAPE, CATEGORY, MANY, ENTRY, NO_ID, ID, TWICE, NO_INVOCATION, INVOCATION, UNKNOWN), _check, blocks=True
)
