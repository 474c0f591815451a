"""The example flows of `:llm` and `:agent` as whole runs: no network, and each question in history."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.model.event import RunSucceeded, StepStarted
from tests.architecture.source import ROOT
from tests.memory_runs import World


@pytest.mark.parametrize(
    ("name", "steps", "output"),
    [
        (
            "llm",
            ["sort/model", "sort/tool:similar", "sort/model#1"],
            '{:label "bug", :tokens 13}',
        ),
        (
            "agent",
            ["writer/model", "writer/tool:critic", "writer/model#1"],
            '{:summary "mock answer to: Objective: Sum up the change in one sentence.\\n\\nInputs:\\ntitle: '
            'Fix the build", :calls 1}',
        ),
    ],
)
def test_an_example_runs_offline(tmp_path: Path, name: str, steps: list[str], output: str) -> None:
    text = (ROOT / f"templates/examples/{name}.edn").read_text().replace(f":slug :{name}", ":slug :hello")
    world = World(tmp_path / "world", text)
    assert world.process(world.start)
    events = [recorded.event for recorded in world.history()]
    assert [event.identity for event in events if isinstance(event, StepStarted)] == steps
    last = events[-1]
    assert isinstance(last, RunSucceeded), last
    assert last.output.text == output
    assert world.outside.arrived == []
