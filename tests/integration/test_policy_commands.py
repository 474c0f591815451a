"""The policy's commands: checked, explained, judged row by row, and changed by several people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitflow_runner.git.refs import POLICY
from tests.people import Person
from tests.real_wait import RealWait
from tests.signed_objects import DAY, NOW
from tests.spoken import spoken
from tests.team import Team

ROOT = Path(__file__).parents[2]
TWO = """:release {:need 1 :role :release} :promote {:need 1 :role :release} :control {:role :dev}
 :policy-change {:need 2 :role :release}"""


def edit(person: Person, old: str, new: str) -> None:
    path = person.clone / ".breyta" / "policy.edn"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def pair(team: Team) -> tuple[Person, Person]:
    """Ann and Bob, whose policy takes two, sharing a bare repository."""
    hub = team.share()
    assert team.apply_policy(duties=TWO).data["version"] == 3
    team.ann.git("add", "-A")
    team.ann.git("commit", "-q", "-S", "-m", "Two for the policy")
    team.ann.git("push", "-q", "origin", "main")
    bob = team.joined("bob", hub)
    bob.git("config", "gitflow.remote", "origin")
    root = team.ann.gfr("policy", "show").data["digest"]
    assert bob.gfr("trust", "pin", root).exit == 0
    return team.ann, bob


def tip(person: Person) -> str:
    return person.git("rev-parse", POLICY)


def test_one_of_two_changes_nothing_and_both_do(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    before = tip(ann)
    edit(ann, "#{:guest}", "#{:guest :dev}")
    refused = ann.gfr("policy", "apply")
    assert (refused.code, refused.exit, tip(ann)) == ("policy.no_consent", 4, before)
    proposed = ann.gfr("policy", "propose").data
    assert (proposed["version"], proposed["have"], proposed["need"], proposed["by"]) == (4, 1, 2, ["ann"])
    digest = proposed["digest"]
    shown = bob.gfr("policy", "show").data["proposals"]
    assert [(p["digest"], p["by"]) for p in shown] == [(digest, ["ann"])]
    unseen = bob.gfr("policy", "sign")
    assert unseen.code == "policy.unseen"
    assert "+" in unseen.envelope["error"]["details"]["diff"]
    signed = bob.gfr("policy", "sign", digest[7:19], "--yes").data
    assert (signed["have"], signed["by"]) == (2, ["ann", "bob"])
    applied = bob.gfr("policy", "apply", digest).data
    assert (applied["version"], sorted(applied["by"])) == (4, ["ann", "bob"])
    assert ann.gfr("policy", "show").data["version"] == 4
    assert tip(ann) == tip(bob) == ann.git("ls-remote", "origin", POLICY).split("\t")[0]
    parents = ann.git("log", "-1", "--format=%P", POLICY).split()
    assert parents[0] == before
    assert len(parents) == 2
    assert ann.gfr("policy", "show").data["proposals"] == []


def test_the_same_key_signs_once_and_who_may_not_is_refused(pair: tuple[Person, Person], team: Team) -> None:
    ann, _ = pair
    edit(ann, "#{:guest}", "#{:guest :dev}")
    digest = ann.gfr("policy", "propose").data["digest"]
    assert ann.gfr("policy", "sign", digest, "--yes").code == "policy.signed"
    for name, code in (
        ("cat", "approval.role"),
        ("bot", "approval.not_human"),
        ("stranger", "signature.key_not_allowed"),
    ):
        ann.git("config", "user.signingkey", f"{team.person(name).key}.pub")
        assert ann.gfr("policy", "sign", digest, "--yes").code == code
        # Whoever writes the consent by hand is still nobody when it is counted.
        assert ann.gfr("policy", "apply", digest).code == "policy.no_consent"


def test_a_second_key_of_one_person_is_no_second_person(pair: tuple[Person, Person], team: Team) -> None:
    _, bob = pair
    edit(bob, "#{:guest}", "#{:guest :dev}")
    digest = bob.gfr("policy", "propose").data["digest"]
    bob.git("config", "user.signingkey", f"{team.keys / 'bob-2'}.pub")
    assert bob.gfr("policy", "sign", digest, "--yes").data["have"] == 1
    assert bob.gfr("policy", "apply", digest).code == "policy.no_consent"


def test_a_consent_to_an_earlier_version_is_none_to_the_next(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    edit(ann, "#{:guest}", "#{:guest :dev}")
    stale = ann.gfr("policy", "propose").data["digest"]
    edit(bob, '"cat" {:kind :human :roles #{:dev}', '"cat" {:kind :human :roles #{:dev :release}')
    digest = bob.gfr("policy", "propose").data["digest"]
    assert ann.gfr("policy", "sign", digest, "--yes").exit == 0
    assert ann.gfr("policy", "apply", digest).exit == 0
    assert bob.gfr("policy", "sign", stale, "--yes").code == "policy.no_proposal"
    assert bob.gfr("policy", "show").data["proposals"] == []


def test_other_peoples_requests_and_strange_objects_are_passed_over(pair: tuple[Person, Person]) -> None:
    ann, bob = pair
    for number, name in enumerate(("HEAD", "HEAD^{tree}")):
        ann.git("update-ref", f"refs/requests/new/odd{number}", ann.git("rev-parse", name))
    edit(ann, "#{:guest}", "#{:guest :dev}")
    digest = ann.gfr("policy", "propose").data["digest"]
    assert bob.gfr("policy", "sign", digest, "--yes").data["have"] == 2


def test_an_unchanged_draft_is_not_proposed(pair: tuple[Person, Person]) -> None:
    assert pair[0].gfr("policy", "propose").code == "policy.unchanged"
    assert pair[0].gfr("policy", "sign").code == "policy.no_proposal"


def test_check_names_the_place_of_what_is_wrong(team: Team, tmp_path: Path) -> None:
    found = team.ann.gfr("policy", "check").data
    assert (found["version"], [r["code"] for r in found["remarks"]]) == (2, [])
    bad = tmp_path / "bad.edn"
    bad.write_text("{:policy/version 1\n :people {}\n :rulez []}\n")
    told = team.ann.gfr("policy", "check", str(bad))
    assert (told.exit, told.code) == (2, "policy.unknown_key")
    assert told.envelope["error"]["at"] == {"file": str(bad), "line": 3, "col": 2}
    shared = team.policy(version=3).replace(team.person("bob").line, team.person("ann").line)
    bad.write_text(shared)
    assert team.ann.gfr("policy", "check", str(bad)).code == "policy.shared_key"
    bad.write_text(team.policy(version=3, duties=":policy-change {:need 3 :role :release}"))
    assert team.ann.gfr("policy", "check", str(bad)).code == "policy.no_quorum"
    bad.write_text(team.policy(version=3, duties=TWO))
    code, text, _ = spoken(team.home, "policy", "check", str(bad), "--plain")
    assert (code, text.split("\t")[1]) == (0, "no_spare")


def test_explain_says_of_everybody_why(team: Team) -> None:
    asked = team.start("pair")
    found = team.ann.gfr("policy", "explain", asked.run).data
    people = {p["principal"]: p["reason"] for p in found["people"]}
    assert people == {
        "ann": "self_approval",
        "bob": None,
        "bot": "not_human",
        "cat": None,
        "eve": "role",
        "runner": "role",
    }
    assert (found["need"], found["roles"], found["excluded"]) == (2, ["dev"], ["ann"])
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.ann.gfr("policy", "explain", asked.run).data["decided"] == {"bob": "approve"}
    # Both policies have a say, so one that no longer names Cat is enough to refuse her.
    assert team.apply_policy(without=("cat",)).exit == 0
    after = {p["principal"]: p["reason"] for p in team.ann.gfr("policy", "explain", asked.run).data["people"]}
    assert (after["bob"], after["cat"]) == (None, "role")


def test_explain_agrees_with_what_the_runner_then_records(team: Team) -> None:
    asked = team.start("pair")
    said = {p["principal"]: p["reason"] for p in team.ann.gfr("policy", "explain", asked.run).data["people"]}
    sent = {name: team.send(asked, team.sign(name, asked)) for name in ("ann", "bot", "eve", "bob")}
    team.look()
    recorded = team.decisions(asked)
    assert {name: recorded[oid][0] for name, oid in sent.items()} == {name: said[name] for name in sent}


def judged(folder: Path, *rows: object) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "gitflow_runner", "policy", "judge", "--batch"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        input="".join(json.dumps(row) + "\n" for row in rows).encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_approvals_made_with_git_are_judged_row_by_row(tmp_path: Path) -> None:
    real = RealWait(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sent = [
        real.commit("ann"),
        real.commit("agent"),
        real.commit("stranger"),
        real.commit("bob", signed=False),
    ]
    row = {
        "repo": str(real.folder),
        "policy": real.policy.text.decode(),
        "wait": {
            "run": real.wait.run,
            "wait": real.wait.wait,
            "commit": real.wait.commit,
            "payload": real.wait.payload.removeprefix("sha256:"),
            "need": 1,
            "role": ":dev",
            "human": True,
            "deadline": (NOW + DAY) // 1000,
            "edit": False,
            "editor_counts": False,
            "excluded": [],
        },
        "approvals": [{"oid": oid, "seen": NOW // 1000} for oid in sent],
        "revoked": [],
        "now": NOW // 1000,
    }
    late = row | {
        "approvals": [{"oid": sent[0], "seen": (NOW + 2 * DAY) // 1000}],
        "now": (NOW + 2 * DAY) // 1000,
    }
    found = judged(elsewhere, row, row | {"policy": "{"}, late)
    assert found[0] == {
        "outcome": "approved",
        "approvals": [
            {"oid": oid, "counted": reason is None, "reason": reason, "principal": name}
            for oid, reason, name in zip(
                sent,
                [None, "not_human", "key_not_allowed", "unsigned"],
                ["ann", "agent", None, None],
                strict=True,
            )
        ],
    }
    assert found[1]["error"]["code"] == "policy.syntax"  # type: ignore[index]
    assert (found[2]["outcome"], found[2]["approvals"][0]["reason"]) == ("expired", "late")  # type: ignore[index]


def test_judge_is_for_rows(team: Team) -> None:
    assert team.ann.gfr("policy", "judge").code == "usage.batch"
