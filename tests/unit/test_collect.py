"""What a collection of stored values takes, what it leaves, and how it is taken back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitflow_runner.errors import DamagedError, RefusedError, StepError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import Ident, RawObject, blob
from gitflow_runner.git.refs import run_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.blobs import Pointer, RunBlobs
from gitflow_runner.ledger.collect import KEEP_MS, collect, named_values
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.ledger.store import BlobStore
from gitflow_runner.ledger.tree import Tree
from gitflow_runner.model.resource import resource_uri
from tests.run_histories import COMMITTER, REF, T0, first_turn, step_started

NOW = KEEP_MS * 10
LARGE = b"x" * 1_000_001


def stored(store: BlobStore, data: bytes, age_ms: int = KEEP_MS + 1_000) -> str:
    """A value that was last asked for `age_ms` before NOW."""
    sha256, _ = store.put([data])
    when = (NOW - age_ms) / 1_000
    os.utime(store.path(sha256), (when, when))
    return sha256


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path)


def test_only_what_is_old_and_unnamed_goes(store: BlobStore) -> None:
    old, young, named = stored(store, b"a"), stored(store, b"b", 0), stored(store, b"c")
    done = collect(store, {named}, NOW)
    assert (done.taken, done.kept) == (((old, 1),), 2)
    assert [path.name for path in store.values()] == sorted([young, named])


def test_a_dry_run_tells_the_same_and_takes_nothing(store: BlobStore) -> None:
    old = stored(store, b"a")
    told = collect(store, (), NOW, dry_run=True)
    assert [path.name for path in store.values()] == [old]
    assert collect(store, (), NOW).taken == told.taken == ((old, 1),)


def test_what_lies_in_the_trash_is_read_and_thereby_taken_back(store: BlobStore) -> None:
    sha256 = stored(store, b"a")
    collect(store, (), NOW)
    assert (list(store.values()), store.size(sha256)) == ([], 1)
    assert store.get(sha256) == b"a"
    assert [path.name for path in store.values()] == [sha256]


def test_the_trash_is_emptied_a_week_later_but_not_of_what_is_named_again(store: BlobStore) -> None:
    gone, named = stored(store, b"a"), stored(store, b"b")
    collect(store, (), NOW)
    assert collect(store, {named}, NOW + KEEP_MS - 1).emptied == 0
    assert collect(store, {named}, NOW + KEEP_MS).emptied == 1
    assert store.get(named) == b"b"
    with pytest.raises(StepError) as caught:
        store.get(gone)
    assert caught.value.code == "res.unknown"


def test_a_value_that_is_stored_again_is_young_again(store: BlobStore) -> None:
    sha256 = stored(store, b"a")
    store.put([b"a"])
    now = int(store.path(sha256).stat().st_mtime * 1_000)
    assert collect(store, (), now + KEEP_MS - 1_000).taken == ()
    assert collect(store, (), now + KEEP_MS + 1_000).taken == ((sha256, 1),)


def test_what_several_clones_share_is_not_collected(tmp_path: Path) -> None:
    shared = BlobStore(tmp_path / "clone", tmp_path / "shared")
    stored(shared, b"a")
    with pytest.raises(RefusedError) as caught:
        collect(shared, (), NOW)
    assert (caught.value.code, len(list(shared.values()))) == ("res.shared", 1)


def test_a_pointer_is_found_in_a_run_in_a_branch_and_in_an_archive(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    journal = Journal.create(repository, REF, COMMITTER, first_turn())
    in_run = RunBlobs(journal, BlobStore(tmp_path)).put(LARGE, "x/y")
    journal.append(Turn((step_started(1),), T0))
    archived, branched = "a" * 64, "b" * 64
    for name, path, sha256 in (
        ("refs/runs-archive/202601", f"07/some-run/res/{archived}", archived),
        ("refs/heads/kept", f"res/{branched}", branched),
    ):
        commit(repository, name, path, Pointer(sha256, 2_000_000, "x/y").encode())
    assert named_values(repository) == {
        in_run: (REF,),
        archived: ("refs/runs-archive/202601",),
        branched: ("refs/heads/kept",),
    }
    assert RunBlobs(journal, BlobStore(tmp_path)).get(resource_uri(in_run)) == LARGE


def test_a_ref_that_cannot_be_read_stops_the_collection(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    tree = RawObject("tree", b"100644 res\0" + bytes.fromhex("c" * 40))
    ident = Ident("a", "a@example.test", 1)
    made = COMMITTER.commit(tree.oid, (), "a commit whose tree is missing\n", 1_000, author=ident)
    repository.write([made])
    repository.swap([RefUpdate(run_ref("hello", "20260101-120000-abcdef"), None, made.oid)])
    with pytest.raises(DamagedError) as caught:
        named_values(repository)
    assert caught.value.code == "git.object_missing"


def commit(repository: MemoryRepository, ref: str, path: str, data: bytes) -> None:
    """A commit of one file, at `ref`."""
    item = blob(data)
    tree = Tree(lambda oid: repository.read(oid).data, None)
    tree.put(path, item.oid)
    objects = {item.oid: item}
    root = tree.write(objects)
    made = COMMITTER.commit(root, (), "one file\n", 1_000)
    repository.write([*objects.values(), made])
    repository.swap([RefUpdate(ref, None, made.oid)])
