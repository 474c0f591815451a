"""What every port of source trees keeps to: the one in memory, and the one over a real repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.steps.memory_trees import MemoryFiles
from gitflow_runner.steps.trees import (
    FileChange,
    FileContent,
    Files,
    Wanted,
)
from tests.projects import git, made_project, real_files

HELD = {
    "README.md": b"# Hello\nSee src.\n",
    "bin/tool": b"\x00\x01needle\x02",
    "src/a.py": b"one = 1\nneedle = one\n",
    "src/b.py": b"two = 2\n  Needle = 3\n",
}


@dataclass(frozen=True)
class Project:
    """A port and the commit that holds `HELD`."""

    files: Files
    commit: str

    @property
    def tree(self) -> str:
        return self.files.tree_of(self.commit)

    def changed(self, **contents: bytes | None) -> str:
        return self.files.changed(self.tree, [change(path, data) for path, data in contents.items()])


def change(path: str, data: bytes | None) -> FileChange:
    return FileChange(path, None if data is None else FileContent(data))


def made_real(folder: Path) -> Project:
    commit = made_project(folder, HELD)
    return Project(real_files(folder)[0], commit)


def made_memory(folder: Path) -> Project:
    return Project(MemoryFiles({"1" * 40: HELD}), "1" * 40)


MAKERS: dict[str, Callable[[Path], Project]] = {"memory": made_memory, "real": made_real}


@pytest.fixture(scope="module", params=MAKERS.values(), ids=MAKERS.keys())
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    # One for all tests: trees are added, none is changed.
    made: Project = request.param(tmp_path_factory.mktemp("project"))
    return made


def test_a_tree_is_listed_whole_below_a_folder_and_bounded(project: Project) -> None:
    listed = project.files.list(project.tree, "", 10)
    assert [(each.path, each.kind, each.size) for each in listed] == [
        (path, "file", len(data)) for path, data in sorted(HELD.items())
    ]
    assert [each.path for each in project.files.list(project.tree, "src", 10)] == ["src/a.py", "src/b.py"]
    assert [each.path for each in project.files.list(project.tree, "src/a.py", 10)] == ["src/a.py"]
    assert len(project.files.list(project.tree, "", 2)) == 2
    assert [project.files.kind(project.tree, path) for path in ("README.md", "src", "gone")] == [
        "file", None, None,
    ]  # fmt: skip


def test_a_file_is_read_within_its_bound(project: Project) -> None:
    assert project.files.read(project.tree, "README.md", 100) == FileContent(HELD["README.md"])
    for path, most, code in (
        ("gone", 9, "unknown_path"),
        ("src", 9, "unknown_path"),
        ("src/a.py", 5, "too_large"),
    ):
        with pytest.raises(StepError) as caught:
            project.files.read(project.tree, path, most)
        assert caught.value.code == f"files.{code}"


def test_changes_make_another_tree_and_leave_the_first(project: Project) -> None:
    made = project.files.changed(
        project.tree,
        [
            change("README.md", None),
            change("docs/new/page.md", b"new\n"),
            FileChange("src/a.py", FileContent(b"one = 2\n", executable=True)),
        ],
    )
    assert [each.path for each in project.files.list(made, "", 10)] == [
        "bin/tool", "docs/new/page.md", "src/a.py", "src/b.py",
    ]  # fmt: skip
    assert project.files.read(made, "src/a.py", 100) == FileContent(b"one = 2\n", executable=True)
    assert project.files.read(project.tree, "README.md", 100).data == HELD["README.md"]
    told = [(each.status, each.path) for each in project.files.changes(project.tree, made, (), 10)]
    assert told == [("D", "README.md"), ("A", "docs/new/page.md"), ("M", "src/a.py")]
    assert project.files.changed(project.tree, ()) == project.tree


def test_the_same_changes_come_to_the_same_tree(project: Project) -> None:
    assert project.changed(x=b"1", y=b"2") == project.changed(y=b"2", x=b"1") != project.changed(x=b"1")


def test_a_folder_that_is_emptied_goes_and_a_name_may_be_written_anew(project: Project) -> None:
    made = project.files.changed(project.tree, [change("bin/tool", None), change("bin", b"now a file")])
    assert project.files.read(made, "bin", 100).data == b"now a file"
    cased = project.files.changed(project.tree, [change("README.md", None), change("readme.md", b"x")])
    assert [each.path for each in project.files.list(cased, "readme.md", 1)] == ["readme.md"]


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("README.md/below", b"x", "files.path"),
        ("src", b"x", "files.path"),
        ("readme.MD", b"x", "files.path"),
        ("SRC/c.py", b"x", "files.path"),
        ("gone", None, "files.unknown_path"),
        ("src", None, "files.unknown_path"),
    ],
)
def test_a_change_without_a_place_is_refused(
    project: Project, path: str, data: bytes | None, code: str
) -> None:
    with pytest.raises(StepError) as caught:
        project.files.changed(project.tree, [change(path, data)])
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted("needle"), [("src/a.py", 2, 1, "needle = one")]),
        (
            Wanted("needle", ignore_case=True, paths=("src",)),
            [("src/a.py", 2, 1, "needle = one"), ("src/b.py", 2, 3, "  Needle = 3")],
        ),
        (Wanted("one", limit=1), [("src/a.py", 1, 1, "one = 1")]),
        (Wanted("on", word=True), []),
        (
            Wanted("[a-z]+ = [23]", regex=True),
            [("src/b.py", 1, 1, "two = 2"), ("src/b.py", 2, 4, "  Needle = 3")],
        ),
        (Wanted("= ["), []),
    ],
)
def test_lines_are_found_in_texts_only(project: Project, wanted: Wanted, found: list[object]) -> None:
    matches = project.files.search(project.tree, wanted)
    assert [(m.path, m.line, m.column, m.text) for m in matches] == found


def test_a_pattern_that_is_none_is_told(project: Project) -> None:
    with pytest.raises(StepError) as caught:
        project.files.search(project.tree, Wanted("(", regex=True))
    assert caught.value.code == "files.pattern"


def test_a_patch_shows_the_lines_and_is_cut(project: Project) -> None:
    made = project.files.changed(project.tree, [change("README.md", b"# Hello\nSee docs.\n")])
    patch, cut = project.files.patch(project.tree, made, (), 10_000)
    assert ("\n-See src.\n+See docs.\n" in patch, cut) == (True, False)
    assert project.files.patch(project.tree, made, (), 20)[1] is True
    assert project.files.patch(project.tree, made, ("src",), 10_000) == ("", False)


def test_git_agrees_with_the_tree_that_was_written(tmp_path: Path) -> None:
    project = made_real(tmp_path)
    made = project.files.changed(
        project.tree,
        [change("README.md", None), FileChange("run.sh", FileContent(b"#!/bin/sh\n", executable=True))],
    )
    assert git(tmp_path, "fsck", "--strict", "--no-dangling") == ""
    assert git(tmp_path, "ls-tree", made, "run.sh").startswith("100755 blob")
    (tmp_path / "README.md").unlink()
    (tmp_path / "run.sh").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    git(tmp_path, "add", "-A")
    assert git(tmp_path, "write-tree") == made
