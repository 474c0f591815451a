"""A recorded run is ordinary Git: the git binary alone checks it, tells its story and shows its state."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from gitflow_runner.git.objects import Commit
from gitflow_runner.ledger import lease
from gitflow_runner.ledger.journal import Turn
from gitflow_runner.ledger.kv import Entry, KvScope
from gitflow_runner.model.event import RunSucceeded
from gitflow_runner.model.stored import Stored
from tests.repositories import repositories
from tests.run_histories import (
    COMMITTER,
    EMPTY_TREE,
    REF,
    RUN,
    SLUG,
    T0,
    decision_seen,
    first_turn,
    step_started,
    step_succeeded,
    wait_resolved,
    wait_turn,
)


@pytest.fixture
def git_dir(tmp_path: Path) -> Path:
    """A repository that holds one finished run, its approval and a key-value scope."""
    repository = repositories("pygit", tmp_path)
    held = lease.Lease(RUN, SLUG, "clone-1", "laptop", 1, T0)
    journal = lease.begin(repository, COMMITTER, held, first_turn())
    journal.append(Turn((step_started(1),), T0 + 5))
    journal.append(Turn((step_succeeded(1), step_started(2)), T0 + 17))
    opened = journal.append(wait_turn(3, T0 + 600))
    approval = Commit(EMPTY_TREE.oid, (opened,), COMMITTER.at(T0), COMMITTER.at(T0), "approve\n").encode()
    repository.write([EMPTY_TREE, approval])
    resolution = (decision_seen(3, approval.oid), wait_resolved(3, counted=(approval.oid,)))
    journal.append(Turn(resolution, T0 + 1_000))
    lease.finish(repository, journal, Turn((RunSucceeded(Stored("{:sent 3}")),), T0 + 2_000))
    kv = KvScope(repository, COMMITTER, SLUG, lambda: T0, trusted=lambda: None, wrote=lambda tip: None)
    kv.update("a", "k", lambda old: (Entry("1"), "nil"))
    return tmp_path / "r.git"


def git(git_dir: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(git_dir)}
    done = subprocess.run(
        ["git", f"--git-dir={git_dir}", *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def test_git_finds_nothing_wrong_with_it(git_dir: Path) -> None:
    assert git(git_dir, "fsck", "--strict", "--no-progress", "--no-dangling") == ""


def test_git_log_tells_the_story(git_dir: Path) -> None:
    assert git(git_dir, "log", "--first-parent", "--format=%s", REF).splitlines() == [
        "run succeeded",
        "wait send-3 approved by bob +1",
        "wait send-3 opened: Send the invoices?",
        "step fetch-1 succeeded (attempt 1, 12 ms) +1",
        "step fetch-1 started (attempt 1)",
        f"run invoice-sync started by anna (draft main {'c' * 40})",
    ]


def test_git_reads_the_trailers(git_dir: Path) -> None:
    told = git(
        git_dir, "log", "--first-parent", "--format=%(trailers:key=Gitflow-Seq,valueonly,separator=)", REF
    )
    assert told.splitlines() == ["8", "6-7", "5", "3-4", "2", "1"]
    found = git(git_dir, "log", "--format=%s", "--grep", "^Gitflow-Step: fetch-1$", REF)
    assert len(found.splitlines()) == 2


def test_git_shows_the_state_now_and_then(git_dir: Path) -> None:
    assert json.loads(git(git_dir, "show", f"{REF}:run.json"))["status"] == "succeeded"
    then = json.loads(git(git_dir, "show", f"{REF}~2:run.json"))
    assert [wait["wait"]["key"] for wait in then["waits"]] == ["send-3"]
    assert git(git_dir, "show", f"{REF}:output.edn") == "{:sent 3}"
    assert git(git_dir, "show", f"{REF}:steps/000/00001-fetch-1/output.edn") == "{:status 200 :id 1}"


def test_the_approval_stays_reachable_from_the_run(git_dir: Path) -> None:
    assert git(git_dir, "log", "-1", "--format=%s", f"{REF}~1^2") == "approve\n"


def test_what_a_turn_did_is_a_short_diff(git_dir: Path) -> None:
    assert git(git_dir, "diff", "--name-only", f"{REF}~4", f"{REF}~3").splitlines() == [
        "events.jsonl",
        "run.json",
        "steps/000/00001-fetch-1/output.edn",
        "steps/000/00002-fetch-2/input.edn",
    ]


def test_a_finished_run_leaves_only_its_own_ref(git_dir: Path) -> None:
    refs = git(git_dir, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == ["refs/runner/kv/invoice-sync", REF]
