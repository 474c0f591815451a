"""What `gfr explain CODE` says: every code with which anything here may end, or that a check may find."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.catalog.codes import TABLES
from gitflow_runner.catalog.diagnostic import Severity
from gitflow_runner.catalog.lint.registry import RULES
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code, how bad it is by default, what it means and comes from, and the command to type next."""

    code: str
    severity: Severity
    text: str
    next: str


def explanations() -> tuple[Explanation, ...]:
    """All codes, sorted by name."""
    found = {
        name: Explanation(name, "error", told.text, told.next)
        for table in TABLES
        for name, told in table.items()
    }
    for rule in RULES:
        for code in rule.codes:
            found[code.name] = Explanation(code.name, code.severity, code.explain, "gfr lint FLOW")
    return tuple(found[name] for name in sorted(found))


def explain(code: str) -> tuple[Explanation, ...]:
    """The explanations of one code, which may stand without its family, as verdicts print it.

    `payload` is that of an approval and that of a wait; `NotFoundError` (`code.unknown`) names the nearest.
    """
    known = {each.code: each for each in explanations()}
    if code in known:
        return (known[code],)
    found = tuple(each for name, each in known.items() if name.partition(".")[2] == code)
    if not found:
        hint = did_you_mean(code, known)
        raise NotFoundError(
            "code.unknown", f"nothing ends with the code {code[:80]!r}", hint=hint, fix=("gfr explain",)
        )
    return found
