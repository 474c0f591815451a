"""People at their own clones: the command line in this process, git and other programs beside it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.trust.signer import FileSigner, load_signer
from tests.spoken import Told, gfr


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a key and a clone; the clone may not be made yet."""

    name: str
    key: Path
    clone: Path

    @property
    def signer(self) -> FileSigner:
        """The key, for objects that no tool would make."""
        return load_signer(self.key.read_bytes())

    @property
    def line(self) -> str:
        """Kind and blob of the public key."""
        return " ".join(Path(f"{self.key}.pub").read_text().split()[:2])

    def gfr(self, *arguments: str) -> Told:
        """Run a command in the clone."""
        return gfr(self.clone, *arguments)

    def git(self, *arguments: str, given: bytes | None = None, **environment: str) -> str:
        """What git printed, in the clone, without the newline at its end."""
        done = self.attempt("git", *arguments, given=given, **environment)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().rstrip("\n")

    def attempt(
        self, *command: str, given: bytes | None = None, **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program in the clone to whatever end."""
        return subprocess.run(
            command,
            cwd=self.clone,
            env=os.environ | environment,
            input=given,
            capture_output=True,
            check=False,
        )

    def configure(self) -> None:
        """Tell Git in the clone who this is and which key signs."""
        settings = {
            "user.name": self.name,
            "user.email": f"{self.name}@example.test",
            "gpg.format": "ssh",
            "user.signingkey": f"{self.key}.pub",
        }
        for key, value in settings.items():
            self.git("config", key, value)

    def state(self) -> tuple[str, ...]:
        """Work tree, index and HEAD, to compare before and after."""
        head = self.git("rev-parse", "HEAD") + self.git("symbolic-ref", "HEAD")
        index = (self.clone / ".git" / "index").read_bytes().hex()
        files = sorted(p for p in self.clone.rglob("*") if p.is_file() and ".git" not in p.parts)
        texts = [f"{p.name} {p.stat().st_mtime_ns} {p.read_bytes().hex()}" for p in files]
        return (head, index, *texts, self.git("status", "--porcelain"))
