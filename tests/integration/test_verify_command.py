"""`gfr verify`: signatures by git and ssh-keygen, judged row by row and by name, beside git's own word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.people import Person
from tests.signed_objects import git, keygen
from tests.spoken import gfr, spoken
from tests.team import Team
from tests.team_files import policy_text

NOW = 1_790_000_000
DATES = {"GIT_COMMITTER_DATE": f"{NOW} +0000", "GIT_AUTHOR_DATE": f"{NOW} +0000"}
PROGRAM = [sys.executable, "-m", "gitflow_runner", "verify", "--batch"]
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sha1", "sha256"])
def signed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository of each hash format: a signed commit, an unsigned one, a stranger's, a signed tag."""
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("ann", "eve"):
        keygen(keys, name, "-t", "ed25519")
    (tmp_path / "allowed").write_text(f"ann@example.test {(keys / 'ann.pub').read_text()}")
    repo = tmp_path / "repo"
    git(tmp_path, "init", "-q", f"--object-format={request.param}", "-b", "main", str(repo))
    git(repo, "config", "gpg.format", "ssh")
    git(repo, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    for branch, who in (("good", "ann"), ("strange", "eve"), ("plain", None)):
        signing = ["-c", f"user.signingkey={keys / 'ann' if who is None else keys / who}"]
        sign = [] if who is None else ["-S"]
        git(repo, "checkout", "-q", "--orphan", branch)
        git(repo, *signing, "commit", "-q", "--allow-empty", *sign, "-m", branch, **DATES)
    git(repo, "-c", f"user.signingkey={keys / 'ann'}", "tag", "-s", "-m", "one", "v1", "good", **DATES)
    git(repo, "update-ref", "refs/tags/v2", "refs/tags/v1")
    return repo


def row(repo: Path, name: str, **more: object) -> dict[str, object]:
    return {
        "repo": str(repo),
        "oid": git(repo, "rev-parse", name),
        "ref": None,
        "first_seen": NOW,
        "now": NOW,
        "max_skew_s": 86_400,
        "allowed_signers": str(repo.parent / "allowed"),
        "revoked": None,
        "gpg_home": None,
        "gpg_signers": None,
    } | more


def batch(folder: Path, rows: Sequence[object]) -> list[Mapping[str, Any]]:
    given = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows)
    done = subprocess.run(
        PROGRAM,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        input=given.encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_batch_judges_as_git_does_and_more_strictly(signed: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    rows = [
        row(signed, "good"),
        row(signed, "strange"),
        row(signed, "plain"),
        row(signed, "v1", ref="refs/tags/v1"),
        row(signed, "v1", ref="refs/tags/v2"),
        row(signed, "good", first_seen=NOW + 86_401),
        row(signed, "good^{tree}"),
    ]
    found = [(one["verdict"], one["reason"]) for one in batch(elsewhere, rows)]
    assert found == [
        ("accept", None),
        ("refuse", "key_not_allowed"),
        ("refuse", "unsigned"),
        ("accept", None),
        ("refuse", "tag_name_mismatch"),
        ("refuse", "clock_skew"),
        ("refuse", "malformed"),
    ]
    words = [("commit", "good"), ("commit", "strange"), ("commit", "plain"), ("tag", "v1")]
    for (kind, name), (verdict, _) in zip(words, found, strict=False):
        done = subprocess.run(["git", f"verify-{kind}", name], cwd=signed, capture_output=True, check=False)
        assert (done.returncode == 0) == (verdict == "accept")


def test_a_bad_line_is_answered_and_does_not_stop_the_batch(signed: Path) -> None:
    missing = "0" * len(git(signed, "rev-parse", "good"))
    rows = [
        "no json",
        row(signed, "good", oid="abc"),
        row(signed, "good", oid=missing),
        row(signed, "good") | {"repo": "/nowhere"},
        row(signed, "good", allowed_signers="/nowhere"),
        row(signed, "good"),
    ]
    found = batch(signed.parent, rows)
    assert [one["error"]["code"] for one in found[:-1]] == [
        "batch.row",
        "batch.row",
        "git.object_missing",
        "git.not_a_repository",
        "batch.file",
    ]
    assert found[-1]["verdict"] == "accept"


def test_revoked_keys_come_as_plain_lines_or_as_a_list_of_ssh_keygen(signed: Path, tmp_path: Path) -> None:
    public = tmp_path / "keys" / "ann.pub"
    (tmp_path / "plain").write_text(public.read_text())
    krl = ["ssh-keygen", "-q", "-k", "-f", str(tmp_path / "krl"), str(public)]
    subprocess.run(krl, check=True, capture_output=True)
    rows = [row(signed, "good", revoked=str(tmp_path / name)) for name in ("plain", "krl")]
    assert [one["reason"] for one in batch(tmp_path, rows)] == ["key_revoked", "key_revoked"]


def test_a_repositorys_own_settings_name_no_program(signed: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\n")
    program.chmod(0o755)
    for key in ("gpg.ssh.program", "gpg.program", "core.fsmonitor", "core.pager"):
        git(signed, "config", key, str(program))
    # A partial clone would fetch what it lacks, by a program of the repository's choice.
    git(signed, "config", "remote.origin.url", str(signed))
    git(signed, "config", "remote.origin.promisor", "true")
    git(signed, "config", "remote.origin.uploadpack", str(program))
    missing = "1" * len(git(signed, "rev-parse", "good"))
    found = batch(tmp_path, [row(signed, "good"), row(signed, "good", oid=missing)])
    assert found[0]["verdict"] == "accept"
    assert found[1]["error"]["code"] == "git.object_missing"
    assert not canary.exists()


def test_each_row_is_answered_before_the_next_one_is_sent(signed: Path) -> None:
    child = subprocess.Popen(
        PROGRAM,
        cwd=signed.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        for name, verdict in (("good", "accept"), ("plain", "refuse"), ("good", "accept")):
            child.stdin.write(json.dumps(row(signed, name)) + "\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["verdict"] == verdict
        child.stdin.close()
    assert child.returncode == 0


@pytest.fixture
def ann(team: Team) -> Person:
    """Somebody in a prepared repository."""
    return team.ann


def test_commits_and_tags_are_judged_by_name(ann: Person) -> None:
    ann.git("commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "plain")
    ann.git("tag", "-s", "-m", "one", "v1", "HEAD~1")
    told = ann.gfr("verify", "HEAD~1", "v1", "HEAD")
    items = told.envelope["data"]["items"]
    assert told.exit == 4
    assert [(i["kind"], i["verdict"], i["reason"], i["principal"]) for i in items] == [
        ("commit", "accept", None, "ann"),
        ("tag", "accept", None, "ann"),
        ("commit", "refuse", "unsigned", None),
    ]
    assert items[1]["ref"] == "refs/tags/v1"
    assert ann.gfr("verify", "HEAD~1").exit == 0


def test_another_policy_and_another_time_can_be_asked_for(team: Team, ann: Person, tmp_path: Path) -> None:
    keys = {"bob": team.person("bob").line}
    other = policy_text(keys, team.person("stranger").line, version=1, without=("ann", "cat", "eve", "bot"))
    (tmp_path / "other.edn").write_text(other.replace(":policy-change {:need 1 :role :release}", ""))
    found = ann.gfr("verify", "HEAD", "--policy", str(tmp_path / "other.edn"))
    assert found.data["items"][0]["reason"] == "key_not_allowed"
    assert ann.gfr("verify", "HEAD", "--first-seen", "2d").data["items"][0]["reason"] == "clock_skew"
    assert ann.gfr("verify", "HEAD", "--first-seen", "later").code == "usage.time"


def test_what_cannot_be_judged_is_named(ann: Person) -> None:
    assert (ann.gfr("verify", "nothing").code, ann.gfr("verify", "nothing").exit) == ("object.unknown", 3)
    assert ann.gfr("verify").code == "usage.verify"
    assert ann.gfr("verify", "--batch", "HEAD").code == "usage.batch"
    assert (
        ann.gfr("verify", "HEAD", "--policy", str(ann.clone / ".breyta/config.yaml")).code == "policy.syntax"
    )


def test_for_people_a_refusal_says_why(ann: Person) -> None:
    code, text, _ = spoken(ann.clone, "verify", "HEAD", "--first-seen", "2d", "--plain")
    assert (code, text.split("\t")[1:3]) == (4, ["refuse", "clock_skew"])


def test_without_a_list_of_signers_the_policy_in_force_decides(ann: Person) -> None:
    now = int(ann.git("log", "-1", "--format=%ct"))
    asked = row(ann.clone, "HEAD", first_seen=now, now=now, allowed_signers=None)
    assert batch(ann.clone.parent, [asked])[0]["principal"] == "ann"


def test_outside_a_repository_a_name_is_a_refusal_not_a_crash(tmp_path: Path) -> None:
    assert gfr(tmp_path, "verify", "HEAD").code == "git.not_a_repository"
