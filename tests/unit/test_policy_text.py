"""A policy's text is read strictly: the good one to values, every doubtful one to a code and a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gitflow_runner.errors import UsageError
from gitflow_runner.trust.policy import Duty, Rule
from gitflow_runner.trust.policy_text import parse_policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import load_signer
from tests.policies import ANN, ANN_2, BOB, DUTIES, KEYS, PEOPLE, policy, policy_text
from tests.signed_objects import rsa_key_file

JAN_2026 = 1_767_225_600_000

RSA_2048 = load_signer(rsa_key_file(2048))
EXAMPLE = f"""{{:policy/version 4
 :people {{"ann@example.test" {{:kind :human :roles #{{:dev :release}}
                              :keys [{{:ssh "{ANN.key.line} laptop" :valid-after #inst "2026-01-01"}}]
                              :forge {{:github 8928}}}}
          "bob@example.test" {{:kind :human :roles #{{:dev :release}} :keys [{{:ssh "{BOB.key.line}"}}]}}
          "runner@build1"    {{:kind :runner :can #{{:drive}} :flows ["*"]
                              :keys [{{:ssh "{ANN_2.key.line}"}}]}}}}
 :revoked [{{:fingerprint "SHA256:{"A" * 43}" :since #inst "2026-11-01" :why "laptop lost"}}]
 :protected-branch "main" :promote {{:need 1 :role :release}} :control {{:role :dev}}
 :rules [{{:match {{:flow "deploy-*" :wait :any}}
          :need 2 :role :release :human true :not #{{:author :proposer :starter}}
          :proofs [:signed-commit :signed-push :forge-review] :deadline-s 86400 :edit false}}
         {{:match {{:flow "*"}} :need 1 :role :dev :human true :drafts true
          :proofs [:signed-commit :forge-review :forge-merge]}}]
 :release {{:need 1 :role :release}}
 :policy-change {{:need 2 :role :release}}
 :skew-s 86400 :min-rsa 3072 :sk-touch true}}
"""


def test_the_example_of_the_design_is_read_whole() -> None:
    found = parse_policy(EXAMPLE.encode())
    ann = found.people["ann@example.test"]
    assert (found.version, found.protected_branch, found.min_rsa, found.skew_ms) == (
        4,
        "main",
        3072,
        86_400_000,
    )
    assert (ann.kind, ann.roles, ann.forge) == ("human", {"dev", "release"}, {"github": 8928})
    assert [(key.key, key.valid_after, key.valid_before) for key in ann.keys] == [(ANN.key, JAN_2026, None)]
    assert found.people["runner@build1"].can == {"drive"}
    assert found.release == Duty(1, "release")
    assert found.control == Duty(1, "dev", human=False)
    assert found.policy_change == Duty(2, "release")
    assert found.rules[0] == Rule(
        "deploy-*",
        None,
        2,
        "release",
        proofs=("signed-commit", "signed-push", "forge-review"),
        deadline_s=86_400,
    )
    assert found.revoked[0].why == "laptop lost"
    assert found.digest.startswith("sha256:")
    assert found.account("github", 8928) == "ann@example.test"
    assert found.account("github", 1) is None


def test_a_rule_asks_for_humans_and_leaves_out_the_actors_unless_it_says_otherwise() -> None:
    rule = policy(rules='[{:match {:flow "*"} :need 1 :role :dev}]').rules[0]
    assert (rule.human, rule.drafts, rule.edit, rule.editor_counts) == (True, False, False, False)
    assert rule.excluded == {"author", "proposer", "starter"}
    assert rule.proofs == ("signed-commit", "forge-review", "forge-merge")


@pytest.mark.parametrize(
    ("level", "proofs"),
    [("signed", ("signed-commit",)), ("forge-attested", ("signed-commit", "forge-review"))],
)
def test_a_rule_with_a_level_takes_no_merge_on_a_forge_s_word(level: str, proofs: tuple[str, ...]) -> None:
    text = f'[{{:match {{:flow "*"}} :need 1 :role :dev :min-level :{level}}}]'
    assert policy(rules=text).rules[0].proofs == proofs


ONE_PERSON = policy_text(people={"ann": PEOPLE["ann"]}, duties="")
REFUSED = {
    "syntax": (b"{:policy/version 1", "policy.syntax"),
    "two forms": (b"{} {}", "policy.syntax"),
    "not utf-8": (b"\xff", "policy.syntax"),
    "not a map": (b"[]", "policy.type"),
    "too large": (b" " * 300_000, "policy.too_large"),
    "duplicate key": (b"{:policy/version 1 :policy/version 2 :people {}}", "policy.duplicate_key"),
    "duplicate person": (b'{:policy/version 1 :people {"a" {} "a" {}}}', "policy.duplicate_key"),
    "no version": (b"{:people {}}", "policy.missing_key"),
    "version zero": (b"{:policy/version 0 :people {}}", "policy.value"),
    "version as text": (b'{:policy/version "1" :people {}}', "policy.type"),
    "version as fraction": (b"{:policy/version 1.0 :people {}}", "policy.type"),
    "unknown key": (policy_text(more=":polcy-change {}"), "policy.unknown_key"),
    "unknown key in a person": (policy_text(people={"ann": ":kind :human :role :dev"}), "policy.unknown_key"),
    "unknown kind": (policy_text(people={"ann": ":kind :robot"}), "policy.value"),
    "no kind": (policy_text(people={"ann": ":roles #{}"}), "policy.missing_key"),
    "odd principal": (policy_text(people={"ann b": ":kind :human"}), "policy.value"),
    "roles as a vector": (policy_text(people={"ann": ":kind :human :roles [:dev]"}), "policy.type"),
    "runner with a role": (policy_text(people={"r": ":kind :runner :roles #{:dev}"}), "policy.runner_role"),
    "runner without flows": (policy_text(people={"r": ":kind :runner :can #{:drive}"}), "policy.missing_key"),
    "human with an ability": (
        policy_text(people={"ann": ":kind :human :can #{:drive}"}),
        "policy.not_a_runner",
    ),
    "unknown ability": (
        policy_text(people={"r": ':kind :runner :can #{:fly} :flows ["*"]'}),
        "policy.value",
    ),
    "one key of two people": (policy_text(keys={**KEYS, "bob": (ANN,)}), "policy.shared_key"),
    "one account of two people": (
        policy_text(people={**PEOPLE, "cat": ":kind :human :forge {:github 11}"}),
        "policy.shared_key",
    ),
    "bad key": (
        b'{:policy/version 1 :people {"a" {:kind :human :keys [{:ssh "ssh-ed25519 AAAA"}]}}}',
        "policy.bad_key",
    ),
    "key of an unknown type": (
        b'{:policy/version 1 :people {"a" {:kind :human :keys [{:ssh "ssh-dss AAAAB3NzaC1kc3M="}]}}}',
        "policy.weak_key",
    ),
    "window that ends first": (
        policy_text(windows={"ann": ':valid-after #inst "2026-02-01" :valid-before #inst "2026-01-01"'}),
        "policy.value",
    ),
    "key of fewer bits than are asked": (
        policy_text(keys={**KEYS, "ann": (RSA_2048,)}, more=":min-rsa 3072"),
        "policy.weak_key",
    ),
    "odd forge": (policy_text(people={"ann": ":kind :human :forge {:Git_Hub 11}"}), "policy.value"),
    "time as text": (policy_text(windows={"ann": ':valid-after "2026-02-01"'}), "policy.type"),
    "rule without a role": (policy_text(rules='[{:match {:flow "*"} :need 1}]'), "policy.missing_key"),
    "rule for none": (policy_text(rules='[{:match {:flow "*"} :need 0 :role :dev}]'), "policy.value"),
    "rule without proofs": (
        policy_text(rules='[{:match {:flow "*"} :need 1 :role :dev :proofs []}]'),
        "policy.value",
    ),
    "odd glob": (policy_text(rules='[{:match {:flow "[a]"} :need 1 :role :dev}]'), "policy.value"),
    "unknown exclusion": (
        policy_text(rules='[{:match {:flow "*"} :need 1 :role :dev :not #{:me}}]'),
        "policy.value",
    ),
    "weak rsa allowed": (policy_text(more=":min-rsa 1024"), "policy.value"),
    "quorum of more people than there are": (
        policy_text(duties=":policy-change {:need 4 :role :release}"),
        "policy.no_quorum",
    ),
    "quorum of revoked people": (
        policy_text(
            people={"ann": PEOPLE["ann"], "bob": PEOPLE["bob"]},
            more=f':revoked [{{:fingerprint "{BOB.key.fingerprint}" :since #inst "2030"}}]',
        ),
        "policy.no_quorum",
    ),
    "two signatures on a tag": (
        policy_text(duties=":release {:need 2 :role :release}"),
        "policy.release_need",
    ),
    "code": (b"#=(+ 1 2)", "policy.syntax"),
    "key as text": (b'{"policy/version" 1}', "policy.type"),
    "key as a list": (b"{[1] 1}", "policy.type"),
    "branch as a number": (policy_text(more=":protected-branch 1"), "policy.type"),
    "branch as a list": (policy_text(more=':protected-branch ["main"]'), "policy.type"),
    "branch without a name": (policy_text(more=':protected-branch ""'), "policy.type"),
    "flag as a number": (policy_text(more=":sk-touch 1"), "policy.type"),
    "flag in a list": (policy_text(more=":sk-touch [true]"), "policy.type"),
    "time in a list": (policy_text(windows={"ann": ':valid-after [#inst "2026-02-01"]'}), "policy.type"),
    "role as text": (policy_text(duties=':release {:need 1 :role "release"}'), "policy.type"),
    "role in a list": (policy_text(duties=":release {:need 1 :role [:release]}"), "policy.type"),
    "role of a namespace": (policy_text(duties=":release {:need 1 :role :a/release}"), "policy.type"),
    "rules as a map": (policy_text(rules="{}"), "policy.type"),
    "people as a list": (b"{:policy/version 1 :people []}", "policy.type"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_doubtful_policy_is_refused(case: str) -> None:
    text, code = REFUSED[case]
    with pytest.raises(UsageError) as problem:
        parse_policy(text)
    assert problem.value.code == code


def test_a_refusal_names_the_place_and_the_known_keys() -> None:
    with pytest.raises(UsageError) as problem:
        parse_policy(b"{:policy/version 1\n :people {}\n  :nonsense 1}", file="p.edn")
    at = problem.value.at
    assert at is not None
    assert (at.file, at.line, at.col) == ("p.edn", 3, 3)
    assert ":policy-change" in (problem.value.hint or "")


def test_what_is_just_good_enough_is_taken() -> None:
    as_many = policy(keys={**KEYS, "ann": (RSA_2048,)}, more=":min-rsa 2048")
    assert [key.key for key in as_many.people["ann"].keys] == [RSA_2048.key]
    window = ':valid-after #inst "2026-01-01" :valid-before #inst "2026-02-01"'
    assert policy(windows={"ann": window}).people["ann"].keys[0].valid_after == JAN_2026
    idle = policy(people=dict(PEOPLE) | {"idle": ":kind :runner"}).people["idle"]
    assert (idle.can, idle.flows) == (frozenset(), ())


def test_an_ability_of_somebody_who_is_no_runner_is_none() -> None:
    """The text refuses it as well; a policy that was put together otherwise must not open a way."""
    ann = replace(policy().people["ann"], can=frozenset({"drive"}))
    with pytest.raises(Refusal) as problem:
        replace(policy(), people={"ann": ann}).check_runner("ann", "drive", "hello")
    assert problem.value.reason == "role"


def test_agents_do_not_make_a_quorum_of_humans() -> None:
    people = {"ann": PEOPLE["ann"], "agent": PEOPLE["agent"]}
    with pytest.raises(UsageError) as problem:
        policy(people=people, duties=DUTIES)
    assert problem.value.code == "policy.no_quorum"
    assert policy(people=people, duties=":policy-change {:need 2 :role :release :human false}").policy_change


def test_the_first_rule_that_fits_is_taken_and_drafts_see_only_their_own() -> None:
    found = policy(
        rules="""[{:match {:flow "a*" :wait "publish*"} :need 3 :role :x}
                  {:match {:flow "a*" :wait "00002-*"} :need 2 :role :y}
                  {:match {:flow "?b"} :need 1 :role :z :drafts true}]"""
    )

    def role(slug: str, wait: str, draft: bool = False) -> str | None:
        rule = found.rule_for(slug, wait, draft=draft)
        return rule.role if rule is not None else None

    assert role("ab", "00001-publish-it") == "x"
    assert role("ab", "00002-ask") == "y"
    assert role("ab", "00003-ask") == "z"
    assert role("ab", "00001-publish-it", draft=True) == "z"
    assert role("ac", "00003-ask") is None
    assert role("ac", "00002-ask", draft=True) is None


def test_roles_abilities_and_duties_are_asked_of_the_right_person() -> None:
    found = policy(people=dict(PEOPLE) | {"dev": ':kind :human :roles #{:dev} :flows ["hello"]'})

    def refusal(check: Callable[[], object]) -> tuple[str, str]:
        with pytest.raises(Refusal) as problem:
            check()
        return problem.value.reason, problem.value.message

    assert found.check_role("dev", "dev", "hello").name == "dev"
    assert found.check_role("dev", "dev", None).name == "dev"
    assert refusal(lambda: found.check_role("dev", "dev", "other")) == (
        "role",
        "dev does not hold the role dev for other",
    )
    assert refusal(lambda: found.check_role("nobody", "dev", None)) == ("role", "the policy names no nobody")
    assert refusal(lambda: found.check_role("runner", "dev", None)) == (
        "role",
        "runner is a runner, which signs only what runs did",
    )
    assert refusal(lambda: found.check_duty(None, "ann", None)) == ("role", "the policy lets nobody do this")
    assert refusal(lambda: found.check_duty(Duty(1, "release"), "agent", None))[0] == "not_human"
    assert found.check_runner("runner", "drive", "hello").name == "runner"
    no_runner = [
        lambda: found.check_runner("nobody", "drive", "hello"),
        lambda: found.check_runner("ann", "drive", "hello"),
        lambda: found.check_runner("runner", "gate", "hello"),
    ]
    for check in no_runner:
        assert "is no runner that may" in refusal(check)[1]
    assert refusal(lambda: found.check_runner("runner", "drive", "other")) == (
        "role",
        "runner may not drive other",
    )
