"""A real repository with one flow, and the commands run in it as processes that can be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gitflow_runner.git.objects import Oid
from gitflow_runner.git.pygit import PygitRepository, open_repository
from gitflow_runner.ledger.chain import read_history, read_run
from gitflow_runner.model.event import Recorded
from gitflow_runner.model.run import Run
from gitflow_runner.runner.clock import CountedJitter, SystemClock

ROOT = Path(__file__).resolve().parent.parent
SLUG = "hello"
MODULE = (sys.executable, "-m", "gitflow_runner")


class Clone:
    """A prepared repository in `folder`; HTTP may go to `origin`, functions are `worker` or `in-process`."""

    def __init__(
        self, folder: Path, flow: str, *, origin: str | None = None, functions: str = "worker"
    ) -> None:
        self.folder = folder
        folder.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONPATH": str(ROOT),
        }
        self.git("init", "-q", "-b", "main", ".")
        self.git("config", "user.name", "Ann")
        self.git("config", "user.email", "ann@example.test")
        self.gfr("init", "--create-key")
        (folder / f".breyta/flows/{SLUG}.edn").write_text(flow)
        allowed = "" if origin is None else f"http:\n  allow: ['{origin}']\n"
        (folder / ".breyta/config.yaml").write_text(f"{allowed}functions:\n  drafts: {functions}\n")
        self.git("add", "-A")
        self.git("commit", "-q", "--no-gpg-sign", "-m", "a flow")

    @classmethod
    def of(cls, folder: Path, remote: Path, environment: dict[str, str]) -> Clone:
        """A plain `git clone` of `remote`, not prepared for runs."""
        made = cls.__new__(cls)
        made.folder, made.environment = folder, dict(environment)
        folder.mkdir()
        made.git("clone", "-q", "-b", "main", str(remote), ".")
        return made

    def git(self, *arguments: str) -> str:
        """Standard output of git."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout

    def gfr(self, *arguments: str, codes: Sequence[int] = (0,)) -> str:
        """Standard output of one command, which must end with one of `codes`."""
        done = subprocess.run(
            [*MODULE, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode in codes, (
            f"{arguments} ended with {done.returncode}: {done.stdout[-500:]}{done.stderr[-1500:]}"
        )
        return done.stdout

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a process of its own; its standard output is a pipe."""
        return subprocess.Popen(
            [*MODULE, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def repository(self) -> PygitRepository:
        """The repository as it is now on disk, seen by nobody else's memory."""
        return open_repository(self.folder, SystemClock(), CountedJitter())

    def tip(self, run: str) -> Oid | None:
        """The last durable turn of a run, None if there is none."""
        return self.repository().resolve(f"refs/runs/{SLUG}/{run}")

    def history(self, run: str) -> tuple[Recorded, ...]:
        """The durable events of a run."""
        tip = self.tip(run)
        return () if tip is None else read_history(self.repository(), tip)

    def state(self, run: str) -> Run:
        """The durable state of a run."""
        tip = self.tip(run)
        assert tip is not None, f"run {run} is not recorded"
        return read_run(self.repository(), tip)

    def runs(self) -> list[str]:
        """The ids of all runs."""
        return [name.rpartition("/")[2] for name, _ in self.repository().refs(f"refs/runs/{SLUG}/")]
