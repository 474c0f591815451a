"""Whether a file is a flow at all: the findings that keep it from being loaded."""

from __future__ import annotations

from gitflow_runner.catalog.diagnostic import Diagnostic, in_order
from gitflow_runner.catalog.lint.registry import RULES
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.errors import LangError, Place


def blocking(subject: Subject) -> tuple[Diagnostic, ...]:
    """The errors of the rules that a flow must keep to have a meaning, sorted by position."""
    found = (each for rule in RULES if rule.blocks for each in rule.check(subject))
    return in_order(each for each in found if each.is_error)


def require_valid(subject: Subject) -> None:
    """Raise the first blocking finding as a `LangError`; `details.diagnostics` holds all of them."""
    found = blocking(subject)
    if not found:
        return
    first = found[0]
    raise LangError(
        first.code,
        first.message,
        hint=first.hint,
        at=Place(file=first.file, line=first.line, col=first.col),
        fix=(f"gfr lint {subject.slug}",),
        details={"diagnostics": [each.as_json() for each in found]},
    )
