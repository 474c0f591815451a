"""Expressions by the line: values printed, errors coded, and one line's trouble never another's."""

from __future__ import annotations

import json

import pytest

from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import LangError
from gitflow_runner.lang.batch import Bench
from gitflow_runner.lang.fuel import Limits

BENCH = Bench(HOST_NAMES, Limits(fuel=100_000))


def answer(expr: object, env: str | None = None) -> dict[str, object]:
    asked = {"expr": expr} | ({"env": env} if env is not None else {})
    given: dict[str, object] = json.loads(BENCH.answer(json.dumps(asked).encode()))
    return given


def test_a_value_comes_printed() -> None:
    assert answer("(map inc [1 2 3])") == {"ok": True, "value": "(2 3 4)"}


def test_a_quoted_form_is_data_and_not_unwrapped() -> None:
    assert answer("'(quote (a 1))") == {"ok": True, "value": "(quote (a 1))"}


def test_what_code_throws_has_a_place() -> None:
    given = answer("(str 1\n  (/ 1 0))")
    assert (given["code"], given["line"], given["col"]) == ("uncaught", 2, 3)
    assert given["message"] == "ArithmeticException: Divide by zero"


@pytest.mark.parametrize(
    ("expr", "code"),
    [
        ("", "clojure_reader_invalid"),
        ("1 2", "clojure_reader_invalid"),
        ("(+ 1", "clojure_delimiters_invalid"),
        ('"a', "clojure_syntax_invalid"),
        ("#=(+ 1 2)", "clojure_reader_eval_disabled"),
        ("(foo 1)", "unbound_symbol"),
        ("(slurp 1)", "io_forbidden"),
        ("inc", "not_data"),
        ("(loop [] (recur))", "fuel_exhausted"),
        ("((fn f [n] (+ 1 (f n))) 1)", "depth_exceeded"),
        ("(" * 300 + ")" * 300, "reader_limit"),
        ('"\ud800"', "encoding_invalid"),
        ("(flow/input)", "unbound_symbol"),
    ],
)
def test_a_refusal_has_its_code(expr: str, code: str) -> None:
    given = answer(expr)
    assert given["ok"] is False
    assert given["code"] == code


def test_the_body_has_its_own_library_and_no_run() -> None:
    assert answer("(for [x [1 2]] (inc x))", "body") == {"ok": True, "value": "[2 3]"}
    assert answer("(map inc [1])", "body")["code"] == "prohibited_orchestration_transform"
    assert answer("(if false (flow/input) 1)", "body") == {"ok": True, "value": "1"}
    given = answer("(do (flow/step :http :a {}))", "body")
    assert (given["code"], given["line"], given["col"]) == ("host_unbound", 1, 5)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "eval.line_malformed"),
        (b"{", "eval.line_malformed"),
        (b"\xff", "eval.line_malformed"),
        (b"[" * 100_000, "eval.line_malformed"),
        (b'{"expr": ' + b"1" * 5_000 + b"}", "eval.line_malformed"),
        (b'"(+ 1 2)"', "eval.line_malformed"),
        (b'{"env": "body"}', "eval.line_malformed"),
        (b'{"expr": "1", "env": 2}', "eval.line_malformed"),
        (b'{"expr": "1", "env": "shell"}', "eval.environment"),
    ],
)
def test_a_bad_line_is_answered(line: bytes, code: str) -> None:
    given = json.loads(BENCH.answer(line))
    assert (given["ok"], given["code"]) == (False, code)


def test_each_line_has_a_budget_of_its_own() -> None:
    heavy = "(reduce + (range 30000))"
    assert [answer(heavy)["ok"] for _ in range(10)] == [True] * 10


def test_the_single_form_raises_what_the_line_tells() -> None:
    with pytest.raises(LangError) as refused:
        BENCH.printed("(let [x 1] (foo) (bar))")
    assert refused.value.code == "unbound_symbol"
    problems = refused.value.details["problems"]
    assert [problem["col"] for problem in problems] == [13, 19]  # type: ignore[attr-defined]
    assert json.dumps(problems)
