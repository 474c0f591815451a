"""A run that calls another flow, killed at every single moment: one called run a call, and the same end."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.git.refs import run_ref
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.lease import standings
from gitflow_runner.model.event import StepStarted
from gitflow_runner.model.ids import RunId, Slug
from gitflow_runner.runner.decide import ask
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.service import Service
from tests.memory_runs import Bomb, OneTurn, World, outline, quietly, telling

CALLER = """{:slug :hello :name "Caller" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [one (flow/call-flow :helper {:n 1})
              posted (flow/step :http :post {:url "https://api.test/post" :method :post})
              two (flow/call-flow :helper {:n 2})]
          [one (:status posted) two])}
"""
HELPER = """{:slug :helper :name "Helper" :concurrency {:type :singleton :on-new-version :coexist}
 :invocations {:default {:inputs [{:name :n :type :number}]}}
 :interfaces {:manual [{:id :start :invocation :default :label "Go"}]}
 :flow '(let [sent (flow/step :http :send {:url (str "https://api.test/send" (:n (flow/input)))
                                           :method :post})
              nap (flow/step :sleep :nap {:seconds 3})]
          {:n (:n (flow/input)) :status (:status sent)})}
"""
PATHS = ("/send1", "/post", "/send2")
TAKES_ALONG = """{:slug :hello :name "Caller" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(try (flow/call-flow :helper {})
          (finally (flow/step :http :clean {:url "https://api.test/clean" :method :post})))}
"""
WAITS = """{:slug :helper :name "Helper" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(try (flow/step :wait :ask {:kind :event :key "never" :timeout "20d"})
          (finally (flow/step :http :tidy {:url "https://api.test/tidy" :method :post})))}
"""
TWO_EFFECTS = """{:slug :helper :name "Helper" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [one (flow/step :http :one {:url "https://api.test/one" :method :post :unsafe true})
              two (flow/step :http :two {:url "https://api.test/two" :method :post :unsafe true})]
          [one two])}
"""


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("worlds") / "born", CALLER, helper=HELPER)


@pytest.fixture(scope="module")
def calm(born: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = born.again(tmp_path_factory.mktemp("worlds") / "calm")
    assert world.process(world.start)
    world.settle()
    assert world.run().status == "succeeded"
    assert [len(world.outside.keys(path)) for path in PATHS] == [1, 1, 1]
    return world


def helpers(world: World) -> list[str]:
    return [name for name, _ in world.repository.refs("refs/runs/helper/")]


def check(world: World, calm: World, where: str) -> None:
    assert outline(world.history()) == outline(calm.history()), where
    called = [r.event.child for r in world.history() if isinstance(r.event, StepStarted) and r.event.child]
    assert len(called) == 2, where
    assert sorted(helpers(world)) == sorted(run_ref(Slug("helper"), RunId(run)) for run in called), where
    for name, tip in world.repository.refs("refs/runs/helper/"):
        assert read_run(world.repository, tip).status == "succeeded", f"{where}: {name}"
    assert standings(world.repository) == (), where
    for path in PATHS:
        keys = world.outside.keys(path)
        assert len(set(keys)) == 1, where
        assert len(keys) <= 2, where


def test_a_calling_run_killed_at_any_moment_comes_to_the_same_end(
    born: World, calm: World, tmp_path: Path
) -> None:
    counting = Bomb()
    counted = born.again(tmp_path / "counted")
    assert counted.process(counted.start, counting)
    while not counted.run().is_over:
        assert counted.process(lambda runtime: counted.work(runtime) and None, counting)
        counted.now += 60_000
    for number, what in enumerate(counting.moments, start=1):
        world, bomb = born.again(tmp_path / str(number)), Bomb(number)
        alive = world.process(world.start, bomb)
        while alive:
            alive = world.process(lambda runtime, w=world: w.work(runtime) and None, bomb)
            world.now += 60_000
        world.settle()
        if world.is_begun():
            check(world, calm, f"killed at moment {number}, {what}")
        else:
            assert world.outside.arrived == []


def test_a_calling_run_killed_after_every_turn_comes_to_the_same_end(
    born: World, calm: World, tmp_path: Path
) -> None:
    world = born.again(tmp_path / "turns")
    world.process(world.start, OneTurn())
    for _ in range(60):
        world.process(lambda runtime: world.work(runtime) and None, OneTurn())
        world.now += 60_000
        if world.is_begun() and world.run().is_over:
            break
    world.settle()
    check(world, calm, "killed after every turn")
    assert [len(world.outside.keys(path)) for path in PATHS] == [1, 1, 1]


def cancel(world: World, runtime: Runtime) -> None:
    """A person cancels the calling run and drives it on."""
    ask(runtime, world.at(), "cancel")
    Service(runtime).drive(world.at())


def test_a_cancel_takes_the_called_run_along_wherever_the_process_dies(tmp_path: Path) -> None:
    born = World(tmp_path / "born", TAKES_ALONG, helper=WAITS)
    assert born.process(born.start)
    assert born.run().status == "waiting"
    counting, calm = Bomb(), born.again(tmp_path / "calm")
    assert calm.process(lambda runtime: cancel(calm, runtime), counting)
    for number, what in telling(counting.moments):
        world, where = born.again(tmp_path / str(number)), f"killed at moment {number}, {what}"
        assert not world.process(lambda runtime, w=world: cancel(w, runtime), Bomb(number)), where
        for _ in range(3):
            world.process(lambda runtime, w=world: w.work(runtime) and None)
        if not world.run().is_over:  # killed before the request was sent
            world.process(lambda runtime, w=world: cancel(w, runtime))
        assert world.run().status == "cancelled", where
        ((_, tip),) = world.repository.refs("refs/runs/helper/")
        called = read_run(world.repository, tip)
        assert (called.status, called.cancel and called.cancel[0]) == (
            "cancelled",
            f"run:{world.at().run}",
        ), where
        assert standings(world.repository) == (), where
        assert world.repository.refs("refs/runner/slots/") == (), where
        for path in ("/clean", "/tidy"):
            assert len(set(world.outside.keys(path))) == 1, where


def test_a_cancel_reaches_a_called_run_that_is_at_work_before_its_next_effect(tmp_path: Path) -> None:
    world = World(tmp_path / "world", TAKES_ALONG, helper=TWO_EFFECTS)

    def moment(what: str) -> None:
        if what == "http answer /one":  # somebody else asks while the called run is busy
            ask(world.runtime(quietly), world.at(), "cancel")

    assert world.process(world.start, moment)
    assert (len(world.outside.keys("/one")), len(world.outside.keys("/two"))) == (1, 0)
    assert world.run().status == "cancelled"
    ((_, tip),) = world.repository.refs("refs/runs/helper/")
    assert read_run(world.repository, tip).status == "cancelled"
