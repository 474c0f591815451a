"""Files and functions stay small, and names say what is inside."""

from __future__ import annotations

import ast

from tests.architecture.source import ALL, PACKAGE

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def test_a_file_stays_within_its_length() -> None:
    lengths = {str(module): len(module.text.splitlines()) for module in ALL}
    too_long = {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}
    assert too_long == {}, "it holds more than one noun"


def test_a_function_stays_within_its_length() -> None:
    too_long = {
        f"{module}:{node.lineno} {node.name}": lines
        for module in ALL
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
        and not is_one_flat_match(node)
    }
    assert too_long == {}


def test_no_module_is_named_after_nothing() -> None:
    assert [str(module) for module in ALL if not EMPTY_NAMES.isdisjoint(module.parts)] == []


def test_a_module_says_in_one_sentence_what_it_holds() -> None:
    first_lines = {str(module): (ast.get_docstring(module.tree) or "").split("\n")[0] for module in PACKAGE}
    assert {path: line for path, line in first_lines.items() if not line.endswith(".")} == {}


def is_one_flat_match(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """True if the body is a docstring and one `match` whose cases are one simple statement each."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if len(body) != 1 or not isinstance(body[0], ast.Match):
        return False
    compound = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.FunctionDef)
    return all(len(case.body) == 1 and not isinstance(case.body[0], compound) for case in body[0].cases)


def test_a_flat_match_is_told_from_a_deep_one() -> None:
    flat = "def f(x):\n    'Say it.'\n    match x:\n        case 1:\n            return a(x)\n"
    deep = "def f(x):\n    match x:\n        case 1:\n            if x:\n                return 2\n"
    assert [is_one_flat_match(ast.parse(text).body[0]) for text in (flat, deep)] == [True, False]  # type: ignore[arg-type]
