"""The policy in force: who may change it, what a clone believes, and what a revoked key still proves."""

from __future__ import annotations

import hashlib

import pytest

from gitflow_runner.model.event import Recorded, WaitResolved
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.worker import work_once
from tests.team import MINUTE, Team, Waiting
from tests.team_files import DUTIES

POLICY = "refs/policy/chain"
TWO_MUST_AGREE = DUTIES.replace(":policy-change {:need 1", ":policy-change {:need 2")


def revoked(team: Team, name: str, since: str = "2026-01-01T00:00:00Z") -> str:
    key = team.person(name).signer.key.fingerprint
    return f':revoked [{{:fingerprint "{key}" :since #inst "{since}" :why "lost"}}]'


def resolved_only(team: Team) -> Waiting:
    """A run whose approval by Bob is counted; the process ended before the effect after it was announced."""
    asked = team.start()
    team.send(asked, team.sign("bob", asked))
    heard: list[Recorded] = []
    runtime = compose(
        team.home,
        told=heard.extend,
        stop=lambda: any(isinstance(recorded.event, WaitResolved) for recorded in heard),
    )
    on_big_stack(lambda: list(work_once(runtime)), lambda: None)
    assert [event.kind for event in team.events(asked)][-1] == "wait.resolved"
    assert team.kept("shipped") is None
    return asked


def problem(team: Team) -> str | None:
    items = team.ann.gfr("worker", "--once").data["items"]
    (item,) = [each for each in items if not each["run"].startswith("refs/")]  # others watch pushes and gates
    code: str | None = item["problem"]["code"] if "problem" in item else None
    return code


def test_an_approvers_key_revoked_before_the_effect_halts_the_run(team: Team) -> None:
    asked = resolved_only(team)
    assert team.apply_policy(more=revoked(team, "bob")).exit == 0
    assert problem(team) == "approval.withdrawn"
    assert problem(team) == "approval.withdrawn"
    assert team.kept("shipped") is None
    verified = team.ann.gfr("runs", "verify", asked.run).data
    assert (verified["verdict"], [f["code"] for f in verified["findings"]]) == (
        "ok",
        ["approved_by_revoked_key"],
    )
    told = team.ann.gfr("cancel", asked.run)
    assert (told.exit, told.data["status"]) == (0, "cancelled")
    assert team.kept("shipped") is None


def test_a_halted_run_goes_on_once_the_rights_are_back(team: Team) -> None:
    asked = resolved_only(team)
    team.apply_policy(more=revoked(team, "bob"))
    assert problem(team) == "approval.withdrawn"
    team.apply_policy(version=4)
    assert problem(team) is None
    assert team.state(asked).status == "succeeded"
    assert team.kept("shipped") == '["bob"]'


@pytest.mark.parametrize(
    "parts",
    [
        {"without": ("bob",)},
        {"rules": '[{:match {:flow "*"} :need 2 :role :dev :drafts true}]'},
        {"rules": '[{:match {:flow "*"} :need 1 :role :release :drafts true}]', "without": ("bob",)},
    ],
    ids=["left", "two needed", "other role"],
)
def test_whatever_takes_the_approval_away_halts_too(team: Team, parts: dict[str, object]) -> None:
    resolved_only(team)
    assert team.apply_policy(**parts).exit == 0
    assert problem(team) == "approval.withdrawn"
    assert team.kept("shipped") is None


def test_a_key_revoked_after_the_effect_is_told_and_undoes_nothing(team: Team) -> None:
    asked = team.start()
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.state(asked).status == "succeeded"
    team.apply_policy(more=revoked(team, "bob"))
    verified = team.ann.gfr("runs", "verify", asked.run)
    assert (verified.exit, verified.data["verdict"]) == (0, "ok")
    (finding,) = verified.data["findings"]
    assert (finding["code"], "bob" in finding["message"]) == ("approved_by_revoked_key", True)


