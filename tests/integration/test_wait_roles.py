"""A wait that names several roles: whoever holds any of them may decide, and the policy's own role stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.cli.shown import wait_data
from gitflow_runner.model.event import WaitOpened
from gitflow_runner.runner.verify import check_run
from gitflow_runner.trust.reasons import Refusal
from tests.memory_runs import World, quietly

FLOW = """{:slug :hello :name "Roles" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(let [answer (flow/step :wait :ask {:title "Go on?" :timeout "1d" :roles [%s]})] (:action answer))}
"""


@pytest.mark.parametrize(("roles", "counts"), [(":ops :release", True), (":ops :legal", False)])
def test_any_of_the_roles_will_do_and_none_is_refused(tmp_path: Path, roles: str, counts: bool) -> None:
    world = World(tmp_path / "world", FLOW % roles)
    assert world.process(world.start)
    [state] = world.run().waits
    assert (state.wait.role, state.wait.any_role) == ("dev", tuple(roles.replace(":", "").split()))
    assert wait_data(state)["any_role"] == list(state.wait.any_role)
    if not counts:
        with pytest.raises(Refusal) as refused:
            world.process(world.approve)
        assert refused.value.reason == "role"
        return
    assert world.process(world.approve)
    assert world.process(world.drive)
    assert world.run().status == "succeeded"
    assert list(check_run(world.runtime(quietly), world.at().ref, tip=world.at().tip)) == []
    assert any(isinstance(r.event, WaitOpened) and r.event.any_role for r in world.history())
