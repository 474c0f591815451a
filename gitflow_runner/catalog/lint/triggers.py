"""The older dialect: shape of `:triggers`, and the advice to write the newer one."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.invocations import check_inputs
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.lint.schedules import check_times
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import elements, get, keyword_text
from gitflow_runner.lang.forms import MapForm, VectorForm

INVALID = Code(
    "invalid_trigger",
    "error",
    ':triggers is a vector of {:type :manual|:schedule|:event|:git :label "..." :enabled true :config {}}.',
)
MANUAL = Code(
    "deprecated_manual_trigger",
    "warning",
    "A :manual trigger is the older spelling of an interface: declare :interfaces {:manual [...]}.",
)
NO_INTERFACES = Code(
    "missing_interfaces",
    "warning",
    "The flow is written with :triggers and declares no :interfaces. Both run; the newer spelling says more.",
)
NO_INVOCATIONS = Code(
    "missing_invocations",
    "warning",
    "The flow is written with :triggers and declares no :invocations, where inputs are named and typed.",
)

TYPES = ("manual", "schedule", "event", "webhook", "git")


def _check(subject: Subject) -> Iterator[Diagnostic]:
    form = subject.field("triggers")
    if form is None:
        return
    path: Path = (":triggers",)
    if not isinstance(form, VectorForm):
        yield INVALID.at(form, ":triggers must be a vector", hint="[{:type :manual}]", path=path)
        return
    for index, item in enumerate(form.items):
        here = (*path, index)
        kind = keyword_text(get(item, "type"))
        config = get(item, "config")
        if not isinstance(item, MapForm):
            yield INVALID.at(item, "a trigger must be a map", hint="{:type :manual}", path=here)
        elif kind not in TYPES:
            hint = did_you_mean(kind or "", TYPES, ":") or ":type :manual"
            message = "the trigger has no :type" if kind is None else f":{kind} is not a type of trigger"
            yield INVALID.at(get(item, "type") or item, message, hint=hint, path=here)
        elif config is not None and not isinstance(config, MapForm):
            yield INVALID.at(config, ":config must be a map", hint=":config {}", path=(*here, ":config"))
        elif kind == "schedule":
            yield from check_times(config if isinstance(config, MapForm) else item, (*here, ":config"))
        elif config is not None:
            yield from check_inputs(get(config, "fields"), (*here, ":config", ":fields"))


def _advise(subject: Subject) -> Iterator[Diagnostic]:
    entry = subject.fields.get("triggers")
    if entry is None or subject.field("triggers") is None:
        return
    for index, item in enumerate(elements(entry.value)):
        if keyword_text(get(item, "type")) == "manual":
            hint = ":interfaces {:manual [{:id :start :invocation :default}]}"
            message = "a :manual trigger is the older spelling"
            yield MANUAL.at(item, message, hint=hint, path=(":triggers", index))
    if subject.field("interfaces") is None:
        hint = ":interfaces {:manual [{:id :start :invocation :default}]}"
        yield NO_INTERFACES.at(entry.key, "the flow declares no :interfaces", hint=hint)
    if subject.field("invocations") is None:
        hint = ":invocations {:default {:inputs []}}"
        yield NO_INVOCATIONS.at(entry.key, "the flow declares no :invocations", hint=hint)


RULE = Rule((INVALID,), _check, blocks=True)
ADVICE = Rule((MANUAL, NO_INTERFACES, NO_INVOCATIONS), _advise)
