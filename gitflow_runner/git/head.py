"""Which branch a work tree stands on, read from its HEAD file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.repository import ObjectReader


@dataclass(frozen=True, slots=True)
class Head:
    """The branch (None when detached) and its commit (None before the first one)."""

    branch: str | None
    commit: Oid | None


def read_head(repository: ObjectReader, work_dir: Path) -> Head:
    """Where the work tree at `work_dir` stands; linked work trees have a HEAD of their own.

    Raises `DamagedError` (`git.no_head`) where there is none or it is not of Git's form.
    """
    dot_git = work_dir / ".git"
    try:
        if dot_git.is_file():
            pointer = dot_git.read_text().strip().removeprefix("gitdir:").strip()
            dot_git = work_dir / pointer
        text = (dot_git / "HEAD").read_text().strip()
    except OSError as error:
        raise DamagedError("git.no_head", f"{dot_git}/HEAD cannot be read: {error.strerror}") from None
    if text.startswith("ref: refs/heads/"):
        branch = text.removeprefix("ref: refs/heads/")
        return Head(branch, repository.resolve(f"refs/heads/{branch}"))
    if len(text) == 40 and all(c in "0123456789abcdef" for c in text):
        return Head(None, Oid(text))
    raise DamagedError("git.no_head", f"{dot_git}/HEAD holds {text[:80]!r}, which names no branch or commit")
