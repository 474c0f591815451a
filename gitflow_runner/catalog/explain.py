"""What `gfr explain CODE` says: every code that a finding about a flow's text may carry."""

from __future__ import annotations

from dataclasses import dataclass

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


_READING = {
    "clojure_delimiters_invalid": (
        "A bracket is not closed, or closed by one of another kind. The message names the place "
        "of the bracket that was opened."
    ),
    "clojure_syntax_invalid": "A text or regex is not closed by its quotation mark.",
    "clojure_reader_invalid": (
        "The text is not readable as Clojure data: an unknown reader macro, a map with an odd "
        "number of forms, a key that stands there twice, or something after the one map of the "
        "file."
    ),
    "clojure_reader_eval_disabled": "#= would run code while the file is read; it is refused everywhere.",
    "reader_limit": "The text is larger, deeper or has more forms than the reader accepts.",
    "encoding_invalid": "Flow files are UTF-8.",
    "flow_include_invalid": (
        '#flow/include "path" takes a path relative to the file that it stands in. It must stay '
        "below .breyta/flows/, name an existing file, and not lead back to itself."
    ),
    "closure.mode": (
        "A file of the flow is a symbolic link, a submodule or has an odd mode. Only ordinary "
        "files are read, since what a link shows is not what was signed."
    ),
    "closure.twin": (
        "Two names differ only in case or in how their letters are composed; on some disks they are one file."
    ),
    "closure.path": (
        "A name could mean two things: it is absolute, leaves the folder, or holds control characters."
    ),
    "closure.size": "A file is larger than 256 KB, or the flow with its includes than 2.5 MB.",
    "closure.unreadable": "The file system refuses to show the file.",
}


def explanations() -> tuple[Explanation, ...]:
    """All codes, sorted by name."""
    found = {name: Explanation(name, "error", text) for name, text in _READING.items()}
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
