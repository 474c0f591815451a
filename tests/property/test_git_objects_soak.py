"""Git objects while there is time: commits read back, real git names them alike, memory stays."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable
from random import Random

import pytest

from gitflow_runner.git.objects import Commit, Ident, Oid, decode_commit
from tests.soak import Soak

ALPHABET = "abcdefgh ÄØ漢字🙂-:.\t"


def some_commit(random: Random) -> Commit:
    """Any commit that git itself accepts, with none to five parents, sometimes with a signature header."""

    def oid() -> Oid:
        return Oid(f"{random.getrandbits(160):040x}")

    def person() -> Ident:
        return Ident(
            "Kari Nordmann", "kari@example.org", random.randrange(2**33), random.randrange(-720, 841)
        )

    lines = [
        "".join(random.choices(ALPHABET, k=random.randrange(1, 80))) for _ in range(random.randrange(1, 9))
    ]
    signature = (("gpgsig", "-----BEGIN SSH SIGNATURE-----\n\nAAAA\n-----END SSH SIGNATURE-----"),)
    return Commit(
        tree=oid(),
        parents=tuple(oid() for _ in range(random.randrange(6))),
        author=person(),
        committer=person(),
        message="\n".join(lines) + "\n",
        headers=signature if random.random() < 0.5 else (),
    )


@pytest.mark.soak
def test_commits_read_back_and_keep_their_names(soak: Soak, real_part: Callable[[str], str]) -> None:
    git = real_part("git")
    random = Random(20250101)
    count = 0
    settled = 0
    for number in soak.rounds():
        commits = [some_commit(random) for _ in range(500)]
        for commit in commits:
            assert decode_commit(commit.encode().data) == commit
        last = commits[-1].encode()
        named = subprocess.run(
            [git, "hash-object", "-t", "commit", "--stdin"], input=last.data, capture_output=True, check=True
        )
        assert named.stdout.decode().strip() == last.oid
        count += len(commits)
        if number == 3:
            settled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if settled:
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - settled < 32 * 1024  # KiB on Linux
    soak.figure("commits", count)
