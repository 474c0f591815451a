"""`gfr logs`: which attempts, which lines, and following a run that goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitflow_runner.ledger.codec import log_path
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.ledger.listing import RunRef
from gitflow_runner.model.ids import RunId, Slug
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.step_logs import attempt_logs
from tests.loopback import Answer, Loopback
from tests.real_clone import SLUG, Clone
from tests.run_histories import COMMITTER, REF, RUN, T0, first_turn, step_started, step_succeeded
from tests.run_histories import SLUG as HISTORY_SLUG

FLOW = """{:slug :hello
 :name "Logs"
 :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [busy (flow/step :http :busy {:url "ORIGIN/busy" :metering {:cost 2}
                                           :retry {:max-attempts 2 :backoff-ms 10}})
              slow (flow/step :http :slow {:url "ORIGIN/slow" :timeout 60})]
          (:status slow))}
"""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as running:
        running.on("/busy", Answer(503, b"busy"), Answer())
        running.on("/slow", Answer())
        yield running


def clone(tmp_path: Path, server: Loopback) -> Clone:
    return Clone(tmp_path / "clone", FLOW.replace("ORIGIN", server.origin), origin=server.origin)


def items(made: Clone, *arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(made.gfr("logs", *arguments, "--json"))["data"]["items"]
    return found


def test_attempts_are_told_apart_by_step_number_failure_and_time(tmp_path: Path, server: Loopback) -> None:
    made = clone(tmp_path, server)
    run = made.gfr("run", SLUG).splitlines()[0]
    every = items(made, run)
    assert [(i["attempt"], i["step"], i["failed"]) for i in every] == [
        ("00001-busy.1", "busy", True),
        ("00001-busy.2", "busy", False),
        ("00002-slow.1", "slow", False),
    ]
    assert "GET answered 503, 4 bytes" in str(every[0]["text"])
    assert "metering {:cost 2}" in str(every[0]["text"])
    assert items(made, run, "--failed") == every[:1]
    assert items(made, run, "--step", "busy", "--attempt", "2") == every[1:2]
    assert items(made, run, "--since", "1h") == every
    assert items(made, run, "--since", "2100-01-01") == []
    told = json.loads(made.gfr("logs", run, "--step", "other", "--json", codes=(3,)))
    assert told["error"]["code"] == "step.unknown"
    tree = made.git("ls-tree", "-r", "--name-only", f"refs/runs/{SLUG}/{run}", "logs/")
    assert tree.split() == [
        "logs/000/00001-busy.1.log",
        "logs/000/00001-busy.2.log",
        "logs/000/00002-slow.1.log",
    ]


def test_a_run_begun_before_logs_lay_in_shards_shows_all_of_them(tmp_path: Path, server: Loopback) -> None:
    made = clone(tmp_path, server)
    repository = made.repository()
    journal = Journal.create(repository, REF, COMMITTER, first_turn())
    journal.append(
        Turn((step_started(1), step_succeeded(1)), T0, files={"logs/00001-fetch-1.1.log": b"flat\n"})
    )
    path = log_path("00002-fetch-2", 1)
    journal.append(Turn((step_started(2), step_succeeded(2)), T0, files={path: b"in a shard\n"}))
    runtime = compose(made.folder, environment=made.environment)
    logs = attempt_logs(runtime, RunRef(RunId(RUN), Slug(HISTORY_SLUG), REF, journal.tip))
    assert [(log.name, log.step, [line.text for line in log.lines]) for log in logs] == [
        ("00001-fetch-1.1", "fetch-1", ["flat"]),
        ("00002-fetch-2.1", "fetch-2", ["in a shard"]),
    ]


def test_a_run_is_followed_until_it_ends(tmp_path: Path, server: Loopback) -> None:
    made = clone(tmp_path, server)
    server.on("/slow", Answer(hold=True))
    running = made.begin("run", SLUG)
    assert running.stdout is not None
    run = running.stdout.readline().strip()
    following = made.begin("logs", run, "-f", "--json")
    assert following.stdout is not None
    first = json.loads(following.stdout.readline())
    assert (first["step"], first["attempt"]) == ("busy", "00001-busy.1")
    server.released.set()
    *_, last = following.stdout.read().splitlines()
    # A held connection is closed without an answer: the step has nothing to try again with.
    assert json.loads(last) == {"event": "end", "run": run, "status": "failed"}
    assert (following.wait(30), running.wait(30)) == (0, 1)
    running.stdout.close()
    following.stdout.close()
