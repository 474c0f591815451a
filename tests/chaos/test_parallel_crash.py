"""Branches side by side, killed at every single moment: each effect for its own cause, and the same value."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.ledger.lease import standings
from gitflow_runner.model.event import StepStarted
from tests.memory_runs import Bomb, OneTurn, World, expected_key, in_doubt, outline

FLOW = """{:slug :hello :name "Branches" :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :twice :language :clojure :code '(fn [{:keys [n]}] {:n (* 2 n)})}]
 :flow '(let [all (flow/parallel :each {:max 2} [1 2 3]
                    (fn [n]
                      (let [a (flow/step :function :calc {:ref :twice :input {:n n}})
                            b (flow/step :http :send {:url (str "https://api.test/send" n) :method :post})
                            nap (flow/step :sleep :nap {:seconds n})
                            c (flow/step :kv :keep {:operation :append :key (str "k" n) :item (:n a)})]
                        [(:n a) (:status b) (:count c)])))
              last (flow/step :http :last {:url "https://api.test/last" :method :post :json all})]
          {:all all :last (:status last)})}
"""
PATHS = ("/send1", "/send2", "/send3", "/last")


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("worlds") / "born", FLOW)


def what(world: World) -> list[str]:
    """Everything that happened; which branch came first may differ after a crash."""
    return sorted(str(line) for line in outline(world.history()))


@pytest.fixture(scope="module")
def calm(born: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = born.again(tmp_path_factory.mktemp("worlds") / "calm")
    assert world.process(world.start)
    assert world.run().status == "succeeded"
    assert [len(world.outside.keys(path)) for path in PATHS] == [1, 1, 1, 1]
    return world


def check_keys(world: World, doubtful: set[str], where: str) -> None:
    begun = [r.event for r in world.history() if isinstance(r.event, StepStarted) and r.event.type == "http"]
    assert all(step.key == expected_key(world, step) for step in begun), where
    for path in PATHS:
        keys = world.outside.keys(path)
        assert len(set(keys)) == 1, where
        assert len(keys) == 1 or (len(keys) == 2 and keys[0] in doubtful), f"{where}: {path}"


def test_branches_killed_at_any_moment_come_to_the_same_value(
    born: World, calm: World, tmp_path: Path
) -> None:
    counting = Bomb()
    assert (counted := born.again(tmp_path / "counted")).process(counted.start, counting)
    for number, moment in enumerate(counting.moments, start=1):
        world, where = born.again(tmp_path / str(number)), f"killed at moment {number}, {moment}"
        assert not world.process(world.start, Bomb(number)), where
        doubtful = in_doubt(world.history()) if world.is_begun() else set()
        world.settle()
        if not world.is_begun():
            assert world.outside.arrived == [], where
            continue
        assert what(world) == what(calm), where
        check_keys(world, doubtful, where)
        assert standings(world.repository) == (), where


def test_branches_killed_after_every_turn_come_to_the_same_value(
    born: World, calm: World, tmp_path: Path
) -> None:
    world = born.again(tmp_path / "turns")
    world.process(world.start, OneTurn())
    for _ in range(60):
        world.process(lambda runtime: world.work(runtime) and None, OneTurn())
        world.now += 10_000
        if world.is_begun() and world.run().is_over:
            break
    world.settle()
    assert what(world) == what(calm)
    check_keys(world, set(), "killed after every turn")
