"""Whose records beside the runs are believed: those of runners, and of which flows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.git.objects import RawObject, Tag
from gitflow_runner.trust.policy import Policy, RevokedKey
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.records import verify_record
from gitflow_runner.trust.signer import FileSigner, sign_tag
from tests.policies import AGENT, ANN, PEOPLE, RUNNER, STRANGER, policy
from tests.signed_objects import NOW, ident, signed_commit

POLICY = policy()


def believed(key: FileSigner, policy: Policy | None = POLICY, **more: object) -> str:
    """The principal behind a commit of that key, or the reason of the refusal."""
    return judged(signed_commit(key, "kv set went\n"), policy, **more)


def judged(raw: RawObject, policy: Policy | None = POLICY, **more: object) -> str:
    try:
        return verify_record(raw, policy, **({"own_key": None} | more))  # type: ignore[arg-type]
    except Refusal as refusal:
        return str(refusal.reason)


def test_a_runner_writes_what_belongs_to_no_flow_and_what_belongs_to_its_flows() -> None:
    assert believed(RUNNER) == "runner"
    assert believed(RUNNER, slug="hello") == "runner"
    assert believed(RUNNER, slug="other") == "role"
    assert believed(RUNNER, slug="other", own_key=RUNNER.key.fingerprint) == "runner"


@pytest.mark.parametrize("key", [ANN, AGENT])
def test_people_and_agents_write_no_records(key: FileSigner) -> None:
    assert believed(key) == "role"
    assert believed(key, own_key=key.key.fingerprint) == "role"


def test_a_runner_that_may_not_drive_writes_none_but_its_own() -> None:
    idle = policy(people=dict(PEOPLE) | {"runner": ':kind :runner :can #{:gate} :flows ["*"]'})
    assert believed(RUNNER, idle) == "role"
    assert believed(RUNNER, idle, own_key=RUNNER.key.fingerprint) == "runner"


def test_an_unlisted_key_is_believed_by_its_own_clone_alone() -> None:
    for known in (POLICY, None):
        assert believed(STRANGER, known) == "key_not_allowed"
        assert believed(STRANGER, known, own_key=STRANGER.key.fingerprint) == "unlisted runner"


def test_a_statement_is_no_record_and_a_signed_tag_neither() -> None:
    assert judged(signed_commit(RUNNER, "kv\n\nGitflow-Statement: approval\n")) == "trailers"
    commit = signed_commit(RUNNER, "kv set went\n")
    assert judged(sign_tag(Tag(commit.oid, "commit", "x", ident(), "kv\n"), RUNNER)) == "trailers"


def test_what_is_kept_is_judged_at_its_own_date_and_what_passes_now() -> None:
    gone = replace(POLICY, revoked=(RevokedKey(RUNNER.key.fingerprint, NOW + 1),))
    assert believed(RUNNER, gone) == "runner"
    assert believed(RUNNER, gone, now=NOW) == "runner"
    assert believed(RUNNER, gone, now=NOW + 1) == "key_revoked"
