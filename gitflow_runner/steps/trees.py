"""Source trees and changesets: the port through which steps read, change and publish the project's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

TreeKind = Literal["file", "executable", "link", "submodule"]
PublishMode = Literal["create", "fast-forward"]


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One entry of a tree that is no folder; a submodule has no size."""

    path: str
    kind: TreeKind
    size: int | None


@dataclass(frozen=True, slots=True)
class FileContent:
    """A regular file's bytes."""

    data: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path of a changeset: what lies there now, None where it was deleted."""

    path: str
    content: FileContent | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search looks for: a fixed text, or with `regex` an extended regular expression of POSIX."""

    text: str
    regex: bool = False
    ignore_case: bool = False
    word: bool = False
    paths: tuple[str, ...] = ()
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Match:
    """One line that was found; line and column count from 1, the column in bytes."""

    path: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class TreeChange:
    """One path that differs between two trees: A, M, D or T; lines where both sides are text."""

    status: str
    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A commit of `tree` upon `base`, and the branch that is to stand there; `at_ms` is its time."""

    branch: str
    mode: PublishMode
    base: str
    tree: str
    message: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Published:
    """What stands on the branch; `repeated` says that it stood there before this attempt."""

    commit: str
    remote: str | None
    repeated: bool


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A change to open from a published branch at `commit`; `base` None is the protected branch."""

    branch: str
    commit: str
    base: str | None
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class OpenedChange:
    """The change on the forge; where git is all there is, `state` is `branch` and number and URL are None."""

    forge: str
    number: int | None
    url: str | None
    state: str
    base: str
    repeated: bool


class Files(Protocol):
    """The project's trees by their Git ids. Commits come resolved and checked from `Source.resolve`.

    Nothing here touches a work tree, and no filter, textconv or external diff runs. Paths are checked by
    who calls (`model.project_path`); what they meet in a tree is checked here.
    """

    def tree_of(self, commit: str) -> str:
        """The tree of a commit."""
        ...

    def list(self, tree: str, prefix: str, limit: int) -> Sequence[TreeFile]:
        """What lies at or below `prefix`, in the tree's order."""
        ...

    def kind(self, tree: str, path: str) -> TreeKind | None:
        """What lies at exactly this path, None for nothing and for folders."""
        ...

    def read(self, tree: str, path: str, max_bytes: int) -> FileContent:
        """A regular file; `StepError` (`files.unknown_path`, `files.not_a_file`, `files.too_large`)."""
        ...

    def changed(self, tree: str, changes: Sequence[FileChange]) -> str:
        """The tree with these changes, its objects written.

        `StepError` (`files.path` where a file lies above or below another or two names are one on some
        disk, `files.not_a_file` for a link or a submodule in the way, `files.unknown_path` for a deletion).
        """
        ...

    def search(self, tree: str, wanted: Wanted) -> Sequence[Match]:
        """Lines of text files as `git grep` finds them, by path and line; `StepError` (`files.pattern`)."""
        ...

    def changes(self, old: str, new: str, paths: Sequence[str], limit: int) -> Sequence[TreeChange]:
        """What differs between two trees, by path."""
        ...

    def patch(self, old: str, new: str, paths: Sequence[str], max_bytes: int) -> tuple[str, bool]:
        """The unified diff and whether it was cut."""
        ...

    def publish(self, request: PublishRequest) -> Published:
        """Make the commit, signed by the runner, and move the branch to it; never forced.

        The same request comes to the same commit, and one that stands already is not moved again.
        `StepError` (`files.branch`, `files.protected`, `files.checked_out`, `files.branch_taken`,
        `files.branch_moved`, `files.draft`).
        """
        ...

    def open_change(self, request: ChangeRequest) -> OpenedChange:
        """Open the change, or find the one opened for this commit before; `StepError` (`forge.*`)."""
        ...
