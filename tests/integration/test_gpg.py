"""GPG signatures made by git are judged through the gpg binary, by its report and our list of signers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitflow_runner.git.objects import RawObject
from gitflow_runner.trust.gpgsig import GpgProgram, GpgSigners
from gitflow_runner.trust.keyring import Keyring, Verdict
from gitflow_runner.trust.verify import verify_object
from tests.gpg_home import GpgHome, gpg_home
from tests.signed_objects import DAY, NOW, git, git_bytes, run_process


@dataclass(frozen=True, slots=True)
class Home:
    """A GPG home with a key of Ann's and a key of somebody who is not listed."""

    made: GpgHome
    ann: str
    other: str

    @property
    def folder(self) -> Path:
        return self.made.folder

    @property
    def gpg(self) -> str:
        return self.made.gpg


@pytest.fixture(scope="module")
def home(real_part: Callable[[str], str]) -> Iterator[Home]:
    with gpg_home(real_part("gpg"), real_part("gpgconf")) as made:
        yield Home(made, made.make("ann"), made.make("other"))


def signed(home: Home, folder: Path, fingerprint: str, *options: str) -> RawObject:
    git(folder, "init", "-q", *options)
    settings = ("-c", f"gpg.program={home.gpg}", "-c", f"user.signingkey={fingerprint}")
    dates = dict.fromkeys(("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"), f"{NOW // 1000} +0000")
    git(
        folder,
        *settings,
        "commit",
        "-q",
        "-S",
        "--allow-empty",
        "-m",
        "a change",
        GNUPGHOME=str(home.folder),
        **dates,
    )
    return RawObject("commit", git_bytes(folder, "cat-file", "commit", "HEAD"))


def judge(home: Home, folder: Path, raw: RawObject, now: int = NOW) -> Verdict:
    scratch = folder / "signatures"
    scratch.mkdir(exist_ok=True)
    gpg = GpgSigners(GpgProgram(home.folder, scratch, run_process, home.gpg), {home.ann: "ann"})
    return verify_object(raw, Keyring(()), first_seen=now, now=now, gpg=gpg)


@pytest.mark.parametrize("hashed", ["sha1", "sha256"])
def test_a_listed_key_is_accepted_in_both_hash_formats(home: Home, tmp_path: Path, hashed: str) -> None:
    raw = signed(home, tmp_path, home.ann, f"--object-format={hashed}")
    assert judge(home, tmp_path, raw) == Verdict(True, None, "ann", home.ann)


def test_a_key_that_is_in_the_ring_but_not_listed_is_refused(home: Home, tmp_path: Path) -> None:
    assert judge(home, tmp_path, signed(home, tmp_path, home.other)).reason == "key_not_allowed"


def test_a_changed_commit_is_bad_and_a_late_one_skewed(home: Home, tmp_path: Path) -> None:
    raw = signed(home, tmp_path, home.ann)
    changed = RawObject("commit", raw.data.replace(b"a change", b"b change"))
    assert judge(home, tmp_path, changed).reason == "bad_signature"
    assert judge(home, tmp_path, raw, NOW + 2 * DAY).reason == "clock_skew"


def test_without_gpg_the_scheme_is_not_supported(home: Home, tmp_path: Path) -> None:
    raw = signed(home, tmp_path, home.ann)
    assert verify_object(raw, Keyring(()), first_seen=NOW, now=NOW).reason == "unsupported_scheme"
