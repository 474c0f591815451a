"""Attacks on keys, releases and names, made with real git (`trust.md` 7, rows 10, 13, 14, 30, 35)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.git.refs import approval_ref, live_ref, release_tag
from gitflow_runner.trust.keyring import Entry, Keyring
from gitflow_runner.trust.release import ReleaseText, build_release, compare_refs, verify_release
from gitflow_runner.trust.sshkey import parse_key_line
from gitflow_runner.trust.verify import verify_object
from tests.real_wait import DATES, RealWait
from tests.signed_objects import NOW, git, git_bytes, ident, keygen

DIGEST = "sha256:" + "ab" * 32
REF = "refs/tags/flow/hello/v1"


@pytest.fixture
def there(tmp_path: Path) -> RealWait:
    return RealWait(tmp_path)


def release(there: RealWait, version: int = 1, who: str = "ann") -> Oid:
    """A release tag, written and named."""
    text = ReleaseText("hello", version, DIGEST, (".breyta/flows/hello.edn",), DIGEST)
    commit = there.commit(who, "a change\n")
    ref, raw = build_release(text, commit, ident(), there.signers[who])
    there.repo.write([raw])
    git(there.folder, "update-ref", ref, raw.oid)
    return raw.oid


def code(there: RealWait, ref: str, oid: Oid) -> str | None:
    try:
        verify_release(there.repo, ref, oid, there.policy, now=NOW)
    except GitflowError as problem:
        return problem.code
    return None


def tagged(there: RealWait, *arguments: str, message: str = "first") -> RawObject:
    """What `git tag -s` makes."""
    key = there.keys / "ann"
    git(there.folder, "-c", f"user.signingkey={key}", "tag", "-s", "-m", message, *arguments, **DATES)
    return RawObject("tag", git_bytes(there.folder, "cat-file", "tag", arguments[0]))


def reason(there: RealWait, raw: RawObject, ref: str) -> str | None:
    times = {"first_seen": NOW, "now": NOW}
    return verify_object(raw, there.policy.keyring, ref=ref, reader=there.repo, **times).reason


def test_a_release_that_we_build_satisfies_git(there: RealWait) -> None:
    oid = release(there)
    line = there.signers["ann"].key.line
    (there.folder / "allowed").write_text(f'ann namespaces="git" {line}\n')
    options = ("-c", f"gpg.ssh.allowedSignersFile={there.folder / 'allowed'}")
    git(there.folder, *options, "verify-tag", "flow/hello/v1")
    git(there.folder, "fsck", "--strict")
    assert code(there, REF, oid) is None


def test_row_10_a_short_rsa_key_is_weak_even_where_it_is_listed(there: RealWait) -> None:
    keygen(there.keys, "short", "-t", "rsa", "-b", "1024")
    key = parse_key_line((there.keys / "short.pub").read_text())
    raw = RawObject("commit", there.raw(there.commit("short")))
    found = verify_object(raw, Keyring((Entry(("ann",), key),)), first_seen=NOW, now=NOW)
    assert found.reason == "weak_algorithm"


def test_row_13_a_release_moved_or_deleted_by_git_is_noticed_and_still_reads(
    there: RealWait,
) -> None:
    first, second = release(there), release(there, 2)
    logged = [(REF, first), ("refs/tags/flow/hello/v2", second)]
    assert compare_refs(there.repo, logged) == ()
    git(there.folder, "tag", "-f", "flow/hello/v1", second)
    git(there.folder, "tag", "-d", "flow/hello/v2")
    assert compare_refs(there.repo, logged) == (
        (REF, "release_moved"),
        ("refs/tags/flow/hello/v2", "release_missing"),
    )
    assert code(there, REF, first) is None
    assert code(there, REF, second) == "signature.tag_name_mismatch"


def test_row_14_a_release_under_another_number_or_slug(there: RealWait) -> None:
    oid = release(there)
    assert code(there, release_tag("hello", 2), oid) == "signature.tag_name_mismatch"
    assert code(there, release_tag("other", 1), oid) == "signature.tag_name_mismatch"
    assert reason(there, tagged(there, "flow/hello/v7", there.wait.commit), "refs/tags/flow/hello/v8") == (
        "tag_name_mismatch"
    )


def test_row_14_tags_of_trees_tags_and_lies(there: RealWait) -> None:
    tree = tagged(there, "tree", f"{there.wait.commit}^{{tree}}")
    assert reason(there, tree, "refs/tags/tree") == "tag_target_type"
    tagged(there, "inner", there.wait.commit)
    assert reason(there, tagged(there, "outer", "refs/tags/inner"), "refs/tags/outer") == "tag_target_type"
    lying = RawObject("tag", tree.data.replace(b"\ntype tree\n", b"\ntype commit\n"))
    assert reason(there, lying, "refs/tags/tree") == "tag_target_type"


def test_row_7_text_after_a_tags_signature_is_refused(there: RealWait) -> None:
    good = tagged(there, "good", there.wait.commit)
    assert reason(there, good, "refs/tags/good") is None
    after = RawObject("tag", good.data + b"and one more thing\n")
    assert reason(there, after, "refs/tags/good") == "malformed"


def test_a_lightweight_tag_is_not_a_tag_object(there: RealWait) -> None:
    raw = RawObject("commit", there.raw(there.commit("ann")))
    assert reason(there, raw, "refs/tags/light") == "not_a_tag_object"


@pytest.mark.parametrize(
    "slug", ["-oProxyCommand=x", "../x", "a\nb", "a@{0}", "a b", "", "a/b", "a..b", "a.lock", "\u202e"]
)
def test_row_30_names_never_become_options_or_paths(slug: str) -> None:
    makers = (
        lambda: release_tag(slug, 1),
        lambda: live_ref(slug),
        lambda: approval_ref(slug, "00001-x", "y"),
        lambda: approval_ref("20260921-131402-7k3m9q", slug, "y"),
    )
    for make in makers:
        with pytest.raises(GitflowError) as problem:
            make()
        assert problem.value.code == "ref.malformed"


def test_row_35_a_stolen_runner_key_releases_nothing(there: RealWait) -> None:
    assert code(there, REF, release(there, who="runner")) == "approval.role"
