"""A push held to the gates: a judge of its own, so that pushes of decisions do not load what gates need."""

from __future__ import annotations

from dataclasses import replace

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.refs import GATES, HEADS, POLICY
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.gatekeeper import Gatekeeper
from gitflow_runner.runner.hook_call import HookCall, Judgement, told
from gitflow_runner.runner.pushed import read_changes
from gitflow_runner.runner.receive import MOST_SENT, open_pushed


def judge_gates(call: HookCall) -> Judgement:
    """What of the push no gate lets in; how people broke the glass is a remark."""
    changes = read_changes(call.given)
    gated = [change for change in changes if change.name.startswith((HEADS, GATES))]
    if not gated or sum(change.name.startswith(GATES) for change in gated) > MOST_SENT:
        return Judgement()  # a push of that many questions is refused as a whole, by the other judge, once
    repository = open_pushed(call)
    pushed = {change.name: change.new for change in changes}
    tools = replace(compose(call.git_dir, environment=call.environment), repository=repository)
    sent = [(name, oid) for name, oid in pushed.items() if oid is not None]
    # That a policy in this push holds is for the other judge to say; it voids every pass in any case.
    keeper = Gatekeeper(tools, pushed.get(POLICY) or repository.resolve(POLICY), sent)
    refusals: list[str] = []
    for change in gated:
        try:
            keeper.check(change)
        except GitflowError as error:
            refusals.append(told(change.name, error))
    return Judgement(tuple(refusals), tuple(keeper.remarks))
