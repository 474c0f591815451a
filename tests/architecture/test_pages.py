"""Pages tell the truth: links lead somewhere, commands of the Makefile exist, decisions are numbered."""

from __future__ import annotations

import re

import pytest

from tests.architecture.source import ROOT, modules_below

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)")
COMMAND = re.compile(r"(?:`|^)(?:[A-Z_]+=\S+ )*make ([a-z]+)", re.MULTILINE)
DECISION_PARTS = ("# ", "Status: ", "## Why", "## What follows")

page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


@page
def test_relative_links_lead_to_files(page) -> None:
    links = [target for target, _ in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in links if not (page.parent / target).exists()] == []


@page
def test_make_commands_exist(page) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(COMMAND.findall(page.read_text())) <= targets


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("record", sorted((ROOT / "docs/decisions").glob("[0-9]*.md")), ids=lambda p: p.name)
def test_a_decision_has_its_parts(record) -> None:
    text = record.read_text()
    assert [part for part in DECISION_PARTS if f"\n{part}" not in f"\n{text}"] == []


def test_the_map_names_every_package() -> None:
    packages = {module.parts[1] for module in modules_below("gitflow_runner") if len(module.parts) > 2}
    named = set(re.findall(r"[a-z]+", (ROOT / "AGENTS.md").read_text()))
    assert packages - named == set()
