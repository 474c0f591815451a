"""Every code with which reading, checking or running a flow can end is one that `gfr explain` knows."""

import ast
import re
from collections.abc import Iterator

from gitflow_runner.catalog.explain import explanations
from tests.architecture.source import BELOW_RUNNER, Module

EXPLAINED = ("lang", "catalog", "model", "engine")
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z_]+)?")
SPEAK = (
    "problem",
    "warn",
    "Refusal",
    "Failure",
    "_thrown",
    "Code",
    "from_error",
)  # beside what ends in Error


def codes(module: Module) -> Iterator[tuple[str, int]]:
    """The codes that a module gives to errors and findings, with their lines."""
    for node in module.nodes:
        if isinstance(node, ast.Call) and node.args and _speaks(node.func):
            first = node.args[0]
            if (
                isinstance(first, ast.Constant)
                and isinstance(first.value, str)
                and CODE.fullmatch(first.value)
            ):
                yield first.value, node.lineno


def _speaks(called: ast.expr) -> bool:
    match called:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name in SPEAK or name.endswith("Error")
        case _:
            return False


def test_every_code_about_flows_is_explained() -> None:
    known = {each.code for each in explanations()}
    found = {
        (code, f"{module}:{line}")
        for module in BELOW_RUNNER
        if module.parts[1] in EXPLAINED
        for code, line in codes(module)
    }
    assert len({code for code, _ in found}) > 100
    assert sorted(each for each in found if each[0] not in known) == []
