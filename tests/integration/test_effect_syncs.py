"""What a durable effect step costs in syncs, counted in a real process over a real server."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loopback import Answer, Loopback
from tests.real_clone import MODULE, SLUG, Clone


def flow(origin: str) -> str:
    return f"""{{:slug :hello :name "Effects" :concurrency {{:type :singleton :on-new-version :coexist}}
 :invocations {{:default {{:inputs [{{:name :n :type :number :default 1}}]}}}}
 :interfaces {{:manual [{{:id :start :invocation :default :label "Go"}}]}}
 :flow '(loop [i 0 last nil]
          (if (< i (:n (flow/input)))
            (recur (inc i) (:status (flow/step :http :post {{:url "{origin}/post" :method :post}})))
            {{:status last}}))}}
"""


def test_a_durable_effect_step_costs_at_most_five_syncs(
    tmp_path: Path, real_part: Callable[[str], str]
) -> None:
    strace = real_part("strace")
    with Loopback() as server:
        server.on("/post", Answer(200, b"{}", {"content-type": "application/json"}))
        clone = Clone(tmp_path / "clone", flow(server.origin), origin=server.origin)
        calls, turns = [], []
        for number in (1, 21):
            log = tmp_path / f"trace{number}"
            call = [strace, "-f", "-e", "trace=fsync,fdatasync", "-o", str(log)]
            call += [*MODULE, "run", SLUG, "-i", f"n={number}"]
            done = subprocess.run(
                call, cwd=clone.folder, env=clone.environment, capture_output=True, text=True, check=False
            )
            if done.returncode != 0 and "ptrace" in done.stderr:
                pytest.skip("tracing is not permitted here")
            assert done.returncode == 0, done.stderr
            calls.append(len(re.findall(r"f(?:data)?sync\(", log.read_text())))
            run = done.stdout.splitlines()[0]
            turns.append(int(clone.git("rev-list", "--count", f"refs/runs/{SLUG}/{run}")))
        assert len(server.seen) == 22
    # One more: the folder of a ref that was the last in it goes, and is made again.
    # A step that took long, as some do under strace, has its result written in a turn of its own.
    assert turns[1] - turns[0] <= 20 + 5
    assert calls[1] - calls[0] <= 5 * (turns[1] - turns[0]) + 1
