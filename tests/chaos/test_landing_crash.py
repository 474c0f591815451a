"""Pushes that landed: each commit at a watched ref starts one run, whoever is killed, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.git.objects import Commit, Ident, Oid, RawObject, blob
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.data import read_data
from gitflow_runner.ledger.chain import read_history, read_object, read_run
from gitflow_runner.ledger.lease import standings
from gitflow_runner.ledger.tree import Tree
from gitflow_runner.model.event import RunStarted
from gitflow_runner.runner.inputs import by_plain_names
from gitflow_runner.runner.policy_change import apply_change
from gitflow_runner.runner.releases import make_promotion, make_release
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.worker import work_once
from tests.memory_runs import T0, Bomb, World

FLOW = """{:slug :hello :name "Deploy" :concurrency {:type :singleton :on-new-version :coexist}
 :invocations {:default {:inputs []}}
 :interfaces {:git [{:id :landed :invocation :default :on :push :refs ["refs/heads/main" "refs/heads/r/*"]}
                    {:id :tagged :invocation :default :on :tag :refs ["refs/tags/v*"]}]}
 :flow '(let [sent (flow/step :http :send {:url "https://api.test/send" :method :post})]
          {:status (:status sent)})}
"""
MAIN = "refs/heads/main"


def live(runtime: Runtime) -> None:
    path = runtime.repository.work_dir
    assert path is not None
    policy = path / ".breyta/policy.edn"
    text = policy.read_text().replace('#_ "runner@', '"runner@').replace('" #_ {:kind', '" {:kind')
    policy.write_text(text.replace(":policy/version 1", ":policy/version 2"))
    apply_change(runtime, None)
    make_release(runtime, "hello", notes="first")
    make_promotion(runtime, "hello", None, "promote", reason=None)


def look(runtime: Runtime) -> None:
    for worked in work_once(runtime):
        assert worked.problem is None, worked.problem


def commit(world: World, text: str) -> Oid:
    """A commit with main's files, on top of main."""
    main = world.repository.resolve(MAIN)
    assert main is not None
    who = Ident("Ann", "ann@example.test", T0 // 1_000)
    made = Commit(world.repository.commit(main).tree, (main,), who, who, f"{text}\n").encode()
    world.repository.write([made])
    return made.oid


def push(world: World, ref: str, new: Oid | None) -> None:
    world.repository.swap([RefUpdate(ref, world.repository.resolve(ref), new)])


def started(world: World) -> list[tuple[str, str, str, str | None]]:
    """(ref, old, new, starter) of every run, in the order of the starts; seven letters of each commit."""
    found = []
    for _, tip in world.repository.refs("refs/runs/hello/"):
        first = read_history(world.repository, tip)[0]
        assert isinstance(first.event, RunStarted)
        given = read_data(first.event.input.text, loose=True)
        assert isinstance(given, Map)
        said = {str(name): str(value) for name, value in by_plain_names(given).items()}
        row = (said["ref"], said["old"][:7], said["new"][:7], first.event.starter)
        found.append((first.at, row))
    return [row for _, row in sorted(found)]


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("worlds") / "born", FLOW)
    assert world.process(live)
    push(world, "refs/heads/r/1", commit(world, "before anybody looked"))
    assert world.process(look)
    assert started(world) == [], "what stood there before starts nothing"
    return world


def test_a_commit_starts_one_run_however_often_it_comes_back(born: World, tmp_path: Path) -> None:
    world = born.again(tmp_path / "world")
    first = str(world.repository.resolve(MAIN))
    a = commit(world, "a")
    push(world, MAIN, a)
    b = commit(world, "b")
    assert world.process(look)
    c = commit(world, "c")
    for tip in (b, Oid(first), a, b, a, c):
        push(world, MAIN, tip)
        world.now += 60_000
        assert world.process(look)
    moves = ((first, a), (a, b), (b, first), (a, c))  # back to what stood there before anybody looked is news
    assert started(world) == [(MAIN, old[:7], new[:7], "trigger:landed") for old, new in moves]
    assert len(set(world.outside.keys("/send"))) == 4


