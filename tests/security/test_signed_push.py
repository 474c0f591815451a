"""Decisions whose proof is a signed push: by real `git push --signed` to a server with our hooks."""

from __future__ import annotations

import hashlib
import os
import subprocess

import pytest

from gitflow_runner.git.refs import CERTIFICATES
from tests.architecture.source import ROOT
from tests.hooked import must
from tests.people import Person
from tests.server import Server, serve
from tests.team import HOUR, Team, Waiting

BOTH = '[{:match {:flow "*"} :need 1 :role :dev :drafts true :proofs [:signed-commit :signed-push]}]'


@pytest.fixture
def server(team: Team) -> Server:
    """A server that offers nonces, and a policy that takes signed pushes."""
    assert team.apply_policy(rules=BOTH).exit == 0
    found = serve(team)
    must(found.folder, "config", "receive.certNonceSeed", "a seed that only the server knows")
    return found


def push(
    server: Server, asked: Waiting, who: str, *options: str, message: str | None = None
) -> tuple[str, list[str]]:
    """An unsigned decision, sent by a push that `who` signs; the decision, and the codes of refusals."""
    ann = server.team.ann
    text = (message or asked.message()).encode()
    oid = ann.git("commit-tree", "-p", asked.commit, asked.tree, given=text)
    ann.git("config", "user.signingkey", f"{server.team.keys / who}.pub")
    codes = server.push(*options, f"{oid}:{asked.inbox}/{who}")
    ann.git("config", "user.signingkey", f"{server.team.keys / 'ann'}.pub")
    return oid, codes


def certificates(server: Server) -> list[str]:
    return must(server.folder, "for-each-ref", "--format=%(objectname)", CERTIFICATES).split()


def test_a_signed_push_decides_and_is_proven_again_from_the_run_alone(server: Server) -> None:
    team, ann = server.team, server.team.ann
    asked = team.start()
    oid, codes = push(server, asked, "bob", "--signed")
    assert codes == []
    (kept,) = certificates(server)
    assert f"{oid} {asked.inbox}/bob" in must(server.folder, "cat-file", "blob", kept)
    assert ann.gfr("worker", "--once").exit == 0
    assert (team.state(asked).status, team.decisions(asked)[oid]) == ("succeeded", (None, "bob"))
    # The run carries the certificate: what the server keeps is not needed any more.
    ann.git("update-ref", "-d", f"{CERTIFICATES}{asked.run}/{kept}")
    ann.git("update-ref", "-d", f"{asked.inbox}/bob")
    carried = ann.git("cat-file", "blob", f"{asked.ref}:proof/pushes/{oid}")
    assert "certificate version 0.1" in carried
    verified = ann.gfr("runs", "verify", asked.run).data
    assert (verified["verdict"], verified["findings"]) == ("ok", [])
    assert ann.gfr("audit", "verify").data["findings"] == []
    more = (
        f':revoked [{{:fingerprint "{team.person("bob").signer.key.fingerprint}" :since #inst "2026-01-01"}}]'
    )
    assert team.apply_policy(version=4, rules=BOTH, more=more).exit == 0
    findings = ann.gfr("runs", "verify", asked.run).data["findings"]
    assert [finding["code"] for finding in findings] == ["approved_by_revoked_key"]


def test_an_unsigned_push_of_an_unsigned_decision_is_refused(server: Server) -> None:
    _, codes = push(server, server.team.start(), "bob", "--no-signed")
    assert codes == ["signature.unsigned"]


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("bot", "approval.not_human"),
        ("ann", "approval.self_approval"),
        ("eve", "approval.role"),
        ("stranger", "signature.key_not_allowed"),
    ],
)
def test_a_push_that_somebody_signs_who_does_not_count_is_refused(
    server: Server, who: str, code: str
) -> None:
    _, codes = push(server, server.team.start(), who, "--signed")
    assert (codes, certificates(server)) == ([code], [])


def test_a_rule_that_takes_commits_only_takes_no_push(server: Server) -> None:
    assert server.team.apply_policy(version=4).exit == 0
    _, codes = push(server, server.team.start(), "bob", "--signed")
    assert codes == ["approval.role"]


def test_a_decision_for_another_run_gains_nothing_by_a_signed_push(server: Server) -> None:
    asked, other = server.team.start(), server.team.start()
    _, codes = push(server, asked, "bob", "--signed", message=other.message())
    assert codes == ["approval.run"]


