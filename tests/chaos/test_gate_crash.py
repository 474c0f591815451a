"""A gate that was asked, its worker killed at every single write: one run an ask, and the same end."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.firings import runs_about
from gitflow_runner.ledger.lease import standings
from gitflow_runner.runner.gate_pass import look
from gitflow_runner.runner.gates import live_gates
from gitflow_runner.runner.policy_change import apply_change
from gitflow_runner.runner.releases import make_promotion, make_release
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.worker import work_once
from gitflow_runner.triggers.git import Move
from tests.memory_runs import Bomb, World

GATE = """{:slug :hello :name "Gate" :concurrency {:type :singleton :on-new-version :coexist}
 :invocations {:default {:inputs []}}
 :interfaces {:git [{:id :guard :invocation :default :on :push :refs ["refs/heads/main"] :gate true}]}
 :flow '(let [sent (flow/step :http :send {:url "https://api.test/send" :method :post})]
          {:new (:new (flow/input)) :status (:status sent)})}
"""
MAIN, TRIGGER = "refs/heads/main", "refs/runner/triggers/hello/guard"


def live(runtime: Runtime) -> None:
    """The runner may drive and speak for gates; the flow is released and promoted."""
    path = runtime.repository.work_dir
    assert path is not None
    policy = path / ".breyta/policy.edn"
    text = policy.read_text().replace('#_ "runner@', '"runner@').replace('" #_ {:kind', '" {:kind')
    policy.write_text(
        text.replace("#{:drive}", "#{:drive :gate}").replace(":policy/version 1", ":policy/version 2")
    )
    apply_change(runtime, None)
    make_release(runtime, "hello", notes="first")
    make_promotion(runtime, "hello", None, "promote", reason=None)


def ask(runtime: Runtime) -> None:
    """Somebody asks for another commit: here the promotion's, which is one like any other."""
    tip = runtime.repository.resolve("refs/live/hello")
    assert tip is not None
    runtime.repository.swap([RefUpdate("refs/for/main/a", None, tip)])


def look_once(runtime: Runtime) -> None:
    for _ in work_once(runtime):
        pass


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("worlds") / "born", GATE)
    assert world.process(live)
    assert world.process(ask)
    return world


def check(world: World, where: str) -> None:
    refs = world.repository.refs("refs/runs/hello/")
    assert [read_run(world.repository, Oid(tip)).status for _, tip in refs] == ["succeeded"], where
    assert standings(world.repository) == (), where
    runtime = world.runtime(lambda what: None)
    move = Move(
        MAIN, world.repository.resolve(MAIN), Oid(dict(world.repository.refs("refs/for/"))["refs/for/main/a"])
    )
    tip = world.repository.resolve(TRIGGER)
    assert tip is not None
    assert runs_about(world.repository, tip, move.digest) == (refs[0][0].rpartition("/")[2],), where
    (gate,) = live_gates(runtime)
    assert look(runtime, gate, move, runtime.policies.tip()).why == "pass", where
    assert len(set(world.outside.keys("/send"))) == 1, where


def test_a_worker_killed_at_any_write_makes_one_run_that_lets_the_commit_in(
    born: World, tmp_path: Path
) -> None:
    counting = Bomb()
    calm = born.again(tmp_path / "calm")
    assert calm.process(look_once, counting)
    check(calm, "nobody killed")
    assert any(what.startswith(f"ref {TRIGGER}") for what in counting.moments)
    for number, what in enumerate(counting.moments, start=1):
        world = born.again(tmp_path / str(number))
        assert not world.process(look_once, Bomb(number))
        for _ in range(3):
            world.now += 60_000
            world.process(look_once)
        check(world, f"killed at moment {number}, {what}")


def test_killed_again_and_again_it_still_comes_to_an_end(born: World, tmp_path: Path) -> None:
    world = born.again(tmp_path / "again")
    for number in range(1, 40):
        world.now += 60_000
        if world.process(look_once, Bomb(number)):
            break
    world.process(look_once)
    check(world, "killed at later and later writes")
