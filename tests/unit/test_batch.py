"""Rows of JSON in, verdicts out: the same judgement, with times in seconds and files read once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gitflow_runner.errors import UsageError
from gitflow_runner.git.repository import Objects as ObjectsPort
from gitflow_runner.trust.batch import Batch, Json, Outside
from gitflow_runner.trust.gpgsig import Gpg
from gitflow_runner.trust.keyring import Keyring
from tests.approval_case import PAYLOAD, RUN, WAIT, Case
from tests.policies import AGENT, ANN, BOB, CAT, DEV, STRANGER, policy, policy_text
from tests.signed_objects import DAY, HOUR, NOW, Objects, signed_commit

S = NOW // 1000


@dataclass
class World:
    """One repository and a few files, which count how often they are read."""

    objects: Objects = field(default_factory=Objects)
    files: dict[str, bytes] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def batch(self) -> Batch:
        def read_file(path: str) -> bytes:
            self.read.append(path)
            return self.files[path]

        def open_objects(path: str) -> ObjectsPort:
            self.read.append(path)
            return self.objects

        def open_gpg(home: str) -> Gpg:
            raise AssertionError(home)

        def policy_keyring(path: str) -> Keyring:
            return policy().keyring

        return Batch(Outside(open_objects, read_file, open_gpg, policy_keyring))


def row(oid: str, **more: object) -> Json:
    return {
        "repo": "r",
        "oid": oid,
        "ref": None,
        "first_seen": S,
        "now": S,
        "max_skew_s": 86_400,
        "allowed_signers": "allowed",
        "revoked": None,
        "gpg_home": None,
        "gpg_signers": None,
    } | more


def test_a_row_is_answered_with_verdict_reason_principal_and_fingerprint() -> None:
    world = World(files={"allowed": f"ann@example.test {ANN.key.line}\n".encode()})
    good, strange = world.objects.add(signed_commit(ANN)), world.objects.add(signed_commit(STRANGER))
    batch = world.batch()
    assert batch.verify(row(good)) == {
        "verdict": "accept",
        "reason": None,
        "principal": "ann@example.test",
        "fingerprint": ANN.key.fingerprint,
    }
    found = batch.verify(row(strange))
    assert (found["verdict"], found["reason"], found["principal"]) == ("refuse", "key_not_allowed", None)
    assert world.read == ["r", "allowed"]


def test_times_are_seconds_and_the_skew_is_the_rows() -> None:
    world = World(files={"allowed": f"ann {ANN.key.line}\n".encode()})
    oid = world.objects.add(signed_commit(ANN, time=NOW - HOUR))
    assert world.batch().verify(row(oid, max_skew_s=3599))["reason"] == "clock_skew"
    assert world.batch().verify(row(oid, max_skew_s=3600))["reason"] is None


def test_a_revoked_file_refuses_and_without_a_list_the_policy_decides() -> None:
    world = World(
        files={
            "allowed": f"ann {ANN.key.line}\n".encode(),
            "revoked": f"{ANN.key.line}\n".encode(),
        }
    )
    oid = world.objects.add(signed_commit(ANN))
    assert world.batch().verify(row(oid, revoked="revoked"))["reason"] == "key_revoked"
    assert world.batch().verify(row(oid, allowed_signers=None))["principal"] == "ann"
    assert world.batch().verify(row(oid, allowed_signers=None, revoked="revoked"))["reason"] == "key_revoked"


@pytest.mark.parametrize(
    "change",
    [
        {"repo": None},
        {"oid": "abc"},
        {"oid": 7},
        {"first_seen": "now"},
        {"now": True},
        {"now": float("nan")},
        {"max_skew_s": "1"},
        {"ref": 1},
    ],
)
def test_a_row_of_another_form_is_a_usage_error(change: dict[str, object]) -> None:
    world = World(files={"allowed": b""})
    oid = world.objects.add(signed_commit(ANN))
    with pytest.raises(UsageError) as problem:
        world.batch().verify(row(oid) | change)
    assert problem.value.code == "batch.row"


def test_true_is_no_number() -> None:
    oid = World().objects.add(signed_commit(ANN))
    with pytest.raises(UsageError, match="'max_skew_s' must be"):
        World(files={"allowed": b""}).batch().verify(row(oid, max_skew_s=True))


def judged(case: Case, **more: object) -> Json:
    world = World(objects=case.objects)
    wait = {
        "run": RUN,
        "wait": WAIT,
        "commit": case.wait.commit,
        "payload": PAYLOAD,
        "need": 2,
        "role": "release",
        "human": True,
        "deadline": (NOW + DAY) // 1000,
        "edit": False,
        "editor_counts": False,
        "excluded": ["cat"],
    }
    whole = {
        "repo": "r",
        "policy": policy_text().decode(),
        "wait": wait,
        "approvals": [{"oid": sent.oid, "seen": sent.seen // 1000} for sent in case.sent],
        "revoked": [],
        "now": S,
    }
    return world.batch().judge(whole | more)


def test_a_row_of_approvals_is_judged_by_the_waits_own_terms() -> None:
    case = Case().send(ANN).send(CAT).send(DEV).send(AGENT).send(BOB)
    assert judged(case) == {
        "outcome": "approved",
        "approvals": [
            {"oid": sent.oid, "counted": reason is None, "reason": reason, "principal": name}
            for sent, reason, name in zip(
                case.sent,
                [None, "self_approval", "role", "not_human", None],
                ["ann", "cat", "dev", "agent", "bob"],
                strict=True,
            )
        ],
    }


def test_revoked_keys_of_the_row_refuse() -> None:
    found = judged(Case().send(ANN), revoked=[ANN.key.line])
    assert found["outcome"] == "open"
    assert found["approvals"] == [
        {"oid": Case().send(ANN).sent[0].oid, "counted": False, "reason": "key_revoked", "principal": None}
    ]


def test_a_policy_that_cannot_be_read_is_its_own_error() -> None:
    with pytest.raises(UsageError) as problem:
        judged(Case().send(ANN), policy="{")
    assert problem.value.code == "policy.syntax"
    with pytest.raises(UsageError) as problem:
        judged(Case().send(ANN), wait=None)
    assert problem.value.code == "batch.row"
