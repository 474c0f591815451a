"""Pushes that start runs: at a server with hooks, and where two clones that may drive watch one remote."""

from __future__ import annotations

import pytest

from gitflow_runner.ledger.chain import read_run
from gitflow_runner.model.run import Run
from tests.gated import ASKS, Gated
from tests.hooked import install
from tests.server import Server
from tests.spoken import gfr
from tests.team import Team

WATCH = """{:slug :guard :name "Deploy"
 :concurrency {:type :singleton :on-new-version :coexist}
 :invocations {:default {:inputs [{:name :new :type :string}]}}
 :interfaces {:git [{:id :landed :invocation :default :on :push :refs ["refs/heads/main" "refs/heads/r/*"]}]}
 :flow '%s}
"""
WAKE = "gitflow/wake/pushes"


@pytest.fixture
def there(team: Team) -> Gated:
    """A server whose main branch is watched, after its worker has looked once."""
    found = Gated(Server(team, team.share()))
    install(found.folder)
    found.server.pin()
    found.policy(3, can=":can #{:drive}")
    found.go_live(ASKS, WATCH)
    assert found.work().exit == 0
    assert found.runs() == []
    return found


def here(there: Gated) -> list[Run]:
    """The runs that Ann's own clone drives."""
    runtime = there.team.runtime()
    return [read_run(runtime.repository, tip) for _, tip in runtime.repository.refs("refs/runs/guard/")]


def test_a_push_wakes_the_server_and_starts_one_run(there: Gated) -> None:
    (there.folder / WAKE).unlink(missing_ok=True)
    oid = there.commit()
    assert there.push(oid) == []
    assert (there.folder / WAKE).exists()
    assert there.work().exit in (0, 7)
    (run,) = there.runs()
    assert (run.starter, run.status) == ("trigger:landed", "waiting")
    assert not (there.folder / WAKE).exists()
    # Ann wrote the commit and the release, so somebody else decides.
    assert run.waits[0].wait.excluded == ("ann", "trigger:landed")
    there.work()
    assert len(there.runs()) == 1


def test_clones_that_watch_one_remote_start_one_run_between_them(there: Gated) -> None:
    assert there.push(there.commit("first")) == []
    assert there.work().exit in (0, 7)
    assert gfr(there.team.home, "worker", "--once").exit in (0, 7)
    assert (len(there.runs()), here(there)) == (1, [])
    second = there.commit("second")
    assert there.server.push(f"{second}:refs/heads/r/1") == []
    assert gfr(there.team.home, "worker", "--once").exit in (0, 7)
    assert [run.starter for run in here(there)] == ["trigger:landed"]
    there.work()
    assert len(there.runs()) == 2, (
        "Ann's run came to the server by being shared, and no third one was started"
    )
    assert there.push(there.commit("third")) == []
    there.work()
    assert [run.starter for run in there.runs()] == ["trigger:landed"] * 3


def test_a_runner_that_may_not_drive_the_flow_leaves_pushes_to_others(there: Gated) -> None:
    there.policy(4, can=":can #{:gate}")
    assert there.push(there.commit()) == []
    told = there.work()
    assert (told.exit, there.runs()) == (0, [])
    there.policy(5, can=":can #{:drive}")
    there.work()
    assert len(there.runs()) == 1
