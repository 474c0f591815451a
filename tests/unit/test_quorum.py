"""People counted over the approvals of one wait: every rule that counts or refuses by a case of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.git.objects import Commit, Oid, Tag, blob, decode_commit
from gitflow_runner.trust.approval import Actors, build_approval
from gitflow_runner.trust.policy import RevokedKey
from gitflow_runner.trust.quorum import (
    AttestedApproval,
    ContentApproval,
    SignedApproval,
    judge,
    revoked_approvers,
)
from gitflow_runner.trust.revocation import revoked_keys
from gitflow_runner.trust.signer import sign_tag
from tests.approval_case import POLICY, Case
from tests.policies import AGENT, ANN, ANN_2, BOB, CAT, DEV, KEYS, PEOPLE, RUNNER, STRANGER, policy
from tests.signed_objects import DAY, HOUR, NOW, ident


def test_one_good_approval_resolves_a_wait_that_needs_one() -> None:
    case = Case().send(DEV)
    found = case.judge()
    assert (found.state, found.action, found.by, found.need, found.have) == (
        "approved",
        "approve",
        ("dev",),
        1,
        1,
    )
    assert found.evidence == (case.sent[0].oid,)
    assert found.edited is None
    assert found.results[0].principal == "dev"
    assert found.results[0].fingerprint == DEV.key.fingerprint


def test_without_approvals_a_wait_is_open_until_its_deadline_and_then_expired() -> None:
    case = Case()
    case.now = NOW + DAY
    assert case.judge().state == "open"
    case.now += 1
    assert case.judge().state == "expired"


def test_two_people_are_needed_where_the_rule_says_two() -> None:
    case = Case("deploy-site").send(ANN)
    assert (case.judge().state, case.judge().have, case.judge().need) == ("open", 1, 2)
    assert case.send(BOB).judge().by == ("ann", "bob")
    assert case.judge().state == "approved"


def test_two_keys_of_one_person_are_one_person() -> None:
    case = Case("deploy-site").send(ANN).send(ANN_2)
    assert case.reasons() == [None, "same_person"]
    assert case.judge().state == "open"


def test_the_same_approval_seen_twice_counts_once() -> None:
    case = Case("deploy-site").send(ANN)
    case.sent.append(case.sent[0])
    assert case.reasons() == [None, "same_person"]


def test_a_wait_may_tighten_its_rule_but_never_loosen_it() -> None:
    assert Case().terms(need=2).send(DEV).judge().state == "open"
    assert Case("deploy-site").terms(need=1).send(ANN).judge().state == "open"
    assert Case().terms(role="release").send(DEV).reasons() == ["role"]
    assert Case("deploy-site").terms(role="dev").send(DEV).reasons() == ["role"]
    assert Case("hello").terms(human=False).send(AGENT).reasons() == ["not_human"]
    assert Case("solo-x").terms(human=True).send(AGENT).reasons() == ["not_human"]
    assert Case().terms(excluded=frozenset(("dev",))).send(DEV).reasons() == ["self_approval"]


def test_a_rule_that_says_so_counts_agents() -> None:
    assert Case("solo-x").terms(human=False).send(AGENT).judge().state == "approved"


def test_people_without_the_role_are_refused() -> None:
    assert Case("deploy-site").send(DEV).reasons() == ["role"]


def test_an_agent_never_passes_for_a_human_although_it_holds_the_role() -> None:
    assert Case().send(AGENT).reasons() == ["not_human"]


def test_a_runner_approves_nothing() -> None:
    assert Case().send(RUNNER).reasons() == ["role"]


def test_without_a_rule_nobody_approves() -> None:
    bare = policy(rules="[]")
    assert Case(pinned=bare, newest=bare).send(ANN).reasons() == ["role"]
    assert Case(newest=bare).send(ANN).reasons() == ["role"]


def test_a_draft_is_judged_by_the_rules_for_drafts_alone() -> None:
    assert Case("deploy-site").terms(draft=True).send(DEV).judge().state == "approved"
    none = policy(rules='[{:match {:flow "*"} :need 1 :role :dev}]')
    assert Case(pinned=none, newest=none).terms(draft=True).send(DEV).reasons() == ["role"]


@pytest.mark.parametrize("origin", ["author", "proposer", "starter"])
def test_who_wrote_proposed_or_started_does_not_approve(origin: str) -> None:
    actors = Actors(**{origin: frozenset(("dev",))})
    assert Case().terms(actors=actors).send(DEV).reasons() == ["self_approval"]
    assert Case().terms(actors=actors).send(ANN).reasons() == [None]
    assert Case("solo-x").terms(actors=actors).send(DEV).reasons() == [None]


def test_an_unknown_starter_refuses_and_an_unknown_author_costs_one_more_person() -> None:
    assert Case().terms(actors=Actors(starter=None)).send(DEV).reasons() == ["starter_unknown"]
    case = Case().terms(actors=Actors(author=None)).send(DEV)
    assert (case.judge().state, case.judge().need) == ("open", 2)
    assert case.send(ANN).judge().state == "approved"


def test_any_good_reject_ends_the_wait_and_later_approvals_are_resolved() -> None:
    case = Case("deploy-site").send(ANN).send(BOB, "reject").send(CAT)
    assert case.reasons() == [None, None, "resolved"]
    found = case.judge()
    assert (found.state, found.action, found.by) == ("rejected", "reject", ("bob",))


def test_a_reject_withdraws_an_own_approval() -> None:
    found = Case("deploy-site").send(ANN).send(ANN_2, "reject").judge()
    assert (found.state, found.by) == ("rejected", ("ann",))


def test_a_reject_by_somebody_without_the_role_ends_nothing() -> None:
    case = Case("deploy-site").send(DEV, "reject").send(ANN).send(BOB)
    assert case.reasons() == ["role", None, None]
    assert case.judge().state == "approved"


def test_the_order_of_first_sight_counts_not_the_order_given() -> None:
    case = Case().send(DEV, seen=NOW + 5).send(ANN, "reject", seen=NOW + 1)
    assert case.reasons() == ["resolved", None]
    assert case.judge().state == "rejected"


def test_actions_of_the_waits_own_need_people_who_agree() -> None:
    case = Case("deploy-site").terms(actions=("retry", "skip", "fail"))
    case.send(ANN, "retry").send(BOB, "skip")
    assert case.judge().state == "open"
    assert case.send(CAT, "skip").judge().action == "skip"
    assert case.judge().by == ("bob", "cat")
    assert case.send(ANN, "skip").reasons() == [None, None, None, "resolved"]


def test_what_is_first_seen_after_the_deadline_is_late_whatever_its_date() -> None:
    assert Case().send(DEV, seen=NOW + DAY).reasons() == [None]
    assert Case().send(DEV, seen=NOW + DAY + 1).reasons() == ["late"]
    assert Case().send(DEV, time=NOW + DAY, seen=NOW + DAY + 1).reasons() == ["late"]
    assert Case().send(DEV, time=NOW + DAY, seen=NOW + DAY + 1, in_time=True).reasons() == [None]


def test_a_commit_dated_far_from_its_first_sight_is_refused() -> None:
    assert Case().send(DEV, time=NOW - 2 * DAY).reasons() == ["clock_skew"]


def test_strangers_unsigned_commits_and_other_objects_do_not_count() -> None:
    case = Case().send(STRANGER)
    case.send_raw(Commit(case.wait.tree, (case.wait.commit,), ident(), ident(), "yes\n").encode())
    case.send_raw(blob(b"yes"))
    case.sent.append(SignedApproval(Oid("12" * 20), NOW))
    assert case.reasons() == ["key_not_allowed", "unsigned", "malformed", "malformed"]


def test_a_person_must_hold_under_the_pinned_and_the_newest_policy() -> None:
    without = policy(keys={name: keys for name, keys in KEYS.items() if name != "dev"})
    assert Case(pinned=without).send(DEV).reasons() == ["key_not_allowed"]
    assert Case(newest=without).send(DEV).reasons() == ["key_not_allowed"]
    demoted = policy(people={"dev": ":kind :human", "ann": ":kind :human :roles #{:dev}"}, duties="")
    assert Case(newest=demoted).send(DEV).send(ANN).reasons() == ["role", None]


def test_a_key_that_changed_hands_between_the_policies_is_refused() -> None:
    swapped = policy(keys={**KEYS, "cat": (DEV,), "dev": (CAT,)})
    assert Case(newest=swapped).send(DEV).reasons() == ["key_not_allowed"]


def test_a_key_revoked_before_the_resolution_refuses_whatever_it_signed_before() -> None:
    gone = replace(POLICY, revoked=(RevokedKey(DEV.key.fingerprint, NOW + HOUR),))
    assert Case(newest=gone).send(DEV).reasons() == ["key_revoked"]
    later = replace(POLICY, revoked=(RevokedKey(DEV.key.fingerprint, NOW + 2 * HOUR),))
    assert Case(newest=later).send(DEV).reasons() == [None]


def test_an_outcome_stands_when_a_key_is_revoked_later_and_says_whose() -> None:
    outcome = Case("deploy-site").send(ANN).send(BOB).judge()
    gone = replace(POLICY, revoked=(RevokedKey(BOB.key.fingerprint, NOW + DAY),))
    assert revoked_approvers(outcome, gone, NOW + DAY - 1) == ()
    assert revoked_approvers(outcome, gone, NOW + DAY) == ("bob",)


def test_further_revoked_keys_may_be_given_by_line_or_fingerprint() -> None:
    case = Case("deploy-site").send(ANN).send(BOB).send(CAT)
    found = judge(
        case.wait,
        case.sent,
        reader=case.objects,
        pinned=POLICY,
        newest=POLICY,
        now=NOW,
        revoked=revoked_keys([ANN.key.line + " laptop", BOB.key.fingerprint]),
    )
    assert [result.reason for result in found.results] == ["key_revoked", "key_revoked", None]


def test_windows_of_keys_are_judged_at_first_sight() -> None:
    rotated = policy(windows={"dev": ':valid-before #inst "2026-01-01"'})
    assert Case(newest=rotated).send(DEV, time=NOW).reasons() == ["key_expired"]


def test_without_a_flow_the_waits_own_terms_are_all_there_is() -> None:
    case = Case(None).terms(need=2, role="release", human=True, excluded=frozenset(("cat",)), edit=False)
    case.send(ANN).send(CAT).send(DEV).send(AGENT).send(BOB)
    assert case.reasons() == [None, "self_approval", "role", "not_human", None]
    assert case.judge().by == ("ann", "bob")


def test_a_forges_word_counts_only_where_the_rule_takes_it_and_the_account_is_mapped() -> None:
    case = Case("deploy-site").send(ANN)
    case.sent.append(AttestedApproval(case.wait.commit, NOW, "github", 12, "forge-review"))
    assert case.judge().by == ("ann", "bob")
    other = Case("deploy-site")
    other.sent += [
        AttestedApproval(other.wait.commit, NOW, "github", 99, "forge-review"),
        AttestedApproval(other.wait.commit, NOW, "github", 12, "forge-merge"),
    ]
    assert other.reasons() == ["role", "role"]
    assert other.judge().results[0].detail == "no account 99 of github is mapped"
    signed_only = policy(
        rules="""[{:match {:flow "*"} :need 1 :role :dev :min-level :signed
                   :proofs [:signed-commit :forge-review]}]"""
    )
    strict = Case(pinned=signed_only, newest=signed_only)
    strict.sent.append(AttestedApproval(strict.wait.commit, NOW, "github", 12, "forge-review"))
    assert strict.reasons() == ["role"]
    assert strict.send(DEV).judge().state == "approved"


def test_a_forges_account_is_the_same_person_in_both_policies_and_says_what_the_wait_knows() -> None:
    moved = policy(people=dict(PEOPLE) | {"bob": ":kind :human :roles #{:dev :release} :forge {:github 77}"})
    for pinned, newest in ((POLICY, moved), (moved, POLICY)):
        case = Case("deploy-site", pinned=pinned, newest=newest)
        case.sent.append(AttestedApproval(case.wait.commit, NOW, "github", 12, "forge-review"))
        assert case.reasons() == ["role"]
    case = Case("deploy-site")
    case.sent.append(AttestedApproval(case.wait.commit, NOW, "github", 12, "forge-review", "explode"))
    assert case.reasons() == ["trailers"]


def test_content_that_names_nobody_counts_only_where_no_person_is_asked_for() -> None:
    def rule(human: str) -> Case:
        text = f'{{:match {{:flow "*"}} :need 1 :role :dev :human {human} :proofs [:content-only]}}'
        found = policy(rules=f"[{text}]")
        case = Case(pinned=found, newest=found).terms(human=False)
        case.sent.append(ContentApproval(case.wait.commit, NOW))
        return case

    assert rule("false").judge().state == "approved"
    assert rule("true").reasons() == ["not_human"]
    unsigned = rule("false").terms(actors=Actors(starter=None))
    assert unsigned.reasons() == ["starter_unknown"]


def test_a_signed_tag_is_no_approval() -> None:
    case = Case()
    commit = decode_commit(build_approval(case.wait, "approve", ident(), DEV, case.objects)[-1].data)
    tag = Tag(case.wait.commit, "commit", "yes", ident(), commit.message)
    assert case.send_raw(sign_tag(tag, DEV)).reasons() == ["malformed"]
