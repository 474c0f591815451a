"""Certificates of signed pushes are read strictly, and prove exactly the move that they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.git.objects import ZERO, Oid, decode_commit
from gitflow_runner.git.refs import approvals_prefix
from gitflow_runner.trust.approval import build_approval
from gitflow_runner.trust.pushcert import MAX_CERTIFICATE, parse_certificate, prove_push, proves_push
from gitflow_runner.trust.quorum import SignedApproval
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import FileSigner
from tests.approval_case import RUN, WAIT, Case
from tests.policies import AGENT, ANN, BOB, STRANGER, policy
from tests.signed_objects import DAY, NOW, ident, ring

INBOX = approvals_prefix(RUN, WAIT)
OID = Oid("ab" * 20)
RING = ring(("bob", BOB))
SECOND = NOW // 1000
PUSHEE = "pushee https://host/x.git\n"
HEAD = f"certificate version 0.1\npusher SHA256:x {SECOND} +0000\n{PUSHEE}nonce {SECOND}-abc123\n"


def certificate(
    *updates: str, head: str = HEAD, key: FileSigner = BOB, more: str = "", namespace: str = "git"
) -> bytes:
    text = head + more + "\n" + "".join(line + "\n" for line in updates)
    return (text + key.sign(text.encode(), namespace) + "\n").encode()


GOOD = f"{ZERO} {OID} {INBOX}bob"


def reason(data: bytes) -> str | None:
    try:
        prove_push(data, RING, oid=OID, run=RUN, wait=WAIT)
    except Refusal as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize(
    "data",
    [
        certificate(GOOD),
        certificate(GOOD, head=HEAD.replace(PUSHEE, "")),
        certificate(GOOD, more="push-option decision=approve\npush-option \n"),
        certificate(f"{ZERO} {OID} refs/heads/main", GOOD),
    ],
)
def test_a_push_of_this_decision_is_proven(data: bytes) -> None:
    assert reason(data) is None
    assert proves_push(data, RING, oid=OID, run=RUN, wait=WAIT)
    signed = prove_push(data, RING, oid=OID, run=RUN, wait=WAIT)
    assert (signed.kind, signed.key, signed.time) == ("text", BOB.key, NOW)


def test_what_it_says_is_read() -> None:
    found = parse_certificate(certificate(GOOD))
    assert (found.time, found.offered, found.pushee) == (NOW, NOW, "https://host/x.git")
    assert found.updates == ((ZERO, OID, f"{INBOX}bob"),)
    assert parse_certificate(certificate(GOOD, head=HEAD.replace(PUSHEE, ""))).pushee is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "unsigned"),
        (certificate(GOOD).split(b"-----BEGIN")[0], "unsigned"),
        (certificate(GOOD, more=f"push-option {'a' * MAX_CERTIFICATE}\n"), "malformed"),
        (certificate(GOOD).replace(b"x.git", b"x\0git"), "malformed"),
        (certificate(GOOD) + certificate(GOOD), "malformed"),
        (certificate(GOOD, head=HEAD.replace(f"nonce {SECOND}-abc123\n", "")), "malformed"),
        (certificate(GOOD, head=HEAD.replace(f"{SECOND}-abc123", "none")), "malformed"),
        (certificate(GOOD, head=HEAD.replace("0.1", "0.2")), "malformed"),
        (certificate(GOOD, more="unknown 1\n"), "malformed"),
        (certificate("nothing"), "malformed"),
        (certificate(), "malformed"),
        (certificate(GOOD).replace(b"bob\n-----", b"bob-----"), "unsigned"),
        (certificate(GOOD).replace(b"bob\n", b"eve\n"), "bad_signature"),
        (certificate(GOOD, namespace="file"), "namespace"),
        (certificate(GOOD, head=HEAD.replace(f"nonce {SECOND}", f"nonce {SECOND - 3601}")), "clock_skew"),
        (certificate(GOOD, head=HEAD.replace(f"nonce {SECOND}", f"nonce {SECOND - 3600}")), None),
        (certificate(GOOD.replace(str(OID), "cd" * 20)), "replayed"),
        (certificate(GOOD.replace(ZERO, "cd" * 20)), "replayed"),
        (certificate(GOOD.replace(WAIT, "00005-other")), "replayed"),
        (certificate(GOOD.replace("7k3m9q", "bbbbbb")), "replayed"),
        (certificate(GOOD.replace("approvals", "requests")), "replayed"),
    ],
)
def test_anything_else_proves_nothing(data: bytes, code: str | None) -> None:
    assert reason(data) == code
    assert proves_push(data, RING, oid=OID, run=RUN, wait=WAIT) == (code is None)


def pushed(
    key: FileSigner = BOB,
    *,
    signed: FileSigner | None = None,
    proofs: str = ":signed-commit :signed-push",
    seen: int = NOW,
    named: Oid | None = None,
    given: bool = True,
) -> str | None:
    """What comes of one approval that `key` pushed; `signed` says who signed the commit as well."""
    rules = f'[{{:match {{:flow "*"}} :need 1 :role :dev :proofs [{proofs}]}}]'
    there = policy(rules=rules)
    case = Case(pinned=there, newest=there)
    built = build_approval(case.wait, "approve", ident(), signed or key, case.objects)[-1]
    raw = built if signed is not None else replace(decode_commit(built.data), headers=()).encode()
    oid = case.objects.add(raw)
    data = certificate(GOOD.replace(OID, named or oid), key=key) if given else None
    case.sent.append(SignedApproval(oid, seen, certificate=data))
    (result,) = case.judge().results
    assert result.counted == (result.reason is None)
    return result.reason or f"{result.principal} {result.fingerprint == key.key.fingerprint}"


def test_a_signed_push_counts_like_a_signed_commit_where_the_rule_takes_it() -> None:
    assert pushed() == "bob True"
    assert pushed(proofs=":signed-push") == "bob True"
    assert pushed(proofs=":signed-commit") == "role"
    assert pushed(given=False) == "unsigned"


def test_who_pushed_and_when_is_judged_as_of_a_commit() -> None:
    assert pushed(AGENT) == "not_human"
    assert pushed(STRANGER) == "key_not_allowed"
    assert pushed(seen=NOW + DAY + 1) == "late"
    assert pushed(named=OID) == "replayed"


def test_a_commit_that_is_signed_speaks_for_itself() -> None:
    assert pushed(BOB, signed=STRANGER) == "key_not_allowed"
    assert pushed(STRANGER, signed=ANN, proofs=":signed-commit") == "ann False"
    assert pushed(STRANGER, signed=ANN, proofs=":signed-push") == "role"
