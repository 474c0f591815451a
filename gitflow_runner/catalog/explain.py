"""What `gfr explain CODE` says: every code that reading, checking or running a flow's text may end with."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.catalog.codes import ASKING, READING, RUNNING
from gitflow_runner.catalog.diagnostic import Severity
from gitflow_runner.catalog.lint.registry import RULES
from gitflow_runner.catalog.nearest import did_you_mean
from gitflow_runner.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code, how bad it is by default, and what it means."""

    code: str
    severity: Severity
    text: str


def explanations() -> tuple[Explanation, ...]:
    """All codes, sorted by name."""
    texts = {**READING, **RUNNING, **ASKING}
    found = {name: Explanation(name, "error", text) for name, text in texts.items()}
    for rule in RULES:
        for code in rule.codes:
            found[code.name] = Explanation(code.name, code.severity, code.explain)
    return tuple(found[name] for name in sorted(found))


def explain(code: str) -> Explanation:
    """The explanation of one code; `NotFoundError` (`code.unknown`) with the nearest names."""
    known = {each.code: each for each in explanations()}
    if code not in known:
        hint = did_you_mean(code, known)
        raise NotFoundError("code.unknown", f"no finding has the code {code[:80]!r}", hint=hint)
    return known[code]
