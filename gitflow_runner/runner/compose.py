"""The composition root: the one place that knows which adapters there are and makes them, on first use."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.errors import RefusedError
from gitflow_runner.git.command import GitCommand
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.read_only import ReadOnly
from gitflow_runner.model.event import Recorded
from gitflow_runner.runner.clock import Clock, Jitter, SystemClock, SystemJitter
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.masking import guard
from gitflow_runner.runner.runtime import ClosableHttp, Runtime
from gitflow_runner.runner.secret_places import open_secrets
from gitflow_runner.runner.settings import HttpSettings
from gitflow_runner.steps.registry import Steps


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def compose(
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    jitter: Jitter | None = None,
    say: Callable[[str], None] | None = None,
    stop: Callable[[], bool] | None = None,
    told: Callable[[Sequence[Recorded]], None] | None = None,
    interactive: bool = False,
) -> Runtime:
    """The runtime of the repository around `directory`; refuses what cannot be worked with (`git.*`)."""
    given = dict(os.environ if environment is None else environment)
    clock = clock or SystemClock()
    jitter = jitter or SystemJitter()
    redactor = Redactor(lambda: secrets.known_values())
    repository = open_repository(directory, clock, jitter, guard(redactor))
    git = GitCommand(repository.common_dir, given, interactive=interactive)
    secrets = open_secrets(repository, git, given, redactor, clock)

    def make_http(settings: HttpSettings) -> ClosableHttp:
        # httpx takes a third of a second to import: only runs that send something pay for it.
        from gitflow_runner.net.client import HttpClient

        return HttpClient(
            monotonic_ms=clock.monotonic_ms,
            allow=settings.allow,
            max_response_bytes=settings.max_response_bytes,
        )

    host = socket.gethostname()
    return Runtime(
        repository,
        git,
        LocalState(repository.common_dir / "gitflow"),
        clock,
        jitter,
        given,
        host,
        f"process {os.getpid()} on {host}",
        Steps(),
        make_http,
        lambda text: (say or _say)(redactor.text(text)),
        stop or (lambda: False),
        secrets,
        redactor,
        told,
    )


@contextmanager
def second_reader(runtime: Runtime) -> Iterator[Runtime]:
    """The same runtime reading through dulwich, which shares no code with libgit2; it writes nothing.

    `RefusedError` (`audit.no_second_reader`) where dulwich is not installed.
    """
    try:
        # Only audits need it; whoever never audits need not have it.
        from gitflow_runner.git.dulwich import DulwichReader
    except ModuleNotFoundError:
        raise RefusedError(
            "audit.no_second_reader",
            "the second, independent reader needs dulwich, which is not installed",
            hint="or leave it out; what is proven then rests on one reader",
            fix=("pip install dulwich", "gfr audit verify --one-reader"),
        ) from None
    reader = DulwichReader(runtime.repository.common_dir)
    try:
        yield replace(runtime, repository=ReadOnly(runtime.repository, reader))
    finally:
        reader.close()
