"""Who may decide a wait: what is asked of a person and a key, whatever the person has decided."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.trust.approval import OpenWait
from gitflow_runner.trust.keyring import Keyring, Signed
from gitflow_runner.trust.policy import Person, PersonKind, Policy
from gitflow_runner.trust.reasons import Reason, Refusal
from gitflow_runner.trust.terms import Terms, terms_of


@dataclass(frozen=True, slots=True)
class Eligible:
    """Whether a person's decision would count now; if so `fingerprint` is a key that would do."""

    principal: str
    kind: PersonKind
    roles: tuple[str, ...]
    reason: Reason | None
    detail: str = ""
    fingerprint: str | None = None


def check_key(signed: Signed, ring: Keyring, pinned: Policy, *, seen: int, now: int) -> str:
    """Whose signature this is under both policies; `ring` are the newest one's keys.

    Refuses what `Keyring.who` refuses, and `key_not_allowed` for a key that changed hands in between.
    """
    principal = ring.who(signed, first_seen=seen, now=now)
    if pinned.keyring.who(signed, first_seen=seen, now=now) != principal:
        raise Refusal("key_not_allowed", f"key {signed.fingerprint} changed hands since the wait opened")
    return principal


def check_person(wait: OpenWait, terms: Terms, pinned: Policy, newest: Policy, principal: str) -> None:
    """Refuse `role`, `not_human`, `starter_unknown` and `self_approval`, by both policies."""
    for policy in (pinned, newest):
        if principal not in policy.people:
            raise Refusal("role", f"version {policy.version} of the policy names no {principal}")
        for role in sorted(terms.roles):
            policy.check_role(principal, role, wait.flow)
        policy.check_any_role(principal, terms.any_role, wait.flow)
        kind = policy.people[principal].kind
        if kind == "runner":
            raise Refusal("role", f"{principal} is a runner, which decides nothing")
        if terms.human and kind != "human":
            raise Refusal("not_human", f"{principal} is no human")
    if terms.starter_unknown:
        raise Refusal("starter_unknown", "the rule leaves out the starter, and the start was not signed")
    if principal in terms.excluded:
        raise Refusal("self_approval", f"{principal} wrote, proposed or started what is to be approved")


def who_may(wait: OpenWait, pinned: Policy, newest: Policy, *, now: int) -> tuple[Eligible, ...]:
    """Everybody whom one of the policies names, by name, and why each would count or not at `now` (ms)."""
    people = {**pinned.people, **newest.people}
    return tuple(_judge(people[name], wait, pinned, newest, now) for name in sorted(people))


def _judge(person: Person, wait: OpenWait, pinned: Policy, newest: Policy, now: int) -> Eligible:
    roles = tuple(sorted(person.roles))
    try:
        check_person(wait, terms_of(wait, pinned, newest), pinned, newest, person.name)
        key = _good_key(person, pinned, newest, now)
        if now > wait.deadline:
            raise Refusal("late", "the deadline is over")
    except Refusal as refusal:
        return Eligible(person.name, person.kind, roles, refusal.reason, refusal.message)
    return Eligible(person.name, person.kind, roles, None, fingerprint=key)


def _good_key(person: Person, pinned: Policy, newest: Policy, now: int) -> str:
    refusal = Refusal("key_not_allowed", f"the policy lists no key of {person.name}")
    for listed in person.keys:
        try:
            for policy in (newest, pinned):
                owner = policy.keyring.check_key(listed.key, now=now)
                if owner != person.name:
                    raise Refusal(
                        "key_not_allowed", f"key {listed.key.fingerprint} is {owner}'s by one policy"
                    )
        except Refusal as problem:
            refusal = problem
        else:
            return listed.key.fingerprint
    raise refusal
