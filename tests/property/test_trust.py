"""Laws of trust: bent bytes are never accepted and never surprise, statements and lists read back."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import RawObject, Tag
from gitflow_runner.trust.allowed_signers import parse_allowed_signers
from gitflow_runner.trust.policy_text import parse_policy
from gitflow_runner.trust.revocation import parse_revoked
from gitflow_runner.trust.signer import sign_tag
from gitflow_runner.trust.sshcert import parse_certificate
from gitflow_runner.trust.sshkey import parse_public_key
from gitflow_runner.trust.sshsig import parse_armour
from gitflow_runner.trust.statement import Approval, parse_statement, write_message
from gitflow_runner.trust.verify import verify_object
from tests.approval_case import PAYLOAD, Case
from tests.policies import ANN, BOB, policy, policy_text
from tests.signed_objects import EMPTY_TREE, NOW, ident, ring, signed_commit

RING = ring(("ann", ANN))
COMMIT = signed_commit(ANN, "a change\n\nGitflow-Run: r1\n")
TAG = sign_tag(Tag(EMPTY_TREE, "commit", "flow/hello/v1", ident(), "release\n"), ANN)
TEXT = policy_text()
POLICY = policy()


def code_of(call: Callable[[], object]) -> str | None:
    """The code of the deliberate error that the call raises; anything else passes through."""
    try:
        call()
    except GitflowError as problem:
        return problem.code
    return None


@st.composite
def bent(draw: st.DrawFn, data: bytes) -> bytes:
    """`data` with a few places replaced, cut or doubled."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 40, len(data))))
        middle = draw(st.one_of(st.binary(max_size=8), st.just(data[start:end] * 2)))
        data = data[:start] + middle + data[end:]
    return data


def armoured(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    return b"-----BEGIN SSH SIGNATURE-----\n" + text + b"\n-----END SSH SIGNATURE-----\n"


@given(bent(COMMIT.data))
def test_a_bent_commit_is_refused_with_a_reason(data: bytes) -> None:
    found = verify_object(RawObject("commit", data), RING, first_seen=NOW, now=NOW)
    assert found.accepted == (data == COMMIT.data)
    assert (found.reason is None) == found.accepted


@given(bent(TAG.data))
def test_a_bent_tag_is_refused_with_a_reason(data: bytes) -> None:
    found = verify_object(RawObject("tag", data), RING, first_seen=NOW, now=NOW)
    if found.accepted:
        # Where the lines of an armour end is part of no signature; OpenSSH takes them anywhere too.
        assert unwrapped(data) == unwrapped(TAG.data)
    else:
        assert found.reason is not None
        assert data != TAG.data


@pytest.mark.parametrize("tail", [b"x", b"\n\n", b"\ntext\n"])
def test_nothing_may_follow_the_signature_of_a_tag(tail: bytes) -> None:
    found = verify_object(RawObject("tag", TAG.data.rstrip(b"\n") + tail), RING, first_seen=NOW, now=NOW)
    assert (found.accepted, found.reason) == (False, "malformed")


def unwrapped(data: bytes) -> bytes:
    """The tag with its armour on one line."""
    head, mark, armour = data.partition(b"-----BEGIN")
    return head + mark + armour.replace(b"\n", b"")


@given(st.binary(max_size=400))
def test_any_bytes_in_an_armour_are_a_signature_or_a_refusal(data: bytes) -> None:
    expected = {None, "signature.malformed", "signature.weak_algorithm", "signature.cert_refused"}
    assert code_of(lambda: parse_public_key(data)) in expected
    assert code_of(lambda: parse_certificate(data)) in expected
    assert code_of(lambda: parse_armour(armoured(data))) in expected


@given(bent(TEXT))
def test_a_bent_policy_is_a_policy_or_an_error_with_a_code(text: bytes) -> None:
    assert (code_of(lambda: parse_policy(text)) or "policy.").startswith("policy.")


@given(st.data())
def test_a_bent_approval_never_surprises_the_judge(data: st.DataObject) -> None:
    case = Case("hello").send(BOB)
    raw = case.objects.read(case.sent[0].oid).data
    case.sent.clear()
    changed = data.draw(bent(raw))
    case.send_raw(RawObject("commit", changed))
    assert (case.judge().state == "approved") == (changed == raw)


@given(st.text(max_size=200))
def test_any_text_is_a_list_of_signers_and_a_list_of_revoked_keys_or_an_error(text: str) -> None:
    parse_allowed_signers(text)
    assert code_of(lambda: parse_revoked(text.encode())) in (None, "trust.revoked_file")


@given(st.text(max_size=300), st.text(max_size=60))
def test_no_free_text_changes_what_is_said(text: str, subject: str) -> None:
    said = Approval("r1", "00001-ask", "approve", PAYLOAD)
    message = write_message(subject, said, text)
    assert parse_statement(message.encode(), Approval) == said


@given(st.binary(max_size=300))
def test_any_message_is_a_statement_or_a_refusal(message: bytes) -> None:
    assert code_of(lambda: parse_statement(message, Approval)) in (None, "approval.trailers")
