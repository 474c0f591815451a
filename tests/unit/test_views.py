"""What screens show of a run, folded from its history."""

from __future__ import annotations

from gitflow_runner.ledger.listing import RunRef
from gitflow_runner.model.ids import run_id, slug
from gitflow_runner.model.projection import fold
from gitflow_runner.runner.views import BranchView, view_run
from tests.engine_shell import Shell, program

RUN = "20260101-120000-abc234"


def test_a_labelled_branch_stands_between_the_steps_around_it() -> None:
    body = """(let [n (flow/step :time :ask {:give 5})
                    size ^{:label "Is it big?" :yes "Big" :no "Small"} (if (> n 3) :big :small)]
                (for [i [1 2]]
                  (do (flow/step :time :turn {:give i})
                      ^{:label "More?"} (if (< i 2) 1 2))))"""
    shell = Shell(program(body))
    while shell.output is None:  # as the runner does it: what was taken is told before what is begun next
        shell.activation.commands()
        shell.feed(*shell.activation.branches())
        shell.run(1)
    assert shell.output == "[1 2]"
    at = RunRef(run_id(RUN), slug("t"), "ref", "0" * 40)
    view = view_run(at, fold(shell.history), shell.history, ())
    assert [step.identity for step in view.steps] == ["ask", "turn", "turn#1"]
    assert view.branches == (
        BranchView(1, "?Is it big?", "Is it big?", "Big", True),
        BranchView(2, "?More?", "More?", "yes", True),
        BranchView(3, "?More?#1", "More?", "no", False),
    )
