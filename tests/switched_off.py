"""Switches off one check at a time in the code that decides on trust: a test has to notice each.

As a program it runs pytest with one check off: `python -m tests.switched_off MODULE NUMBER PYTEST-ARGUMENT…`.
The module is changed while it is imported; no file is.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder, SourceLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

import pytest

from tests.held_twice import HELD_TWICE

_ROOT: Final = Path(__file__).parent.parent
_REFUSING: Final = ("check", "require", "refuse", "_check", "_require", "_refuse")
"""How the functions begin that return nothing and raise a refusal."""


@dataclass(frozen=True)
class Check:
    """One check of a module: the `number`-th that can be switched off there."""

    module: str
    number: int
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.module.removeprefix('gitflow_runner.')}:{self.line} {self.what}"

    @property
    def held_twice(self) -> bool:
        """Whether another check is known to refuse the same, so that nobody can notice."""
        return (self.module.rpartition(".")[2], self.what) in HELD_TWICE


class _Switch(ast.NodeTransformer):
    """Finds the checks in the order of the source; the one of number `off` is taken away."""

    def __init__(self, off: int | None = None) -> None:
        self.found: list[tuple[int, str]] = []
        self._off = off

    def _here(self, node: ast.expr | ast.stmt, what: str) -> bool:
        self.found.append((node.lineno, what))
        return len(self.found) - 1 == self._off

    def visit_If(self, node: ast.If) -> ast.AST:
        """`if bad: raise …` as a whole, and every part of its condition."""
        if any(isinstance(statement, ast.Raise) for statement in node.body):
            if self._here(node, f"never: if {ast.unparse(node.test)}"):
                node.test = _constant(False, node.test)
            elif isinstance(node.test, ast.BoolOp):
                neutral, whole = isinstance(node.test.op, ast.And), ast.unparse(node.test)
                for index, part in enumerate(node.test.values):
                    if self._here(part, f"without {ast.unparse(part)} in: if {whole}"):
                        node.test.values[index] = _constant(neutral, part)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """`check_this(…)` for the sake of what it refuses."""
        call = node.value
        refusing = isinstance(call, ast.Call) and _name(call.func).startswith(_REFUSING)
        if refusing and self._here(node, f"left out: {ast.unparse(call)}"):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)


def _constant(value: bool, node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Constant(value), node)


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def checks_of(module: str) -> Iterator[Check]:
    """Every check of the module that can be switched off."""
    switch = _Switch()
    switch.visit(ast.parse(_file(module).read_text()))
    for number, (line, what) in enumerate(switch.found):
        yield Check(module, number, line, what)


def modules_of(package: str) -> list[str]:
    """The dotted names of a package's modules, sorted."""
    folder = _ROOT.joinpath(*package.split("."))
    return sorted(f"{package}.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__")


def _file(module: str) -> Path:
    return _ROOT.joinpath(*module.split(".")).with_suffix(".py")


class _Loader(SourceLoader):
    """Loads one module with one check off."""

    def __init__(self, module: str, number: int) -> None:
        self._module = module
        self._number = number

    def get_filename(self, fullname: str) -> str:
        return str(_file(fullname))

    def get_data(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = _Switch(self._number).visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec")


class _Finder(MetaPathFinder):
    def __init__(self, module: str, number: int) -> None:
        self._module = module
        self._number = number

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._module:
            return None
        return importlib.util.spec_from_loader(fullname, _Loader(fullname, self._number))


def main(arguments: Sequence[str]) -> int:
    """Run pytest with one check off; its exit status."""
    module, number, *rest = arguments
    sys.meta_path.insert(0, _Finder(module, int(number)))
    return int(pytest.main(rest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
