"""Our own source, parsed once: modules, the dotted names that they use, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file of this repository."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def parts(self) -> tuple[str, ...]:
        """The path below the repository, the last part without `.py`."""
        return self.path.relative_to(ROOT).with_suffix("").parts

    @property
    def dotted(self) -> str:
        """The name that it is imported by."""
        return ".".join(self.parts).removesuffix(".__init__")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def imported(self) -> dict[str, str]:
        """Local name to dotted origin: `from time import time as now` gives `now: time.time`."""
        names: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    names[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return names

    def uses(self) -> Iterator[tuple[str, int]]:
        """Every dotted use of something imported, with its line: `datetime.datetime.now`, `os.environ`."""
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", node.lineno
            elif isinstance(node, ast.Attribute):
                dotted = self._dotted(node)
                if dotted is not None:
                    yield dotted, node.lineno

    def _dotted(self, node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return self.imported.get(node.id)
        if isinstance(node, ast.Attribute):
            head = self._dotted(node.value)
            return None if head is None else f"{head}.{node.attr}"
        return None


def modules_below(*folders: str) -> list[Module]:
    """All Python files in these folders of the repository, sorted by path."""
    return [module_at(path) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@cache
def module_at(path: Path) -> Module:
    """The one module of a path, so that each file is parsed once however many rules look at it."""
    return Module(path)


PACKAGE = modules_below("gitflow_runner")
ALL = modules_below("gitflow_runner", "tests")

# Above the line: what may know the time, chance and the environment.
SHELL = {"cli", "hooks", "server", "runner"}
BELOW_RUNNER = [module for module in PACKAGE if len(module.parts) > 1 and module.parts[1] not in SHELL]
