"""What a policy's authors should know before they sign it, and where it stands."""

from __future__ import annotations

from gitflow_runner.trust.policy_review import review
from tests.policies import ANN, KEYS, PEOPLE, policy
from tests.signed_objects import DAY, NOW


def codes(**parts: object) -> list[str]:
    return [remark.code for remark in review(policy(**parts), now=NOW)]


def test_a_policy_that_can_work_has_no_remarks() -> None:
    assert codes() == []


def test_a_rule_that_too_few_people_can_meet_is_pointed_at() -> None:
    (remark,) = review(policy(rules='[{:match {:flow "*"} :need 4 :role :release}]'), now=NOW)
    assert (remark.code, remark.message) == (
        "unmeetable",
        "the rule takes 4 of role release, but 3 people could decide",
    )
    text = policy(rules='[{:match {:flow "*"} :need 4 :role :release}]').text.decode().splitlines()
    assert remark.at.file == ".breyta/policy.edn"
    assert text[(remark.at.line or 0) - 1][(remark.at.col or 0) - 1 :].startswith("{:match")


def test_a_rule_behind_a_wider_one_never_comes_up() -> None:
    wide, narrow = '{:match {:flow "*"} :need 1 :role :dev}', '{:match {:flow "hello"} :need 1 :role :dev}'
    assert codes(rules=f"[{wide} {narrow}]") == ["shadowed"]
    assert codes(rules=f"[{narrow} {wide}]") == []
    assert codes(rules=f"[{wide} {narrow[:-1]} :drafts true}}]") == []


def test_everybody_needed_leaves_nobody_to_have_written_it() -> None:
    assert codes(rules='[{:match {:flow "*"} :need 3 :role :release}]') == ["no_spare"]


def test_duties_that_are_nobodys_or_beyond_anybody() -> None:
    assert codes(duties="") == ["nobody"] * 4
    duties = """:release {:need 1 :role :release} :promote {:need 9 :role :release}
      :control {:role :dev} :policy-change {:need 3 :role :release}"""
    assert codes(duties=duties) == ["unmeetable", "no_spare"]


def test_a_person_whose_keys_are_all_out_of_their_time_cannot_act() -> None:
    gone = f'[{{:fingerprint "{ANN.key.fingerprint}" :since #inst "2026-01-01" :why "lost"}}]'
    keys = KEYS | {"ann": (ANN,)}
    assert "no_good_key" in codes(keys=keys, more=f":revoked {gone}")
    assert "no_good_key" in codes(windows={"dev": ':valid-before #inst "2026-09-01"'})
    assert review(policy(windows={"dev": ':valid-before #inst "2026-09-01"'}), now=NOW - 365 * DAY) == ()


def test_without_a_runner_only_drafts_run() -> None:
    people = {name: about for name, about in PEOPLE.items() if name != "runner"}
    assert codes(people=people) == ["no_runner"]