def replayed(server: Server, certificate: str) -> str:
    """What the server says to the very bytes of an earlier signed push, spoken by hand."""
    lines = certificate.splitlines(keepends=True)
    spoken = ["push-cert\0report-status\n", *lines, "push-cert-end\n"]
    request = b"".join(f"{len(line) + 4:04x}{line}".encode() for line in spoken) + b"0000"
    empty = b"PACK\0\0\0\2\0\0\0\0"
    done = subprocess.run(
        ["git", "receive-pack", str(server.folder)],
        input=request + empty + hashlib.sha1(empty).digest(),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def test_the_certificate_of_an_earlier_push_opens_nothing_again(server: Server) -> None:
    asked = server.team.start()
    _, codes = push(server, asked, "bob", "--signed")
    assert codes == []
    (kept,) = certificates(server)
    genuine = must(server.folder, "cat-file", "blob", kept) + "\n"
    past_hooks = ("-c", "core.hooksPath=/dev/null", "update-ref", "-d")
    must(server.folder, *past_hooks, f"{asked.inbox}/bob")
    must(server.folder, *past_hooks, f"{CERTIFICATES}{asked.run}/{kept}")
    # Within one second Git gives the same nonce again; another seed stands for the time that went by.
    must(server.folder, "config", "receive.certNonceSeed", "another")
    assert "(push.nonce)" in replayed(server, genuine)
    assert (certificates(server), server.refs("refs/approvals")) == ([], "")


def test_who_sends_much_by_signed_pushes_fills_no_inbox_either(server: Server) -> None:
    asked, ann = server.team.start(), server.team.ann
    made = (
        ann.git("commit-tree", "-p", asked.commit, asked.tree, given=f"no. {n}\n\n{asked.message()}".encode())
        for n in range(65)
    )
    specs = [f"{oid}:{asked.inbox}/{oid}" for oid in made]
    ann.git("config", "user.signingkey", f"{server.team.keys / 'bob'}.pub")
    assert server.push("--signed", *specs[:64]) == []
    assert server.push("--signed", specs[64]) == ["inbox.full"]


def test_nobody_pushes_certificates(server: Server) -> None:
    blob = server.team.ann.git("hash-object", "-w", "--stdin", given=b"certificate version 0.1\n")
    assert server.push(f"{blob}:{CERTIFICATES}20260921-131402-7k3m9q/{blob}") == ["push.certificate"]


def planted(server: Server, asked: Waiting, oid: str, certificate: str, leaf: str = "other") -> None:
    """Put a decision and a certificate straight into Ann's repository, past every hook."""
    ann: Person = server.team.ann
    blob = ann.git("hash-object", "-w", "--stdin", given=certificate.encode())
    ann.git("update-ref", f"{CERTIFICATES}{asked.run}/{blob}", blob)
    ann.git("update-ref", f"{asked.inbox}/{leaf}", oid)


def test_a_certificate_proves_its_own_push_only(server: Server) -> None:
    team, ann = server.team, server.team.ann
    asked, other = team.start(), team.start()
    push(server, asked, "bob", "--signed")
    (kept,) = certificates(server)
    genuine = must(server.folder, "cat-file", "blob", kept)
    text = other.message().encode()
    oid = ann.git("commit-tree", "-p", other.commit, other.tree, given=text)
    # One that names this decision in words, under a signature of another push.
    first = genuine.splitlines()
    named = next(line for line in first if asked.inbox in line)
    forged = genuine.replace(named, f"{'0' * 40} {oid} {other.inbox}/other")
    planted(server, other, oid, forged + "\n")
    team.look()
    assert team.decisions(other)[oid] == ("bad_signature", None)
    # The genuine one does not name it, so nobody sent it.
    third = team.start()
    lone = ann.git("commit-tree", "-p", third.commit, third.tree, given=third.message().encode())
    planted(server, third, lone, genuine + "\n")
    team.look()
    assert team.decisions(third)[lone] == ("unsigned", None)


def test_a_certificate_that_comes_after_its_decision_counts_then(server: Server) -> None:
    team, ann = server.team, server.team.ann
    asked = team.start()
    oid, _ = push(server, asked, "bob", "--signed")
    (kept,) = certificates(server)
    ann.git("update-ref", f"{asked.inbox}/bob", oid)
    ann.git("config", "--unset", "gitflow.remote")
    team.look()
    assert team.decisions(asked)[oid] == ("unsigned", None)
    ann.git("fetch", "-q", "origin", f"{CERTIFICATES}*:{CERTIFICATES}*")
    assert ann.git("cat-file", "-t", kept) == "blob"
    team.look()
    assert (team.state(asked).status, team.decisions(asked)[oid]) == ("succeeded", (None, "bob"))


def test_an_old_certificate_that_is_seen_late_is_skewed(server: Server) -> None:
    team, ann = server.team, server.team.ann
    asked = team.start()
    push(server, asked, "bob", "--signed")
    ann.git("fetch", "-q", "origin", f"{CERTIFICATES}*:{CERTIFICATES}*", "refs/approvals/*:refs/approvals/*")
    ann.git("config", "--unset", "gitflow.remote")
    assert team.apply_policy(version=4, rules=BOTH, more=":skew-s 60").exit == 0
    team.look(asked.deadline - HOUR // 2)
    assert [reason for reason, _ in team.decisions(asked).values()] == ["clock_skew"]
