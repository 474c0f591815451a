"""The templates: shape of `:templates`, referred to and in use."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import everything, get, name_text
from gitflow_runner.lang.forms import Form, MapForm, VectorForm
from gitflow_runner.model.ids import is_label

INVALID = Code(
    "invalid_template",
    "error",
    ":templates is a vector of {:id :ask :type :http-request|:llm-prompt|:db-query|:notification ...}.",
)
UNKNOWN = Code("unknown_template", "error", "A step's :template names no entry of :templates.")
UNUSED = Code("unused_template", "warning", "No step refers to this template.")

TYPES = ("http-request", "llm-prompt", "db-query", "sql", "notification")
_EXAMPLE = '{:id :ask :type :llm-prompt :prompt "..."}'


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("templates")
    if form is None:
        return
    if not isinstance(form, VectorForm):
        yield INVALID.at(form, ":templates must be a vector", hint=f"[{_EXAMPLE}]", path=(":templates",))
        return
    seen: set[str] = set()
    for index, item in enumerate(form.items):
        path: Path = (":templates", index)
        if not isinstance(item, MapForm):
            yield INVALID.at(item, "a template must be a map", hint=_EXAMPLE, path=path)
            continue
        name = name_text(get(item, "id"))
        if name is None or not is_label(name):
            yield INVALID.at(get(item, "id") or item, "a template has an :id", hint=":id :ask", path=path)
        elif name in seen:
            message = f"a second template is named :{name}"
            yield INVALID.at(item, message, hint="rename one of them", path=path)
        else:
            seen.add(name)
        kind = get(item, "type")
        if name_text(kind) not in TYPES:
            hint = did_you_mean(name_text(kind) or "", TYPES, ":") or ":type :llm-prompt"
            message = "the template has no known :type"
            yield INVALID.at(kind or item, message, hint=hint, path=(*path, ":type"))


def _check_refs(subject: Subject) -> Iterator[Diagnostic]:
    declared = subject.ids("templates")
    for call in subject.calls:
        for form in _references(call.config):
            name = name_text(form)
            if name is not None and name not in declared:
                hint = did_you_mean(name, declared, ":") or f"add {{:id :{name} :type ...}} to :templates"
                message = f"{call.name} uses the template :{name}, which :templates does not list"
                yield UNKNOWN.at(form, message, hint=hint, path=(":flow",))


def _references(config: Form | None) -> Iterator[Form]:
    for holder in (config, get(config, "notify")):
        form = get(holder, "template")
        if form is not None:
            yield form


def _check_unused(subject: Subject) -> Iterator[Diagnostic]:
    if any(not isinstance(call.config, MapForm) for call in subject.calls):
        return
    holders = [subject.body, subject.field("steps"), subject.field("agents")]
    used = {name_text(each) for form in holders if form is not None for each in everything(form)}
    for index, form, name in subject.named("templates"):
        if name not in used:
            hint = f"remove it, or name it in a step by :template :{name}"
            yield UNUSED.at(form, f"no step refers to :{name}", hint=hint, path=(":templates", index))


SHAPE = Rule((INVALID,), _check, blocks=True)
REFS = Rule((UNKNOWN,), _check_refs)
USE = Rule((UNUSED,), _check_unused)
