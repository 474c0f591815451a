"""What the fake forge knows, and the buttons that people press on it: real git does the merging."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Method = Literal["merge", "squash", "rebase"]
METHODS: tuple[Method, ...] = ("merge", "squash", "rebase")
FORGE_WHO = {
    "GIT_AUTHOR_NAME": "Forge",
    "GIT_AUTHOR_EMAIL": "noreply@forge.test",
    "GIT_COMMITTER_NAME": "Forge",
    "GIT_COMMITTER_EMAIL": "noreply@forge.test",
}


@dataclass(frozen=True)
class User:
    """An account; `bot` as far as the dialect can tell."""

    id: int
    login: str
    bot: bool = False


RUNNER, ANN, BOB, CAT = User(900, "runner"), User(11, "ann"), User(12, "bob"), User(13, "cat")
MALLORY, ROBOT = User(99, "mallory"), User(901, "robot", True)


@dataclass
class Verdict:
    """A review: its state in plain words, and the head that it was given for."""

    id: int
    user: User
    state: Literal["approved", "changes", "comment", "dismissed"]
    head: str


@dataclass
class Pull:
    """One change."""

    number: int
    title: str
    body: str
    branch: str
    base: str
    head: str
    opener: User
    state: Literal["open", "closed"] = "open"
    merged_by: User | None = None
    merge_commit: str | None = None
    closed_by: User | None = None
    auto_merge_by: User | None = None
    reviews: list[Verdict] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    timeline: list[tuple[str, User]] = field(default_factory=list)
    comments: list[tuple[User, str]] = field(default_factory=list)

    @property
    def merged(self) -> bool:
        return self.merge_commit is not None


@dataclass
class Lies:
    """What the forge says instead of the truth; every part is left alone unless it is set."""

    change: Callable[[Pull], Pull] | None = None  # another account of a change
    answer: Callable[[str, Any], Any] | None = None  # (path, JSON) to other JSON
    raw: bytes | None = None  # instead of every body
    status: int | None = None  # instead of every status
    headers: dict[str, str] = field(default_factory=dict)
    always_304: bool = False  # to whatever is asked
    frozen_tags: bool = False  # 304 to every question with a tag, whatever has changed


class Forge:
    """One project: a bare repository and its changes."""

    def __init__(self, folder: Path, *, only_forward: bool = False) -> None:
        """`only_forward`: the rebase button moves the branch to the head itself, or does nothing (GitLab)."""
        self.folder = folder
        self.only_forward = only_forward
        self.pulls: dict[int, Pull] = {}
        self.lies = Lies()
        self.opened = 0  # how often a change was opened
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
        self.git("config", "http.receivepack", "true")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=os.environ | FORGE_WHO,
            input=given,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def tip(self, branch: str) -> str:
        return self.git("rev-parse", f"refs/heads/{branch}")

    def open(self, branch: str, base: str, title: str, body: str, by: User) -> Pull:
        """Open a change; `KeyError` if the branch is not there or has an open one."""
        if any(p.branch == branch and p.state == "open" for p in self.pulls.values()):
            raise KeyError(branch)
        try:
            head = self.tip(branch)
        except AssertionError:
            raise KeyError(branch) from None
        pull = Pull(len(self.pulls) + 1, title, body, branch, base, head, by, heads=[head])
        self.pulls[pull.number] = pull
        self.opened += 1
        return pull

    def refresh(self, number: int) -> Pull:
        """The change with the head that its branch has now."""
        pull = self.pulls[number]
        if pull.state == "open":
            head = self.tip(pull.branch)
            if head != pull.head:
                pull.head = head
                pull.heads.append(head)
        return pull

    def review(
        self, number: int, by: User, state: Literal["approved", "changes", "comment"] = "approved"
    ) -> None:
        pull = self.refresh(number)
        pull.reviews.append(Verdict(len(pull.reviews) + 1, by, state, pull.head))

    def merge(self, number: int, by: User, method: Method = "merge", *, auto: bool = False) -> str:
        """Press a merge button; the commit that the base branch stands at then."""
        pull = self.refresh(number)
        pull.merge_commit = self._merge(pull, method)
        pull.state, pull.merged_by = "closed", by
        if auto:
            pull.auto_merge_by = by
            pull.timeline.append(("pull_scheduled_merge", by))
        pull.timeline.append(("merge_pull", by))
        return pull.merge_commit

    def _merge(self, pull: Pull, method: Method) -> str:
        base, head = self.tip(pull.base), pull.head
        if method == "rebase" and self.only_forward:
            assert self.git("merge-base", base, head) == base, "405: rebase first"
            self.git("update-ref", f"refs/heads/{pull.base}", head, base)
            return head
        tree = self.git("merge-tree", "--write-tree", base, head)
        parents = ["-p", base, "-p", head] if method == "merge" else ["-p", base]
        message = (
            self.git("log", "-1", "--format=%B", head)
            if method == "rebase"
            else f"{pull.title} (#{pull.number})"
        )
        commit = self.git("commit-tree", tree, *parents, given=message.encode())
        self.git("update-ref", f"refs/heads/{pull.base}", commit, base)
        return commit

    def close(self, number: int, by: User) -> None:
        pull = self.refresh(number)
        pull.state, pull.closed_by = "closed", by
        pull.timeline.append(("close", by))

    def reopen(self, number: int) -> None:
        pull = self.pulls[number]
        pull.state, pull.closed_by = "open", None

    def commit(self, branch: str, files: dict[str, str | None], *, parent: str | None = None) -> str:
        """Somebody pushes a commit that writes these files (None removes one) to a branch."""
        old = parent or self.tip(branch)
        index = str(self.folder / "index.tmp")
        environment = os.environ | FORGE_WHO | {"GIT_INDEX_FILE": index}

        def run(*arguments: str, given: bytes | None = None) -> str:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.folder,
                env=environment,
                input=given,
                capture_output=True,
                check=True,
            )
            return done.stdout.decode().strip()

        run("read-tree", old)
        for path, text in files.items():
            if text is None:
                run("update-index", "--force-remove", path)
            else:
                blob = run("hash-object", "-w", "--stdin", given=text.encode())
                run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        commit = run("commit-tree", run("write-tree"), "-p", old, given=b"somebody's commit\n")
        run("update-ref", f"refs/heads/{branch}", commit)
        return commit
