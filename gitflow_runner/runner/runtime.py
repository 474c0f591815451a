"""Everything one process works with: adapters, clocks and this clone's identity, made once in `compose`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.databases.registry import Databases
from gitflow_runner.errors import UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.program import GitProgram
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.store import BlobStore
from gitflow_runner.model.event import Recorded
from gitflow_runner.model.spec import Spec
from gitflow_runner.net.apprise import AppriseClient
from gitflow_runner.net.mail import MailClient
from gitflow_runner.runner.clock import Clock, Jitter
from gitflow_runner.runner.clock_watch import ClockWatch
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.runner.gpg_home import GpgHomes
from gitflow_runner.runner.isolated import FunctionWorker
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.person import Person, find_person
from gitflow_runner.runner.policies import Policies
from gitflow_runner.runner.secrets import Secrets
from gitflow_runner.runner.settings import HttpSettings, WorkerLimits
from gitflow_runner.steps.base import Cancel, Http, HttpRequest, HttpResponse, Sink
from gitflow_runner.steps.registry import BuiltInSpecs, Steps
from gitflow_runner.steps.tokens import Tokens
from gitflow_runner.trust.gpgsig import OpenGpg
from gitflow_runner.trust.signer import FileSigner

RUNNER_NAME = "runner"
RUNNER_MAIL = "runner@gitflow.invalid"
LOCAL_STORE = "local"  # of `gitflow.resources`: this clone keeps large values for itself


class ClosableHttp(Http, Protocol):
    """An HTTP client that holds connections."""

    def close(self) -> None:
        """Close them."""
        ...


class LazyHttp:
    """A client that is made when it is first used; most runs send nothing."""

    def __init__(self, make: Callable[[], ClosableHttp]) -> None:
        self._make = make
        self._client: ClosableHttp | None = None

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        """Send through the client."""
        if self._client is None:
            self._client = self._make()
        return self._client.send(request, cancel, sink)

    def close(self) -> None:
        """Close what connections there are; the next request makes new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


@dataclass
class PushMemory:
    """How everything stood when nothing more was to be started, and where the watched refs lie."""

    settled: object = None
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runtime:
    """One process's tools. `say` is where remarks for people go, `stop` whether the process is to end."""

    repository: Repository
    git: GitProgram
    local: LocalState
    clock: Clock
    jitter: Jitter
    environment: Mapping[str, str]
    host: str
    who: str  # one line on this process, for whoever finds a lock held
    steps: Steps
    make_http: Callable[[HttpSettings], ClosableHttp]
    say: Callable[[str], None]
    stop: Callable[[], bool]
    secrets: Secrets
    redactor: Redactor
    told: Callable[[Sequence[Recorded]], None] | None = None  # durable events of driven runs, as they come

    @cached_property
    def signer(self) -> FileSigner:
        """The runner's key; `UsageError` (`not_initialised`)."""
        return self.local.signer()

    @cached_property
    def own_key(self) -> str | None:
        """The fingerprint of the runner's key, None in a clone that was not prepared for runs."""
        return self.signer.key.fingerprint if self.local.is_ready() else None

    @cached_property
    def owner(self) -> str:
        """The id of this clone: hex SHA-256 of its runner's public key."""
        return hashlib.sha256(self.signer.key.blob).hexdigest()

    @cached_property
    def committer(self) -> Committer:
        """The runner's name and signature."""
        return Committer(RUNNER_NAME, RUNNER_MAIL, self.signer.sign)

    @cached_property
    def policies(self) -> Policies:
        """The policy in force here."""
        return Policies(self.repository, self.local, self.clock, self.open_gpg)

    @cached_property
    def open_gpg(self) -> OpenGpg:
        """Who is asked about GPG signatures; nothing is started before the first one."""
        return GpgHomes(self.environment).open

    @cached_property
    def clock_watch(self) -> ClockWatch:
        """What tells whether the wall clock jumped since this process first drove a run."""
        return ClockWatch(self.clock)

    @cached_property
    def remarks_said(self) -> set[str]:
        """The codes of remarks that this process has made and need not make again."""
        return set()

    @cached_property
    def clocks_doubted(self) -> set[str]:
        """The runs that this process has said it holds, because it does not believe its clock."""
        return set()

    @cached_property
    def person(self) -> Person:
        """Who sits here."""
        return find_person(self.git, self.environment)

    @cached_property
    def specs(self) -> Mapping[str, Spec]:
        """The specs of the step types that come with the runner."""
        return BuiltInSpecs(self.steps)

    def http(self, settings: HttpSettings) -> LazyHttp:
        """The HTTP client for these settings, one for the whole process, made for the first request."""
        return self._clients.setdefault(settings, LazyHttp(lambda: self.make_http(settings)))

    @cached_property
    def _clients(self) -> dict[HttpSettings, LazyHttp]:
        return {}

    def close(self) -> None:
        """Close the connections that stayed open for the next request."""
        for client in self._clients.values():
            client.close()

    @cached_property
    def tokens(self) -> Tokens:
        """The access tokens that this process holds."""
        return Tokens()

    @cached_property
    def folder(self) -> BlobStore:
        """Large values on disk: in the folder that `gitflow.resources` names, else beside Git.

        `UsageError` (`res.folder`) for one that is no absolute path.
        """
        named = self.resources
        if named in ("", LOCAL_STORE):
            return BlobStore(self.repository.common_dir)
        if not named.startswith("/"):
            raise UsageError(
                "res.folder",
                f"gitflow.resources is {named[:200]!r}, which is no absolute path",
                fix=("git config gitflow.resources /a/folder/that/all/clones/reach",),
            )
        return BlobStore(self.repository.common_dir, Path(named))

    @cached_property
    def resources(self) -> str:
        """`gitflow.resources`: a folder, `local`, or nothing."""
        # Where a disk is mounted is a fact of this machine: a flow's repository does not get to say it.
        return self.git.config("gitflow.resources") or ""

    @cached_property
    def databases(self) -> Databases:
        """The databases that steps ask; paths of files are relative to the project."""
        folder = self.repository.work_dir or self.repository.common_dir
        return Databases(folder, self.clock.monotonic_ms)

    def mail(self, settings: HttpSettings) -> MailClient:
        """The mail client for these settings: what the allow-list of HTTP allows counts for it too."""
        return MailClient(allow=settings.allow)

    def apprise(self, settings: HttpSettings) -> AppriseClient:
        """The way to apprise's services, under the same allow-list."""
        return AppriseClient(allow=settings.allow)

    @cached_property
    def _workers(self) -> dict[WorkerLimits, FunctionWorker]:
        return {}

    def worker(self, limits: WorkerLimits) -> FunctionWorker:
        """The process for functions under these limits, the same one for every run; it starts when called."""
        return self._workers.setdefault(limits, FunctionWorker(self.clock, limits))

    @cached_property
    def forge_memory(self) -> ForgeMemory:
        """What was asked of forges before, and when to ask again."""
        return ForgeMemory()

    @cached_property
    def push_memory(self) -> PushMemory:
        """What was found to need nothing when pushes were looked for last."""
        return PushMemory()

    @cached_property
    def requests_noted(self) -> set[Oid]:
        """The requests for no run that this process has looked at and need not look at again."""
        return set()

    @cached_property
    def remote(self) -> str | None:
        """The remote that runs are shared through, if one is configured."""
        return self.git.config("gitflow.remote") or None
