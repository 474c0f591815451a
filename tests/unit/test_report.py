"""Findings for other tools: GitHub's annotations and SARIF."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from jsonschema import Draft7Validator

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.report import github_lines, sarif
from tests.golden.test_lint import BAD, found_in

FOUND = Diagnostic(
    "unbound_symbol", "error", "no x: 50%\nat all", "use y", ".breyta/flows/a,b.edn", 3, 4, 3, 9
)
BARE = Diagnostic("closure.size", "warning", "too large")
ALL = [each for path in BAD for each in found_in(path)]

# The part of SARIF 2.1.0 that is spoken here: required members and allowed values. It is closed, so that a
# member that SARIF does not have is noticed. All documents of this file passed the whole schema, too.
_TEXT = {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_FROM_1 = {"type": "integer", "minimum": 1}
_REGION = {
    "type": "object",
    "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), _FROM_1),
    "required": ["startLine"],
    "additionalProperties": False,
}
_ARTIFACT = {
    "type": "object",
    "properties": {"uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~%/-]+$"}},  # a relative reference
    "required": ["uri"],
    "additionalProperties": False,
}


def _object(required: tuple[str, ...], **properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_RULE = _object(
    ("id",), id={"type": "string"}, shortDescription=_TEXT, defaultConfiguration=_object((), level=_LEVEL)
)
_DRIVER = _object(
    ("name",),
    name={"type": "string"},
    version={"type": "string"},
    rules={"type": "array", "items": _RULE, "uniqueItems": True},
)
_PLACE = _object(
    (), physicalLocation=_object(("artifactLocation",), artifactLocation=_ARTIFACT, region=_REGION)
)
_RESULT = _object(
    ("message",),
    ruleId={"type": "string"},
    level=_LEVEL,
    message=_TEXT,
    locations={"type": "array", "items": _PLACE},
)
_RUN = _object(
    ("tool",),
    tool=_object(("driver",), driver=_DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": _RESULT},
)
SARIF = Draft7Validator(
    _object(
        ("version", "runs"),
        **{
            "$schema": {"type": "string"},
            "version": {"const": "2.1.0"},
            "runs": {"type": "array", "items": _RUN},
        },
    )
)


def test_an_annotation_escapes_what_would_end_it() -> None:
    place = "file=.breyta/flows/a%2Cb.edn,line=3,endLine=3,col=4,endColumn=9,title=unbound_symbol"
    assert github_lines([FOUND, BARE]) == [
        f"::error {place}::no x: 50%25%0Aat all (fix: use y)",
        "::warning title=closure.size::too large",
    ]


@pytest.mark.parametrize("text", ["a:b,c", "::error::x", "50%\r\n%0A", "%25", "\r", "é😀"])
def test_an_annotation_reads_back_as_what_was_meant(text: str) -> None:
    (line,) = github_lines([replace(FOUND, message=text, hint=None, file=text)])
    # As a runner takes a line apart: the command, its properties up to the next ::, the rest is the message.
    command = re.fullmatch(r"::(\w+) ((?:\w+=[^:,\r\n]*,?)+)::([^\r\n]*)", line)
    assert command is not None
    properties = dict(each.split("=", 1) for each in command[2].split(","))
    assert (command[1], _undone(command[3], "%0D%0A%25"), _undone(properties["file"], "%0D%0A%3A%2C%25")) == (
        "error",
        text,
        text,
    )


def _undone(text: str, escapes: str) -> str:
    """What a runner makes of it: each escape replaced, the percent sign last."""
    for escape in re.findall("%..", escapes):
        text = text.replace(escape, chr(int(escape[1:], 16)))
    return text


def test_an_annotation_of_several_lines_has_no_columns() -> None:
    (line,) = github_lines([replace(FOUND, end_line=5)])
    assert line.startswith("::error file=.breyta/flows/a%2Cb.edn,line=3,endLine=5,title=unbound_symbol::")


def test_a_hint_is_a_notice_there_and_a_note_in_sarif() -> None:
    hint = replace(BARE, severity="hint")
    assert github_lines([hint]) == ["::notice title=closure.size::too large"]
    assert sarif([hint], "1")["runs"][0]["results"][0]["level"] == "note"  # type: ignore[index]


def test_sarif_names_rules_and_regions() -> None:
    document = sarif([FOUND, BARE], "1.2.3")
    run = document["runs"][0]  # type: ignore[index]
    assert document["version"] == "2.1.0"
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["closure.size", "unbound_symbol"]
    first, second = run["results"]
    assert (first["ruleId"], first["level"]) == ("unbound_symbol", "error")
    where = first["locations"][0]["physicalLocation"]
    assert where["artifactLocation"] == {"uri": ".breyta/flows/a%2Cb.edn"}
    assert where["region"] == {"startLine": 3, "startColumn": 4, "endLine": 3, "endColumn": 9}
    assert (second["level"], "locations" in second) == ("warning", False)


@pytest.mark.parametrize(
    "found", [ALL, [], [FOUND, BARE, replace(BARE, file=".breyta/flows/ä #1?.edn")]], ids=len
)
def test_sarif_is_of_its_form(found: list[Diagnostic]) -> None:
    document = sarif(found, "1.2.3")
    assert [error.message for error in SARIF.iter_errors(document)] == []
    run = document["runs"][0]  # type: ignore[index]
    assert {each["ruleId"] for each in run["results"]} <= {
        each["id"] for each in run["tool"]["driver"]["rules"]
    }
