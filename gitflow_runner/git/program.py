"""The port to what the user's own git does for the runner: settings, remotes, and its commands.

`GitCommand` answers it with the git binary; `StoredSettings` stands beside a repository in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from gitflow_runner.errors import NotFoundError, RefusedError
from gitflow_runner.git.child import Finished
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import ALL
from gitflow_runner.git.repository import RefUpdate

Version = tuple[int, int, int]


class GitProgram(Protocol):
    """What is asked of git; see `GitCommand` for the errors."""

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Standard output of a command in this repository."""
        ...

    def attempt(self, *arguments: str, stdin: bytes = b"", overrides: Sequence[str] = ()) -> Finished:
        """Run a command in this repository and report how it ended."""
        ...

    def in_work_tree(self, work_dir: Path) -> GitProgram:
        """The same for commands that need a work tree and an index."""
        ...

    def hooks_folder(self) -> Path:
        """Where git looks for hooks."""
        ...

    def checked_out(self, ref: str) -> str | None:
        """The work tree that has this branch checked out, None if none has."""
        ...

    def version(self) -> Version:
        """The version of git."""
        ...

    def fetch(self, remote: str, refspecs: Sequence[str]) -> tuple[str, ...]:
        """Fetch by these specs, never forced; returns exact sources that the remote lacks."""
        ...

    def push(self, remote: str, updates: Sequence[RefUpdate], *, atomic: bool = True) -> None:
        """Move the remote's refs, each only from its `old`."""
        ...

    def remote_refs(self, remote: str, prefixes: Sequence[str] = (ALL,)) -> tuple[tuple[str, Oid], ...]:
        """The remote's refs below these prefixes."""
        ...

    def config(self, key: str) -> str | None:
        """The value in this repository's own configuration."""
        ...

    def global_config(self, key: str) -> str | None:
        """The value in the user's configuration."""
        ...

    def set_config(self, key: str, value: str | None) -> None:
        """Set the value in this repository's own configuration; None takes it away."""
        ...


class StoredSettings:
    """Settings in a dictionary and nothing else: there is no remote, and no command can be run."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = dict(settings or {})

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """`RefusedError` (`git.not_installed`): there is nothing on disk that git could read."""
        raise RefusedError("git.not_installed", f"git {arguments[0]} cannot run on a repository in memory")

    def attempt(self, *arguments: str, stdin: bytes = b"", overrides: Sequence[str] = ()) -> Finished:
        """As `run`."""
        return Finished(0, self.run(*arguments), b"")

    def in_work_tree(self, work_dir: Path) -> GitProgram:
        """The same settings."""
        return self

    def hooks_folder(self) -> Path:
        """As `run`."""
        return Path(self.run("rev-parse").decode())

    def checked_out(self, ref: str) -> str | None:
        """None: there is no work tree."""
        return None

    def version(self) -> Version:
        """As `run`."""
        raise RefusedError("git.not_installed", "a repository in memory has no git")

    def fetch(self, remote: str, refspecs: Sequence[str]) -> tuple[str, ...]:
        """`NotFoundError` (`git.no_remote`)."""
        raise NotFoundError("git.no_remote", f"no remote is named {remote}")

    def push(self, remote: str, updates: Sequence[RefUpdate], *, atomic: bool = True) -> None:
        """As `fetch`."""
        raise NotFoundError("git.no_remote", f"no remote is named {remote}")

    def remote_refs(self, remote: str, prefixes: Sequence[str] = (ALL,)) -> tuple[tuple[str, Oid], ...]:
        """As `fetch`."""
        raise NotFoundError("git.no_remote", f"no remote is named {remote}")

    def config(self, key: str) -> str | None:
        """The value that was given or set."""
        return self._settings.get(key)

    def global_config(self, key: str) -> str | None:
        """None: nobody's home is read."""
        return None

    def set_config(self, key: str, value: str | None) -> None:
        """Keep the value."""
        if value is None:
            self._settings.pop(key, None)
        else:
            self._settings[key] = value
