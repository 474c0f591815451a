"""Values that a run cannot keep: functions where data is wanted, as far as the text shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gitflow_runner.catalog.diagnostic import Diagnostic, Path, Severity
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.catalog.syntax import unquoted
from gitflow_runner.lang.forms import Form, ListForm, MapForm, SetForm, VectorForm, head

NOT_DATA = Code(
    "result_not_data",
    "error",
    "What a body or a function returns, and the config of a step, is recorded, so it has to be data; a "
    "function in it cannot be kept.",
)

_FUNCTIONS: Final = ("fn", "fn*")
_LAST: Final = (
    *("do", "let", "let*", "loop", "when", "when-not", "when-let", "when-some", "when-first", "letfn"),
    *("finally", "catch"),
)
_TWO_WAYS: Final = ("if", "if-not", "if-let", "if-some")


def _check(subject: Subject) -> Iterator[Diagnostic]:
    if subject.body is not None:
        for tail in _tails(subject.body):
            yield from _found(tail, "the body returns", (":flow",))
    for call in subject.calls:
        if isinstance(call.config, MapForm):
            yield from _found(call.config, f"the config of {call.name} holds", (":flow",), "warning")
    for path, code in subject.codes:
        for body in _bodies(unquoted(code)):
            for tail in _tails(body):
                yield from _found(tail, "the function returns", path)


def _found(form: Form, where: str, path: Path, severity: Severity | None = None) -> Iterator[Diagnostic]:
    """The form itself, or what stands in a literal collection."""
    match form:
        case ListForm() if head(form) in _FUNCTIONS:
            hint = "quote it where code is wanted: '(fn ...); else return what it gives"
            message = f"{where} a function, which cannot be recorded"
            yield NOT_DATA.at(form, message, hint=hint, path=path, severity=severity)
        case MapForm():
            for _, value in form.pairs():
                yield from _found(value, where, path, severity)
        case VectorForm() | SetForm():
            for item in form.items:
                yield from _found(item, where, path, severity)


def _bodies(code: Form) -> Iterator[Form]:
    """The last form of every arity of a function."""
    if not isinstance(code, ListForm) or head(code) not in _FUNCTIONS:
        return
    for item in code.items[1:]:
        if isinstance(item, VectorForm):
            yield code.items[-1]
            return
        if isinstance(item, ListForm) and len(item.items) > 1 and isinstance(item.items[0], VectorForm):
            yield item.items[-1]


def _tails(form: Form) -> Iterator[Form]:
    """The forms whose value is the value of this one."""
    if not isinstance(form, ListForm):
        yield form
        return
    name, inner = head(form), form.items[1:]
    if name in _LAST and inner:
        yield from _tails(inner[-1])
    elif name in _TWO_WAYS:
        for branch in inner[1:]:
            yield from _tails(branch)
    elif name == "cond":
        for branch in inner[1::2]:
            yield from _tails(branch)
    elif name == "case":
        rest = inner[1:]
        for branch in (*rest[1::2], *(rest[-1:] if len(rest) % 2 else ())):
            yield from _tails(branch)
    elif name == "try":
        clauses = [each for each in inner if head(each) == "catch"]
        own = [each for each in inner if head(each) not in ("catch", "finally")]
        for branch in (*own[-1:], *clauses):
            yield from _tails(branch)
    else:
        yield form


RULE = Rule((NOT_DATA,), _check)
