"""How `flow/poll` is called: options that say how often, how long, and when it is done."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.calls import STEP
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.catalog.syntax import entries, flag, get, is_literal, name_text
from gitflow_runner.errors import UsageError
from gitflow_runner.lang.forms import Atom, Form, ListForm, MapForm, SetForm, VectorForm, head
from gitflow_runner.model.duration import MAX_POLL_ATTEMPTS, MAX_POLL_MS, parse_duration
from gitflow_runner.model.ids import is_label

INVALID = Code(
    "flow_poll_invalid",
    "error",
    'flow/poll takes options and a step: {:interval "10s" :max-attempts 20 :return-on (fn [r] ...)}. '
    ":interval and :return-on are required, and one of :timeout and :max-attempts.",
)

_KNOWN = ("interval", "timeout", "max-attempts", "return-on", "backoff", "abort-on", "id")
_BACKOFFS = {"constant": ("max",), "linear": ("step", "max"), "exponential": ("factor", "max")}
_BACKOFF = ':backoff {:type :exponential :factor 2 :max "5m"}'
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
    for name, entry in given.items():
        if name not in _KNOWN:
            hint = did_you_mean(name, _KNOWN, ":") or "known: " + " ".join(f":{each}" for each in _KNOWN)
            yield INVALID.at(entry.key, f"flow/poll has no option :{name}", hint=hint, path=(":flow",))
    yield from _check_values(options)
    yield from _check_backoff(get(options, "backoff"))
    yield from _check_abort(get(options, "abort-on"))


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
    if isinstance(tries, Atom) and _is_count(tries) and tries.value > MAX_POLL_ATTEMPTS:
        message = f"flow/poll asks at most {MAX_POLL_ATTEMPTS} times"
        yield INVALID.at(tries, message, hint=f":max-attempts {MAX_POLL_ATTEMPTS}", path=(":flow",))
    limit = get(options, "timeout")
    if (
        isinstance(limit, Atom)
        and _is_length(limit)
        and parse_duration(limit.value, bare_unit_ms=1) > MAX_POLL_MS
    ):
        yield INVALID.at(limit, "flow/poll lasts at most an hour", hint=':timeout "1h"', path=(":flow",))
    sleep_id = get(options, "id")
    if sleep_id is not None and is_literal(sleep_id) and not is_label(name_text(sleep_id) or ""):
        message = ":id of flow/poll names the sleep step: a keyword"
        yield INVALID.at(sleep_id, message, hint=":id :wait-a-little", path=(":flow",))


def _check_backoff(backoff: Form | None) -> Iterator[Diagnostic]:
    if backoff is None or not is_literal(backoff):
        return
    given = entries(backoff)
    kind = name_text(get(backoff, "type")) or "exponential"
    if not isinstance(backoff, MapForm) or kind not in _BACKOFFS:
        message = ":backoff of flow/poll is a map whose :type is :constant, :linear or :exponential"
        yield INVALID.at(backoff, message, hint=_BACKOFF, path=(":flow",))
        return
    for name, entry in given.items():
        if name not in ("type", *_BACKOFFS[kind]):
            message = f"a {kind} :backoff has no :{name}"
            yield INVALID.at(entry.key, message, hint=_BACKOFF, path=(":flow",))
        elif name in ("max", "step") and is_literal(entry.value) and not _is_length(entry.value):
            message = f":{name} of :backoff is not a length of time"
            yield INVALID.at(entry.value, message, hint=f':{name} "5s"', path=(":flow",))
        elif name == "factor" and is_literal(entry.value) and not _is_factor(entry.value):
            message = ":factor of :backoff is a number from 1 to 100"
            yield INVALID.at(entry.value, message, hint=":factor 2", path=(":flow",))
    if kind == "linear" and "step" not in given:
        yield INVALID.at(backoff, "a linear :backoff needs :step", hint=':step "5s"', path=(":flow",))


def _check_abort(abort: Form | None) -> Iterator[Diagnostic]:
    if abort is None or not is_literal(abort):
        return
    given = entries(abort)
    error, status = get(abort, "error?"), get(abort, "status")
    if (
        not isinstance(abort, MapForm)
        or not set(given) <= {"error?", "status"}
        or (error is not None and is_literal(error) and flag(error) is None)
        or (status is not None and is_literal(status) and not isinstance(status, SetForm | VectorForm))
    ):
        message = ":abort-on of flow/poll is a map of :error? and :status"
        yield INVALID.at(abort, message, hint=":abort-on {:error? true :status #{404}}", path=(":flow",))


def _is_length(form: Form) -> bool:
    try:
        parse_duration(form.value if isinstance(form, Atom) else None, bare_unit_ms=1)
    except UsageError:
        return False
    return True


def _is_factor(form: Form) -> bool:
    value = form.value if isinstance(form, Atom) else None
    return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= 100


def _is_count(form: Form) -> bool:
    value = form.value if isinstance(form, Atom) else None
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


RULE = Rule((INVALID,), _check)
