"""`gfr logs`: which attempts, which lines, and following a run that goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import Answer, Loopback
from tests.real_clone import SLUG, Clone

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
