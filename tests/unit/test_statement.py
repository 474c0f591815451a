"""Statements count only from the last paragraph, whole, once each and of the kind that was asked for."""

from __future__ import annotations

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.statement import (
    Approval,
    Checkpoint,
    Completion,
    PolicyChange,
    Promotion,
    Request,
    Start,
    Statement,
    carries_statement,
    one_line,
    parse_statement,
    write_message,
)

DIGEST = "sha256:" + "ab" * 32
OID = Oid("12" * 20)
APPROVAL = Approval("20260921-131402-7k3m9q", "00004-publish", "approve", DIGEST)
BLOCK = (
    "Gitflow-Statement: approval\nGitflow-Run: 20260921-131402-7k3m9q\nGitflow-Wait: 00004-publish\n"
    f"Gitflow-Decision: approve\nGitflow-Payload: {DIGEST}\n"
)
ALL: tuple[Statement, ...] = (
    APPROVAL,
    Approval("r1", "w1", "hold-it", DIGEST, DIGEST),
    Start("hello", DIGEST, "nonce-0001", release=OID),
    Start("hello", DIGEST, "nonce-0001", draft=OID, origin="r1", reason="again, with ümlaut"),
    Request("r1", "cancel", "nonce-0001", "wrong input"),
    Request("r1", "resolve", "nonce-0001", step="00003-send", outcome="done", value=DIGEST),
    Request("r1", "resolve", "nonce-0001", step="00003-send", outcome="retry"),
    Promotion("hello", 3, OID, DIGEST, "promote", 7),
    Promotion("hello", 2, OID, DIGEST, "rollback", 8, "broken"),
    PolicyChange(4, DIGEST),
    Checkpoint(DIGEST),
    Completion("r1", "w1"),
    Completion("r1", "w1", DIGEST),
)


def reason(message: str | bytes, kind: type[Statement] = Approval) -> str | None:
    data = message.encode() if isinstance(message, str) else message
    try:
        parse_statement(data, kind)
    except Refusal as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize("statement", ALL, ids=repr)
def test_every_statement_reads_back_as_itself_and_as_no_other_kind(statement: Statement) -> None:
    message = write_message("a subject", statement, "some text\n\nmore text")
    assert message.startswith("a subject\n\nsome text\n\nmore text\n\nGitflow-Statement: ")
    assert parse_statement(message.encode(), type(statement)) == statement
    for other in (Approval, Start, Request, Promotion, PolicyChange, Completion):
        if other is not type(statement):
            assert reason(message, other) == "trailers"


@pytest.mark.parametrize(
    "message",
    [
        f"yes\n\n{BLOCK}",
        f"yes\n\ntext\n\n{BLOCK}\n\n",
        f"yes\n\n{BLOCK}Signed-off-by: Ann <ann@example.test>\n",
        f"yes\n\nChange-Id: I123\n{BLOCK}",
        f"yes\n\n{BLOCK.replace('approve', 'reject')}\n\n{BLOCK}",
        f"yes\n\n> quoted\n\n{BLOCK.rstrip()}",
    ],
    ids=["plain", "newlines", "signed off", "change id", "quoted block before", "no newline"],
)
def test_a_good_approval_is_read(message: str) -> None:
    assert parse_statement(message.encode(), Approval) == APPROVAL


