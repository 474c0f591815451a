"""Who may decide a wait, said before anybody has decided."""

from __future__ import annotations

from dataclasses import replace

from gitflow_runner.trust.eligible import who_may
from gitflow_runner.trust.policy import Policy
from tests.approval_case import Case
from tests.policies import ANN, ANN_2, BOB, KEYS, PEOPLE, STRANGER, policy
from tests.signed_objects import DAY, NOW

CASE = replace(Case().wait, flow="deploy-site", excluded=frozenset(("cat",)), deadline=NOW + DAY)


def reasons(
    *, pinned: Policy | None = None, newest: Policy | None = None, now: int = NOW
) -> dict[str, str | None]:
    found = who_may(CASE, pinned or policy(), newest or policy(), now=now)
    return {person.principal: person.reason for person in found}


def test_each_person_is_told_apart() -> None:
    assert reasons() == {
        "agent": "not_human",
        "ann": None,
        "bob": None,
        "cat": "self_approval",
        "dev": "role",
        "runner": "role",
    }


def test_both_policies_have_a_say() -> None:
    without_bob = policy(keys={name: keys for name, keys in KEYS.items() if name != "bob"})
    assert reasons(newest=without_bob)["bob"] == "key_not_allowed"
    assert reasons(pinned=without_bob)["bob"] == "key_not_allowed"


def test_a_key_that_changed_hands_counts_for_neither() -> None:
    swapped = policy(keys=dict(KEYS) | {"ann": (BOB,), "bob": (STRANGER,)})
    assert reasons(newest=swapped)["ann"] == "key_not_allowed"


def test_any_good_key_will_do() -> None:
    gone = f':revoked [{{:fingerprint "{ANN.key.fingerprint}" :since #inst "2026-01-01"}}]'
    found = {p.principal: p.fingerprint for p in who_may(CASE, policy(), policy(more=gone), now=NOW)}
    assert found["ann"] == ANN_2.key.fingerprint
    alone = policy(keys=dict(KEYS) | {"ann": (ANN,)}, more=gone)
    assert reasons(newest=alone)["ann"] == "key_revoked"


def test_after_the_deadline_everybody_is_late() -> None:
    assert reasons(now=NOW + DAY + 1)["ann"] == "late"


def test_without_a_rule_nobody_counts() -> None:
    assert set(reasons(newest=policy(rules="[]")).values()) == {"role"}


def test_both_policies_must_name_the_person() -> None:
    others = {name: about for name, about in PEOPLE.items() if name != "bob"}
    assert reasons(newest=policy(people=others))["bob"] == "role"
    assert reasons(pinned=policy(people=others))["bob"] == "role"


def test_a_runner_decides_nothing_even_where_no_role_and_no_human_is_asked_for() -> None:
    wait = replace(CASE, flow=None, human=False, role=None)
    found = {p.principal: p for p in who_may(wait, policy(), policy(), now=NOW)}
    assert found["agent"].reason is None
    assert (found["runner"].reason, found["runner"].detail) == (
        "role",
        "runner is a runner, which decides nothing",
    )
    others = policy(people={name: about for name, about in PEOPLE.items() if name != "agent"})
    gone = {p.principal: p.reason for p in who_may(wait, policy(), others, now=NOW)}
    assert gone["agent"] == "role"


def test_of_several_roles_one_is_held_besides_the_rules_own() -> None:
    people = dict(PEOPLE) | {
        "bob": ":kind :human :roles #{:dev :release :legal}",
        "dev": ":kind :human :roles #{:legal}",
    }
    wide = policy(people=people)

    def told(*roles: str, pinned: Policy = wide) -> dict[str, str | None]:
        wait = replace(CASE, any_role=frozenset(roles))
        found = who_may(wait, pinned, wide, now=NOW)
        return {p.principal: p.reason for p in found if p.principal in ("ann", "bob", "dev")}

    # The rule asks for :release, which naming other roles never makes up for.
    assert told("legal", "ops") == {"ann": "role", "bob": None, "dev": "role"}
    assert told("ops", "sales") == {"ann": "role", "bob": "role", "dev": "role"}
    assert told("release", "ops") == {"ann": None, "bob": None, "dev": "role"}
    # Both policies have a say in this, too.
    assert told("legal", "ops", pinned=policy())["bob"] == "role"
