"""A model that calls tools, killed at every moment: no answered call is made again, and the same end."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.ledger.lease import standings
from gitflow_runner.model.event import StepStarted
from tests.memory_runs import Bomb, OneTurn, World, expected_key, outline

FLOW = """{:slug :hello :name "Loop" :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :twice :language :clojure :code '(fn [{:keys [n]}] {:n (* 2 n)})}]
 :steps [{:id :tools/send :type :http :description "Sends" :input-schema [:map [:json [:map [:n :int]]]]
          :defaults {:url "https://api.test/send" :method :post}}
         {:id :tools/twice :type :function :input-schema [:map [:n :int]] :defaults {:ref :twice}}
         {:id :tools/note :type :kv :input-schema [:map [:item :int]]
          :defaults {:operation :append :key "notes"}}]
 :flow '(let [done (flow/step :llm :ask {:base-url "https://models.test/v1" :prompt "Send twice four."
                                         :tools {:steps [:tools/send :tools/twice :tools/note]}})]
          (select-keys done [:content :iterations :tool-call-count :usage]))}
"""
SCRIPT = [
    {"tool": "twice", "arguments": {"n": 4}},
    {"tools": [
        {"tool": "send", "arguments": {"json": {"n": 8}}},
        {"tool": "note", "arguments": {"item": 8}},
    ]},
    {"tool": "send", "arguments": {"url": "https://elsewhere.test/"}},
    {"text": "Sent."},
]  # fmt: skip
MODEL = "/v1/chat/completions"


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("worlds") / "born", FLOW)


def again(born: World, folder: Path) -> World:
    world = born.again(folder)
    world.outside.script = SCRIPT
    return world


@pytest.fixture(scope="module")
def calm(born: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = again(born, tmp_path_factory.mktemp("worlds") / "calm")
    assert world.process(world.start)
    world.settle()
    return world


def test_the_calm_run_asks_and_calls_once(calm: World) -> None:
    run = calm.run()
    assert run.status == "succeeded"
    assert run.output is not None
    assert (len(calm.outside.keys(MODEL)), len(set(calm.outside.keys(MODEL)))) == (4, 4)
    assert len(calm.outside.keys("/send")) == 1
    begun = [r.event for r in calm.history() if isinstance(r.event, StepStarted)]
    assert [event.identity for event in begun] == [
        "ask/model",
        "ask/tool:twice",
        "ask/model#1",
        "ask/tool:send",
        "ask/tool:note",
        "ask/model#2",
        "ask/model#3",
    ]
    model = [event.key for event in begun if event.type == "llm"]
    assert model == calm.outside.keys(MODEL)
    assert model == [expected_key(calm, event) for event in begun if event.type == "llm"]


def check(world: World, calm: World, where: str) -> None:
    assert outline(world.history()) == outline(calm.history()), where
    assert standings(world.repository) == (), where
    for path, most in ((MODEL, 4), ("/send", 1)):
        keys = world.outside.keys(path)
        assert len(set(keys)) == most, where
        assert len(keys) <= most + 1, where


def test_a_loop_killed_at_any_moment_comes_to_the_same_end(born: World, calm: World, tmp_path: Path) -> None:
    counting = Bomb()
    counted = again(born, tmp_path / "counted")
    assert counted.process(counted.start, counting)
    assert counted.run().is_over
    assert len(counting.moments) > 30
    for number, what in enumerate(counting.moments, start=1):
        world = again(born, tmp_path / str(number))
        assert not world.process(world.start, Bomb(number))
        world.settle()
        if world.is_begun():
            check(world, calm, f"killed at moment {number}, {what}")
        else:
            assert world.outside.arrived == []


def test_a_loop_killed_after_every_turn_comes_to_the_same_end(
    born: World, calm: World, tmp_path: Path
) -> None:
    world = again(born, tmp_path / "turns")
    world.process(world.start, OneTurn())
    for _ in range(60):
        if world.is_begun() and world.run().is_over:
            break
        world.process(lambda runtime: world.work(runtime) and None, OneTurn())
        world.now += 60_000
    world.settle()
    check(world, calm, "killed after every turn")
    assert (len(world.outside.keys(MODEL)), len(world.outside.keys("/send"))) == (4, 1)
