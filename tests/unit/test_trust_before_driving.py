"""A run is verified once: what this clone has verified or written itself is not looked at again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Commit, Oid, decode_commit
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.runner.verify import check_run, require_trusted
from gitflow_runner.trust.signer import sign_commit
from tests.memory_runs import World, quietly
from tests.signed_objects import signer

FLOW = """{:slug :hello :name "Long" :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :f :code '(fn [m] m)}]
 :flow '(do (doseq [n (range 60)] (flow/step :http :post {:url "https://api.test/post" :method :post}))
            (flow/step :wait :ask {:title "Go on?"})
            (flow/step :http :last {:url "https://api.test/last" :method :post}))}
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "world", FLOW)
    assert world.process(world.start)
    return world


def test_a_driving_process_vouches_for_its_turns_while_it_drives(tmp_path: Path) -> None:
    world = World(tmp_path / "world", FLOW)
    known: list[Oid | None] = []

    def look(what: str) -> None:
        if what.startswith("http request") and world.is_begun():
            known.append(world.runtime(quietly).local.verified_tip(world.at().run))

    world.process(world.start, look)
    assert known[0] is None
    chain = world.chain()
    assert known[-1] in chain
    assert chain.index(known[-1]) < len(chain) - 40


def test_only_what_follows_the_verified_turn_is_looked_at(world: World) -> None:
    verified = world.at().tip
    world.process(world.approve)
    world.process(world.drive)
    runtime, at = world.runtime(quietly), world.at()
    assert check_run(runtime, at.ref, since=verified) == ()
    read: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            read.append(name)
            return getattr(world.repository, name)

    assert check_run(runtime, at.ref, reader=Counting(), since=verified) == ()  # type: ignore[arg-type]
    behind = len(read)
    read.clear()
    assert check_run(runtime, at.ref, reader=Counting()) == ()  # type: ignore[arg-type]
    assert behind < len(read) / 2


def test_a_turn_that_somebody_else_puts_on_top_is_refused(world: World) -> None:
    at, runtime = world.at(), world.runtime(quietly)
    top = decode_commit(world.repository.read(at.tip).data)
    forged = sign_commit(
        Commit(top.tree, (at.tip,), top.author, top.committer, top.message), signer("stranger")
    )
    world.repository.write([forged])
    world.repository.swap([RefUpdate(at.ref, at.tip, forged.oid)])
    assert runtime.local.verified_tip(at.run) == at.tip
    with pytest.raises(RefusedError) as refused:
        require_trusted(runtime, replace(at, tip=forged.oid))
    assert refused.value.code == "untrusted_run"


def test_a_run_that_was_wound_back_is_refused(world: World) -> None:
    at, runtime = world.at(), world.runtime(quietly)
    earlier = world.chain()[3]
    with pytest.raises(RefusedError) as refused:
        require_trusted(runtime, replace(at, tip=earlier))
    assert refused.value.code == "untrusted_run"
    assert "history_rewritten" in str(refused.value.details["findings"])
