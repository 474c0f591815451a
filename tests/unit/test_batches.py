"""Rows of JSON from a stream: one answer each, in order, whatever is wrong with one of them."""

from __future__ import annotations

import io

from gitflow_runner.errors import Place, RefusedError
from gitflow_runner.runner.batches import MAX_LINE, answers
from gitflow_runner.trust.batch import Json


def echo(row: Json) -> Json:
    match row.get("n"):
        case "refused":
            raise RefusedError("policy.none", "no policy", at=Place("p.edn", 3, 7))
        case "defect":
            raise ZeroDivisionError("by zero")
        case n:
            return {"n": n}


def answered(text: bytes) -> list[object]:
    found = list(answers(io.BytesIO(text), echo))
    return [f["error"]["code"] if "error" in f else f["n"] for f in found]  # type: ignore[index]


def test_every_row_is_answered_in_order_and_empty_lines_are_none() -> None:
    assert answered(b'{"n": 1}\n\n  \n{"n": 2}\n{"n": 3}') == [1, 2, 3]


def test_a_bad_row_is_answered_with_its_error_and_the_next_one_is_judged() -> None:
    rows = [b"{", b"[]", b"\xff", b'{"n": "refused"}', b'{"n": "defect"}', b"[" * 100_000, b'{"n": 1}']
    codes = [*["batch.row"] * 3, "policy.none", "internal", "batch.row", 1]
    assert answered(b"\n".join(rows)) == codes


def test_an_error_says_where() -> None:
    assert list(answers(io.BytesIO(b'{"n": "refused"}'), echo)) == [
        {
            "error": {
                "code": "policy.none",
                "message": "no policy",
                "at": {"file": "p.edn", "line": 3, "col": 7},
            }
        }
    ]


def test_a_line_without_end_is_passed_over_whole() -> None:
    assert answered(b"{" + b" " * MAX_LINE + b'"n": 1}\n{"n": 2}\n') == ["batch.row", 2]
    assert answered(b" " * (MAX_LINE + 5)) == ["batch.row"]
