"""From the form of a valid flow file to a `Flow`: both dialects become one shape.

The older `:triggers` are read as invocations, interfaces and schedules; where the newer fields say
something about the same category, they win.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from gitflow_runner.catalog.closure import closure_digest
from gitflow_runner.catalog.includes import Expanded
from gitflow_runner.catalog.syntax import (
    Entry,
    elements,
    entries,
    flag,
    get,
    keyword_text,
    name_text,
    string_text,
    unquoted,
)
from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.forms import Form, MapForm, VectorForm, value_of
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.flow import (
    Category,
    Concurrency,
    Flow,
    FunctionEntry,
    InputField,
    Interface,
    Invocation,
    PackagedStep,
    PushTrigger,
    Requirement,
    Schedule,
    TemplateEntry,
)
from gitflow_runner.model.ids import is_name, slug

DEFAULT = "default"


def normalise(expanded: Expanded) -> Flow:
    """The flow of a form that `validate.require_valid` has passed."""
    root = expanded.form
    name = _name(get(root, "slug"))
    body = get(root, "flow")
    assert body is not None, "a valid flow has a body"
    triggers = elements(get(root, "triggers"))
    declared = _interfaces(root)
    invocations = _invocations(root, triggers)
    interfaces = (*declared, *_triggered(triggers, invocations, {each.category for each in declared}))
    return Flow(
        slug=slug(name),
        name=string_text(get(root, "name")) or name,
        description=string_text(get(root, "description")),
        body=unquoted(body),
        concurrency=_concurrency(get(root, "concurrency")),
        files=expanded.files,
        digest=closure_digest(expanded.files),
        functions={each.id: each for each in map(_function, elements(get(root, "functions")))},
        templates={each.id: each for each in map(_template, elements(get(root, "templates")))},
        invocations=invocations,
        interfaces=interfaces,
        schedules=_schedules(root, triggers),
        pushes=tuple(_push(each) for each in interfaces if each.category == "git"),
        requires=tuple(map(_requirement, elements(get(root, "requires")))),
        steps={each.id: each for each in map(_packaged, elements(get(root, "steps")))},
        agents={_name(get(each, "id")): value_of(each) for each in elements(get(root, "agents"))},
        raw=value_of(root),
    )


def _name(form: Form | None) -> str:
    found = name_text(form)
    assert found is not None, "a valid entry has a name"
    return found


def _text(form: Form | None, name: str) -> str | None:
    return string_text(get(form, name))


def _value(form: Form | None, name: str) -> object:
    found = get(form, name)
    return None if found is None else value_of(found)


def _enabled(form: Form) -> bool:
    return flag(get(form, "enabled")) is not False


def _concurrency(form: Form | None) -> Concurrency:
    kind, policy, key = get(form, "type"), get(form, "on-new-version"), get(form, "key-field")
    path = tuple(
        value_of(each) for each in (elements(key) if isinstance(key, VectorForm) else (key,)) if each
    )
    match keyword_text(kind), keyword_text(policy):
        case ("singleton" | "keyed") as type_, ("supersede" | "drain" | "coexist") as on_new:
            return Concurrency(type_, on_new, path)
        case _:
            raise AssertionError("a valid flow has a valid :concurrency")


def _function(form: Form) -> FunctionEntry:
    code = get(form, "code")
    assert code is not None, "a valid function has code"
    return FunctionEntry(_name(get(form, "id")), unquoted(code), _text(form, "description"))


def _template(form: Form) -> TemplateEntry:
    kind = _name(get(form, "type"))
    body = value_of(_without(form, ("id", "type")))
    return TemplateEntry(_name(get(form, "id")), "db-query" if kind == "sql" else kind, body)


def _without(form: Form, names: tuple[str, ...]) -> Form:
    assert isinstance(form, MapForm), "a valid entry is a map"
    kept = tuple(each for pair in form.pairs() if keyword_text(pair[0]) not in names for each in pair)
    return MapForm(kept, form.start, form.end, form.source, form.meta)


def _packaged(form: Form) -> PackagedStep:
    return PackagedStep(
        id=_name(get(form, "id")),
        type=_name(get(form, "type")),
        defaults=_value(form, "defaults"),
        input_schema=_value(form, "input-schema"),
        output_schema=_value(form, "output-schema"),
        description=_text(form, "description"),
    )


def _requirement(form: Form) -> Requirement:
    settings = value_of(form)
    match keyword_text(get(form, "kind")):
        case "form":
            each_run = keyword_text(get(form, "collect")) == "run"
            fields = () if each_run else _inputs(get(form, "fields"))
            return Requirement("form", None, None, settings=settings, fields=fields)
        case "worker":
            return Requirement("worker", None, name_text(get(form, "job-type")), settings=settings)
        case _:
            optional = flag(get(form, "optional")) is True
            kind = name_text(get(form, "type"))
            return Requirement("connection", name_text(get(form, "slot")), kind, optional, settings)


def _inputs(form: Form | None) -> tuple[InputField, ...]:
    return tuple(map(_input, elements(form)))


def _input(form: Form) -> InputField:
    """One input; a form's field spells name and type as `:key` and `:field-type`."""
    return InputField(
        name=_name(get(form, "name") or get(form, "key")),
        type=name_text(get(form, "type") or get(form, "field-type")) or "string",
        label=_text(form, "label"),
        required=flag(get(form, "required")) is True,
        default=_value(form, "default"),
        options=tuple(value_of(each) for each in elements(get(form, "options"))),
        multiple=flag(get(form, "multiple")) is True,
        description=_text(form, "description"),
    )


