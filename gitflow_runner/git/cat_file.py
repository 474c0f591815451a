"""The objects of a repository whose names are SHA-256, read through one lasting `git cat-file` process.

libgit2 does not open such repositories. The process works in an empty Git directory of its own and sees of
the repository only its folder of objects, so that no configuration there can name a program to run.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, get_args

from gitflow_runner.errors import DamagedError, RefusedError, TransientError
from gitflow_runner.git import reading
from gitflow_runner.git.child import not_found
from gitflow_runner.git.command import child_environment
from gitflow_runner.git.objects import Kind, Oid, RawObject
from gitflow_runner.git.refs import HEAD, branch_ref

MAX_BYTES = 64 * 1024 * 1024  # of one object
_OID = re.compile(r"[0-9a-f]{64}")
_KINDS: tuple[Kind, ...] = get_args(Kind)
_CONFIG = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"


class CatFile:
    """An object database and nothing else; not for several threads at once."""

    def __init__(
        self, objects: Path, folder: Path, environment: Mapping[str, str], program: str = "git"
    ) -> None:
        """`objects` is the repository's folder of objects; `folder` is made, and the caller removes it."""
        for name in ("objects", "refs"):
            (folder / name).mkdir(parents=True)
        (folder / HEAD).write_text(f"ref: {branch_ref('main')}\n")
        (folder / "config").write_text(_CONFIG)
        self._call = [program, f"--git-dir={folder}", "cat-file", "--batch"]
        self._folder = folder
        self._environment = child_environment(environment) | {"GIT_OBJECT_DIRECTORY": str(objects)}
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, oid: Oid) -> RawObject:
        """The object of that id, its bytes checked against the id.

        Raises `DamagedError` (`git.malformed`, `git.object_missing`, `git.object_damaged`), `RefusedError`
        (`git.output_too_large`, `git.not_installed`) and `TransientError` (`git.command_failed`).
        """
        if not _OID.fullmatch(oid):
            raise DamagedError("git.malformed", f"not a full SHA-256 object id: {oid[:80]!a}")
        kind, data = self._ask(oid)
        if hashlib.sha256(b"%s %d\0" % (kind.encode(), len(data)) + data).hexdigest() != oid:
            raise reading.damaged(oid, "its bytes have another name")
        return RawObject(kind, data)

    def contains(self, oid: Oid) -> bool:
        """Whether the object is here."""
        try:
            self.read(oid)
        except DamagedError as error:
            if error.code != "git.object_missing":
                raise
            return False
        return True

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _ask(self, oid: Oid) -> tuple[Kind, bytes]:
        asked, answer = self._pipes()
        try:
            asked.write(oid.encode() + b"\n")
            asked.flush()
            head = answer.readline(200).decode("utf-8", "replace").split()
            if head[1:] == ["missing"]:
                raise reading.missing(oid)
            kind = next((k for k in _KINDS if head[1:2] == [k]), None)
            if kind is None or head[0] != oid:
                raise self._failed(f"it answered {' '.join(head)[:100]!r} for {oid}")
            size = int(head[2])
            if size > MAX_BYTES:
                self.close()
                raise RefusedError("git.output_too_large", f"object {oid} has {size} bytes")
            data = answer.read(size + 1)
        except (OSError, ValueError) as problem:
            raise self._failed(str(problem)) from None
        if len(data) != size + 1:
            raise self._failed("it ended in the middle of an object")
        return kind, data[:-1]

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            try:
                self._process = subprocess.Popen(
                    self._call,
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except FileNotFoundError:
                raise not_found(self._call[0]) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _failed(self, why: str) -> TransientError:
        self.close()
        return TransientError("git.command_failed", f"git cat-file was given up: {why}")
