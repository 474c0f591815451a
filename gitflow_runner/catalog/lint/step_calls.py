"""How steps are called: a type, an id and one map."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Severity
from gitflow_runner.catalog.lint.calls import StepCall
from gitflow_runner.catalog.lint.functions import STEP_TYPES
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.syntax import is_literal, keyword_text
from gitflow_runner.lang.forms import Atom, MapForm

ARITY = Code(
    "flow_step_arity_invalid", "error", "flow/step takes a type, an id and one config map, nothing after it."
)
NO_CONFIG = Code(
    "flow_step_missing_config",
    "error",
    "The last argument of flow/step is its config map; without one, or with another kind of value in its "
    "place, the step cannot run.",
)
NO_ID = Code(
    "flow_step_missing_step_id",
    "warning",
    "A step is known in a run's history by its id, a keyword in the second place.",
)
EXTRA = Code(
    "flow_step_packaged_extra_argument",
    "warning",
    "A packaged step takes its input map, or an id and its input map.",
)
TYPE = Code("flow_step_invalid_type", "warning", "The type of a step is a keyword.")

_EXAMPLE = "(flow/step :http :fetch {:url ...})"


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for call in subject.calls:
        if call.threaded:
            continue
        if call.arguments and call.type is None and is_literal(call.arguments[0]):
            yield TYPE.at(
                call.arguments[0], "the type of a step is a keyword", hint=_EXAMPLE, path=(":flow",)
            )
        elif call.packaged:
            yield from _check_packaged(call)
        elif call.type not in STEP_TYPES:
            yield from _check_plain(call)


def _check_plain(call: StepCall) -> Iterator[Diagnostic]:
    count = len(call.arguments)
    if count > 3:
        message = f"{call.name} is called with {count} arguments, flow/step takes three"
        yield ARITY.at(call.form, message, hint=_EXAMPLE, path=(":flow",))
        return
    if call.type is None:
        return
    if call.id is None and isinstance(call.config, MapForm):
        message = f"{call.name} has no id before its config"
        yield NO_ID.at(call.form, message, hint=f"(flow/step :{call.type} :name {{...}})", path=(":flow",))
        return
    if call.id is not None and is_literal(call.id) and keyword_text(call.id) is None:
        yield NO_ID.at(call.id, f"the id of {call.name} is not a keyword", hint=_EXAMPLE, path=(":flow",))
    yield from _check_config(call)


def _check_config(call: StepCall) -> Iterator[Diagnostic]:
    if call.config is None:
        bare = len(call.arguments) == 2 and keyword_text(call.id) is not None
        if call.id is None or is_literal(call.id):
            hint = f"add a map: (flow/step :{call.type} :name {{...}})"
            severity: Severity = "error" if bare else "warning"
            message = f"{call.name} has no config"
            yield NO_CONFIG.at(call.form, message, hint=hint, path=(":flow",), severity=severity)
    elif is_literal(call.config) and not isinstance(call.config, MapForm):
        message = f"the config of {call.name} is not a map"
        yield NO_CONFIG.at(call.config, message, hint=_EXAMPLE, path=(":flow",), severity="warning")


def _check_packaged(call: StepCall) -> Iterator[Diagnostic]:
    count = len(call.arguments)
    hint = f"(flow/step :{call.type} {{...}})"
    if count > 3:
        message = f"{call.name} is called with {count} arguments, a packaged step takes one or two"
        yield ARITY.at(call.form, message, hint=hint, path=(":flow",))
    elif count == 3 and isinstance(call.arguments[1], MapForm):
        message = f":{call.type} has its input already; this argument is one too many"
        yield EXTRA.at(call.arguments[2], message, hint=hint, path=(":flow",))
    elif count == 3 and isinstance(call.id, Atom) and is_literal(call.id) and keyword_text(call.id) is None:
        yield NO_ID.at(call.id, f"the id of :{call.type} is not a keyword", hint=hint, path=(":flow",))
    else:
        yield from _check_config(call)


RULE = Rule((ARITY, NO_CONFIG, NO_ID, EXTRA, TYPE), _check)
