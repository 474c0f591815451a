"""What judging a signature in process costs beside a process of git's for each."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from gitflow_runner.git.objects import Oid
from gitflow_runner.runner.batches import answers, open_batch
from gitflow_runner.runner.clock import SystemClock, SystemJitter
from tests.repositories import repositories
from tests.signed_objects import EMPTY_TREE, NOW, git, signed_commit, signer

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]
OURS, THEIRS = 2_000, 4


def bench_a_batch_beside_git_verify_commit(tmp_path: Path, compare: Compare) -> None:
    key = signer("ann")
    repository = repositories("pygit", tmp_path)
    parents: list[Oid] = []
    for number in range(OURS):
        made = signed_commit(key, f"turn {number}\n", parents=parents[-1:])
        repository.write([made])
        parents.append(made.oid)
    folder = tmp_path / "r.git"
    git(folder, "mktree", given=b"")
    allowed = tmp_path / "allowed"
    allowed.write_text(f"ann {key.key.line}\n")
    git(folder, "config", "gpg.ssh.allowedSignersFile", str(allowed))
    common = {
        "repo": str(folder),
        "first_seen": NOW // 1000,
        "now": NOW // 1000,
        "allowed_signers": str(allowed),
    }
    rows = "".join(json.dumps(common | {"oid": oid}) + "\n" for oid in parents).encode()

    def ours() -> None:
        with open_batch(os.environ, SystemClock(), SystemJitter()) as batch:
            assert all(found["verdict"] == "accept" for found in answers(BytesIO(rows), batch.verify))

    def theirs() -> None:
        for oid in parents[:THEIRS]:
            subprocess.run(["git", "verify-commit", oid], cwd=folder, check=True, capture_output=True)

    assert EMPTY_TREE in git(folder, "cat-file", "-p", parents[0])
    assert compare(f"{OURS} rows beside {THEIRS} processes", ours, theirs) * THEIRS / OURS < 0.1
