"""Each step type has a page made from its spec, and a whole flow that shows it."""

from __future__ import annotations

import pytest

from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.sources import MemoryTexts
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.runner.step_pages import pages
from gitflow_runner.steps.registry import Steps, built_in
from tests.architecture.source import ROOT

PAGES = ROOT / "docs/reference/steps"
EXAMPLES = ROOT / "templates/examples"
SPECS = {name: Steps().spec(name) for name in built_in()}


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_is_what_the_step_says(name: str) -> None:
    assert (PAGES / name).read_text() == pages()[name], "run: make docs"


def test_there_is_no_page_of_anything_else() -> None:
    assert {path.name for path in PAGES.iterdir()} == set(pages())


@pytest.mark.parametrize("name", built_in())
def test_a_step_has_an_example_flow_without_findings(name: str) -> None:
    text = (EXAMPLES / f"{name}.edn").read_text()
    assert lint(MemoryTexts({f"{name}.edn": text}), name, SPECS, HOST_NAMES) == ()
    assert f"(flow/step :{name} " in text
