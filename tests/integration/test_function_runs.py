"""Whole runs whose functions are called where the settings say, and what is recorded of those that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.model.event import RunFailed, RunSucceeded, StepFailed
from gitflow_runner.model.failure import Failure
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import WorkerLimits
from tests.memory_runs import IN_PROCESS, World

FLOW = """{:slug :hello :name "Hello" :concurrency {:type :singleton :on-new-version :supersede}
 :functions [{:id :twice :code '(fn [{:keys [n]}] {:n (* 2 n)})}
             {:id :endless :code '(fn [m]
   (loop [] (recur)))}]
 :flow '%s}
"""
TWICE = FLOW % "(flow/step :function :a {:ref :twice :input {:n 4}})"


def driven(world: World) -> Runtime:
    """Start the flow and drive it; the process that did so."""
    used: list[Runtime] = []

    def act(runtime: Runtime) -> None:
        used.append(runtime)
        world.start(runtime)

    assert world.process(act)
    return used[0]


def failures(world: World) -> list[Failure]:
    return [r.event.failure for r in world.history() if isinstance(r.event, StepFailed | RunFailed)]


@pytest.mark.parametrize(
    ("config", "isolated"),
    [("", True), (IN_PROCESS, False), ("functions: {drafts: worker, releases: worker}\n", True)],
)
def test_the_functions_of_a_draft_run_where_the_protected_branch_says(
    tmp_path: Path, config: str, isolated: bool
) -> None:
    world = World(tmp_path / "w", TWICE, config=config)
    runtime = driven(world)
    ended = world.history()[-1].event
    assert isinstance(ended, RunSucceeded)
    assert ended.output.text == "{:n 8}"
    assert (runtime.worker(WorkerLimits()).pid is not None) == isolated


def test_a_draft_cannot_choose_where_its_own_functions_run(tmp_path: Path) -> None:
    world = World(tmp_path / "w", TWICE, config="")
    world.branch("sly", {".breyta/flows/hello.edn": TWICE, ".breyta/config.yaml": IN_PROCESS})
    used: list[Runtime] = []

    def act(runtime: Runtime) -> None:
        used.append(runtime)
        world.start(runtime, "sly")

    assert world.process(act)
    assert used[0].worker(WorkerLimits()).pid is not None


def test_what_overruns_is_recorded_with_each_attempt_and_can_be_caught(tmp_path: Path) -> None:
    body = """(try (flow/step :function :a {:ref :endless :input {} :retry {:max-attempts 2 :backoff-ms 1}})
     (catch Exception e (:code (ex-data e))))"""
    config = "limits: {fuel: 1000000000000}\nfunctions: {wall-seconds: 1}\n"
    world = World(tmp_path / "w", FLOW % body, config=config)
    driven(world)
    found = [r.event for r in world.history() if isinstance(r.event, StepFailed)]
    assert [(e.attempt, e.failure.code, e.definite, e.retry_at is not None) for e in found] == [
        (1, "function.overrun", True, True),
        (2, "function.overrun", True, False),
    ]
    ended = world.history()[-1].event
    assert isinstance(ended, RunSucceeded)
    assert ended.output.text == '"function.overrun"'


@pytest.mark.parametrize("config", ["limits: {fuel: 1000}\n", f"limits: {{fuel: 1000}}\n{IN_PROCESS}"])
def test_a_used_up_budget_is_recorded_with_the_place_of_the_form(tmp_path: Path, config: str) -> None:
    world = World(tmp_path / "w", FLOW % "(flow/step :function :a {:ref :endless :input {}})", config=config)
    driven(world)
    step, run = failures(world)
    expected = ("fuel_exhausted", ".breyta/flows/hello.edn", 4, 13)
    assert (step.code, step.file, step.line, step.col) == expected
    assert run.code == "fuel_exhausted"


@pytest.mark.parametrize("config", ["", IN_PROCESS])
@pytest.mark.parametrize(
    ("code", "line", "col"),
    [
        ("'(fn [m]\n (inc (:n m)))", 6, 2),
        ("'#(inc\n (:n %))", 5, 42),
        ('"(fn [m]\n (inc (:n m)))"', 6, 2),
    ],
)
def test_an_inline_function_runs_and_fails_at_its_place(
    tmp_path: Path, config: str, code: str, line: int, col: int
) -> None:
    world = World(tmp_path / "w", FLOW % f"(flow/step :function :a {{:code {code}}})", config=config)
    driven(world)
    step, _ = failures(world)
    assert (step.code, step.step, step.file) == ("function.failed", "a", ".breyta/flows/hello.edn")
    assert (step.line, step.col) == (line, col)


def test_an_input_that_is_too_large_fails_its_step(tmp_path: Path) -> None:
    body = """(let [xs (vec (for [i (range 40000)] "0123456789"))]
      (flow/step :function :a {:ref :twice :input {:n xs}}))"""
    world = World(tmp_path / "w", FLOW % body)
    driven(world)
    assert [failure.code for failure in failures(world)] == ["value.too_large", "value.too_large"]