def test_new_branches_and_tags_fire_while_other_names_and_the_runners_own_do_not(
    born: World, tmp_path: Path
) -> None:
    world = born.again(tmp_path / "world")
    a = commit(world, "a")
    for ref in ("refs/heads/r/2", "refs/heads/other", "refs/heads/gitflow/x", "refs/tags/v1", "refs/tags/w1"):
        push(world, ref, a)
    assert world.process(look)
    push(world, "refs/heads/r/2", None)
    assert world.process(look)
    assert sorted(started(world)) == [
        ("refs/heads/r/2", "0" * 7, a[:7], "trigger:landed"),
        ("refs/tags/v1", "0" * 7, a[:7], "trigger:tagged"),
    ]


def test_a_branch_that_only_the_next_release_watches_starts_nothing_for_what_stands_there(
    born: World, tmp_path: Path
) -> None:
    world = born.again(tmp_path / "world")
    push(world, "refs/heads/late", commit(world, "late"))
    assert world.process(look)

    def wider(runtime: Runtime) -> None:
        path = runtime.repository.work_dir
        assert path is not None
        (path / ".breyta/flows/hello.edn").write_text(FLOW.replace('"refs/heads/r/*"', '"refs/heads/*"'))
        push(world, MAIN, _with_flow(world, (path / ".breyta/flows/hello.edn").read_text()))
        make_release(runtime, "hello", notes="second")
        make_promotion(runtime, "hello", None, "promote", reason=None)

    assert world.process(look)
    assert world.process(wider)
    world.now += 60_000
    assert world.process(look)
    push(world, "refs/heads/late", commit(world, "later"))
    assert world.process(look)
    assert {row[0] for row in started(world)} == {MAIN, "refs/heads/late"}
    assert len([row for row in started(world) if row[0] == "refs/heads/late"]) == 1


def _with_flow(world: World, text: str) -> Oid:
    main = world.repository.resolve(MAIN)
    assert main is not None
    tree = Tree(lambda oid: read_object(world.repository, oid, "tree"), world.repository.commit(main).tree)
    objects: dict[Oid, RawObject] = {}
    item = blob(text.encode())
    objects[item.oid] = item
    tree.put(".breyta/flows/hello.edn", item.oid)
    who = Ident("Ann", "ann@example.test", T0 // 1_000)
    made = Commit(tree.write(objects), (main,), who, who, "wider\n").encode()
    world.repository.write([*objects.values(), made])
    return made.oid


def check(world: World, where: str, wanted: list[tuple[str, str, str, str | None]]) -> None:
    refs = world.repository.refs("refs/runs/hello/")
    assert [read_run(world.repository, tip).status for _, tip in refs] == ["succeeded"] * len(wanted), where
    assert started(world) == wanted, where
    assert standings(world.repository) == (), where
    assert len(set(world.outside.keys("/send"))) == len(wanted), where


def test_a_worker_killed_at_any_write_starts_one_run_a_commit(born: World, tmp_path: Path) -> None:
    first = str(born.repository.resolve(MAIN))
    counting, calm = Bomb(), born.again(tmp_path / "calm")
    a = commit(calm, "a")
    push(calm, MAIN, a)
    assert calm.process(look, counting)
    wanted: list[tuple[str, str, str, str | None]] = [(MAIN, first[:7], a[:7], "trigger:landed")]
    check(calm, "nobody killed", wanted)
    assert any(what == "ref refs/runner/triggers/hello/landed" for what in counting.moments)
    for number, what in enumerate(counting.moments, start=1):
        world, where = born.again(tmp_path / str(number)), f"killed at moment {number}, {what}"
        push(world, MAIN, commit(world, "a"))
        assert not world.process(look, Bomb(number)), where
        # Somebody pushes again before the worker is back: what was cut short comes first.
        b = commit(world, "b")
        push(world, MAIN, b)
        for _ in range(4):
            world.now += 60_000
            assert world.process(look), where
        fired = [(MAIN, first[:7], a[:7], "trigger:landed"), (MAIN, a[:7], b[:7], "trigger:landed")]
        # Killed before anything was recorded, both pushes are one move.
        check(
            world, where, fired if len(started(world)) == 2 else [(MAIN, first[:7], b[:7], "trigger:landed")]
        )
