"""`gfr gates`, a worker that hears of a push, and what other clones see of a gate's runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT
from tests.gated import ASKS, MAIN, Gated, guard
from tests.hooked import must
from tests.spoken import gfr
from tests.team import Team


@pytest.fixture
def gated(team: Team) -> Gated:
    return guard(team)


def test_what_is_guarded_and_what_was_asked(gated: Gated) -> None:
    (item,) = gfr(gated.folder, "gates", "ls").data["items"]
    assert (item["gate"], item["refs"], item["runs"]) == ("guard/main", [MAIN], [])
    assert gated.ann.gfr("gates", "ls").data["items"] == [item]
    gated.ask(gated.commit())
    gated.work()
    for told in (gfr(gated.folder, "gates", "ls"), gated.ann.gfr("gates", "ls")):
        assert [run["why"] for run in told.data["items"][0]["runs"]] == ["succeeded"]


def test_why_a_push_would_be_refused_now(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    asked = gfr(gated.folder, "gates", "explain", "main", good)
    assert (asked.exit, asked.data["open"], asked.data["items"][0]["why"]) == (1, False, "no_run")
    assert "no worker has looked yet" in asked.data["items"][0]["message"]
    gated.work()
    told = gfr(gated.folder, "gates", "explain", "refs/heads/main", good)
    assert (told.exit, told.data["open"]) == (0, True)
    assert gfr(gated.folder, "gates", "explain", "side", good).data["items"] == []


def test_a_gate_that_is_retired_guards_nothing(gated: Gated) -> None:
    assert gated.ann.gfr("retire", "guard", "--yes").exit == 0
    assert gfr(gated.folder, "gates", "ls").data["items"] == []
    assert gated.push(gated.commit()) == []


def test_a_push_wakes_the_worker_that_waits(gated: Gated) -> None:
    command = [sys.executable, "-m", "gitflow_runner", "-C", str(gated.folder), "worker", "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as worker:
        assert worker.stdout is not None
        first, second = gated.commit("first"), gated.commit("second")
        gated.ask(first)
        assert json.loads(worker.stdout.readline())["status"] == "succeeded"
        gated.ask(second, "b")  # it rests now, half a minute long if nobody wakes it
        assert json.loads(worker.stdout.readline())["status"] == "succeeded"
        worker.terminate()
    assert gated.push(second) == []


def test_the_server_says_to_whom_it_asked(gated: Gated) -> None:
    good = gated.commit()
    done = gated.ann.attempt("git", "push", "-q", "origin", f"{good}:refs/for/main/a")
    assert re.search(r"refs/for/main/a asks the gate", done.stderr.decode())
    assert (gated.folder / "gitflow/wake/gates").exists()
    gated.work()
    assert not (gated.folder / "gitflow/wake/gates").exists()


def test_another_clone_proves_the_gates_run_it_fetched(team: Team) -> None:
    gated = guard(team, ASKS)
    gated.ask(gated.commit(key="cat"))
    gated.work()
    (run,) = gated.runs()
    ann, ref = gated.ann, f"refs/runner/remotes/origin/runs/guard/{run.run}"
    proof = ann.gfr("audit", "verify", "--one-reader").data
    assert (proof["verdict"], proof["counts"]["runs"]) == ("ok", 1)
    forged = ann.git("commit-tree", "-S", "-m", "another history", f"{ref}^{{tree}}")
    must(team.home, "update-ref", ref, forged)
    must(team.home, "remote", "remove", "origin")
    must(team.home, "config", "--unset", "gitflow.remote")
    found = ann.gfr("audit", "verify", "--one-reader").data["findings"]
    assert ("history_rewritten", ref) in {(each["code"], each["ref"]) for each in found}


def test_a_flow_of_the_older_spelling_guards_too(team: Team) -> None:
    gated = guard(team)
    old = """{:slug :guard :name "Guard" :concurrency {:type :singleton :on-new-version :coexist}
 :triggers [{:type :git :on :push :refs ["refs/heads/ma?n"] :gate true}]
 :flow '%s}
"""
    gated.go_live("{:ok true}", old)
    good = gated.commit()
    assert gated.push(good) == ["gate.no_run"]
    gated.ask(good)
    gated.work()
    assert gated.runs()[-1].starter == "trigger:git"
    assert gated.push(good) == []
