"""What could go on for ever: loops of steps without a pause or a bound."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.lint.calls import STEP, executed
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.syntax import children, elements, everything, keyword_text
from gitflow_runner.lang.forms import Atom, Form, ListForm, head
from gitflow_runner.lang.values import Symbol

LOOP = Code(
    "loop_without_wait",
    "error",
    "A loop that runs steps must pause (a :sleep or :wait step, or flow/poll) or test what it counts, so "
    "that it ends.",
)

_TESTS = (
    "if",
    "if-not",
    "when",
    "when-not",
    "if-let",
    "if-some",
    "when-let",
    "when-some",
    "when-first",
    "case",
)


def _check(subject: Subject) -> Iterator[Diagnostic]:
    for form in subject.executed:
        if isinstance(form, ListForm) and head(form) in ("loop", "loop*") and _is_endless(form):
            hint = "use (flow/poll {...} step), add a :sleep step, or count and test"
            message = "this loop runs steps without a pause or a bound"
            yield LOOP.at(form, message, hint=hint, path=(":flow",))


def _is_endless(loop: ListForm) -> bool:
    return _runs_steps(loop) and not _pauses(loop) and not _tests_its_names(loop)


def _runs_steps(form: Form) -> bool:
    return any(head(each) == STEP for each in executed(form))


def _pauses(form: Form) -> bool:
    for each in executed(form):
        if head(each) == "flow/poll":
            return True
        calls_step = isinstance(each, ListForm) and head(each) == STEP and len(each.items) > 1
        if calls_step and keyword_text(children(each)[1]) in ("sleep", "wait"):
            return True
    return False


def _tests_its_names(form: ListForm) -> bool:
    bindings = elements(form.items[1]) if len(form.items) > 1 else ()
    names = {text for each in bindings[::2] for text in _symbols(each)}
    return any(not names.isdisjoint(_symbols(test)) for each in executed(form) for test in _tests(each))


def _tests(form: Form) -> tuple[Form, ...]:
    if not isinstance(form, ListForm):
        return ()
    if head(form) in ("cond", "condp"):
        return form.items[1:]
    return form.items[1:2] if head(form) in _TESTS else ()


def _symbols(form: Form) -> Iterator[str]:
    for each in everything(form):
        if isinstance(each, Atom) and isinstance(each.value, Symbol):
            yield each.value.text


RULE = Rule((LOOP,), _check)
