"""The port of source trees kept in memory: for trying a flow without a repository."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence

from gitflow_runner.errors import StepError
from gitflow_runner.model.project_path import folded
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

Tree = Mapping[str, FileContent]


class MemoryFiles:
    """Trees by a digest of what they hold, branches by name; there is no forge."""

    def __init__(
        self,
        commits: Mapping[str, Mapping[str, bytes]],
        branches: Mapping[str, str] | None = None,
        *,
        protected: str = "main",
    ) -> None:
        self._trees: dict[str, Tree] = {}
        self._commits = {
            commit: self._keep({path: FileContent(data) for path, data in files.items()})
            for commit, files in commits.items()
        }
        self.branches = dict(branches or {})
        self._protected = protected

    def tree_of(self, commit: str) -> str:
        """The tree of a commit."""
        return self._commits[commit]

    def list(self, tree: str, prefix: str, limit: int) -> Sequence[TreeFile]:
        """What lies at or below `prefix`."""
        found = self._below(tree, (prefix,) if prefix else ())
        return [
            TreeFile(path, "executable" if each.executable else "file", len(each.data))
            for path, each in found
        ][:limit]

    def kind(self, tree: str, path: str) -> TreeKind | None:
        """What lies at exactly this path."""
        found = self._trees[tree].get(path)
        return None if found is None else "executable" if found.executable else "file"

    def read(self, tree: str, path: str, max_bytes: int) -> FileContent:
        """A file; `StepError` (`files.unknown_path`, `files.too_large`)."""
        found = self._trees[tree].get(path)
        if found is None:
            raise StepError("files.unknown_path", f"there is no file {path[:100]!r}")
        if len(found.data) > max_bytes:
            raise StepError("files.too_large", f"{path[:100]!r} holds more than {max_bytes} bytes")
        return found

    def changed(self, tree: str, changes: Sequence[FileChange]) -> str:
        """The tree with these changes; `StepError` (`files.path`, `files.unknown_path`)."""
        made = dict(self._trees[tree])
        for change in changes:
            if change.content is None and made.pop(change.path, None) is None:
                raise StepError("files.unknown_path", f"there is no file {change.path[:100]!r} to delete")
        for change in changes:
            if change.content is not None:
                _check_place(made, change.path)
                made[change.path] = change.content
        return self._keep(made)

    def search(self, tree: str, wanted: Wanted) -> Sequence[Match]:
        """Lines that Python's regular expressions find."""
        source = wanted.text if wanted.regex else re.escape(wanted.text)
        try:
            pattern = re.compile(
                rf"\b(?:{source})\b" if wanted.word else source, re.I if wanted.ignore_case else 0
            )
        except re.error as error:
            raise StepError("files.pattern", f"the pattern cannot be used: {error}") from None
        found = []
        for path, content in self._below(tree, wanted.paths):
            text = "" if b"\0" in content.data else content.data.decode("utf-8", "replace")
            for number, line in enumerate(text.split("\n"), 1):
                at = pattern.search(line)
                if at is not None:
                    found.append(Match(path, number, len(line[: at.start()].encode()) + 1, line))
        return found[: wanted.limit]

    def changes(self, old: str, new: str, paths: Sequence[str], limit: int) -> Sequence[TreeChange]:
        """What differs, by path; lines are not counted."""
        before, after = (dict(self._below(tree, paths)) for tree in (old, new))
        found = []
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                status = "A" if path not in before else "D" if path not in after else "M"
                found.append(TreeChange(status, path, None, None))
        return found[:limit]

    def patch(self, old: str, new: str, paths: Sequence[str], max_bytes: int) -> tuple[str, bool]:
        """The unified diff, cut at the bound."""
        before, after = (dict(self._below(tree, paths)) for tree in (old, new))
        lines: list[str] = []
        for each in self.changes(old, new, paths, 1_000_000):
            texts = [
                side[each.path].data.decode("utf-8", "replace").splitlines(keepends=True)
                if each.path in side
                else []
                for side in (before, after)
            ]
            lines += difflib.unified_diff(texts[0], texts[1], f"a/{each.path}", f"b/{each.path}")
        data = "".join(lines).encode()
        return data[:max_bytes].decode("utf-8", "ignore"), len(data) > max_bytes

    def publish(self, request: PublishRequest) -> Published:
        """Move the branch in `branches`; `StepError` (`files.protected`, `files.branch_*`)."""
        if request.branch == self._protected:
            raise StepError("files.protected", f"{request.branch} is protected")
        commit = hashlib.sha1(repr(request).encode(), usedforsecurity=False).hexdigest()
        stands = self.branches.get(request.branch)
        if stands == commit:
            return Published(commit, None, repeated=True)
        if request.mode == "create" and stands is not None:
            raise StepError("files.branch_taken", f"{request.branch} is there already")
        if request.mode == "fast-forward" and stands != request.base:
            raise StepError("files.branch_moved", f"{request.branch} does not stand at {request.base}")
        self._commits[commit] = request.tree
        self.branches[request.branch] = commit
        return Published(commit, None, repeated=False)

    def open_change(self, request: ChangeRequest) -> OpenedChange:
        """The branch is all there is; `StepError` (`files.branch_moved`)."""
        if self.branches.get(request.branch) != request.commit:
            raise StepError("files.branch_moved", f"{request.branch} does not stand at {request.commit}")
        return OpenedChange("plain", None, None, "branch", request.base or self._protected, repeated=False)

    def _keep(self, files: Tree) -> str:
        text = repr(sorted(files.items()))
        name = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._trees[name] = files
        return name

    def _below(self, tree: str, prefixes: Sequence[str]) -> Sequence[tuple[str, FileContent]]:
        return [
            (path, content)
            for path, content in sorted(self._trees[tree].items())
            if not prefixes or any(path == p or path.startswith(p + "/") for p in prefixes)
        ]


def _check_place(files: Tree, path: str) -> None:
    parents = {path[:at] for at, c in enumerate(path) if c == "/"}
    if any(parent in files for parent in parents) or any(name.startswith(path + "/") for name in files):
        raise StepError("files.path", f"{path[:100]!r} lies above or below another file")
    names = {name[:at] for name in files for at, c in enumerate(name + "/") if c == "/"}
    for mine in (*parents, path):
        beside = (name for name in names if name.rpartition("/")[0] == mine.rpartition("/")[0])
        if mine not in names and any(folded(mine) == folded(name) for name in beside):
            raise StepError("files.path", f"{path[:100]!r} and another file are one on some disk")