def test_a_key_revoked_before_the_decision_is_refused_until_the_policy_says_otherwise(team: Team) -> None:
    asked = team.start("pair")
    first = team.send(asked, team.sign("bob", asked))
    team.look()
    team.apply_policy(more=revoked(team, "bob"))
    second = team.send(asked, team.sign("cat", asked))
    team.look()
    assert team.decisions(asked) == {first: ("key_revoked", None), second: (None, "cat")}
    team.apply_policy(version=4)
    team.look()
    assert team.decisions(asked)[first] == (None, "bob")
    assert team.state(asked).status == "succeeded"


def test_the_rule_may_get_stricter_while_a_wait_is_open_and_never_looser(team: Team) -> None:
    asked = team.start()
    team.apply_policy(rules='[{:match {:flow "*"} :need 2 :role :dev :drafts true}]')
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.state(asked).status == "waiting"
    team.send(asked, team.sign("cat", asked))
    team.look()
    assert team.state(asked).status == "succeeded"
    pair = team.start("pair")
    team.apply_policy(version=4, rules='[{:match {:flow "*"} :need 1 :role :dev :drafts true}]')
    team.send(pair, team.sign("bob", pair))
    team.look()
    assert team.state(pair).status == "waiting"


def test_a_policy_moved_back_stops_whatever_needs_it(team: Team) -> None:
    asked = team.start()
    assert team.apply_policy(without=("cat",)).exit == 0
    team.ann.git("update-ref", POLICY, f"{POLICY}~1")
    team.send(asked, team.sign("cat", asked))
    assert problem(team) == "policy.policy_rewound"
    assert team.state(asked).status == "waiting"
    for command in (("policy", "show"), ("run", "ship"), ("policy", "apply")):
        told = team.ann.gfr(*command)
        assert (told.exit, told.code) == (4, "policy.policy_rewound")


def test_a_policy_that_is_gone_stops_too(team: Team) -> None:
    team.start()
    team.ann.git("update-ref", "-d", POLICY)
    assert problem(team) == "policy.policy_rewound"


def test_a_strangers_version_on_the_ref_is_not_believed(team: Team) -> None:
    text = team.policy(version=3, without=("bob",))
    team.ann.git("config", "user.signingkey", f"{team.person('stranger').key}.pub")
    blob = team.ann.git("hash-object", "-w", "--stdin", given=text.encode())
    tree = team.ann.git("mktree", given=f"100644 blob {blob}\tpolicy.edn\n".encode())
    digest = hashlib.sha256(text.encode()).hexdigest()
    message = (
        "mine\n\nGitflow-Statement: policy\nGitflow-Policy-Version: 3\n"
        f"Gitflow-Policy-Digest: sha256:{digest}\n"
    )
    commit = team.ann.git("commit-tree", "-S", "-p", POLICY, tree, given=message.encode())
    team.ann.git("update-ref", POLICY, commit)
    told = team.ann.gfr("policy", "show")
    assert (told.exit, told.code) == (4, "policy.no_consent")
    assert team.ann.gfr("run", "ship").exit == 4


@pytest.mark.parametrize("who", ["cat", "eve", "bot", "stranger"])
def test_only_the_quorum_puts_a_policy_into_force(team: Team, who: str) -> None:
    before = team.ann.git("rev-parse", POLICY)
    team.ann.git("config", "user.signingkey", f"{team.person(who).key}.pub")
    told = team.apply_policy(without=("bob",))
    assert (told.exit, told.code) == (4, "policy.no_consent")
    assert team.ann.git("rev-parse", POLICY) == before
    assert team.ann.gfr("policy", "show").data["version"] == 2


def test_one_of_two_that_must_agree_changes_nothing(team: Team) -> None:
    assert team.apply_policy(duties=TWO_MUST_AGREE).exit == 0
    before = team.ann.git("rev-parse", POLICY)
    told = team.apply_policy(version=4, without=("eve",), duties=TWO_MUST_AGREE)
    assert (told.exit, told.code) == (4, "policy.no_consent")
    assert team.ann.git("rev-parse", POLICY) == before


def test_a_policy_that_could_never_change_again_is_refused(team: Team) -> None:
    told = team.apply_policy(duties=TWO_MUST_AGREE, without=("bob", "bot"))
    assert (told.exit, told.code) == (2, "policy.no_quorum")


