"""Release tags, promotions, runner logs, turns and requests: what is believed and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid, RawObject, Tag, decode_tag
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.trust.policy import Policy, RevokedKey
from gitflow_runner.trust.release import (
    Release,
    ReleaseText,
    build_release,
    compare_refs,
    read_release_text,
    verify_release,
)
from gitflow_runner.trust.signer import FileSigner, load_signer, sign_tag
from tests.policies import AGENT, ANN, BOB, DEV, KEYS, RUNNER, STRANGER, policy
from tests.signed_objects import DAY, NOW, Objects, ident, rsa_key_file, signed_commit

DIGEST, REQUIRES = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
TEXT = ReleaseText("hello", 3, DIGEST, (".breyta/flows/hello.edn", ".breyta/flows/p/x.edn"), REQUIRES)
REF = "refs/tags/flow/hello/v3"
POLICY = policy()


class Tags:
    """A repository with one commit that releases name."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.commit = self.objects.add(signed_commit(DEV))

    def add(self, key: FileSigner, text: ReleaseText = TEXT, **more: object) -> Oid:
        ref, tag = build_release(text, self.commit, ident(), key, **more)  # type: ignore[arg-type]
        assert ref == f"refs/tags/flow/{text.flow}/v{text.version}"
        return self.objects.add(tag)

    def verify(self, oid: Oid, ref: str = REF, policy: Policy = POLICY, **more: object) -> Release:
        times = {"now": NOW} | more
        return verify_release(self.objects, ref, oid, policy, **times)  # type: ignore[arg-type]

    def code(self, oid: Oid, ref: str = REF, policy: Policy = POLICY, **more: object) -> str | None:
        try:
            self.verify(oid, ref, policy, **more)
        except GitflowError as problem:
            return problem.code
        return None


def test_a_release_reads_back_with_its_text_commit_and_signer() -> None:
    tags = Tags()
    found = tags.verify(tags.add(ANN, notes="what is new\n\nGitflow-Version: 9"))
    assert (found.text, found.commit, found.principal) == (TEXT, tags.commit, "ann")
    proposed = replace(TEXT, proposal="00004-publish")
    assert tags.verify(tags.add(ANN, proposed)).text == proposed


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (DEV, "approval.role"),
        (AGENT, "approval.not_human"),
        (RUNNER, "approval.role"),
        (STRANGER, "signature.key_not_allowed"),
    ],
)
def test_only_a_human_releaser_releases(key: FileSigner, code: str) -> None:
    tags = Tags()
    assert tags.code(tags.add(key)) == code


@pytest.mark.parametrize("ref", ["refs/tags/flow/hello/v4", "refs/tags/flow/other/v3", "refs/tags/x"])
def test_a_release_under_another_name_is_refused(ref: str) -> None:
    tags = Tags()
    assert tags.code(tags.add(ANN), ref) == "signature.tag_name_mismatch"


def changed(tags: Tags, old: str, new: str) -> Oid:
    tag = decode_tag(tags.objects.read(tags.add(ANN)).data)
    assert tag.message.count(old) == 1
    message = tag.message.replace(old, new)
    return tags.objects.add(sign_tag(Tag(tag.target, "commit", tag.name, tag.tagger, message), ANN))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Version: 3", "Version: 4", "signature.tag_name_mismatch"),
        ("Flow: hello", "Flow: other", "signature.tag_name_mismatch"),
        ("Version: 3", "Version: 03", "approval.trailers"),
        (f"Digest: {DIGEST}", "Digest: md5:1", "approval.trailers"),
        ("Schema: 1", "Schema: 2", "approval.trailers"),
        ("Schema: 1", "Schema: 1\nGitflow-Flow: hello", "approval.trailers"),
        ("Schema: 1", "Schema: 1\nGitflow-Extra: 1", "approval.trailers"),
        (f"Gitflow-Requires: {REQUIRES}\n", "", "approval.trailers"),
        ("Schema: 1\n", "Schema: 1\n\nmore text\n", "approval.trailers"),
    ],
)
def test_a_release_tag_says_everything_once_and_nothing_else(old: str, new: str, code: str) -> None:
    tags = Tags()
    assert tags.code(changed(tags, old, new)) == code


def test_a_statement_never_passes_for_a_release() -> None:
    tags = Tags()
    text = "Schema: 1\nGitflow-Statement: promotion"
    assert tags.code(changed(tags, "Schema: 1", text)) == "approval.trailers"


