"""A project's repository made by git itself, and the port of source trees over it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gitflow_runner.git.command import GitCommand
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.runner.project_files import ProjectFiles
from gitflow_runner.runner.source import ProjectSource
from gitflow_runner.steps.trees import ChangeRequest, OpenedChange, Published, PublishRequest
from tests.repositories import NoJitter, StillClock


class NoPublishing:
    """Nothing is published here."""

    def publish(self, request: PublishRequest) -> Published:
        raise AssertionError(request)

    def open_change(self, request: ChangeRequest) -> OpenedChange:
        raise AssertionError(request)


def git(folder: Path, *arguments: str) -> str:
    """Standard output of git."""
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.test")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def made_project(folder: Path, files: Mapping[str, bytes]) -> str:
    """A repository whose first commit holds these files; the commit."""
    git(folder, "init", "-q", "-b", "main", ".")
    for path, data in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "begin")
    return git(folder, "rev-parse", "HEAD")


def real_files(folder: Path) -> tuple[ProjectFiles, ProjectSource]:
    """The ports over the repository in a folder; nothing can be published through them."""
    repository = open_repository(folder, StillClock(), NoJitter())
    program = GitCommand(repository.common_dir, dict(os.environ))
    source = ProjectSource(repository, program, None)
    return ProjectFiles(repository, program, source, NoPublishing()), source
