"""Findings in the formats of other tools: annotations of a GitHub job, and SARIF for code scanning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from gitflow_runner.catalog.diagnostic import Diagnostic, Severity
from gitflow_runner.catalog.explain import explanations

_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "hint": "note"}
_ANNOTATIONS: dict[Severity, str] = {"error": "error", "warning": "warning", "hint": "notice"}


def github_lines(found: Iterable[Diagnostic]) -> list[str]:
    """One workflow command a finding; a job's log turns it into an annotation at its line."""
    return [_annotation(each) for each in found]


def _annotation(found: Diagnostic) -> str:
    # An annotation of several lines cannot have columns.
    columns = found.end_line in (None, found.line)
    known = {
        "file": found.file,
        "line": found.line,
        "endLine": found.end_line,
        "col": found.col if columns else None,
        "endColumn": found.end_col if columns else None,
        "title": found.code,
    }
    properties = ",".join(f"{name}={_property(value)}" for name, value in known.items() if value is not None)
    return f"::{_ANNOTATIONS[found.severity]} {properties}::{_message(_told(found))}"


def _told(found: Diagnostic) -> str:
    return found.message if found.hint is None else f"{found.message} (fix: {found.hint})"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _message(str(value)).replace(":", "%3A").replace(",", "%2C")


def sarif(found: Sequence[Diagnostic], version: str) -> dict[str, object]:
    """A SARIF 2.1.0 document; columns count code points."""
    used = {each.code for each in found}
    rules = [
        {
            "id": each.code,
            "shortDescription": {"text": each.text},
            "defaultConfiguration": {"level": _LEVELS[each.severity]},
        }
        for each in explanations()
        if each.code in used
    ]
    driver = {"name": "gitflow-runner", "version": version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each) for each in found],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _result(found: Diagnostic) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": found.code,
        "level": _LEVELS[found.severity],
        "message": {"text": _told(found)},
    }
    if found.file is None:
        return result
    place: dict[str, object] = {"artifactLocation": {"uri": quote(found.file)}}  # a URI, not a path
    spans = {
        "startLine": found.line,
        "startColumn": found.col,
        "endLine": found.end_line,
        "endColumn": found.end_col,
    }
    region = {name: value for name, value in spans.items() if value is not None}
    if region:
        place["region"] = region
    return result | {"locations": [{"physicalLocation": place}]}
