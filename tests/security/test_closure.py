"""What a commit's tree may hold to mislead a reader: links, submodules, odd modes, twins, odd names."""

from pathlib import Path

import pytest

from gitflow_runner.catalog.loader import list_flows, load
from gitflow_runner.catalog.sources import CommitTexts, PinnedTexts
from gitflow_runner.errors import DamagedError, GitflowError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import (
    BLOB_MODE,
    EXEC_MODE,
    GITLINK_MODE,
    LINK_MODE,
    TREE_MODE,
    Commit,
    Ident,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    encode_tree,
)
from gitflow_runner.model.pin import PinnedFile

FLOW = (
    '{:slug :pay :concurrency {:type :singleton :on-new-version :drain} :flow \'[#flow/include "lib/a.clj"]}'
)
WHO = Ident("Ann", "ann@example.test", 1_700_000_000)


class Tree:
    """Builds commits entry by entry, modes included."""

    def __init__(self, tmp_path: Path) -> None:
        self.repository = MemoryRepository(tmp_path)

    def put(self, raw: RawObject) -> Oid:
        self.repository.write([raw])
        return raw.oid

    def file(self, name: str, text: str, mode: int = BLOB_MODE) -> TreeEntry:
        return TreeEntry(name, mode, self.put(blob(text.encode())))

    def folder(self, name: str, *entries: TreeEntry) -> TreeEntry:
        return TreeEntry(name, TREE_MODE, self.put(encode_tree(entries)))

    def commit(self, *flows: TreeEntry) -> CommitTexts:
        return self.rooted(self.folder(".breyta", self.folder("flows", *flows)))

    def rooted(self, *entries: TreeEntry) -> CommitTexts:
        tree = self.put(encode_tree(entries))
        commit = self.put(Commit(tree, (), WHO, WHO, "flows\n").encode())
        return CommitTexts(self.repository, commit)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def refused(texts: CommitTexts, slug: str = "pay") -> str:
    with pytest.raises(GitflowError) as error:
        load(texts, slug)
    return error.value.code


def test_ordinary_files_are_read_from_the_commit(tree: Tree) -> None:
    texts = tree.commit(
        tree.file("pay.edn", FLOW),
        tree.folder("lib", tree.file("a.clj", "(flow/input)", EXEC_MODE)),
        tree.file("pay.tests.edn", "[]"),
    )
    assert texts.names() == ("lib/a.clj", "pay.edn", "pay.tests.edn")
    assert list_flows(texts) == ("pay",)
    assert [file.path for file in load(texts, "pay").files] == ["pay.edn", "lib/a.clj"]


@pytest.mark.parametrize("mode", [LINK_MODE, GITLINK_MODE, 0o100664, 0o100600])
def test_a_flow_file_of_another_mode_is_refused(tree: Tree, mode: int) -> None:
    texts = tree.commit(tree.file("pay.edn", FLOW, mode))
    assert refused(texts) == "closure.mode"


@pytest.mark.parametrize("mode", [LINK_MODE, GITLINK_MODE])
def test_an_include_through_a_link_or_submodule_is_refused(tree: Tree, mode: int) -> None:
    as_file = tree.commit(
        tree.file("pay.edn", FLOW), tree.folder("lib", tree.file("a.clj", "../../../secret", mode))
    )
    as_folder = tree.commit(tree.file("pay.edn", FLOW), tree.file("lib", "../..", mode))
    assert refused(as_file) == "closure.mode"
    assert refused(as_folder) == "closure.mode"


@pytest.mark.parametrize("mode", [LINK_MODE, GITLINK_MODE])
def test_the_flows_folder_may_not_be_a_link(tree: Tree, mode: int) -> None:
    with pytest.raises(GitflowError) as error:
        tree.rooted(tree.folder(".breyta", tree.file("flows", "elsewhere", mode)))
    assert error.value.code == "closure.mode"
    with pytest.raises(GitflowError) as error:
        tree.rooted(tree.file(".breyta", "elsewhere", mode))
    assert error.value.code == "closure.mode"


def test_twins_in_the_closure_are_refused(tree: Tree) -> None:
    code = tree.file("a.clj", "1")
    cases = (
        tree.commit(tree.file("pay.edn", FLOW), tree.file("Pay.edn", FLOW), tree.folder("lib", code)),
        tree.commit(tree.file("pay.edn", FLOW), tree.folder("lib", code, tree.file("A.clj", "2"))),
        tree.commit(tree.file("pay.edn", FLOW), tree.folder("lib", code), tree.folder("LIB", code)),
    )
    assert [refused(texts) for texts in cases] == 3 * ["closure.twin"]


def test_letters_composed_and_decomposed_are_twins(tree: Tree) -> None:
    flow = FLOW.replace("lib/a.clj", "caf\u00e9.clj")
    texts = tree.commit(
        tree.file("pay.edn", flow), tree.file("caf\u00e9.clj", "1"), tree.file("cafe\u0301.clj", "2")
    )
    assert refused(texts) == "closure.twin"


def test_the_second_of_two_entries_with_one_name_is_never_chosen(tree: Tree) -> None:
    texts = tree.commit(tree.file("pay.edn", FLOW), tree.folder("lib"), tree.file("lib", "x"))
    assert refused(texts) == "flow_include_invalid"


@pytest.mark.parametrize("name", ["..", ".", "a\\b.edn", "a\nb.edn"])
def test_odd_names_in_a_tree_are_never_flows(tree: Tree, name: str) -> None:
    texts = tree.commit(tree.file("pay.edn", FLOW), tree.file(name, "x"))
    assert list_flows(texts) == ("pay",)


def test_a_commit_without_flows_has_none(tree: Tree) -> None:
    assert tree.rooted(tree.file("README.md", "hello")).names() == ()
    assert tree.rooted(tree.folder(".breyta", tree.file("flows", "a file"))).names() == ()


def test_a_tree_that_is_too_deep_is_refused(tree: Tree) -> None:
    entry = tree.folder("f", tree.file("x", "1"))
    for _ in range(40):
        entry = tree.folder("f", entry)
    with pytest.raises(GitflowError) as error:
        tree.commit(entry).names()
    assert error.value.code == "closure.size"


def test_a_pinned_file_is_held_to_its_digest(tree: Tree) -> None:
    oid = tree.put(blob(b"{:slug :pay}"))
    texts = PinnedTexts(tree.repository, [PinnedFile("pay.edn", oid, "0" * 64)])
    with pytest.raises(DamagedError) as error:
        texts.read("pay.edn")
    assert error.value.code == "closure.digest"
