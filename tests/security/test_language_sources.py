"""The library of the language is closed: its source reaches nothing that could lead out of it."""

from __future__ import annotations

import ast
from pathlib import Path

import gitflow_runner.lang

ROOT = Path(gitflow_runner.lang.__file__).parent
REACHING = frozenset(
    (
        "eval",
        "exec",
        "compile",
        "open",
        "getattr",
        "setattr",
        "__import__",
        "globals",
        "vars",
        "input",
        "print",
    )
)
OUTWARD = frozenset(
    ("os", "sys", "io", "subprocess", "socket", "pathlib", "random", "secrets", "time", "pickle", "importlib")
)
PATTERNS_OF_OUR_OWN = frozenset(
    (
        "core/durations.py",
        "core/formatting.py",
        "core/json.py",
        "core/timepatterns.py",
        "core/timevalues.py",
        "data.py",
        "instants.py",
        "literals.py",
        "printer.py",
        "reader.py",
        "template_syntax.py",
        "values.py",
    )
)


def _modules() -> list[tuple[str, ast.Module]]:
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(ROOT.rglob("*.py"))
    ]


def test_nothing_reaches_names_that_data_could_choose() -> None:
    found = [
        (name, node.func.id)
        for name, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REACHING
    ]
    assert found == []


def test_nothing_imports_files_processes_clocks_or_chance() -> None:
    found = []
    for name, tree in _modules():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                modules.append(node.module)
            found += [(name, module) for module in modules if module.split(".")[0] in OUTWARD]
    assert found == []


def test_backtracking_patterns_are_ours_and_never_a_users() -> None:
    importing = {
        name
        for name, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and any(alias.name == "re" for alias in node.names)
    }
    assert importing - PATTERNS_OF_OUR_OWN == set()
    for name, tree in _modules():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
            ):
                assert isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp), name


def test_templates_of_users_never_meet_python_formatting() -> None:
    found = [
        name
        for name, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("format", "format_map")
    ]
    assert found == []
