"""Whoever attacks a repository with git, pygit2 or dulwich: the two libraries run no hook at all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pygit2
from dulwich.objects import ObjectID, ShaFile
from dulwich.refs import Ref
from dulwich.repo import Repo


@dataclass(frozen=True, slots=True)
class Writer:
    """A tool that moves refs (forward, back, aside or into being) and writes commits of any bytes."""

    name: str
    move: Callable[[Path, str, str], None]
    write: Callable[[Path, bytes], str]


def _git(home: Path, *arguments: str, given: bytes | None = None) -> str:
    done = subprocess.run(["git", *arguments], cwd=home, input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()


def _git_move(home: Path, ref: str, oid: str) -> None:
    _git(home, "update-ref", ref, oid)


def _git_write(home: Path, data: bytes) -> str:
    return _git(home, "hash-object", "-w", "--literally", "-t", "commit", "--stdin", given=data)


def _pygit2_move(home: Path, ref: str, oid: str) -> None:
    pygit2.Repository(str(home)).references.create(ref, oid, force=True)


def _pygit2_write(home: Path, data: bytes) -> str:
    return str(pygit2.Repository(str(home)).write(pygit2.enums.ObjectType.COMMIT, data))


def _dulwich_move(home: Path, ref: str, oid: str) -> None:
    Repo(str(home)).refs[Ref(ref.encode())] = ObjectID(oid.encode())


def _dulwich_write(home: Path, data: bytes) -> str:
    commit = ShaFile.from_raw_string(1, data)
    Repo(str(home)).object_store.add_object(commit)
    return commit.id.decode()


WRITERS = (
    Writer("git", _git_move, _git_write),
    Writer("pygit2", _pygit2_move, _pygit2_write),
    Writer("dulwich", _dulwich_move, _dulwich_write),
)
