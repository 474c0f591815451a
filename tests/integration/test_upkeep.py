"""A repository that is driven a lot stays one with few packs, whoever writes meanwhile."""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.git.maintenance import count_packs, survey
from gitflow_runner.ledger.lease import hold_maintenance
from gitflow_runner.runner.clock import CountedJitter
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.upkeep import after_driving, when_idle
from tests.real_clone import SLUG, Clone

FLOW = """{:slug :hello :name "Writes" :concurrency {:type :keyed :key-field :lane :on-new-version :coexist}
 :invocations {:default {:inputs [{:name :n :type :number :default 1} {:name :lane :default "a"}]}}
 :interfaces {:manual [{:id :start :invocation :default :label "Go"}]}
 :flow '(loop [i 0 last nil]
          (if (< i (:n (flow/input)))
            (recur (inc i) (flow/step :kv :count {:operation :increment :key "n"}))
            {:n (:value last)}))}
"""


def runtime(clone: Clone) -> Runtime:
    said: list[str] = []
    made = compose(clone.folder, environment=clone.environment, jitter=CountedJitter(7), say=said.append)
    assert said == []
    return made


def test_a_long_run_leaves_few_packs_behind(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", FLOW)
    tools = runtime(clone)
    stood = Service(tools).start(SLUG, "draft", {"n": 30}, told=lambda run, changed: None)
    assert stood.run.status == "succeeded"
    assert count_packs(tools.repository.common_dir) < 10
    assert clone.git("fsck", "--strict", "--no-dangling") == ""


def test_a_short_run_tidies_nothing(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", FLOW)
    tools = runtime(clone)
    Service(tools).start(SLUG, "draft", {"n": 2}, told=lambda run, changed: None)
    assert 3 < count_packs(tools.repository.common_dir) < 50
    assert after_driving(tools) is False
    assert when_idle(tools) is False


def test_only_one_process_tidies_at_a_time(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", FLOW)
    tools = runtime(clone)
    with hold_maintenance(tools.repository.common_dir, "another"):
        Service(tools).start(SLUG, "draft", {"n": 30}, told=lambda run, changed: None)
        assert count_packs(tools.repository.common_dir) >= 50
        assert when_idle(tools) is False
    assert when_idle(tools) is True
    assert count_packs(tools.repository.common_dir) < 10


def test_a_failure_to_tidy_is_said_and_the_run_stands(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", FLOW)
    said: list[str] = []
    tools = compose(clone.folder, environment=clone.environment, say=said.append)
    shallow = tools.repository.common_dir / "shallow"
    shallow.write_text("not an id\n")
    stood = Service(tools).start(SLUG, "draft", {"n": 30}, told=lambda run, changed: None)
    shallow.unlink()
    assert stood.run.status == "succeeded"
    assert len(said) == 1
    assert "could not be tidied" in said[0]


def test_refs_are_packed_when_there_are_many(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", FLOW)
    tools = runtime(clone)
    head = clone.git("rev-parse", "HEAD").strip()
    for number in range(500):
        path = tools.repository.common_dir / f"refs/tags/t{number}"
        path.write_text(head + "\n")
    assert when_idle(tools) is True
    assert survey(tools.repository.common_dir).loose_refs < 10
    assert tools.repository.resolve("refs/tags/t17") == head


def test_two_writers_and_two_that_tidy_lose_nothing(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", FLOW)
    writers = [clone.begin("run", "hello", "-i", "n=40", "-i", f"lane={lane}") for lane in "ab"]
    tidiers = [runtime(clone), runtime(clone)]
    tidied = 0
    while any(writer.poll() is None for writer in writers):
        tidied += sum(when_idle(tools) for tools in tidiers)
    told = [writer.communicate(timeout=60)[0].splitlines()[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert tidied + count_packs(tidiers[0].repository.common_dir) > 0
    assert sorted(clone.runs()) == sorted(told)
    counts = [clone.git("show", f"refs/runs/{SLUG}/{run}:output.edn") for run in told]
    assert "{:n 80}" in counts, "every increment of both runs counts once"
    for run in told:
        clone.gfr("runs", "verify", run)
    assert clone.git("fsck", "--strict", "--no-dangling") == ""
