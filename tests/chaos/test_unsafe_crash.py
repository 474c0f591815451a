"""An unsafe effect that a crash left in doubt is never repeated by the runner: a person settles it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.model.event import StepResolved, StepUnknown
from gitflow_runner.runner.worker import work_once
from tests.memory_runs import Bomb, World, quietly

FLOW = """{:slug :hello
 :name "Charge"
 :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [charged (try (flow/step :http :charge {:url "https://api.test/charge" :method :post
                                                    :unsafe true})
                           (catch Exception e {:status (:code (ex-data e))}))]
          (flow/step :http :mail {:url "https://api.test/mail" :method :post :json {:s (:status charged)}})
          {:status (:status charged)})}
"""


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("worlds") / "born", FLOW)


def killed_at(born: World, folder: Path, moment: str) -> World:
    """A world whose process died at that moment, and whose run a worker has then looked at."""
    counting = Bomb()
    counted = born.again(folder / "counted")
    assert counted.process(counted.start, counting)
    world = born.again(folder / "killed")
    assert not world.process(world.start, Bomb(counting.moments.index(moment) + 1))
    for _ in range(3):
        assert world.process(lambda runtime: list(work_once(runtime)) and None)
    return world


@pytest.mark.parametrize(
    ("moment", "charges"), [("http request /charge", 0), ("http answer /charge", 1)], ids=["before", "after"]
)
def test_a_crash_around_an_unsafe_effect_leaves_it_in_doubt(
    born: World, tmp_path: Path, moment: str, charges: int
) -> None:
    world = killed_at(born, tmp_path, moment)
    assert world.run().status == "waiting"
    assert [s.identity for s in world.run().steps if s.unknown] == ["charge"]
    assert [r.event.identity for r in world.history() if isinstance(r.event, StepUnknown)] == ["charge"]
    assert len(world.outside.keys("/charge")) == charges
    assert world.outside.keys("/mail") == [], "what comes after has to wait"


@pytest.mark.parametrize(
    ("outcome", "value", "status", "charges"),
    [
        ("done", b"{:status 201}", "201", 1),
        ("fail", None, '"step.unknown_outcome"', 1),
        ("retry", None, "200", 2),
    ],
)
def test_a_person_settles_what_is_in_doubt(
    born: World, tmp_path: Path, outcome: str, value: bytes | None, status: str, charges: int
) -> None:
    world = killed_at(born, tmp_path, "http answer /charge")
    assert world.process(lambda runtime: world.resolve(runtime, outcome, value))
    world.settle()
    assert world.run().status == "succeeded"
    output = world.runtime(quietly).repository.entry(
        world.repository.commit(world.at().tip).tree, "output.edn"
    )
    assert output is not None
    assert world.repository.blob(output.oid) == b"{:status %s}" % status.encode()
    assert len(world.outside.keys("/charge")) == charges
    assert len(set(world.outside.keys("/charge"))) == 1, "a retry is the same intent, with the same key"
    assert len(world.outside.keys("/mail")) == 1
    settled = [r.event for r in world.history() if isinstance(r.event, StepResolved)]
    assert [(e.decision, e.by) for e in settled] == [(outcome, "ann@example.test")]


def test_settling_can_itself_be_killed_at_any_moment(born: World, tmp_path: Path) -> None:
    doubtful = killed_at(born, tmp_path, "http answer /charge")
    counting = Bomb()
    counted = doubtful.again(tmp_path / "counted-resolve")
    assert counted.process(lambda runtime: counted.resolve(runtime, "done", b"{:status 200}"), counting)
    assert counted.process(lambda runtime: list(work_once(runtime)) and None, counting)
    for number, what in enumerate(counting.moments, start=1):
        world = doubtful.again(tmp_path / f"resolve-{number}")
        bomb = Bomb(number)
        if world.process(lambda runtime, w=world: w.resolve(runtime, "done", b"{:status 200}"), bomb):
            world.process(lambda runtime: list(work_once(runtime)) and None, bomb)
        world.settle()
        where = f"killed at moment {number}, {what}"
        assert world.run().status == "succeeded", where
        assert world.outside.keys("/charge") == [], f"{where}: charged again"
        settled = [r.event for r in world.history() if isinstance(r.event, StepResolved)]
        assert len(settled) == 1, where
