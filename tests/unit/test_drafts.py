"""Drafts: clean or changed, from a work tree or a branch, with every blob in the repository."""

from pathlib import Path

import pytest

from gitflow_runner.catalog.drafts import branch_draft, work_tree_draft
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import PinnedTexts
from gitflow_runner.errors import NotFoundError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import BLOB_MODE, TREE_MODE, Commit, Ident, Oid, TreeEntry, blob, encode_tree
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.model.pin import DraftSource

FLOW = '{:slug :pay :concurrency {:type :singleton :on-new-version :drain} :flow \'[#flow/include "a.clj"]}'
WHO = Ident("Ann", "ann@example.test", 1_700_000_000)


def committed(repository: MemoryRepository, files: dict[str, str], branch: str = "main") -> Oid:
    blobs = {name: blob(text.encode()) for name, text in files.items()}
    flows = encode_tree(TreeEntry(name, BLOB_MODE, raw.oid) for name, raw in blobs.items())
    breyta = encode_tree([TreeEntry("flows", TREE_MODE, flows.oid)])
    root = encode_tree([TreeEntry(".breyta", TREE_MODE, breyta.oid)])
    commit = Commit(root.oid, (), WHO, WHO, "flows\n").encode()
    repository.write([*blobs.values(), flows, breyta, root, commit])
    repository.swap([RefUpdate(f"refs/heads/{branch}", None, commit.oid)])
    return commit.oid


def on_disk(tmp_path: Path, files: dict[str, str]) -> Path:
    flows = tmp_path / "work" / ".breyta" / "flows"
    flows.mkdir(parents=True)
    for name, text in files.items():
        (flows / name).write_text(text)
    return tmp_path / "work"


def test_a_work_tree_as_committed_pins_the_commit(tmp_path: Path) -> None:
    files = {"pay.edn": FLOW, "a.clj": "1"}
    repository = MemoryRepository(tmp_path)
    commit = committed(repository, files)
    draft = work_tree_draft(repository, on_disk(tmp_path, files | {"new.edn": "unrelated"}), "pay")
    assert draft.source == DraftSource("main", commit, dirty=False)
    assert draft.changed == ()


def test_a_changed_include_makes_the_draft_dirty_and_is_written(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    commit = committed(repository, {"pay.edn": FLOW, "a.clj": "1"})
    draft = work_tree_draft(repository, on_disk(tmp_path, {"pay.edn": FLOW, "a.clj": "2"}), "pay")
    assert draft.source == DraftSource("main", commit, dirty=True)
    assert draft.changed == ("a.clj",)
    again = load(PinnedTexts(repository, draft.files), "pay")
    assert again.digest == draft.flow.digest
    assert [file.text for file in again.files] == [FLOW, "2"]


def test_before_the_first_commit_everything_is_changed(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    draft = work_tree_draft(repository, on_disk(tmp_path, {"pay.edn": FLOW, "a.clj": "1"}), "pay")
    assert draft.source == DraftSource("main", None, dirty=True)
    assert draft.changed == ("pay.edn", "a.clj")


def test_a_branch_is_read_without_a_work_tree(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    commit = committed(repository, {"pay.edn": FLOW, "a.clj": "1"}, "topic/x")
    draft = branch_draft(repository, "topic/x", "pay")
    assert draft.source == DraftSource("topic/x", commit, dirty=False)
    assert [file.path for file in draft.files] == ["pay.edn", "a.clj"]
    with pytest.raises(NotFoundError) as missing:
        branch_draft(repository, "other", "pay")
    assert missing.value.code == "branch.unknown"
