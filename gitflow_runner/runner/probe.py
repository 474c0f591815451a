"""A connection tried for real: its secrets opened, its service asked something small, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from functools import cached_property
from typing import Final, Literal
from urllib.parse import urlencode

from gitflow_runner.connections.file import PATH, parse_connections, url_origin
from gitflow_runner.errors import GitflowError, StepError
from gitflow_runner.model.connection import ANY_FLOW, Connection, Environment
from gitflow_runner.net.exchange import HttpRequest, HttpResponse
from gitflow_runner.net.mail import mail_origin
from gitflow_runner.notifiers.smtp import mail_of
from gitflow_runner.providers.registry import UNKNOWN, guess, listing
from gitflow_runner.runner.code import protected_commit
from gitflow_runner.runner.configured import Configured, Read, reader_of_commit, reader_of_work_tree
from gitflow_runner.runner.connections import RunConnections
from gitflow_runner.runner.draft_trust import require_signed_commit
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import PATH as CONFIG
from gitflow_runner.runner.settings import Settings, parse_settings
from gitflow_runner.runner.usages import known_connection, work_dir_of
from gitflow_runner.steps.auth import authorise
from gitflow_runner.steps.base import Context, HttpAuth, HttpConnection, Renewal, Service
from gitflow_runner.steps.db import BACKENDS
from gitflow_runner.steps.db import STEP as DB
from gitflow_runner.steps.llm import STEP as LLM
from gitflow_runner.steps.memory import MemoryBlobs, MemoryKv, MemoryLog, MemorySource, NoFunctions
from gitflow_runner.steps.modelcall import joined, model_service
from gitflow_runner.steps.request import deliver

TIMEOUT_MS: Final = 20_000
MAX_BYTES: Final = 1_000_000

State = Literal["ok", "failed", "unproven", "skipped"]
Verdict = tuple[State, str]

_SQL_NAMES: Final = {"postgresql": "postgres", "mysql2": "mysql", "sqlite3": "sqlite"}
_FEW: Final = 16  # tokens; some providers take no smaller bound


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: what came of it in words, and for what failed its code and the commands that may mend it.

    `unproven` is an answer that says nothing about what was asked; `took_ms` is its length.
    """

    name: str
    state: State
    message: str
    code: str | None = None
    fix: tuple[str, ...] = ()
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Probed:
    """What a connection came to in one environment."""

    connection: str
    environment: Environment
    stages: tuple[Stage, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(stage.state != "failed" for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Asking:
    """The connections of one environment: those of live runs as the protected branch has them."""

    environment: Environment
    path: str | None = None  # below the base URL, for services that answer nothing there


def probe_all(runtime: Runtime, names: tuple[str, ...], wanted: Asking) -> tuple[Probed, ...]:
    """Try these connections, or all; `NotFoundError` (`connection.unknown`) and what their file says."""
    live = wanted.environment == "live"
    read: Read = (
        reader_of_commit(runtime.repository, protected_commit(runtime))
        if live
        else reader_of_work_tree(work_dir_of(runtime))
    )
    connections, settings = parse_connections(read(PATH)), parse_settings(read(CONFIG))
    chosen = [known_connection(connections, name) for name in names] or list(connections.values())
    return tuple(_probe(runtime, settings, connection, wanted) for connection in chosen)


def _probe(runtime: Runtime, settings: Settings, connection: Connection, wanted: Asking) -> Probed:
    trial = _Trial(runtime, settings, connection, wanted)
    for name, act in trial.stages():
        trial.run(name, act)
    return Probed(connection.name, wanted.environment, tuple(trial.done))


@dataclass
class _Trial:
    """One connection under trial; once a stage has failed the others are skipped."""

    runtime: Runtime
    settings: Settings
    connection: Connection
    wanted: Asking
    done: list[Stage] = field(default_factory=list)
    answer: HttpResponse | None = None

    def stages(self) -> Iterator[tuple[str, Callable[[], Verdict]]]:
        """The stages of its kind, in order."""
        if self.wanted.environment == "draft":
            yield "trust", self._trusted
        yield "secrets", self._opened
        match self.connection.type:
            case "http-api" | "llm-provider":
                if self.connection.auth in ("oauth", "google-service-account"):
                    yield "token", self._token
                yield from (("answer", self._answers), ("auth", self._taken))
            case "database":
                yield "answer", self._selects
            case "email":
                yield "answer", self._greets
            case other:
                yield (
                    "answer",
                    lambda: ("unproven", f"there is no test for a {other}; run a flow that uses it"),
                )

    def run(self, name: str, act: Callable[[], Verdict]) -> None:
        """Do one stage and note what came of it."""
        if any(stage.state == "failed" for stage in self.done):
            self.done.append(Stage(name, "skipped", "an earlier stage failed"))
            return
        began = self.runtime.clock.monotonic_ms()
        try:
            found = Stage(name, *act())
        except GitflowError as error:
            fix = error.fix or (error.hint or f"gfr connections show {self.connection.name}",)
            found = Stage(name, "failed", error.message, error.code, fix)
        self.done.append(replace(found, took_ms=self.runtime.clock.monotonic_ms() - began))

    def _trusted(self) -> Verdict:
        head = self.runtime.git.attempt("rev-parse", "--verify", "--quiet", "HEAD").stdout.decode().strip()
        require_signed_commit(self.runtime, head or None, None)
        return "ok", f"{head[:12]} is signed by somebody who may draft"

    def _opened(self) -> Verdict:
        runtime, names = self.runtime, dict.fromkeys(self.connection.secrets.values())
        self.connections.service(self.connection.name)
        if not names:
            return "skipped", "it has none"
        records = [runtime.secrets.record(name, self.wanted.environment) for name in names]
        told = ", ".join(
            f"{each.name} from {runtime.secrets.where(each) or 'its source'}" for each in records
        )
        return "ok", f"{told}, for {', '.join(self.connections.opened.origins)}"

    def _token(self) -> Verdict:
        request, auth = self._request
        assert auth is not None, "these kinds fetch tokens"
        authorise(request, auth, self._context)
        return "ok", f"a token from {auth.settings.get('token-url') or 'its service'}"

    def _answers(self) -> Verdict:
        request, auth = self._request
        self.answer = deliver(request, auth, self._context, _Beginning())
        status = self.answer.status
        if status >= 500:
            raise StepError("connection.unavailable", f"the service answered {status}", retryable=True)
        return "ok", f"GET {_shown(request.url)} answered {status}"

    def _taken(self) -> Verdict:
        assert self.answer is not None, "the stage before got one"
        status, names = self.answer.status, sorted(set(self.connection.secrets.values()))
        if status in (401, 407) or (status == 403 and names):
            raise StepError(
                "connection.auth_refused",
                f"the service answered {status}: it does not take these credentials here",
                hint=f"gfr secrets test {names[0]}" if names else "give the connection an auth",
            )
        if not names:
            return "skipped", "it has no credentials"
        if status < 300:
            return "ok", "the service takes the credentials"
        if status in (404, 405) and self._lists and self.connection.settings.get("model") is not None:
            LLM.run({"connection": self.connection.name, "prompt": "ping", "max-tokens": _FEW}, self._context)
            return "ok", "it has no list of models; the model answered"
        return "unproven", f"{status} says nothing of the credentials; name a path that answers: --path /me"

    def _selects(self) -> Verdict:
        kind = _database_kind(self.connection)
        DB.run({"connection": self.connection.name, "database": kind, "sql": "select 1"}, self._context)
        return "ok", f"{kind} answered select 1"

    def _greets(self) -> Verdict:
        service = self.connections.opened
        if not service.allows(mail_origin(service.settings)):
            origin = mail_origin(service.settings)
            raise StepError(
                "connection.refused",
                f"the secret may not be sent to {origin}",
                hint=f"gfr secrets allow {min(self.connection.secrets.values())} --for {origin}",
            )
        mail = mail_of({**service.settings, **service.secrets}, EmailMessage())
        done = self.runtime.mail(self.settings.http).greet(mail, self._context.cancel)
        return "ok", f"{mail.host}:{mail.port} answered {done}"

    @cached_property
    def connections(self) -> _Once:
        """The connection as a run would have it."""
        runtime, connection, environment = self.runtime, self.connection, self.wanted.environment
        return _Once(
            RunConnections(
                _slug(runtime, connection, environment),
                (),
                Configured(self.settings, {connection.name: connection}),
                environment,
                runtime.secrets,
                hide=runtime.redactor.learn,
                say=runtime.say,
            )
        )

    @cached_property
    def _lists(self) -> bool:
        """Whether what is asked is the list of a provider's models."""
        settings, base = self.connection.settings, self.connection.base_url
        named = settings.get("provider") is not None or self.connection.type == "llm-provider"
        return self.wanted.path is None and (named or (base is not None and guess(base) != UNKNOWN))

    @cached_property
    def _request(self) -> tuple[HttpRequest, HttpAuth | None]:
        """What is asked, and how it is signed."""
        opened = self.connections.named(self.connection.name)
        base, path, headers = opened.base_url, self.wanted.path, opened.headers
        if self._lists:
            model = model_service({"connection": self.connection.name, "model": "any"}, self._context)
            path, more = listing(model.target.backend, model.target)
            base, headers = model.base_url, (*more, *model.headers)
        if base is None:
            raise StepError(
                "connection.no_url", f"{self.connection.name} has no base URL", hint=f"write it into {PATH}"
            )
        query = f"?{urlencode(opened.query)}" if opened.query else ""
        url = (joined(base, path) if path else base) + query
        request = HttpRequest(
            "GET", url, headers, timeout_ms=TIMEOUT_MS, follow_redirects=False, origins=opened.origins
        )
        return request, opened.auth

    @cached_property
    def _context(self) -> Context:
        clock = self.runtime.clock
        deadline = clock.monotonic_ms() + TIMEOUT_MS
        return Context(
            "",
            self.connection.name,
            "probe",
            1,
            "",
            clock.now_ms(),
            deadline,
            clock,
            _Stop(self.runtime, deadline),
            MemoryLog(),
            self.runtime.http(self.settings.http),
            NoFunctions(),
            MemoryBlobs(),
            MemoryKv(clock.now_ms),
            MemorySource(),
            connections=self.connections,
            tokens=self.runtime.tokens,
            databases=self.runtime.databases,
        )


class _Once:
    """The connections of a run, of which the one under trial is opened once: a program may ask for a PIN."""

    def __init__(self, connections: RunConnections) -> None:
        self._connections = connections
        self._opened: Service | None = None

    @property
    def opened(self) -> Service:
        assert self._opened is not None, "its stage comes first"
        return self._opened

    def service(self, name: str) -> Service:
        if self._opened is None:
            self._opened = self._connections.service(name)
        return self._opened

    def named(self, name: str) -> HttpConnection:
        found = self.service(name).http
        return self._connections.named(name) if found is None else found

    def inline(self, auth: Mapping[str, object]) -> HttpConnection:
        return self._connections.inline(auth)

    def renewing(self, name: str) -> AbstractContextManager[Renewal]:
        return self._connections.renewing(name)

    def hide(self, value: str) -> None:
        self._connections.hide(value)


class _Beginning:
    """Reads of a body what shows that it comes, and leaves the rest."""

    limit = MAX_BYTES

    def wants(self, head: HttpResponse) -> bool:
        return True

    def take(self, head: HttpResponse, chunks: Iterator[bytes]) -> None:
        next(chunks, b"")


@dataclass(frozen=True, slots=True)
class _Stop:
    """Whether the trial should end."""

    runtime: Runtime
    deadline_ms: int

    def asked(self) -> bool:
        return self.runtime.stop() or self.runtime.clock.monotonic_ms() >= self.deadline_ms


def _slug(runtime: Runtime, connection: Connection, environment: Environment) -> str:
    """A flow that may use every secret of the connection; any, where no flow is named."""
    goal = None if connection.base_url is None else url_origin(connection.base_url)
    flows = []
    for name in connection.secrets.values():
        if runtime.secrets.is_known(environment, name):
            permits = runtime.secrets.record(name, environment).permits
            flows.append(
                {p.flow for p in permits if p.environment == environment and goal in (None, p.origin)}
            )
    named = sorted({flow for each in flows for flow in each} - {ANY_FLOW})
    return next((slug for slug in named if all(each & {slug, ANY_FLOW} for each in flows)), ANY_FLOW)


def _database_kind(connection: Connection) -> str:
    said = connection.settings.get("backend") or (connection.base_url or "").partition("://")[0]
    found = _SQL_NAMES.get(str(said), str(said))
    if found not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise StepError(
            "connection.backend",
            f"{connection.name} does not say which kind of database it is",
            hint=f"write backend: into {PATH}; known: {known}",
        )
    return found


def _shown(url: str) -> str:
    # Without the query, where a key may stand.
    return url.partition("?")[0]
