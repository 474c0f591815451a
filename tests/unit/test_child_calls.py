"""`flow/call-flow`: every shape that it may have, and the config that each comes to."""

from __future__ import annotations

import pytest

from gitflow_runner.lang.printer import write
from gitflow_runner.model.command import RunStep
from tests.engine_shell import Shell, program

# Computed, so that the linter cannot judge it before the run does.
COMPUTED = "(let [o (first [{options}])] (flow/call-flow :bill {{}} o))"


def asked(body: str, behaviour: int = 3) -> tuple[str, str]:
    """The identity and the config of the call that the body makes."""
    [command] = Shell(program(body, behaviour=behaviour)).activation.commands()
    assert isinstance(command, RunStep), command
    return command.identity, write(command.config)


@pytest.mark.parametrize(
    ("call", "config"),
    [
        ("(flow/call-flow :bill)", '{:flow-slug "bill", :input nil}'),
        ("(flow/call-flow :bill {:n 1})", '{:flow-slug "bill", :input {:n 1}}'),
        ('(flow/call-flow "bill" {:n 1})', '{:flow-slug "bill", :input {:n 1}}'),
        ("(flow/call-flow :bill nil)", '{:flow-slug "bill", :input nil}'),
        (
            '(flow/call-flow :bill {:n 1} {:version 3 :installation-id "acme"})',
            '{:version 3, :installation-id "acme", :flow-slug "bill", :input {:n 1}}',
        ),
        (
            "(flow/call-flow :bill {} {:target :draft :profile-id :acme})",
            '{:target :draft, :profile-id :acme, :flow-slug "bill", :input {}}',
        ),
        (
            "(flow/call-flow {:flow-slug :bill :input {:n 1} :version 3})",
            '{:flow-slug "bill", :input {:n 1}, :version 3}',
        ),
    ],
)
def test_each_shape_asks_for_the_same_step(call: str, config: str) -> None:
    assert asked(call) == ("child:bill", config)


@pytest.mark.parametrize(
    "options", ["{:verison 3}", "{:target :main}", "{:target :live :version 2}", "{:installation-id 7}", "[]"]
)
def test_an_option_that_means_nothing_fails_the_run(options: str) -> None:
    failure = Shell(program(COMPUTED.format(options=options))).run().failure
    assert failure is not None
    assert failure.code == "flow_call_flow_invalid"


def test_runs_that_began_before_may_hold_options_that_mean_nothing() -> None:
    assert asked(COMPUTED.format(options="{:verison 3}"), behaviour=2)[0] == "child:bill"
