"""Packaged steps and agents of the flow: their shape, and that calls and declarations meet."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path
from gitflow_runner.catalog.lint.calls import STEP
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import elements, entries, everything, get, keyword_text, name_text
from gitflow_runner.lang.forms import Atom, Form, MapForm, VectorForm
from gitflow_runner.lang.values import Symbol

INVALID = Code(
    "invalid_packaged_step",
    "error",
    ":steps and :agents are vectors of maps whose :id has a namespace: {:id :tools/fetch :type :http "
    ':defaults {...}} and {:id :review/critic :objective "..."}.',
)
MISSING = Code(
    "missing_packaged_step_reference",
    "error",
    "The body calls, or offers as a tool, a step by a name that neither :steps nor :agents declares.",
)
UNUSED = Code(
    "unreferenced_packaged_step",
    "warning",
    "A packaged step is neither called by the body nor offered to an agent by :tools {:steps [...]}.",
)

_ID = re.compile(r"[a-zA-Z][\w-]*(\.[a-zA-Z][\w-]*)*/[a-zA-Z][\w-]{0,127}", re.ASCII)
_EXAMPLES = {
    "steps": "{:id :tools/fetch :type :http :defaults {}}",
    "agents": '{:id :review/critic :objective "..."}',
}


def _check(subject: Subject) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for field, example in _EXAMPLES.items():
        form = subject.field(field)
        if form is None:
            continue
        if not isinstance(form, VectorForm):
            yield INVALID.at(form, f":{field} must be a vector", hint=f"[{example}]", path=(f":{field}",))
            continue
        for index, item in enumerate(form.items):
            yield from _check_entry(field, example, item, seen, (f":{field}", index))


def _check_entry(field: str, example: str, item: Form, seen: set[str], path: Path) -> Iterator[Diagnostic]:
    if not isinstance(item, MapForm):
        yield INVALID.at(item, f"an entry of :{field} must be a map", hint=example, path=path)
        return
    form = get(item, "id")
    name = name_text(form)
    if form is None or name is None or not _ID.fullmatch(name):
        message = "the :id is a keyword with a namespace"
        yield INVALID.at(form or item, message, hint=example, path=(*path, ":id"))
    elif name in seen:
        yield INVALID.at(form, f"a second entry is named :{name}", hint="rename one of them", path=path)
    else:
        seen.add(name)
    if field == "steps" and keyword_text(get(item, "type")) is None:
        yield INVALID.at(get(item, "type") or item, "the packaged step has no :type", hint=example, path=path)


def _check_calls(subject: Subject) -> Iterator[Diagnostic]:
    declared = subject.ids("steps") | subject.ids("agents")
    for call in subject.calls:
        if call.packaged and call.type is not None and call.type not in declared:
            hint = did_you_mean(call.type, declared, ":") or f"add {{:id :{call.type} :type ...}} to :steps"
            message = f":{call.type} is called, but neither :steps nor :agents declares it"
            yield MISSING.at(call.arguments[0], message, hint=hint, path=(":flow",))
    for tools in _offered(subject):
        for form in (*elements(get(tools, "steps")), *elements(get(tools, "agents"))):
            name = name_text(form)
            if name is not None and name not in declared:
                hint = did_you_mean(name, declared, ":") or f"add {{:id :{name} ...}} to :steps or :agents"
                message = f":{name} is offered as a tool, but neither :steps nor :agents declares it"
                yield MISSING.at(form, message, hint=hint, path=(":flow",))


def _offered(subject: Subject) -> list[Form]:
    """What stands under every `:tools` of the body, the agents and the packaged steps."""
    holders = [
        *((subject.body,) if subject.body is not None else ()),
        *(form for name in ("agents", "steps") if (form := subject.field(name)) is not None),
    ]
    return [tools for holder in holders for form in everything(holder) for tools in _tools(form)]


def _check_unused(subject: Subject) -> Iterator[Diagnostic]:
    if subject.body is None or any(call.type is None for call in subject.calls):
        return
    offered = _offered(subject)
    if _is_named_elsewhere(subject.body, len(subject.calls)) or any(map(_is_computed, offered)):
        return
    used = {call.type for call in subject.calls}
    used |= {name_text(each) for tools in offered for each in everything(tools)}
    for index, form, name in subject.named("steps"):
        if name not in used:
            hint = f"remove it, call (flow/step :{name} {{...}}), or offer it by :tools {{:steps [:{name}]}}"
            message = f"the packaged step :{name} is never used"
            yield UNUSED.at(form, message, hint=hint, path=(":steps", index))


def _is_named_elsewhere(body: Form, calls: int) -> bool:
    """Whether `flow/step` stands where it is not called: handed on, or commented out for now."""
    spoken = [form.value for form in everything(body) if isinstance(form, Atom)]
    return sum(isinstance(value, Symbol) and value.text == STEP for value in spoken) != calls


def _is_computed(tools: Form) -> bool:
    """Whether what is offered is known only when the flow runs."""
    if not isinstance(tools, MapForm | VectorForm):
        return True
    listed = [tools] if isinstance(tools, VectorForm) else [get(tools, "steps"), get(tools, "agents")]
    return any(
        form is not None
        and (not isinstance(form, VectorForm) or any(name_text(each) is None for each in form.items))
        for form in listed
    )


def _tools(form: Form) -> Iterator[Form]:
    for name in ("tools", "available-steps"):
        entry = entries(form).get(name)
        if entry is not None:
            yield entry.value


SHAPE = Rule((INVALID,), _check, blocks=True)
CALLS = Rule((MISSING,), _check_calls)
USE = Rule((UNUSED,), _check_unused)
