"""Lock files that a killed process left on shared refs: the worker waits until they may go, then goes on."""

from __future__ import annotations

import os
import time

import pytest

from tests.team import Team

COUNT = """{:slug :count :name "Count" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(:value (flow/step :kv :up {:operation :increment :key "n"}))}
"""


@pytest.fixture
def lock(team: Team) -> str:
    (team.home / ".breyta/flows/count.edn").write_text(COUNT)
    folder = team.home / ".git/refs/runner/kv"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "default.lock"
    path.touch()
    return str(path)


def test_a_run_stopped_by_a_left_lock_says_so_and_loses_nothing(team: Team, lock: str) -> None:
    told = team.ann.gfr("run", "count")
    assert (told.exit, told.code) == (6, "git.ref_locked")
    (item,) = team.ann.gfr("runs", "ls").data["items"]
    assert item["status"] == "running"


def test_the_worker_removes_it_once_it_is_old_and_finishes_the_run(team: Team, lock: str) -> None:
    assert team.ann.gfr("run", "count").exit == 6
    old = time.time() - 28  # two seconds short of what the protocol asks for
    os.utime(lock, (old, old))
    (item,) = team.ann.gfr("worker", "--once").data["items"]
    assert item["status"] == "succeeded"
    assert not os.path.exists(lock)


def test_a_start_removes_the_lock_of_its_slot_once_that_is_old(team: Team, lock: str) -> None:
    os.unlink(lock)
    assert team.ann.gfr("run", "count").exit == 0
    (turn,) = team.ann.gfr("runs", "ls").data["items"]
    left = team.home / f".git/refs/runner/slots/count/{turn['concurrency']['slot']}.lock"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.touch()
    old = time.time() - 29
    os.utime(left, (old, old))
    assert team.ann.gfr("run", "count").exit == 0
    assert not left.exists()
