"""The user's project as steps may read it: reachable commits only, no program of the repository run.

Reads go through the hardened git binary, which is the one tool that agrees with what people see in their
own logs and diffs; external diff and textconv are off (protocol 9.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitflow_runner.errors import GitflowError, RefusedError, StepError
from gitflow_runner.git.objects import BLOB_MODE, EXEC_MODE, Oid
from gitflow_runner.git.program import GitProgram
from gitflow_runner.git.refs import HEADS, TAGS, is_ours
from gitflow_runner.git.repository import Repository
from gitflow_runner.steps.base import LogEntry, PathChange

_HEX = re.compile(r"[0-9a-f]{7,40}")
_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%ct%x00%s%x00%b%x00%x01"
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames")


class ProjectSource:
    """The `Source` port over one repository.

    `pinned` is the commit that the run is bound to, `proposal` the one that it decides about, if any.
    """

    def __init__(
        self, repository: Repository, git: GitProgram, pinned: str | None, proposal: str | None = None
    ) -> None:
        self._repository = repository
        self._git = git
        self._pinned = pinned
        self._own = [Oid(oid) for oid in (pinned, proposal) if oid is not None]
        self._accepted: set[str] = set(self._own)  # asked of once in a process: a row of edits asks again

    def resolve(self, name: str) -> str:
        """Commit id of HEAD (the pinned commit), a branch, a tag, or an id that one of them reaches."""
        if name == "HEAD":
            if self._pinned is None:
                raise StepError("git.unknown_revision", "the run's flow was not committed, so it has no HEAD")
            return self._pinned
        for prefix in ("", HEADS, TAGS):
            ref = prefix + name
            if ref.startswith((HEADS, TAGS)):
                found = self._ref(ref)
                if found is not None:
                    return found
        if _HEX.fullmatch(name):
            return self._reachable(name)
        raise StepError("git.unknown_revision", f"{name[:120]!r} names no branch, tag or commit")

    def _ref(self, ref: str) -> str | None:
        try:
            oid = self._repository.resolve(ref)
        except GitflowError:
            return None
        return None if oid is None else self._peeled(oid)

    def _peeled(self, oid: Oid) -> str:
        raw = self._repository.read(oid)
        for _ in range(8):
            if raw.kind != "tag":
                break
            raw = self._repository.read(self._repository.tag(raw.oid).target)
        if raw.kind != "commit":
            raise StepError("git.unknown_revision", f"{oid} is a {raw.kind}, not a commit")
        return str(raw.oid)

    def _reachable(self, name: str) -> str:
        if name in self._accepted:
            return name
        text = self._run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", absent=name
        )
        oid = text.strip()
        if oid in self._own:
            return oid
        arguments = ("for-each-ref", "--count=1", "--format=%(refname)", f"--contains={oid}", HEADS, TAGS)
        holding = self._run(*arguments).strip()
        inside = any(self._repository.is_ancestor(Oid(oid), own) for own in self._own)
        if not holding and not inside:
            raise StepError("git.not_reachable", f"{oid} is reached by no branch or tag, and not by the pin")
        self._accepted.add(oid)
        return oid

    def log(self, tip: str, *, since: str | None, paths: Sequence[str], limit: int) -> Sequence[LogEntry]:
        """Commits of `tip` that are not in `since`, newest first."""
        wanted = [tip, *([f"^{since}"] if since else [])]
        text = self._run("log", f"--max-count={limit}", f"--format={_FORMAT}", *wanted, "--", *literal(paths))
        return [_entry(record) for record in text.split("\x01") if record.strip("\n")]

    def tags(self, pattern: str) -> Sequence[tuple[str, str]]:
        """Tags outside our own namespaces that match the glob, newest commit first."""
        text = self._run(
            "for-each-ref",
            "--sort=-creatordate",
            "--format=%(refname)",
            TAGS + pattern,
        )
        names = [ref for ref in text.splitlines() if not is_ours(ref)]
        return [(ref.removeprefix(TAGS), self._ref(ref) or "") for ref in names]

    def changes(self, old: str | None, new: str, paths: Sequence[str], limit: int) -> Sequence[PathChange]:
        """What differs between two commits, by path."""
        base = old or _EMPTY_TREE
        common = ("-z", *_PLAIN, base, new, "--", *literal(paths))
        states = self._run("diff-tree", "-r", "--name-status", *common).split("\0")
        counts = self._run("diff-tree", "-r", "--numstat", *common).split("\0")
        lines = {}
        for row in counts:
            added, _, rest = row.partition("\t")
            removed, _, path = rest.partition("\t")
            if path:
                lines[path] = (_number(added), _number(removed))
        pairs = list(zip(states[::2], states[1::2], strict=False))
        return [PathChange(s[:1], p, None, *lines.get(p, (None, None))) for s, p in pairs[:limit]]

    def patch(self, old: str | None, new: str, paths: Sequence[str], max_bytes: int) -> tuple[str, bool]:
        """The unified diff, cut at `max_bytes`."""
        text = self._run("diff-tree", "-r", "-p", *_PLAIN, old or _EMPTY_TREE, new, "--", *literal(paths))
        data = text.encode()
        if len(data) <= max_bytes:
            return text, False
        return data[:max_bytes].decode("utf-8", "ignore"), True

    def files(self, commit: str, prefix: str, limit: int) -> Sequence[tuple[str, int]]:
        """Regular files below `prefix` with their sizes."""
        text = self._run("ls-tree", "-r", "-l", "-z", commit, "--", *literal([prefix] if prefix else []))
        found: list[tuple[str, int]] = []
        for row in text.split("\0"):
            head, _, path = row.partition("\t")
            fields = head.split()
            if len(fields) == 4 and int(fields[0], 8) in (BLOB_MODE, EXEC_MODE) and len(found) < limit:
                found.append((path, int(fields[3])))
        return found

    def read(self, commit: str, path: str, max_bytes: int) -> bytes:
        """One regular file's bytes."""
        entry = self._repository.entry(self._repository.commit(Oid(commit)).tree, path)
        if entry is None or entry.mode not in (BLOB_MODE, EXEC_MODE):
            raise StepError("git.unknown_path", f"{path[:200]!r} is no file of {commit}")
        data = self._repository.blob(entry.oid)
        if len(data) > max_bytes:
            raise StepError(
                "git.too_large", f"{path[:200]!r} holds {len(data)} bytes, at most {max_bytes} are read"
            )
        return data

    def _run(self, *arguments: str, absent: str | None = None) -> str:
        try:
            finished = self._git.attempt(*arguments)
        except RefusedError as error:
            raise StepError(error.code, error.message, hint=error.hint) from None
        if finished.code != 0:
            said = finished.stderr.decode("utf-8", "replace").strip()[:200]
            if absent is not None:
                raise StepError("git.unknown_revision", f"{absent!r} names no commit")
            raise StepError("git.failed", f"git {arguments[0]} did not answer: {said}")
        return finished.stdout.decode("utf-8", "replace")


def literal(paths: Sequence[str]) -> list[str]:
    """Paths as git takes them word for word."""
    # A path is a path: pathspec magic from a flow's data would reach beyond what was named.
    return [f":(literal){path}" for path in paths]


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _entry(record: str) -> LogEntry:
    oid, parents, author, email, time, subject, body = record.lstrip("\n").split("\0")[:7]
    return LogEntry(oid, tuple(parents.split()), author, email, int(time) * 1_000, subject, body.rstrip("\n"))