def test_a_draft_of_the_policy_changes_nothing_before_it_is_applied(team: Team) -> None:
    asked = team.start()
    stranger = (
        f'"stranger" {{:kind :human :roles #{{:dev}} :keys [{{:ssh "{team.person("stranger").line}"}}]}}'
    )
    draft = team.policy(version=3, extra=stranger)
    (team.home / ".breyta/policy.edn").write_text(draft)
    team.ann.git("commit", "-qam", "Let a stranger in")
    oid = team.send(asked, team.sign("stranger", asked))
    team.look()
    assert team.decisions(asked) == {oid: ("key_not_allowed", None)}
    assert team.ann.gfr("policy", "show").data["version"] == 2
    assert team.ann.gfr("policy", "apply").data["version"] == 3
    team.look()
    # Known to the newest policy, still unknown to the one that the wait pins.
    assert team.decisions(asked)[oid][0] == "key_not_allowed"


def test_a_first_clone_without_a_pin_can_do_nothing_that_needs_trust(team: Team) -> None:
    assert team.ann.gfr("release", "ship", "--yes").exit == 0
    assert team.ann.gfr("promote", "ship", "--yes").exit == 0
    asked = team.start()
    bob = team.joined("bob")
    refs = ("policy", "runs", "live")
    bob.git("fetch", "-q", "--tags", "origin", *(f"refs/{name}/*:refs/{name}/*" for name in refs))
    assert bob.gfr("init", "--no-commit").exit == 0
    wanted = {
        ("approve", asked.run, "--payload", asked.payload[7:14], "--yes"): "policy.none",
        ("cancel", asked.run): "policy.none",
        ("run", "ship", "--ref", "live"): "policy.none",
        ("run", "ship", "--ref", "v1"): "policy.none",
        ("release", "ship", "--yes"): "policy.none",
        ("promote", "ship", "--yes"): "policy.none",
        ("policy", "show"): "policy.none",
        ("policy", "apply"): "policy.not_pinned",
    }
    for command, code in wanted.items():
        told = bob.gfr(*command)
        assert (command, told.exit, told.code) == (command, 4, code)
        assert told.envelope["error"]["fix"] == ["gfr trust pin <digest>"]
    assert bob.gfr("show", asked.run).data["status"] == "untrusted_run"
    digest = team.ann.gfr("policy", "show").data["digest"]
    assert bob.gfr("trust", "pin", digest).exit == 0
    assert bob.gfr("show", asked.run).data["status"] == "waiting"
    told = bob.gfr("run", "ship", "--ref", "live")
    assert (told.exit, told.code) == (4, "runner.unlisted")
    assert "the policy knows nobody with the key SHA256:" in told.envelope["error"]["message"]


@pytest.mark.parametrize(
    ("digest", "exit", "code"),
    [
        ("nonsense", 2, "trust.malformed"),
        ("sha256:" + "0" * 64, 4, "policy.not_pinned"),
    ],
)
def test_a_wrong_pin_is_refused_and_not_kept(team: Team, digest: str, exit: int, code: str) -> None:
    bob = team.joined("bob")
    bob.git("fetch", "-q", "origin", "refs/policy/*:refs/policy/*")
    told = bob.gfr("trust", "pin", digest)
    assert (told.exit, told.code) == (exit, code)
    assert bob.gfr("policy", "show").code == "policy.none"


def test_whoever_started_may_leave_and_the_run_still_verifies(team: Team) -> None:
    asked = team.start()
    team.ann.git("config", "user.signingkey", f"{team.person('bob').key}.pub")
    assert team.apply_policy(without=("ann",)).exit == 0
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.state(asked).status == "succeeded"


def test_waits_know_the_deadline_of_their_rule(team: Team) -> None:
    team.apply_policy(rules='[{:match {:flow "*"} :need 1 :role :dev :drafts true :deadline-s 600}]')
    asked = team.start()
    assert asked.deadline - team.history(asked)[-1].at == 10 * MINUTE
