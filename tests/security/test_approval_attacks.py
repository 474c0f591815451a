"""Attacks on approvals, made with real git: forged, replayed, doubled, bent and stolen (`trust.md` 7)."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.trust.policy import RevokedKey
from gitflow_runner.trust.quorum import SignedApproval, judge
from gitflow_runner.trust.wire import string
from tests.policies import PEOPLE, policy
from tests.real_wait import RealWait, payload_digest
from tests.signed_objects import DAY, HOUR, NOW, git


@pytest.fixture
def there(tmp_path: Path) -> RealWait:
    return RealWait(tmp_path)


def test_an_approval_made_with_plain_git_counts(there: RealWait) -> None:
    found = there.judge(there.commit("ann"))
    assert (found.state, found.by) == ("approved", ("ann",))


def test_row_1_forged_unsigned_strange_and_claimed(there: RealWait) -> None:
    unsigned = there.commit("ann", signed=False)
    stranger = there.commit("stranger", GIT_AUTHOR_NAME="ann", GIT_COMMITTER_NAME="ann")
    theirs = there.raw(stranger)
    block = theirs[theirs.index(b"gpgsig ") : theirs.index(b"\n\n")]
    lines = [line.strip() for line in block.split(b"\n")[1:-1]]
    blob = base64.b64decode(b"".join(lines))
    claimed = blob.replace(there.signers["stranger"].key.blob, there.signers["ann"].key.blob)
    assert claimed != blob
    text = base64.b64encode(claimed)
    header = b"gpgsig -----BEGIN SSH SIGNATURE-----\n " + text + b"\n -----END SSH SIGNATURE-----"
    forged = there.write_raw(theirs.replace(block, header))
    assert there.reasons(unsigned, stranger, forged) == ["unsigned", "key_not_allowed", "bad_signature"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"approve it", b"approve!it"),
        (b"Gitflow-Decision: approve", b"Gitflow-Decision: reject"),
        (b"parent ", b"parent 0000000000000000000000000000000000000000\nparent "),
        (b" +0000\ngpgsig", b" +0100\ngpgsig"),
    ],
    ids=["message", "decision", "parent", "date"],
)
def test_row_2_tampered(there: RealWait, old: bytes, new: bytes) -> None:
    raw = there.raw(there.commit("ann"))
    assert raw.count(old) == 1
    assert there.reasons(there.write_raw(raw.replace(old, new))) == ["bad_signature"]


def test_row_2_a_flipped_bit_anywhere_is_never_accepted(there: RealWait) -> None:
    raw = there.raw(there.commit("ann"))
    for at in range(0, len(raw), 7):
        flipped = raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]
        assert there.judge(there.write_raw(flipped)).state == "open"


def test_row_2_a_signature_put_on_another_commit(there: RealWait) -> None:
    good = there.raw(there.commit("ann"))
    header = good[good.index(b"gpgsig ") : good.index(b"\n\n") + 1]
    other = there.raw(there.commit("ann", there.message("reject"), signed=False))
    head, body = other.split(b"\n\n", 1)
    assert there.reasons(there.write_raw(head + b"\n" + header + b"\n" + body)) == ["bad_signature"]


def test_row_3_replayed_on_another_run_or_wait(there: RealWait) -> None:
    old = there.commit("ann")
    there.wait = there.open_wait("hello", "20260922-131402-aaaaaa", "00004-publish")
    assert there.reasons(old) == ["parent"]
    again = there.commit("ann", there.message(Run="20260921-131402-7k3m9q"))
    wait = there.commit("ann", there.message(Wait="00009-publish"))
    assert there.reasons(again, wait) == ["run", "wait"]


def test_row_4_replayed_after_the_payload_changed(there: RealWait) -> None:
    stale = there.commit("ann", there.message(Payload=payload_digest(b"{}\n")))
    changed = there.commit("ann", tree=there.write_tree({"run.json": b"{}", "payload.edn": b"{}\n"}))
    edited = there.commit("ann", there.message(Edited=payload_digest()))
    assert there.reasons(stale, changed, edited) == ["payload", "tree", "edited_digest"]


def test_row_5_self_approval_and_two_keys_of_one_person(tmp_path: Path) -> None:
    there = RealWait(tmp_path, "deploy-site")
    there.wait = replace(there.wait, actors=replace(there.wait.actors, starter=frozenset(("ann",))))
    assert there.reasons(there.commit("ann")) == ["self_approval"]
    there.wait = replace(there.wait, actors=replace(there.wait.actors, starter=frozenset()))
    two = policy(keys={"ann": (there.signers["ann"], there.signers["bob"])}, duties="")
    first, second = there.commit("ann"), there.commit("bob")
    found = there.judge(first, second, newest=two, pinned=two)
    assert [result.reason for result in found.results] == [None, "same_person"]
    assert found.state == "open"


def test_row_6_an_agent_approves_itself(there: RealWait) -> None:
    assert there.reasons(there.commit("agent")) == ["not_human"]


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m + "Gitflow-Decision: reject\n",
        lambda m: m + "\nby the way\n",
        lambda m: "> " + m.replace("\n", "\n> "),
        lambda m: m.replace("Decision", "decision"),
        lambda m: m.replace("approve\n", "approve\u202e\n"),
        lambda m: m.replace("Statement: approval", "Statement: request"),
    ],
    ids=["two decisions", "not last", "quoted", "case twin", "bidi", "other kind"],
)
def test_row_7_message_games(there: RealWait, change: object) -> None:
    message = change(there.message())  # type: ignore[operator]
    assert there.reasons(there.commit("ann", message)) == ["trailers"]


def test_row_7_a_quoted_block_before_the_real_one_says_nothing(there: RealWait) -> None:
    quoted = there.message("reject").split("\n\n")[1]
    message = there.message().replace("\n\n", f"\n\n{quoted}\n", 1)
    assert there.judge(there.commit("ann", message)).action == "approve"


def test_row_7_and_8_shapes_that_git_would_not_write(there: RealWait) -> None:
    raw = there.raw(there.commit("ann"))
    header = raw[raw.index(b"gpgsig ") : raw.index(b"\n\n") + 1]
    nul = there.write_raw(raw.replace(b"approve it", b"approve\0it"))
    twice = there.write_raw(raw.replace(b"\n\n", b"\n" + header + b"\n", 1))
    foreign = there.write_raw(raw.replace(b"\ngpgsig ", b"\ngpgsig-sha256 " + header[7:] + b"gpgsig ", 1))
    assert there.reasons(nul, twice, foreign) == ["malformed", "malformed", "malformed"]


def test_row_8_reserved_bytes_make_other_objects_but_not_other_approvals(tmp_path: Path) -> None:
    there = RealWait(tmp_path, "deploy-site")
    oid = there.commit("ann")
    raw = there.raw(oid)
    block = raw[raw.index(b"gpgsig ") : raw.index(b"\n\n")]
    blob = base64.b64decode(b"".join(line.strip() for line in block.split(b"\n")[1:-1]))
    assert blob.count(string(b"git") + string(b"")) == 1
    other = blob.replace(string(b"git") + string(b""), string(b"git") + string(b"any"))
    header = b"gpgsig -----BEGIN SSH SIGNATURE-----\n " + base64.b64encode(other)
    twin = there.write_raw(raw.replace(block, header + b"\n -----END SSH SIGNATURE-----"))
    assert twin != oid
    found = there.judge(oid, twin)
    assert [result.reason for result in found.results] == [None, "same_person"]
    assert found.state == "open"


def test_row_8_a_replace_ref_makes_nothing_of_an_unsigned_commit(there: RealWait) -> None:
    good, unsigned = there.commit("ann"), there.commit("ann", signed=False)
    git(there.folder, "replace", unsigned, good)
    assert there.reasons(unsigned) == ["unsigned"]


def test_row_9_a_stolen_retired_key_with_a_backdated_commit(there: RealWait) -> None:
    windows = {"ann": ':valid-before #inst "2026-01-01"'}
    retired = policy(keys={"ann": (there.signers["ann"],)}, windows=windows, duties="")
    dated = {"GIT_COMMITTER_DATE": "1766000000 +0000", "GIT_AUTHOR_DATE": "1766000000 +0000"}
    backdated = there.commit("ann", **dated)
    assert there.reasons(backdated, newest=retired) == ["key_expired"]
    assert there.reasons(backdated) == ["clock_skew"]


def test_row_9_a_commit_backdated_to_before_the_deadline_is_late(there: RealWait) -> None:
    assert there.reasons(there.commit("ann"), seen=NOW + DAY + HOUR) == ["late"]


def test_row_11_a_key_revoked_before_the_resolution(there: RealWait) -> None:
    oid = there.commit("ann")
    key = RevokedKey(there.signers["ann"].key.fingerprint, NOW + HOUR, "laptop lost")
    newest = replace(there.policy, revoked=(key,))
    assert there.reasons(oid, newest=newest) == [None]
    assert there.reasons(oid, newest=newest, seen=NOW + 2 * HOUR) == ["key_revoked"]


def test_row_12_a_draft_of_the_policy_that_lets_a_stranger_in_changes_nothing(there: RealWait) -> None:
    people = {**PEOPLE, "stranger": ":kind :human :roles #{:dev}"}
    weaker = policy(people=people, keys={"stranger": (there.signers["stranger"],)}, duties="")
    oid = there.commit("stranger")
    assert there.reasons(oid) == ["key_not_allowed"]
    assert there.reasons(oid, newest=weaker) == ["key_not_allowed"]


def test_row_34_a_flood_of_strangers_does_not_hide_the_good_ones(there: RealWait) -> None:
    flood = [there.commit("stranger", there.message() + f"X-Number: {n}\n") for n in range(25)]
    good = there.commit("ann")
    evidence = [SignedApproval(oid, NOW) for oid in (*flood * 40, good)]
    found = judge(there.wait, evidence, reader=there.repo, pinned=there.policy, newest=there.policy, now=NOW)
    assert (found.state, found.evidence) == ("approved", (good,))
    assert {result.reason for result in found.results[:-1]} == {"key_not_allowed"}


def test_row_35_a_stolen_runner_key_approves_nothing(there: RealWait) -> None:
    assert there.reasons(there.commit("runner")) == ["role"]


def test_an_approval_that_is_not_here_does_not_stop_the_others(there: RealWait) -> None:
    assert there.reasons(Oid("12" * 20), there.commit("ann")) == ["malformed", None]
