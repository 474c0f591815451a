"""A cancel reaches a step that is busy, and what cleans up after it runs to its end."""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.model.event import StepFailed, StepSucceeded
from tests.loopback import Answer, Loopback
from tests.real_clone import SLUG, Clone

FLOW = """{:slug :hello
 :name "Busy"
 :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(try
          (flow/step :http :long {:url "ORIGIN/long" :method :post :timeout 60 :retry {:max-attempts 3}
                                  :on-error :fail})
          (finally (flow/step :http :undo {:url "ORIGIN/undo" :method :post})))}
"""


def test_a_busy_request_is_given_up_and_the_cleanup_is_not(tmp_path: Path) -> None:
    with Loopback() as server:
        server.on("/long", Answer(hold=True))
        server.on("/undo", Answer())
        made = Clone(tmp_path / "clone", FLOW.replace("ORIGIN", server.origin), origin=server.origin)
        running = made.begin("run", SLUG)
        assert running.stdout is not None
        run = running.stdout.readline().strip()
        assert server.arrived.wait(30)
        made.gfr("cancel", run, "--reason", "enough")
        assert running.wait(30) == 9
        running.stdout.close()
        assert (server.count("/long"), server.count("/undo")) == (1, 1)
    assert made.state(run).status == "cancelled"
    failed = [r.event for r in made.history(run) if isinstance(r.event, StepFailed)]
    assert [(e.failure.code, e.definite, e.retry_at) for e in failed] == [("step.cancelled", False, None)]
    done = [r.event.identity for r in made.history(run) if isinstance(r.event, StepSucceeded)]
    assert len(done) == 1
    assert "undo" in done[0]
