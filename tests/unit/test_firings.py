"""Firings of a trigger: a delivery is answered once, and what there was about a matter is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import BLOB_MODE, TREE_MODE, Commit, Ident, Oid, TreeEntry, blob, encode_tree
from gitflow_runner.git.refs import trigger_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.firings import Firing, Firings, read_firing, runs_about
from tests.signed_objects import signer

REF = trigger_ref("guard", "main")
A, B, C = "a" * 64, "b" * 64, "c" * 64
RUN = "20261125-120000-aaaaa"


@pytest.fixture
def repository(tmp_path: Path) -> MemoryRepository:
    return MemoryRepository(tmp_path / "git")


def firings(repository: MemoryRepository) -> Firings:
    return Firings(repository, Committer("runner", "r@example.test", signer("runner").sign), "guard", "main")


def tip(repository: MemoryRepository) -> Oid:
    found = repository.resolve(REF)
    assert found is not None
    return found


def test_a_delivery_is_answered_once(repository: MemoryRepository) -> None:
    first = Firing(A, C, RUN + "2", 1_000, {"ref": "refs/heads/main"})
    assert firings(repository).record(first) == first
    stood = tip(repository)
    assert firings(repository).record(Firing(A, C, RUN + "3", 2_000)) == first
    assert tip(repository) == stood
    assert read_firing(repository, stood, A) == first
    assert read_firing(repository, stood, B) is None


def test_the_runs_about_one_matter_are_told_oldest_first_and_each_once(repository: MemoryRepository) -> None:
    for delivery, run in ((A, "2"), (B, "3"), ("d" * 64, "2")):
        firings(repository).record(Firing(delivery, C, RUN + run, 1_000))
    assert runs_about(repository, tip(repository), C) == (RUN + "3", RUN + "2")
    assert runs_about(repository, tip(repository), A) == ()


def test_only_the_last_runs_about_a_matter_are_kept_in_mind(repository: MemoryRepository) -> None:
    for number in range(40):
        firings(repository).record(Firing(f"{number:064x}", C, f"run-{number}", 1_000))
    about = runs_about(repository, tip(repository), C)
    assert (len(about), about[-1]) == (32, "run-39")


def test_times_never_fall_and_every_link_stands_on_the_one_before(repository: MemoryRepository) -> None:
    firings(repository).record(Firing(A, C, RUN + "2", 9_000))
    first = tip(repository)
    firings(repository).record(Firing(B, C, RUN + "3", 1_000))
    last = repository.commit(tip(repository))
    assert last.parents == (first,)
    assert last.committer.time == 9


@pytest.mark.parametrize("text", [b"", b"[]", b'{"run": 7}', b'{"about":"x","run":"y","at":"z","facts":{}}'])
def test_what_cannot_be_read_is_damage(repository: MemoryRepository, text: bytes) -> None:
    content = blob(text)
    inner = encode_tree((TreeEntry(f"{A}.json", BLOB_MODE, content.oid),))
    root = encode_tree((TreeEntry(A[:2], TREE_MODE, inner.oid),))
    who = Ident("x", "x@example.test", 1)
    commit = Commit(root.oid, (), who, who, "by hand\n").encode()
    repository.write([content, inner, root, commit])
    repository.swap([RefUpdate(REF, None, commit.oid)])
    with pytest.raises(DamagedError) as caught:
        read_firing(repository, commit.oid, A)
    assert caught.value.code == "trigger.malformed"
