"""The project's trees as `:files` reads and changes them: objects only, no work tree, no foreign program."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gitflow_runner.errors import GitflowError, StepError
from gitflow_runner.git.child import Finished
from gitflow_runner.git.objects import (
    BLOB_MODE,
    EXEC_MODE,
    GITLINK_MODE,
    LINK_MODE,
    TREE_MODE,
    Oid,
    RawObject,
    blob,
)
from gitflow_runner.git.program import GitProgram
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.chain import read_object
from gitflow_runner.ledger.tree import Tree
from gitflow_runner.model.project_path import folded
from gitflow_runner.runner.publishing import Publishing
from gitflow_runner.runner.source import ProjectSource, literal
from gitflow_runner.steps.trees import (
    ChangeRequest,
    FileChange,
    FileContent,
    Match,
    OpenedChange,
    Published,
    PublishRequest,
    TreeChange,
    TreeFile,
    TreeKind,
    Wanted,
)

MAX_LINE = 500  # characters of a found line that are shown
_KINDS: Mapping[int, TreeKind] = {
    BLOB_MODE: "file",
    EXEC_MODE: "executable",
    LINK_MODE: "link",
    GITLINK_MODE: "submodule",
}
_BACK = re.compile(r"\\[1-9]")
_COUNT = re.compile(r"\{([0-9]*),?([0-9]*)\}")
MAX_COPIES = 1_000  # what counts within counts may multiply to: the C library writes each copy out


class ProjectFiles:
    """The `Files` port over one repository."""

    def __init__(
        self, repository: Repository, git: GitProgram, source: ProjectSource, publishing: Publishing
    ) -> None:
        self._repository = repository
        self._git = git
        self._source = source
        self._publishing = publishing
        self._written: set[Oid] = set()

    def tree_of(self, commit: str) -> str:
        """The tree of a commit."""
        return self._repository.commit(Oid(commit)).tree

    def list(self, tree: str, prefix: str, limit: int) -> Sequence[TreeFile]:
        """What lies at or below `prefix`."""
        arguments = (
            "ls-tree",
            "-r",
            "-l",
            "-z",
            "--full-tree",
            tree,
            "--",
            *literal([prefix] if prefix else []),
        )
        found: list[TreeFile] = []
        for row in _output(self._attempt(*arguments)).split("\0"):
            head, _, path = row.partition("\t")
            fields = head.split()
            if len(fields) == 4 and len(found) < limit:
                size = int(fields[3]) if fields[3].isdigit() else None
                found.append(TreeFile(path, _KINDS[int(fields[0], 8)], size))
        return found

    def kind(self, tree: str, path: str) -> TreeKind | None:
        """What lies at exactly this path."""
        entry = self._repository.entry(Oid(tree), path) if path else None
        return None if entry is None else _KINDS.get(entry.mode)

    def read(self, tree: str, path: str, max_bytes: int) -> FileContent:
        """A regular file; its size is asked for before it is read."""
        entry = self._repository.entry(Oid(tree), path) if path else None
        if entry is None or entry.mode == TREE_MODE:
            raise StepError("files.unknown_path", f"there is no file {path[:100]!r}")
        if entry.mode not in (BLOB_MODE, EXEC_MODE):
            raise _no_file(path)
        size = int(_output(self._attempt("cat-file", "-s", entry.oid)))
        if size > max_bytes:
            raise StepError(
                "files.too_large", f"{path[:100]!r} holds {size} bytes, at most {max_bytes} are read"
            )
        return FileContent(self._repository.blob(entry.oid), entry.mode == EXEC_MODE)

    def changed(self, tree: str, changes: Sequence[FileChange]) -> str:
        """The tree with these changes; deletions come first, so that a name may be written anew."""
        made, objects = Tree(self._read_tree, Oid(tree)), dict[Oid, RawObject]()
        for change in changes:
            if change.content is None:
                if _mode(made, change.path) not in (BLOB_MODE, EXEC_MODE, LINK_MODE):
                    raise StepError("files.unknown_path", f"there is no file {change.path[:100]!r} to delete")
                made.remove(change.path)
        for change in changes:
            if change.content is not None:
                _check_place(made, change.path)
                item = blob(change.content.data)
                objects[item.oid] = item
                made.put(change.path, item.oid, executable=change.content.executable)
        root = made.write(objects)
        # Once written by this process an object is durable; a long row of edits need not write all again.
        fresh = [item for oid, item in objects.items() if oid not in self._written]
        try:
            self._repository.write(fresh)
        except GitflowError as error:
            raise as_step_error(error) from None
        self._written.update(objects)
        return str(root)

    def search(self, tree: str, wanted: Wanted) -> Sequence[Match]:
        """Lines as `git grep` finds them in text files."""
        if wanted.regex and _is_costly(wanted.text):
            raise StepError(
                "files.pattern",
                "the pattern has references back, or counts that are large or many",
                hint="search for a part of it, and look closer in a :function",
            )
        options = ["-E" if wanted.regex else "-F"]
        options += [flag for flag, on in (("-i", wanted.ignore_case), ("-w", wanted.word)) if on]
        finished = self._attempt(
            "grep", "-z", "-n", "--column", "-I", "--full-name", "--no-textconv", "--no-color",
            "--no-recurse-submodules", *options, "-e", wanted.text, tree, "--", *literal(wanted.paths),
        )  # fmt: skip
        if finished.code == 1 and not finished.stderr:
            return ()
        if finished.code != 0:
            said = finished.stderr.decode("utf-8", "replace").strip()
            raise StepError("files.pattern", f"git cannot search for it: {said[:200]}")
        found: list[Match] = []
        for row in finished.stdout.decode("utf-8", "replace").split("\n"):
            if len(found) >= wanted.limit:
                break
            name, line, column, text = (*row.split("\0", 3), "", "", "")[:4]
            if (
                name.startswith(f"{tree}:") and line.isdigit()
            ):  # else the rest of a name with a line end in it
                found.append(Match(name[len(tree) + 1 :], int(line), int(column), text[:MAX_LINE]))
        return found

    def changes(self, old: str, new: str, paths: Sequence[str], limit: int) -> Sequence[TreeChange]:
        """What differs between two trees."""
        found = self._source.changes(old, new, paths, limit)
        return [TreeChange(each.status, each.path, each.added, each.removed) for each in found]

    def patch(self, old: str, new: str, paths: Sequence[str], max_bytes: int) -> tuple[str, bool]:
        """The unified diff."""
        return self._source.patch(old, new, paths, max_bytes)

    def publish(self, request: PublishRequest) -> Published:
        """Make the commit and move the branch."""
        try:
            return self._publishing.publish(request)
        except GitflowError as error:
            raise as_step_error(error) from None

    def open_change(self, request: ChangeRequest) -> OpenedChange:
        """Open the change on the forge."""
        try:
            return self._publishing.open_change(request)
        except GitflowError as error:
            raise as_step_error(error) from None

    def _read_tree(self, oid: Oid) -> bytes:
        return read_object(self._repository, oid, "tree")

    def _attempt(self, *arguments: str) -> Finished:
        try:
            return self._git.attempt(*arguments)
        except GitflowError as error:
            raise as_step_error(error) from None


def _is_costly(pattern: str) -> bool:
    """Whether the matcher of the C library would be slow (references back) or large (counts) with it."""
    copies = 1
    for low, high in _COUNT.findall(pattern):
        copies *= max(int(low[:6] or 0), int(high[:6] or 0), 1)
    return copies > MAX_COPIES or _BACK.search(pattern) is not None


def as_step_error(error: GitflowError) -> StepError:
    """The error as a step tells it: what may work later is worth another try."""
    if isinstance(error, StepError):
        return error
    transient = error.retryable
    return StepError(error.code, error.message, hint=error.hint, retryable=transient, definite=not transient)


def _output(finished: Finished) -> str:
    if finished.code != 0:
        said = finished.stderr.decode("utf-8", "replace").strip()[:200]
        raise StepError("git.failed", f"git did not answer: {said}")
    return finished.stdout.decode("utf-8", "replace")


def _mode(tree: Tree, path: str) -> int | None:
    folder, _, name = path.rpartition("/")
    return (tree.names(folder) or {}).get(name)


def _check_place(tree: Tree, path: str) -> None:
    """Refuse a place that a link, a submodule or a file takes, or a name that is another's on some disk."""
    parts = path.split("/")
    for depth, part in enumerate(parts):
        above = parts[:depth]
        names = tree.names("/".join(above))
        if names is None:
            return
        mode, last = names.get(part), depth == len(parts) - 1
        if mode is None or (mode == TREE_MODE and not _holds_any(tree, [*above, part])):
            twins = (name for name in names if name != part and folded(name) == folded(part))
            twin = next((t for t in twins if names[t] != TREE_MODE or _holds_any(tree, [*above, t])), None)
            if twin is not None:
                raise StepError("files.path", f"{path[:100]!r} and {twin[:100]!r} are one on some disk")
            return
        if mode in (LINK_MODE, GITLINK_MODE):
            raise _no_file("/".join(parts[: depth + 1]))
        if (mode == TREE_MODE) == last:
            raise StepError("files.path", f"{path[:100]!r} lies above or below another file")


def _holds_any(tree: Tree, folder: Sequence[str]) -> bool:
    """Whether any file is left in a folder: deletions leave it standing until the tree is written."""
    names = tree.names("/".join(folder)) or {}
    return any(mode != TREE_MODE or _holds_any(tree, [*folder, name]) for name, mode in names.items())


def _no_file(path: str) -> StepError:
    return StepError(
        "files.not_a_file",
        f"{path[:100]!r} is a link or a submodule, which is neither read nor written through",
    )
