"""Every command of ours that a message, a hint or a page names can be typed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import click
import pytest

from gitflow_runner.cli.main import COMMANDS, cli
from tests.architecture.source import ROOT, modules_below

TEXTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "tests").glob("*.md")),
]
# After a quotation mark, a backquote or a line's begin it is a command; within a sentence it may be prose.
QUOTED = re.compile(r"(?:^|`)gfr ([a-z]+)(?: ([a-z]+)\b)?", re.MULTILINE)


def problems(named: Iterator[tuple[str, str]]) -> list[str]:
    context = click.Context(cli)
    found = []
    for first, second in named:
        if first not in COMMANDS:
            found.append(f"gfr {first}")
            continue
        command = cli.get_command(context, first)
        if isinstance(command, click.Group) and second and command.get_command(context, second) is None:
            found.append(f"gfr {first} {second}")
    return found


def test_what_the_program_says() -> None:
    texts = (
        node.value
        for module in modules_below("gitflow_runner")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert problems(named for text in texts for named in QUOTED.findall(text)) == []


@pytest.mark.parametrize("page", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_says(page) -> None:
    assert problems(iter(QUOTED.findall(page.read_text()))) == []


@pytest.mark.parametrize("text", ["gfr flows list", "see `gfr nothing`"])
def test_a_command_that_is_none_is_found(text: str) -> None:
    assert len(problems(iter(QUOTED.findall(text)))) == 1