def _invocations(root: Form, triggers: tuple[Form, ...]) -> dict[str, Invocation]:
    """The declared ones; else those that triggers imply. A flow can always be started by `default`."""
    found = {name: _invocation(name, entry) for name, entry in entries(get(root, "invocations")).items()}
    if not found:
        for trigger, name in zip(triggers, trigger_names(triggers), strict=True):
            fields = _inputs(get(get(trigger, "config"), "fields"))
            if fields and keyword_text(get(trigger, "type")) != "schedule":
                found[name] = Invocation(name, fields, _text(trigger, "label"))
        found.setdefault(DEFAULT, Invocation(DEFAULT))
    asked = tuple(field for form in elements(get(root, "requires")) for field in _asked_each_run(form))
    return {name: _with_inputs(each, asked) for name, each in found.items()} if asked else found


def _invocation(name: str, entry: Entry) -> Invocation:
    form = entry.value
    return Invocation(name, _inputs(get(form, "inputs")), _text(form, "label"), _text(form, "description"))


def _asked_each_run(form: Form) -> tuple[InputField, ...]:
    """The fields of a form requirement that is filled in for each run: inputs in the older spelling."""
    if keyword_text(get(form, "kind")) != "form" or keyword_text(get(form, "collect")) != "run":
        return ()
    return _inputs(get(form, "fields"))


def _with_inputs(invocation: Invocation, more: tuple[InputField, ...]) -> Invocation:
    known = {field.name for field in invocation.inputs}
    inputs = (*invocation.inputs, *(field for field in more if field.name not in known))
    return Invocation(invocation.id, inputs, invocation.label, invocation.description)


def _interfaces(root: Form) -> tuple[Interface, ...]:
    found: list[Interface] = []
    for category in get_args(Category):
        for form in elements(get(get(root, "interfaces"), category)):
            name = name_text(get(form, "tool-name")) if category == "mcp" else name_text(get(form, "id"))
            assert name is not None, "a valid interface has a name"
            invocation = _name(get(form, "invocation"))
            label = _text(form, "label")
            found.append(Interface(category, name, invocation, _enabled(form), label, value_of(form)))
    return tuple(found)


def _triggered(
    triggers: tuple[Form, ...], invocations: Mapping[str, Invocation], taken: set[Category]
) -> tuple[Interface, ...]:
    """The interfaces that manual and event triggers stand for, save in categories that are declared."""
    found: list[Interface] = []
    for trigger, name in zip(triggers, trigger_names(triggers), strict=True):
        category = trigger_category(trigger)
        if category is None or category in taken:
            continue
        config = get(trigger, "config")
        known = [each for each in (name, DEFAULT) if each in invocations]
        invocation = known[0] if known else next(iter(invocations))
        label = _text(trigger, "label")
        id_ = "manual" if name == DEFAULT else name
        source = trigger if category == "git" else config
        settings = value_of(source) if source is not None else None
        found.append(Interface(category, id_, invocation, _enabled(trigger), label, settings))
    return tuple(found)


def _push(interface: Interface) -> PushTrigger:
    settings = interface.settings
    assert isinstance(settings, Map), "a valid interface is a map"
    refs = settings.get(keyword("refs"))
    assert isinstance(refs, Vec), "a valid git trigger has refs"
    return PushTrigger(
        interface.id,
        interface.invocation,
        tuple(str(each) for each in refs),
        settings.get(keyword("gate")) is True,
        interface.enabled,
    )


def trigger_category(trigger: Form) -> Category | None:
    """The category of interfaces that a trigger stands for; None for a schedule."""
    match keyword_text(get(trigger, "type")):
        case "manual":
            return "manual"
        case "event" | "webhook":
            return "webhook"
        case "git":
            return "git"
        case _:
            return None


def trigger_names(triggers: tuple[Form, ...]) -> tuple[str, ...]:
    """One name for each trigger: the first manual one is the default, others by their event or type."""
    names: list[str] = []
    for trigger in triggers:
        kind = _name(get(trigger, "type"))
        wanted = name_text(get(trigger, "id")) or name_text(get(get(trigger, "config"), "event-name"))
        if wanted is None or not is_name(wanted):
            wanted = DEFAULT if kind == "manual" else kind
        count, name = 1, wanted
        while name in names:
            count += 1
            name = f"{wanted}-{count}"
        names.append(name)
    return tuple(names)


def _schedules(root: Form, triggers: tuple[Form, ...]) -> tuple[Schedule, ...]:
    declared = elements(get(root, "schedules"))
    if declared:
        return tuple(_schedule(form, form, _name(get(form, "id"))) for form in declared)
    named = zip(triggers, trigger_names(triggers), strict=True)
    return tuple(
        _schedule(trigger, get(trigger, "config") or trigger, name)
        for trigger, name in named
        if keyword_text(get(trigger, "type")) == "schedule"
    )


def _schedule(form: Form, times: Form, name: str) -> Schedule:
    cron = string_text(get(times, "cron"))
    assert cron is not None, "a valid schedule has a cron line"
    return Schedule(
        id=name,
        invocation=name_text(get(form, "invocation")) or DEFAULT,
        cron=cron,
        timezone=string_text(get(times, "timezone")) or "UTC",
        enabled=_enabled(form),
        input=_value(times, "input"),
    )
