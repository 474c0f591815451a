"""A consent to break the glass: whose it is, to what, and until when."""

from __future__ import annotations

import pytest

from gitflow_runner.git.objects import Oid, RawObject, Tag
from gitflow_runner.trust.glass import build_break_glass, consenting, read_break_glass
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import FileSigner, sign_tag
from gitflow_runner.trust.statement import BreakGlass, write_message
from tests.policies import AGENT, ANN, BOB, DEV, RUNNER, STRANGER, policy
from tests.signed_objects import HOUR, NOW, Objects, ident, signed_commit

OLD, NEW, OTHER = Oid("12" * 20), Oid("34" * 20), Oid("56" * 20)
SAID = BreakGlass("refs/heads/main", OLD, NEW, "nonce-0001", "the site is down")
POLICY = policy(more=":break-glass {:need 2 :role :release}")


def consent(key: FileSigner, said: BreakGlass = SAID, time: int = NOW) -> RawObject:
    return build_break_glass(said, ident(time), key)[-1]


def reason(raw: RawObject) -> str | None:
    try:
        read_break_glass(raw, POLICY, now=NOW, ttl_ms=HOUR)
    except Refusal as problem:
        return problem.reason
    return None


def test_a_consent_reads_back_with_its_person() -> None:
    assert read_break_glass(consent(ANN), POLICY, now=NOW, ttl_ms=HOUR) == ("ann", SAID)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (consent(AGENT), "not_human"),
        (consent(DEV), "role"),
        (consent(RUNNER), "role"),
        (consent(STRANGER), "key_not_allowed"),
        (consent(ANN, time=NOW - HOUR - 1000), "clock_skew"),
        (consent(ANN, time=NOW + HOUR + 1000), "clock_skew"),
        (signed_commit(ANN, write_message("x", SAID), parents=(OLD,)), "parent"),
        (signed_commit(ANN), "trailers"),
        (sign_tag(Tag(OLD, "commit", "x", ident(), write_message("x", SAID)), ANN), "malformed"),
    ],
    ids=["agent", "role", "runner", "stranger", "old", "ahead", "parents", "no statement", "tag"],
)
def test_a_doubtful_consent_is_refused(raw: RawObject, code: str) -> None:
    assert reason(raw) == code


def test_people_count_once_and_only_for_this_move() -> None:
    objects = Objects()
    other = BreakGlass(SAID.ref, OLD, OTHER, "nonce-0002", "another")
    again = BreakGlass(SAID.ref, OLD, NEW, "nonce-0003", "again")
    sent = [
        objects.add(raw)
        for raw in (consent(ANN), consent(ANN, again), consent(BOB, other), consent(STRANGER), consent(DEV))
    ]
    wanted = (SAID.ref, OLD, NEW)
    assert consenting(objects, sent, wanted, POLICY, now=NOW, ttl_ms=HOUR) == ("ann",)
    both = [*sent, objects.add(consent(BOB))]
    assert consenting(objects, both, wanted, POLICY, now=NOW, ttl_ms=HOUR) == ("ann", "bob")
