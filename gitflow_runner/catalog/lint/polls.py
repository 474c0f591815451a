"""How `flow/poll` is called: options that say how often, how long, and when it is done."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.calls import STEP
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.syntax import entries, get, is_literal
from gitflow_runner.errors import UsageError
from gitflow_runner.lang.forms import Atom, Form, ListForm, MapForm, head
from gitflow_runner.model.duration import parse_duration

INVALID = Code(
    "flow_poll_invalid",
    "error",
    'flow/poll takes options and a step: {:interval "10s" :max-attempts 20 :return-on (fn [r] ...)}. '
    ":interval and :return-on are required, and one of :timeout and :max-attempts.",
)

_EXAMPLE = '(flow/poll {:interval "10s" :max-attempts 20 :return-on (fn [r] ...)} (flow/step ...))'


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for form in subject.executed:
        if isinstance(form, ListForm) and head(form) == "flow/poll":
            yield from _check_poll(form)


def _check_poll(form: ListForm) -> Iterator[Diagnostic]:
    if len(form.items) != 3:
        yield INVALID.at(form, "flow/poll takes options and a step", hint=_EXAMPLE, path=(":flow",))
        return
    options, asked = form.items[1:]
    if is_literal(asked) or (isinstance(asked, ListForm) and not asked.items):
        message = f"the second argument of flow/poll is a ({STEP} ...)"
        yield INVALID.at(asked, message, hint=_EXAMPLE, path=(":flow",))
    if not isinstance(options, MapForm):
        if is_literal(options):
            yield INVALID.at(options, "the options of flow/poll are a map", hint=_EXAMPLE, path=(":flow",))
        return
    given = entries(options)
    for name in ("interval", "return-on"):
        if name not in given:
            yield INVALID.at(options, f"flow/poll needs :{name}", hint=_EXAMPLE, path=(":flow",))
    if "timeout" not in given and "max-attempts" not in given:
        message = "flow/poll needs :timeout or :max-attempts"
        yield INVALID.at(options, message, hint=":max-attempts 20", path=(":flow",))
    yield from _check_values(options)


def _check_values(options: MapForm) -> Iterator[Diagnostic]:
    for name in ("interval", "timeout"):
        form = get(options, name)
        if form is not None and is_literal(form) and not _is_length(form):
            message = f":{name} of flow/poll is not a length of time"
            hint = f':{name} "10s"; a bare number counts milliseconds'
            yield INVALID.at(form, message, hint=hint, path=(":flow",))
    tries = get(options, "max-attempts")
    if tries is not None and is_literal(tries) and not _is_count(tries):
        message = ":max-attempts of flow/poll is a whole number above 0"
        yield INVALID.at(tries, message, hint=":max-attempts 20", path=(":flow",))


def _is_length(form: Form) -> bool:
    try:
        parse_duration(form.value if isinstance(form, Atom) else None)
    except UsageError:
        return False
    return True


def _is_count(form: Form) -> bool:
    value = form.value if isinstance(form, Atom) else None
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


RULE = Rule((INVALID,), _check)
