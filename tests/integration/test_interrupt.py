"""Ctrl-C in a driving command: the turn in hand is finished, and it is said where the run stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.team import ROOT, Team

NAP = """{:slug :nap :name "Nap" :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :one :language :clojure :code '(fn [_] 1)}]
 :flow '(do (flow/step :function :before {:ref :one})
            (flow/step :sleep :rest {:duration "1h"})
            (flow/step :function :after {:ref :one}))}
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_left_where_it_stands_and_goes_on_later(
    team: Team, sent: signal.Signals
) -> None:
    (team.home / ".breyta/flows/nap.edn").write_text(NAP)
    process = subprocess.Popen(
        [sys.executable, "-m", "gitflow_runner", "run", "nap"],
        cwd=team.home,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    run = process.stdout.readline().strip()
    for line in process.stderr:
        if "sleeping" in line:
            break
    process.send_signal(sent)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "nothing drives it now" in said
    shown = team.ann.gfr("show", run)
    assert shown.data["status"] == "waiting"
    assert [s["status"] for s in shown.data["steps"]] == ["succeeded", "sleeping"]
    assert team.ann.gfr("runs", "verify", run).data["verdict"] == "ok"
    assert team.ann.gfr("worker", "--once").data["items"][0]["status"] == "waiting"
