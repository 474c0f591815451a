"""Imports are absolute, at the top, and cheap where people wait; pyproject.toml holds the layers."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests.architecture.source import ALL, PACKAGE, ROOT, Module

HEAVY = (
    "httpx",
    "paramiko",
    "psycopg",
    "sqlalchemy",
    "jinja2",
    "starlette",
    "dulwich",
    "pygit2",
    "cryptography",
    "yaml",
)

# A face starts on every keystroke and on every push: it loads what it needs when it needs it.
FACES = [
    module.dotted
    for module in PACKAGE
    if module.dotted in ("gitflow_runner.cli.main", "gitflow_runner.cli.version")
    or module.dotted.startswith("gitflow_runner.hooks")
]


def test_imports_are_absolute() -> None:
    relative = [
        f"{module}:{node.lineno}"
        for module in ALL
        for node in module.nodes
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert relative == []


def test_imports_stand_at_the_top() -> None:
    deferred = {
        f"{module}:{node.lineno}"
        for module in PACKAGE
        if not may_defer(module)
        for function in module.nodes
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert deferred == set()


def test_no_import_exists_for_the_type_checker_alone() -> None:
    checked = [
        f"{module}:{line}"
        for module in PACKAGE
        for name, line in module.uses()
        if name == "typing.TYPE_CHECKING"
    ]
    assert checked == []


@pytest.mark.parametrize("face", FACES)
def test_a_face_loads_without_the_heavy_libraries(face: str) -> None:
    program = f"import sys, {face}; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def may_defer(module: Module) -> bool:
    """The command line's loading of commands, the composition root, and registries of kinds."""
    return (
        module.parts[:2] == ("gitflow_runner", "cli")
        or module.dotted == "gitflow_runner.runner.compose"
        or module.parts[-1] == "registry"
    )
