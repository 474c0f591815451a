"""git as a second judge: what it signs is accepted here, and it accepts what is signed here."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.git.objects import RawObject
from gitflow_runner.trust.allowed_signers import parse_allowed_signers
from gitflow_runner.trust.keyring import Keyring
from gitflow_runner.trust.signer import load_signer
from gitflow_runner.trust.verify import verify_object
from tests.openssh import COMMIT, PAYLOAD, make_keys, public
from tests.signed_objects import DAY, NOW, git, git_bytes


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys"))


def repository(folder: Path, keys: Path, kind: str, *options: str) -> None:
    git(folder, "init", "-q", "-b", "main", *options)
    for name, value in {
        "gpg.format": "ssh",
        "user.signingkey": str(keys / kind),
        "gpg.ssh.allowedSignersFile": str(folder / "allowed"),
    }.items():
        git(folder, "config", name, value)
    (folder / "allowed").write_text(f"ann@example.test {public(keys, kind)}\n")


def raw_object(folder: Path, kind: str, name: str) -> RawObject:
    data = git_bytes(folder, "cat-file", kind, name)
    return RawObject(kind, data)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-384", "rsa-2048"])
@pytest.mark.parametrize("hashed", ["sha1", "sha256"])
def test_what_git_signs_is_accepted_in_both_hash_formats(
    kind: str, hashed: str, keys: Path, tmp_path: Path
) -> None:
    repository(tmp_path, keys, kind, f"--object-format={hashed}")
    when = {"GIT_COMMITTER_DATE": f"{NOW // 1000} +0130", "GIT_AUTHOR_DATE": f"{NOW // 1000} -0700"}
    git(tmp_path, "commit", "-q", "-S", "--allow-empty", "-m", "Überschrift", "-m", "body", **when)
    git(tmp_path, "tag", "-s", "-m", "first", "flow/hello/v1", **when)
    keyring = Keyring(parse_allowed_signers((tmp_path / "allowed").read_text()).entries)
    git(tmp_path, "verify-commit", "HEAD")
    git(tmp_path, "verify-tag", "flow/hello/v1")
    commit, tag = raw_object(tmp_path, "commit", "HEAD"), raw_object(tmp_path, "tag", "flow/hello/v1")
    times = {"first_seen": NOW + DAY // 2, "now": NOW + DAY}
    assert verify_object(commit, keyring, **times).principal == "ann@example.test"
    assert verify_object(tag, keyring, ref="refs/tags/flow/hello/v1", **times).principal == "ann@example.test"


def test_git_accepts_the_commits_and_tags_that_we_sign(keys: Path, tmp_path: Path) -> None:
    repository(tmp_path, keys, "ed25519")
    commit = COMMIT.signed(load_signer((keys / "ed25519").read_bytes()).sign(PAYLOAD)).encode()
    git(tmp_path, "hash-object", "-w", "-t", "tree", "--stdin", given=b"")
    oid = git(tmp_path, "hash-object", "-w", "-t", "commit", "--stdin", given=commit.data)
    assert oid == commit.oid
    assert "Good" in git(tmp_path, "log", "-1", "--format=%GS Good %G?", oid)
    git(tmp_path, "verify-commit", oid)
