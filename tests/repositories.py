"""Repositories for tests, by the name of their adapter."""

from __future__ import annotations

from pathlib import Path

import pygit2

from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.repository import Repository


class StillClock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self, now: int = 0) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now

    def monotonic_ms(self) -> int:
        return self.now

    def sleep_ms(self, millis: int) -> None:
        self.now += millis


class NoJitter:
    """Always the same fraction."""

    def fraction(self) -> float:
        return 0.5


def repositories(adapter: str, folder: Path) -> Repository:
    """An empty repository below `folder`."""
    if adapter == "memory":
        return MemoryRepository(folder / "memory.git")
    pygit2.init_repository(str(folder / "r.git"), bare=True)
    return open_repository(folder / "r.git", StillClock(), NoJitter())
