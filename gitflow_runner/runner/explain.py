"""Why each person's decision would count for an open wait, or would not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitflow_runner.errors import RefusedError
from gitflow_runner.ledger.chain import file_in
from gitflow_runner.ledger.codec import decode_pin
from gitflow_runner.runner.asked import as_asked, deadline_under
from gitflow_runner.runner.decide import Question, find_question
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.trust.eligible import Eligible, who_may
from gitflow_runner.trust.policy import Policy, Rule
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.terms import Terms, terms_of


@dataclass(frozen=True, slots=True)
class Explained:
    """An open wait, the policies and the rule that judge it, and everybody's standing.

    `terms` is None where one of the policies has no rule for it: then `refusal` says so, and nobody counts.
    """

    question: Question
    pinned: Policy
    newest: Policy
    rule: Rule | None
    deadline: int  # ms
    terms: Terms | None
    refusal: str
    people: tuple[Eligible, ...]
    decided: tuple[tuple[str, str], ...]  # who has decided already, and what


def explain_wait(runtime: Runtime, typed_run: str, typed_wait: str | None) -> Explained:
    """Explain the open wait that these names mean.

    Errors as `find_question`; `RefusedError` (`wait.no_policy`) for a wait that no approval resolves, and
    (`policy.policy_rewound`) where the policy that it pins is not in this clone's chain.
    """
    question = find_question(runtime, typed_run, typed_wait)
    wait = question.state.wait
    if wait.wait != "approval":
        raise RefusedError(
            "wait.no_policy",
            f"{wait.folder} waits for an event, which no approval brings about",
            fix=(f"gfr show {question.run.run} {wait.folder}",),
        )
    newest, pinned = runtime.policies.require(), runtime.policies.at(wait.policy)
    if pinned is None:
        raise RefusedError(
            "policy.policy_rewound",
            f"the policy that {wait.folder} pins is not in this clone's chain",
            hint="fetch the policy, then ask again",
        )
    reader = runtime.repository
    tree = reader.commit(question.commit).tree
    data = file_in(reader, reader.commit(question.at.tip).tree, "pin.json")
    if data is None:
        raise RefusedError("pin.missing", f"run {question.run.run} has no pin.json")
    pin = decode_pin(data)
    asked = replace(
        as_asked(question.run.run, wait, question.commit, tree, pin, question.run.starter),
        deadline=deadline_under(wait, question.state.opened_at, newest, pin),
    )
    terms, refusal = None, ""
    try:
        terms = terms_of(asked, pinned, newest)
    except Refusal as problem:
        refusal = problem.message
    return Explained(
        question,
        pinned,
        newest,
        newest.rule_for(pin.slug, wait.folder, draft=pin.is_draft),
        asked.deadline,
        terms,
        refusal,
        who_may(asked, pinned, newest, now=runtime.clock.now_ms()),
        tuple(
            (s.principal, s.decision or "") for s in question.state.seen if s.reason is None and s.principal
        ),
    )
