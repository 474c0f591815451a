"""Findings as records, as lines, with a frame, and in order."""

from gitflow_runner.catalog.diagnostic import Diagnostic, frame, from_error, in_order
from gitflow_runner.errors import LangError, Place

SLOT = Diagnostic("unknown_slot", "error", "uses :prod", "add it", "a.edn", 2, 14, 2, 19, (":flow",), ":prod")
TEXT = "{:slug :a\n :connection :prod\n :z 1}"


def test_a_frame_shows_the_line_before_and_a_caret_below() -> None:
    assert frame(TEXT, SLOT).splitlines() == [
        "a.edn:2:14 unknown_slot uses :prod",
        "   1 | {:slug :a",
        "   2 |  :connection :prod",
        "     |              ^^^^^",
        "   fix: add it     (gfr explain unknown_slot)",
    ]


def test_a_frame_never_prints_what_a_terminal_would_act_on() -> None:
    shown = frame("\x1b[31mred\n\u202e x", Diagnostic("c", "error", "m", None, "a.edn", 2, 3))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_finding_outside_the_text_has_no_frame() -> None:
    assert frame("", Diagnostic("c", "error", "m", "do", "a.edn", 9, 9)) == "a.edn:9:9 c m\n   fix: do"


def test_the_record_has_the_hyphenated_names_and_only_what_is_known() -> None:
    assert SLOT.as_json() == {
        "code": "unknown_slot",
        "severity": "error",
        "message": "uses :prod",
        "hint": "add it",
        "file": "a.edn",
        "line": 2,
        "col": 14,
        "end-line": 2,
        "end-col": 19,
        "path": [":flow"],
        "form": ":prod",
    }
    assert Diagnostic("c", "hint", "m").as_json() == {"code": "c", "severity": "hint", "message": "m"}


def test_findings_come_in_the_order_of_the_text_and_once() -> None:
    late = Diagnostic("a", "error", "m", file="a.edn", line=10, col=1)
    early = Diagnostic("b", "error", "m", file="a.edn", line=9, col=80)
    assert in_order([late, early, late]) == (early, late)


def test_an_error_becomes_a_finding_at_its_place() -> None:
    found = from_error(LangError("reader_limit", "too deep", hint="less", at=Place("a.edn", 3, 4)))
    assert (found.code, found.file, found.line, found.col, found.hint) == (
        "reader_limit",
        "a.edn",
        3,
        4,
        "less",
    )
