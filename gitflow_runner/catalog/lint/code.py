"""The code of body and functions, as the language's own analysis judges it."""

from __future__ import annotations

from collections.abc import Iterator

from gitflow_runner.catalog.diagnostic import Diagnostic, Path, spanning
from gitflow_runner.catalog.lint.rule import Code, Rule, Subject
from gitflow_runner.errors import LangError
from gitflow_runner.lang.analyzer import check
from gitflow_runner.lang.environments import BODY
from gitflow_runner.lang.forms import Form
from gitflow_runner.lang.program import Problem
from gitflow_runner.lang.session import check_function

CODES = (
    Code("unbound_symbol", "error", "The name is bound nowhere and is not in the library of this place."),
    Code("arity_invalid", "error", "A function or form is given more or fewer arguments than it takes."),
    Code("binding_invalid", "error", "What stands in a binding vector or parameter list cannot be bound."),
    Code(
        "recur_misplaced",
        "error",
        "recur must be the last thing that a loop or fn does, with as many values.",
    ),
    Code("try_invalid", "error", "A try, catch or finally is not of its form."),
    Code("case_duplicate", "error", "Two branches of a case test the same constant."),
    Code("macro_as_value", "error", "A special form or macro is named where a value is wanted."),
    Code("host_misused", "error", "A flow/... name can be called, but not be handed on as a value."),
    Code("tag_forbidden", "error", "A tagged literal means nothing in code."),
    Code("call_invalid", "warning", "Something is called that is not a function."),
    Code("unused_binding", "warning", "A name is bound and never used; begin it with _ if that is meant."),
    Code("regex_unsupported", "error", "The regex uses what a linear-time engine cannot do."),
    Code(
        "sandbox_unbounded_range",
        "warning",
        "(range) without an argument has no end; give it one: (range 10).",
    ),
    Code(
        "unbounded_sequence",
        "error",
        "A sequence without an end: a body makes all its elements at once, a function must bound it.",
    ),
    Code("form_forbidden", "error", "The form would make code of data, or change a value in place."),
    Code("definition_forbidden", "error", "Definitions do not exist here: use let, letfn or :functions."),
    Code("state_forbidden", "error", "Changeable state and threads do not exist: use loop or reduce."),
    Code(
        "nondeterministic",
        "error",
        "The value would differ when the run is replayed; take it from flow/now-ms, an input or a step.",
    ),
    Code("io_forbidden", "error", "Code cannot reach the outside; a step does."),
    Code("interop_forbidden", "error", "There is no Java below this language; a few spellings are aliases."),
    Code("function_only", "error", "The helpers of functions are not available to the body."),
    Code(
        "prohibited_orchestration_transform",
        "error",
        "map, filter, reduce and their like belong into a :functions entry: the body only arranges steps.",
    ),
    Code(
        "unsupported_visual_flow_form",
        "error",
        "The visual editor draws no threading macro but ->, so the body has no other.",
    ),
)

_CLOSER_ELSEWHERE = ("(flow/step", "(flow/poll")  # how these are called has rules of its own


def _check(subject: Subject) -> Iterator[Diagnostic]:
    if subject.body is not None and subject.host:
        for problem in check(subject.body, BODY, subject.host):
            if problem.code != "arity_invalid" or not problem.form.startswith(_CLOSER_ELSEWHERE):
                yield _finding(problem, (":flow",))
    for path, code in subject.code_forms:
        for problem in _function_problems(code):
            yield _finding(problem, path)


def _function_problems(code: Form) -> tuple[Problem, ...]:
    """What is wrong with a function; where its text cannot be read another rule has said so."""
    try:
        return check_function(code)
    except LangError:
        return ()


def _finding(problem: Problem, path: Path) -> Diagnostic:
    return spanning(
        problem.code,
        problem.severity,
        problem.message,
        problem.place,
        problem.end,
        hint=problem.hint,
        path=path,
        form=problem.form,
    )


RULE = Rule(CODES, _check)
