"""Two runs of one slot, the runner killed at every write: both come to their end, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gitflow_runner.git.refs import run_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.chain import read_history, read_run
from gitflow_runner.ledger.lease import standings
from gitflow_runner.ledger.listing import run_refs
from gitflow_runner.model.event import CancelAsked, RunStarted
from gitflow_runner.model.run import Run
from gitflow_runner.runner.decide import decide, find_question
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.verify import check_run
from tests.memory_runs import Bomb, Moment, World, quietly, telling

FLOW = """{:slug :hello :name "One at a time" :concurrency {:type :singleton :on-new-version POLICY}
 :flow '(try
          (flow/step :http :send {:url "https://api.test/send" :method :post})
          (flow/step :wait :ask {:title "Done?" :timeout "1d"})
          (finally (flow/step :http :clean {:url "https://api.test/clean" :method :post})))}
"""
Steps = tuple[Callable[[Runtime], None], ...]


def begin(runtime: Runtime) -> None:
    Service(runtime).start("hello", "main", {}, told=lambda run, changed: None)


def work(world: World, runtime: Runtime) -> None:
    for worked in world.work(runtime):
        assert worked.problem is None, worked


def states(world: World) -> list[Run]:
    return [read_run(world.repository, at.tip) for at in run_refs(world.repository)[::-1]]


def answer(world: World, runtime: Runtime) -> None:
    """People say yes to whatever is asked and not answered."""
    for run in states(world):
        if run.waits and not world.repository.refs(f"refs/approvals/{run.run}/"):
            question = find_question(runtime, run.run, None)
            decide(runtime, question, "approve", note="", payload=question.digest)


def settle(world: World) -> None:
    for _ in range(12):
        world.process(lambda runtime: work(world, runtime))
        if all(run.is_over for run in states(world)):
            break
        world.process(lambda runtime: answer(world, runtime))
        world.now += 60_000
    world.process(lambda runtime: work(world, runtime))


def check(world: World, where: str) -> None:
    runs = states(world)
    assert all(run.is_over for run in runs), where
    assert standings(world.repository) == (), where
    assert world.repository.refs("refs/runner/slots/") == (), where
    for run in runs:
        assert check_run(world.runtime(quietly), run_ref(run.slug, run.run)) == (), where
    for arrived in world.outside.arrived:
        if arrived.path == "/send":  # the older run's came before this world; the tip is that one's
            assert arrived.tip is not None
            assert read_run(world.repository, arrived.tip).is_over, f"{where}: begun beside the older run"
    begun = [run for run in runs[1:] if run.steps_begun > 0]
    assert len(set(world.outside.keys("/send"))) == len(begun), where


def born(folder: Path, policy: str) -> World:
    world = World(folder, FLOW.replace("POLICY", policy))
    assert world.process(begin)
    assert [run.status for run in states(world)] == ["waiting"]
    return world


def lives(world: World, steps: Steps, moment: Moment) -> bool:
    return all(world.process(step, moment) for step in steps)


def rounds(born: World, steps: Callable[[World], Steps], folder: Path) -> Iterator[tuple[World, str]]:
    counting, calm = Bomb(), born.again(folder / "calm")
    assert lives(calm, steps(calm), counting)
    settle(calm)
    yield calm, "nobody killed"
    for number, what in telling(counting.moments):
        world = born.again(folder / str(number))
        where = f"killed at moment {number}, {what}"
        assert not lives(world, steps(world), Bomb(number)), where
        settle(world)
        yield world, where


def test_a_run_that_supersedes_another_begins_once_that_has_ended(tmp_path: Path) -> None:
    older = born(tmp_path / "born", ":supersede")
    seen: set[str] = set()
    for world, where in rounds(older, lambda world: (begin,), tmp_path):
        check(world, where)
        old, *newer = states(world)
        assert len(newer) <= 1, where
        if newer:
            # Told to end also where the newer one died before it was recorded; never the other way round.
            assert (old.status, newer[0].status) == ("cancelled", "succeeded"), where
            (asked,) = [
                r.event
                for r in read_history(world.repository, run_refs(world.repository)[-1].tip)
                if isinstance(r.event, CancelAsked)
            ]
            assert (asked.by, asked.request) == (f"run:{newer[0].run}", None), where
        else:
            assert old.status in ("succeeded", "cancelled"), where
        seen.add(old.status)
    assert seen == {"cancelled", "succeeded"}


def test_a_queued_run_begins_once_the_holder_has_ended(tmp_path: Path) -> None:
    def steps(world: World) -> Steps:
        return (
            begin,
            lambda runtime: answer(world, runtime),
            lambda runtime: work(world, runtime),
            lambda runtime: work(world, runtime),
        )

    for world, where in rounds(born(tmp_path / "born", ":drain"), steps, tmp_path):
        check(world, where)
        assert {run.status for run in states(world)} == {"succeeded"}, where
        for at in run_refs(world.repository)[:-1]:
            started = read_history(world.repository, at.tip)[0].event
            assert isinstance(started, RunStarted), where
            assert started.admission is not None, where
            assert started.admission.decision in ("queued", "started"), where


def test_a_queue_outlives_the_loss_of_its_record(tmp_path: Path) -> None:
    world = born(tmp_path / "born", ":drain")
    world.process(begin)
    world.process(begin)
    assert [run.status for run in states(world)] == ["waiting", "queued", "queued"]
    ((name, tip),) = world.repository.refs("refs/runner/slots/")
    world.repository.swap([RefUpdate(name, tip, None)])
    world.outside.arrived.clear()
    last = run_refs(world.repository)[0]
    assert world.process(lambda runtime: Service(runtime).drive(last) and None)
    assert [run.status for run in states(world)] == ["waiting", "queued", "queued"]
    settle(world)
    check(world, "the record was lost")
    assert [run.status for run in states(world)] == ["succeeded"] * 3
