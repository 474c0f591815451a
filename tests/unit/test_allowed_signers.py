"""Git's list of allowed signers: what a line may say, and that a doubtful one grants nothing."""

from __future__ import annotations

import pytest

from gitflow_runner.trust.allowed_signers import parse_allowed_signers
from tests.policies import ANN

KEY = ANN.key.line


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f'ann no-touch="yes" {KEY}', "unknown option no-touch"),
        (f'ann valid-after="20260102Z",valid-before="20260101Z" {KEY}', "ends before it begins"),
        (f'ann valid-after="20260101Z",valid-before="20260101Z" {KEY}', "ends before it begins"),
        (f'"ann {KEY}', "a quote that is not closed"),
        (f'"" {KEY}', "names nobody"),
        (f", {KEY}", "names nobody"),
        (f"!ann,!bob {KEY}", "names nobody"),
        (f'ann namespaces="git {KEY}', "options that cannot be read"),
        (f"ann =,x {KEY}", "options that cannot be read"),
        (f'ann namespaces="git",namespaces="file" {KEY}', "option namespaces is given twice"),
        (f'ann cert-authority="yes" {KEY}', "in another form than its own"),
        (f"ann valid-after,cert-authority {KEY}", "in another form than its own"),
        (f'ann valid-after="2026-01-01Z" {KEY}', "is not YYYYMMDD[HHMM[SS]]Z"),
        (f'ann valid-after="20260101" {KEY}', "is not YYYYMMDD[HHMM[SS]]Z"),
        (f'ann valid-before="20261301Z" {KEY}', "there is no time"),
        ("ann ssh-ed25519 AAAA", "ends before its stated length"),
        ("ann", "not a public key line"),
    ],
)
def test_a_doubtful_line_grants_nothing_and_spoils_no_other(line: str, why: str) -> None:
    found = parse_allowed_signers(f"# ours\n{line}\n\nbob {KEY}\n")
    assert [entry.principals for entry in found.entries] == [("bob",)]
    assert [refused.line for refused in found.refused] == [2]
    assert why in found.refused[0].why


def test_a_line_with_every_option_is_read() -> None:
    options = 'cert-authority,namespaces="git,file",valid-after="20260101Z",valid-before="202601011200Z"'
    (entry,) = parse_allowed_signers(f'"ann@example.test,b c"\t{options}\t{KEY} a comment\r\n').entries
    assert entry.principals == ("ann@example.test", "b c")
    assert (entry.authority, entry.namespaces) == (True, ("git", "file"))
    assert (entry.valid_after, entry.valid_before) == (1_767_225_600_000, 1_767_268_800_000)
    assert entry.key.blob == ANN.key.blob


@pytest.mark.parametrize("option", ['valid-after="20260101Z"', 'valid-before="20260101Z"'])
def test_a_window_may_be_open_on_one_side(option: str) -> None:
    (entry,) = parse_allowed_signers(f"ann {option} {KEY}").entries
    assert {entry.valid_after, entry.valid_before} == {1_767_225_600_000, None}


def test_somebody_is_named_beside_whoever_is_left_out() -> None:
    (entry,) = parse_allowed_signers(f"!bob,ann {KEY}").entries
    assert entry.principals == ("!bob", "ann")
