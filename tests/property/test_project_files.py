"""Any row of changes comes to the same files, or the same refusal, by both ports of source trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.errors import StepError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import EXEC_MODE, Commit, Ident, Oid, RawObject, blob
from gitflow_runner.git.program import StoredSettings
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.tree import Tree
from gitflow_runner.runner.project_files import ProjectFiles
from gitflow_runner.runner.source import ProjectSource
from gitflow_runner.steps.memory_trees import MemoryFiles
from gitflow_runner.steps.trees import FileChange, FileContent, Files
from tests.projects import NoPublishing

WHO = Ident("Ann", "ann@example.test", 1)
NAMES = st.sampled_from(["a", "A", "b", "\u00e9", "e\u0301"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.builds(FileContent, st.sampled_from([b"", b"1", b"2"]), st.booleans())
CHANGES = st.lists(
    st.builds(FileChange, PATHS, st.none() | CONTENTS), max_size=5, unique_by=lambda change: change.path
)
BASES = st.lists(PATHS, max_size=4)


def committed(paths: Sequence[str]) -> tuple[Repository, Oid, dict[str, bytes]]:
    """A repository whose one commit holds those of the paths that can stand beside one another."""
    kept: dict[str, bytes] = {}
    for path in paths:
        if not any(f"{path}/".startswith(f"{p}/") or f"{p}/".startswith(f"{path}/") for p in kept):
            kept[path] = path.encode()
    repository = MemoryRepository(Path("nowhere"))
    tree, objects = Tree(lambda oid: b"", None), dict[Oid, RawObject]()
    for path, data in kept.items():
        item = blob(data)
        objects[item.oid] = item
        tree.put(path, item.oid)
    commit = Commit(tree.write(objects), (), WHO, WHO, "base\n").encode()
    repository.write([*objects.values(), commit])
    return repository, commit.oid, kept


def walked(repository: Repository, tree: Oid, prefix: str = "") -> Iterator[tuple[str, FileContent]]:
    for entry in repository.tree(tree):
        if entry.is_tree:
            yield from walked(repository, entry.oid, f"{prefix}{entry.name}/")
        else:
            content = FileContent(repository.blob(entry.oid), entry.mode == EXEC_MODE)
            yield prefix + entry.name, content


def outcome(files: Files, commit: str, changes: Sequence[FileChange]) -> str:
    """The tree, or the code of the refusal."""
    try:
        return files.changed(files.tree_of(commit), changes)
    except StepError as error:
        return error.code


@given(BASES, CHANGES)
def test_both_ports_agree(paths: Sequence[str], changes: Sequence[FileChange]) -> None:
    repository, commit, held = committed(paths)
    settings = StoredSettings()
    real = ProjectFiles(repository, settings, ProjectSource(repository, settings, None), NoPublishing())
    memory = MemoryFiles({commit: held})
    came_to, expected = outcome(real, commit, changes), outcome(memory, commit, changes)
    if expected.startswith("files."):
        assert came_to == expected
    else:
        found: Mapping[str, FileContent] = dict(walked(repository, Oid(came_to)))
        assert found == {
            each.path: memory.read(expected, each.path, 99) for each in memory.list(expected, "", 99)
        }
