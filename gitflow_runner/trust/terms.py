"""What a wait asks for: its own terms and the rules of both policies, read in the strictest way."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.trust.approval import OpenWait
from gitflow_runner.trust.policy import Policy, Proof, Rule
from gitflow_runner.trust.reasons import Refusal

_SIGNED: frozenset[Proof] = frozenset(("signed-commit", "signed-push"))
_WITHOUT_RULES: frozenset[Proof] = frozenset(("signed-commit",))


@dataclass(frozen=True, slots=True)
class Terms:
    """How many people, who they may be, and what they may do.

    All of `roles` must be held, and one of `any_role` if there are any.
    """

    need: int
    roles: frozenset[str]
    human: bool
    excluded: frozenset[str]
    edit: bool
    editor_counts: bool
    proofs: frozenset[Proof]
    starter_unknown: bool = False
    any_role: frozenset[str] = frozenset()


def terms_of(wait: OpenWait, pinned: Policy, newest: Policy) -> Terms:
    """The terms under the pinned and the newest policy; an unknown author or proposer costs one more person.

    Refuses `role` where one of the policies has no rule for the wait.
    """
    rules = () if wait.flow is None else tuple(_rule(wait, wait.flow, p) for p in (pinned, newest))
    origins = frozenset(origin for rule in rules for origin in rule.excluded)
    unknown = {origin for origin in origins if wait.actors.of(origin) is None}
    excluded = wait.excluded.union(*(wait.actors.of(origin) or () for origin in origins))
    roles = {rule.role for rule in rules} | ({wait.role} if wait.role is not None else set())
    return Terms(
        max((wait.need, *(rule.need for rule in rules))) + bool(unknown - {"starter"}),
        frozenset(roles),
        wait.human or any(rule.human for rule in rules),
        excluded,
        wait.edit and all(rule.edit for rule in rules),
        wait.editor_counts and all(rule.editor_counts for rule in rules),
        _proofs(rules),
        "starter" in unknown,
        wait.any_role,
    )


def _rule(wait: OpenWait, flow: str, policy: Policy) -> Rule:
    rule = policy.rule_for(flow, wait.wait, draft=wait.draft)
    if rule is None:
        raise Refusal("role", f"version {policy.version} of the policy has no rule for {wait.wait} of {flow}")
    return rule


def _proofs(rules: tuple[Rule, ...]) -> frozenset[Proof]:
    if not rules:
        return _WITHOUT_RULES
    shared = frozenset(rules[0].proofs).intersection(*(rule.proofs for rule in rules))
    return shared & _SIGNED if any(rule.min_level == "signed" for rule in rules) else shared
