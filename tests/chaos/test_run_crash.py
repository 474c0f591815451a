"""Whole runs killed at every single moment: nothing acknowledged is lost, no effect happens without cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.ledger.lease import standings
from gitflow_runner.model.event import StepStarted, StepSucceeded
from gitflow_runner.runner.verify import check_run
from tests.memory_runs import Bomb, Moment, OneTurn, Outside, World, expected_key, in_doubt, outline, quietly

FLOW = """{:slug :hello
 :name "Everything"
 :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :twice :language :clojure :code '(fn [{:keys [n]}] {:n (* 2 n)})}]
 :flow '(let [a (flow/step :function :first {:ref :twice :input {:n 4}})
              read (flow/step :http :read {:url "https://api.test/read"})
              posted (flow/step :http :post {:url "https://api.test/post" :method :post :json a})
              kept (flow/step :kv :keep {:operation :append :key "seen" :item (:n a)})
              answer (flow/step :wait :ask {:title "Go on?" :payload posted :timeout "1d"})
              nap (flow/step :sleep :nap {:seconds 30})
              busy (flow/step :http :busy {:url "https://api.test/busy" :method :post
                                           :retry {:max-attempts 3 :backoff-ms 2000}})
              gone (flow/step :http :gone {:url "https://api.test/gone" :method :post :on-error :skip})
              count (flow/step :kv :count {:operation :increment :key "runs"})
              b (flow/step :function :last {:ref :twice :input {:n (:n a)}})]
          {:n (:n b) :posted (:body posted) :busy (:status busy) :gone gone
           :kept (:count kept) :runs (:value count) :did (:action answer) :read (:body read)})}
"""
PATHS = ("/read", "/post", "/busy", "/gone")


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which nothing has run yet."""
    return World(tmp_path_factory.mktemp("worlds") / "born", FLOW)


@pytest.fixture(scope="module")
def calm(born: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same after one run that nobody killed."""
    world = born.again(tmp_path_factory.mktemp("worlds") / "calm")
    assert live(world, quietly)
    return world


def live(world: World, moment: Moment) -> bool:
    """A run from its start to its end as people drive it; False if it was killed on the way."""
    return (
        world.process(world.start, moment)
        and world.process(world.approve, moment)
        and world.process(world.drive, moment)
    )


def moments(born: World, folder: Path) -> list[str]:
    counting = Bomb()
    assert live(born.again(folder / "counted"), counting)
    return counting.moments


def test_the_calm_run_does_everything_once(calm: World) -> None:
    assert calm.run().status == "succeeded"
    assert [len(calm.outside.keys(path)) for path in PATHS] == [1, 1, 2, 1]
    assert len(set(calm.outside.keys("/busy"))) == 2, "a definite refusal begins a new intent"
    assert standings(calm.repository) == ()


def test_a_run_killed_at_any_moment_comes_to_the_same_end(born: World, calm: World, tmp_path: Path) -> None:
    whole = moments(born, tmp_path)
    assert len(whole) > 150
    expected = outline(calm.history())
    for number, what in enumerate(whole, start=1):
        world = born.again(tmp_path / str(number))
        where = f"killed at moment {number}, {what}"
        assert not live(world, Bomb(number)), where
        begun = world.is_begun()
        doubtful = in_doubt(world.history()) if begun else set()
        before = Outside(list(world.outside.arrived), list(world.outside.told))
        world.settle()
        if not begun:
            assert before.arrived == [], where
            assert not any(before.told), where
            assert standings(world.repository) == (), where
            continue
        check_acknowledged(world, where)
        assert outline(world.history()) == expected, where
        check_effects(world, doubtful, where)
        check_refs(world, where)


def check_acknowledged(world: World, where: str) -> None:
    """What the outside saw done or was told of rests on turns that are in the run's chain."""
    chain = set(world.chain())
    for tip in world.outside.told:
        assert tip in chain, where
    for arrived in world.outside.arrived:
        if arrived.path != "/read":
            assert arrived.tip in chain, where
            assert arrived.key in begun_keys(world, arrived.tip), f"{where}: an effect before its turn"


def begun_keys(world: World, tip: Oid | None) -> set[str]:
    return {r.event.key for r in world.history(tip) if isinstance(r.event, StepStarted)}


def check_effects(world: World, doubtful: set[str], where: str) -> None:
    """An effect repeats only if it was in doubt when the process died, with the one key of its intent."""
    steps = [r.event for r in world.history() if isinstance(r.event, StepStarted)]
    for step in steps:
        if step.type == "http":
            assert step.key == expected_key(world, step), where
    named = {step.key for step in steps}
    for path in PATHS[1:]:
        keys = world.outside.keys(path)
        assert set(keys) <= named, where
        repeated = {key for key in keys if keys.count(key) > 1}
        assert repeated <= doubtful, f"{where}: {path} happened again"
        assert all(keys.count(key) <= 2 for key in keys), where


def check_refs(world: World, where: str) -> None:
    """Only what is meant to stay is left, and it verifies."""
    assert standings(world.repository) == (), where
    names = {name.split("/")[1] for name, _ in world.repository.refs("refs/")}
    assert names == {"heads", "policy", "runs", "runner", "approvals"}, where
    left = [n for n, _ in world.repository.refs("refs/runner/") if not n.startswith("refs/runner/log/")]
    assert left == ["refs/runner/kv/default"], where
    assert check_run(world.runtime(quietly), world.at().ref) == (), where


def test_a_run_killed_after_every_single_turn_is_the_run_that_nobody_killed(
    born: World, calm: World, tmp_path: Path
) -> None:
    world = born.again(tmp_path / "turns")
    for _ in range(60):
        if not world.is_begun():
            world.process(world.start, OneTurn())
        elif world.run().waits and not world.repository.refs("refs/approvals/"):
            world.process(world.approve)
        else:
            world.process(lambda runtime: world.work(runtime) and None, OneTurn())
            world.now += 10_000
        if world.is_begun() and world.run().is_over:
            break
    world.settle()
    assert world.processes > calm.processes + 10
    assert outline(world.history()) == outline(calm.history())
    assert [world.outside.keys(path).__len__() for path in PATHS] == [1, 1, 2, 1]
    check_acknowledged(world, "killed after every turn")


def test_a_repeated_attempt_is_said_to_be_one(born: World, tmp_path: Path) -> None:
    whole = moments(born, tmp_path)
    world = born.again(tmp_path / "repeated")
    assert not live(world, Bomb(whole.index("http answer /post") + 1))
    world.settle()
    repeated = {r.event.identity for r in world.history() if _repeated(r.event)}
    assert repeated == {"post"}
    assert len(world.outside.keys("/post")) == 2
    assert len(set(world.outside.keys("/post"))) == 1


def _repeated(event: object) -> bool:
    return isinstance(event, StepSucceeded) and event.repeated