@pytest.mark.parametrize(
    "message",
    [
        "yes\n",
        BLOCK,
        f"yes\n\n{BLOCK}\n\ntext after\n",
        f"yes\n\n{BLOCK}\n\nSigned-off-by: Ann <ann@example.test>\n",
        f"yes\n\n{BLOCK}not a trailer\n",
        f"yes\n\n{BLOCK}Gitflow-Decision: reject\n",
        f"yes\n\n{BLOCK}Gitflow-Decision: approve\n",
        f"yes\n\n{BLOCK}gitflow-decision: reject\n",
        f"yes\n\n{BLOCK}GITFLOW-NOTE: x\n",
        f"yes\n\n{BLOCK}Gitflow-Colour: red\n",
        f"yes\n\n{BLOCK}Gitflow-Version: 3\n",
        f"yes\n\n{BLOCK}Gitflow-Statement: start\n",
        "yes\n\n" + BLOCK.replace("Gitflow-Run", "Gitflow-Rum"),
        "yes\n\n" + BLOCK.replace("Gitflow-Statement: approval\n", ""),
        "yes\n\n" + BLOCK.replace("approval", "Approval"),
        "yes\n\n" + BLOCK.replace("approve", "Approve"),
        "yes\n\n" + BLOCK.replace("approve", "approve "),
        "yes\n\n" + BLOCK.replace("approve", "approve\u202e"),
        "yes\n\n" + BLOCK.replace("Decision: ", "Decision:"),
        "yes\n\n" + BLOCK.replace("Decision: ", "Decision : "),
        "yes\n\n" + BLOCK.replace("\n", "\r\n"),
        "yes\n\n" + BLOCK.replace("Gitflow-Wait: ", "Gitflow-Wait:\n "),
        "yes\n\n" + BLOCK.replace(DIGEST, DIGEST.upper()),
        "yes\n\n" + BLOCK.replace(DIGEST, DIGEST[:-1]),
        "yes\n\n" + BLOCK.replace("20260921", "../20260921"),
        "x" * 70_000 + "\n\n" + BLOCK,
    ],
)
def test_a_doubtful_approval_is_refused(message: str) -> None:
    assert reason(message) == "trailers"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (f"yes\n\n{BLOCK}gitflow-statement: approval\n", "twice or in another case"),
        (f"yes\n\n{BLOCK}Gitflow-Decision: approve\n", "twice or in another case"),
        ("yes\n\nSigned-off-by: Ann <ann@example.test>\n", "not made of our trailers"),
        (f"yes\n\n{BLOCK}Gitflow-Colour: red\n", "has no place"),
    ],
)
def test_a_refusal_says_which_trailer_is_wrong(message: str, words: str) -> None:
    with pytest.raises(Refusal) as problem:
        parse_statement(message.encode(), Approval)
    assert (problem.value.reason, words in problem.value.message) == ("trailers", True)


def test_a_message_that_is_not_utf8_is_refused() -> None:
    assert reason(b"caf\xe9\n\n" + BLOCK.encode()) == "trailers"


@pytest.mark.parametrize(
    ("statement", "old", "new"),
    [
        (ALL[2], "Gitflow-Release", "Gitflow-Draft: " + OID + "\nGitflow-Release"),
        (ALL[2], f"Gitflow-Release: {OID}\n", ""),
        (ALL[4], "Gitflow-Act: cancel", "Gitflow-Act: explode"),
        (ALL[4], "Gitflow-Nonce: nonce-0001\n", ""),
        (ALL[4], "Gitflow-Nonce", "Gitflow-Step: 00003-send\nGitflow-Nonce"),
        (ALL[5], "Gitflow-Value: " + DIGEST + "\n", ""),
        (ALL[6], "Gitflow-Step: 00003-send\n", ""),
        (ALL[7], "Gitflow-Number: 7", "Gitflow-Number: 07"),
        (ALL[7], "Gitflow-Action: promote", "Gitflow-Action: demote"),
        (ALL[9], "Policy-Version: 4", "Policy-Version: 0"),
    ],
)
def test_a_statement_with_a_wrong_part_is_refused(statement: Statement, old: str, new: str) -> None:
    message = write_message("a subject", statement)
    assert message.count(old) == 1
    assert reason(message.replace(old, new), type(statement)) == "trailers"


def test_a_statement_that_would_not_read_back_is_never_written() -> None:
    with pytest.raises(Refusal) as problem:
        write_message("a subject", Request("r1", "cancel", "nonce-0001", "two\nGitflow-Act: pause"))
    assert problem.value.reason == "trailers"


def test_a_subject_is_one_line_without_control_characters() -> None:
    assert one_line("a\nb\x1b[31m\u202ec") == "a\\nb\\x1b[31m\\u202ec"
    assert len(one_line("ü" * 200).encode()) == 200


def test_anything_that_looks_like_a_statement_is_noticed_in_any_case() -> None:
    assert carries_statement(b"turn\n\ngitflow-statement : approval\n")
    assert not carries_statement(b"turn\n\nGitflow-Run: r1\n")
