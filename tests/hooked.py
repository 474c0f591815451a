"""Repositories whose hooks really run, for the tests of what they let through."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.hook_files import Hooks, install_hooks, uninstall_hooks
from tests.architecture.source import ROOT

WHO = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.test")


@dataclass(frozen=True)
class Ended:
    """How a git command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0


def git(folder: Path, *arguments: str, given: str | None = None, **environment: str) -> Ended:
    """Run git so that its hooks find the code under test."""
    done = subprocess.run(
        ["git", *WHO, *arguments],
        cwd=folder,
        input=given,
        text=True,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    return Ended(done.returncode, done.stdout.rstrip("\n"), done.stderr)


def must(folder: Path, *arguments: str, given: str | None = None) -> str:
    """What git printed; the test fails where git does."""
    done = git(folder, *arguments, given=given)
    assert done.ok, done.err
    return done.out


def repository(folder: Path, *options: str) -> Path:
    """A new repository, with a first commit unless it is bare."""
    must(folder.parent, "init", "-q", "-b", "main", *options, str(folder))
    if "--bare" not in options:
        must(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def install(folder: Path) -> Hooks:
    """Lay our hooks, calling this very interpreter."""
    return install_hooks(compose(folder), sys.executable)


def uninstall(folder: Path) -> tuple[str, ...]:
    """Take our hooks away."""
    return uninstall_hooks(compose(folder))


def script(path: Path, text: str) -> Path:
    """An executable sh script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes of everything below a folder; a link is where it leads to."""
    found: dict[str, tuple[int, bytes]] = {}
    for path in sorted(folder.rglob("*")):
        content = os.fsencode(path.readlink()) if path.is_symlink() else b""
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = (path.lstat().st_mode, content)
    return found
