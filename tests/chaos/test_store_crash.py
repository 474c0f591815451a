"""A process that dies at any write of a large value leaves a store that is whole."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from gitflow_runner.ledger.collect import KEEP_MS, collect, remove_leftovers
from gitflow_runner.ledger.store import BlobStore
from tests.killed_store import PIECE, PIECES
from tests.real_clone import ROOT

DIGEST = hashlib.sha256(PIECE * PIECES).hexdigest()


def put(folder: Path, last: int) -> bool:
    """Whether a process lived that kills itself before its write number `last`."""
    command = [sys.executable, "-m", "tests.killed_store", str(folder), str(last)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, -9), done.stderr
    assert done.returncode != 0 or done.stdout == DIGEST
    return done.returncode == 0


def test_a_kill_before_any_write_leaves_the_value_whole_or_absent(tmp_path: Path) -> None:
    kills = 0
    while not put(tmp_path / str(kills), kills):
        store = BlobStore(tmp_path / str(kills))
        if store.contains(DIGEST):
            assert store.get(DIGEST) == PIECE * PIECES
        assert [path.name for path in store.values()] in ([], [DIGEST])
        # The next one stores it whatever was left behind, and what was left goes in its time.
        assert store.put([PIECE] * PIECES) == (DIGEST, len(PIECE) * PIECES)
        assert store.get(DIGEST) == PIECE * PIECES
        left = list(store.folder.glob("tmp-*"))
        for path in left:
            os.utime(path, (1, 1))
        assert remove_leftovers(store, KEEP_MS * 2) == len(left)
        kills += 1
    assert kills > PIECES + 3, "folder, temporary file, every piece, folder of the digest, rename, two syncs"


def test_a_kill_while_a_known_value_is_made_young_again_loses_nothing(tmp_path: Path) -> None:
    kills = 0
    while True:
        folder = tmp_path / str(kills)
        store = BlobStore(folder)
        store.put([PIECE] * PIECES)
        os.utime(store.path(DIGEST), (1, 1))
        assert [sha256 for sha256, _ in collect(store, (), KEEP_MS * 2).taken] == [DIGEST]
        lived = put(folder, kills)
        assert store.get(DIGEST) == PIECE * PIECES, "in the trash or taken out of it"
        if lived:
            break
        kills += 1
    assert kills > PIECES + 3