def test_a_release_of_a_tree_is_refused() -> None:
    tags = Tags()
    tags.commit = tags.objects.folder({"a": b""})
    assert tags.code(tags.add(ANN)) == "signature.tag_target_type"


def test_a_commit_is_no_release() -> None:
    tags = Tags()
    assert tags.code(tags.commit) == "signature.not_a_tag_object"


ROTATED = policy(windows={"ann": ':valid-before #inst "2026-01-01"'})


def test_a_retired_key_speaks_for_a_release_only_through_the_log_or_a_fresh_promotion() -> None:
    tags = Tags()
    oid = tags.add(ANN)
    assert tags.code(oid, policy=ROTATED) == "release.time_unproven"
    assert tags.code(oid, policy=ROTATED, logged=NOW - 400 * DAY) is None
    assert tags.code(oid, policy=ROTATED, logged=NOW) == "signature.key_expired"
    assert tags.verify(oid, policy=ROTATED, reaffirmed=True).principal == "ann"


def test_a_revoked_key_speaks_for_no_release_until_a_good_key_affirms_it() -> None:
    gone = replace(POLICY, revoked=(RevokedKey(ANN.key.fingerprint, NOW - DAY),))
    tags = Tags()
    oid = tags.add(ANN)
    assert tags.code(oid, policy=gone) == "signature.key_revoked"
    assert tags.code(oid, policy=gone, logged=NOW - 9 * DAY) == "signature.key_revoked"
    assert tags.code(oid, policy=gone, reaffirmed=True) is None


def test_a_strangers_release_is_not_excused_by_a_promotion() -> None:
    tags = Tags()
    assert tags.code(tags.add(STRANGER), reaffirmed=True) == "signature.key_not_allowed"
    revoked = replace(POLICY, revoked=(RevokedKey(STRANGER.key.fingerprint, NOW - DAY),))
    assert tags.code(tags.add(STRANGER), policy=revoked, reaffirmed=True) == "signature.key_revoked"


def test_only_time_and_revocation_are_excused_by_a_promotion() -> None:
    tags = Tags()
    short = load_signer(rsa_key_file(2048))
    lenient = policy(keys={**KEYS, "ann": (short,)})
    oid = tags.add(short)
    assert tags.code(oid, policy=lenient) is None
    assert (
        tags.code(oid, policy=replace(lenient, min_rsa=3072), reaffirmed=True) == "signature.weak_algorithm"
    )


def test_a_ref_that_names_no_release_holds_none() -> None:
    tags = Tags()
    with pytest.raises(GitflowError, match="is no name of a release") as problem:
        tags.verify(tags.add(ANN), "refs/tags/v3")
    assert problem.value.code == "signature.tag_name_mismatch"


def test_moved_and_missing_releases_are_found_against_the_log() -> None:
    tags = Tags()
    first, second = tags.add(ANN), tags.add(BOB)
    tags.objects.swap([RefUpdate(REF, None, first)])
    other = "refs/tags/flow/hello/v2"
    assert compare_refs(tags.objects, [(REF, first)]) == ()
    assert compare_refs(tags.objects, [(REF, second), (other, first)]) == (
        (REF, "release_moved"),
        (other, "release_missing"),
    )


@pytest.mark.parametrize(
    "text",
    [
        replace(TEXT, digest="sha256:xyz"),
        replace(TEXT, paths=("a path with spaces",)),
        replace(TEXT, paths=()),
        replace(TEXT, proposal="two words"),
    ],
)
def test_a_text_that_would_not_read_back_is_never_signed(text: ReleaseText) -> None:
    with pytest.raises(GitflowError) as problem:
        Tags().add(ANN, text)
    assert problem.value.code == "release.text"


def test_notes_that_hold_a_signature_block_are_never_signed() -> None:
    with pytest.raises(GitflowError) as problem:
        Tags().add(ANN, notes="-----BEGIN SSH SIGNATURE-----")
    assert problem.value.code == "release.text"


def test_the_text_of_a_release_is_read_from_the_last_paragraph() -> None:
    raw: RawObject = Tags().objects.read(Tags().commit)
    with pytest.raises(GitflowError) as problem:
        read_release_text(raw.data)
    assert problem.value.code == "approval.trailers"
