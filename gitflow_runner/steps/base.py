"""What a step type is, and the ports it gets: nothing else of the runner can be reached from a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from gitflow_runner.databases.query import Query, Rows, Target
from gitflow_runner.lang.readback import Written
from gitflow_runner.model.message import Delivery, Message
from gitflow_runner.model.resource import resource_uri
from gitflow_runner.model.spec import Spec
from gitflow_runner.model.table import Table
from gitflow_runner.net.exchange import Body, Cancel, HttpRequest, HttpResponse, Sink
from gitflow_runner.providers.prices import PriceTable
from gitflow_runner.steps.searching import Search
from gitflow_runner.steps.tokens import Tokens
from gitflow_runner.steps.trees import Files

__all__ = [
    "BlobRef",
    "Blobs",
    "Body",
    "Cancel",
    "Clock",
    "Connections",
    "Context",
    "Databases",
    "Files",
    "Functions",
    "Http",
    "HttpAuth",
    "HttpConnection",
    "HttpRequest",
    "HttpResponse",
    "Kv",
    "KvEntry",
    "LogEntry",
    "Notify",
    "PathChange",
    "Query",
    "Renewal",
    "Rows",
    "Search",
    "Service",
    "Sink",
    "Source",
    "Step",
    "StepLog",
    "Table",
    "Tables",
    "Target",
    "Written",
]


class Clock(Protocol):
    """The injected time."""

    def now_ms(self) -> int:
        """Wall clock, ms since the epoch."""
        ...

    def monotonic_ms(self) -> int:
        """A clock that never jumps; only differences mean anything."""
        ...


class Http(Protocol):
    """The one HTTP client: pinned addresses, limits, redaction."""

    def send(self, request: HttpRequest, cancel: Cancel, sink: Sink | None = None) -> HttpResponse:
        """Send and read; `StepError` (`http.connect`, `http.timeout`, `http.too_large`…: `net.client`).

        A body that `sink` wants goes there alone, and the answer's own is empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class HttpAuth:
    """Credentials that are no fixed header: `oauth`, `aws-sigv4`, `google-service-account`.

    `settings` are those of `connections.yaml` or of the step's `:auth` (`token-url`, `scopes` as one text,
    `region`, `service`…), `secrets` the opened values by role (`client-secret`, `refresh-token`,
    `secret-access-key`, `session-token`, `service-account`…), `names` what each of those is kept under.
    """

    kind: str
    settings: Mapping[str, object]
    secrets: Mapping[str, str] = field(repr=False)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpConnection:
    """A named service, opened: what to put before the path and which credentials to add.

    `headers` and `query` may be secret: they go into the request and nowhere else. `origins` lists every
    `scheme://host:port` that the secret may be sent to, those behind `auth` included; a place that tokens
    are fetched from is one of them.
    """

    base_url: str | None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    origins: tuple[str, ...] = ()
    auth: HttpAuth | None = None  # what has to be fetched or signed for each request


@dataclass(frozen=True, slots=True)
class Service:
    """A named service that is more than a place for requests: a database, a model provider, a host.

    `settings` are what `connections.yaml` says of it, keys without colons, values texts, numbers and
    booleans. `secrets` are the opened values by role (`password`, `api-key`, `dsn`, `private-key`…): they
    go to the service and nowhere else; a driver checks with `allows` where it is about to send them.
    `http` is the same service as one for requests, where it takes those.
    """

    name: str
    type: str  # `database`, `http-api`, `ssh`, `llm-provider`…
    settings: Mapping[str, object]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    origins: tuple[str, ...] = ()  # every `scheme://host:port` that the secrets may be sent to
    http: HttpConnection | None = None

    def allows(self, origin: str) -> bool:
        """Whether the secrets may be sent to this `scheme://host:port`."""
        return not self.secrets or origin in self.origins


class Renewal(Protocol):
    """A secret that a service may give anew; nobody else on this machine renews it meanwhile."""

    @property
    def value(self) -> str:
        """What it is now, which may be newer than what was opened before."""
        ...

    def keep(self, value: str) -> str | None:
        """Put the new one in place of the old, where that lies; why it could not be put there, or None."""
        ...


class Connections(Protocol):
    """The connections that this run's release and target are bound to."""

    def named(self, name: str) -> HttpConnection:
        """The connection of a slot; `StepError` (`connection.unbound`, `connection.refused`, `secret.*`)."""
        ...

    def inline(self, auth: Mapping[str, object]) -> HttpConnection:
        """A step's own `:auth` map, whose secret is a name; no base URL. The same errors."""
        ...

    def service(self, name: str) -> Service:
        """The slot's service with its secrets opened, for what is no plain HTTP. The same errors."""
        ...

    def renewing(self, name: str) -> AbstractContextManager[Renewal]:
        """The secret of that name while it is renewed; others wait. The same errors."""
        ...

    def hide(self, value: str) -> None:
        """Mask this value from now on, wherever the run is recorded: a token that a service handed out."""
        ...


class Databases(Protocol):
    """The databases that this runner has drivers for."""

    def run(self, kind: str, target: Target, query: Query, cancel: Cancel) -> Rows:
        """Run one statement on a `sqlite`, `postgres`…; `StepError` (`db.*`: `databases.query`)."""
        ...


class Notify(Protocol):
    """The configured notifiers beyond those that a step can reach by itself."""

    def send(self, channel: str, settings: Mapping[str, object], message: Message) -> Delivery:
        """Send over one channel; `StepError` (`notify.unknown_channel`, or why it failed)."""
        ...


class Functions(Protocol):
    """The flow's `:functions`, evaluated under fuel."""

    def call(self, ref: str, argument: object) -> Written:
        """Call the named function with one `lang` map; `StepError` (`function.*`) on failure."""
        ...

    def call_code(self, code: object, argument: object) -> Written:
        """The same for an inline `:code` form or text."""
        ...


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A stored large value."""

    sha256: str
    size: int
    media_type: str

    @property
    def uri(self) -> str:
        """`res://sha256/<hex>`."""
        return resource_uri(self.sha256)


class Blobs(Protocol):
    """Values that are stored by their digest, durable before the turn that names them."""

    def put(self, data: bytes, media_type: str) -> BlobRef:
        """Store; the same bytes are stored once."""
        ...

    def put_stream(self, chunks: Iterable[bytes], media_type: str) -> BlobRef:
        """Store what need not fit in memory; an error of the chunks passes through and nothing is stored."""
        ...

    def get(self, uri: str) -> bytes:
        """Read and verify; `StepError` (`res.unknown`, `res.malformed`, `res.damaged`, `blob_not_shared`)."""
        ...

    def size(self, uri: str) -> int:
        """How many bytes it holds; the same errors."""
        ...

    def chunks(self, uri: str) -> Iterator[bytes]:
        """Read piece by piece, the last one only once the digest is known; the same errors."""
        ...


@dataclass(frozen=True, slots=True)
class KvEntry:
    """One key's state: the value as EDN text, expiry in ms or None, and the last applied key."""

    text: str
    expires_at: int | None
    metadata: str | None = None


class Kv(Protocol):
    """The key-value store of one scope; a write repeated with the same idempotency key changes nothing."""

    def get(self, key: str) -> KvEntry | None:
        """The live entry, None if missing or expired."""
        ...

    def keys(self, prefix: str, limit: int) -> Sequence[str]:
        """Live keys in order."""
        ...

    def update(
        self, key: str, idempotency_key: str, change: Callable[[KvEntry | None], tuple[KvEntry | None, str]]
    ) -> str:
        """Swap the entry: `change` maps old to new (None deletes) and an EDN answer.

        Applied once for each `idempotency_key`; a repeat returns the answer recorded then. `change` may
        be called several times and must be pure.
        """
        ...


class Tables(Protocol):
    """The tables that all flows of the repository share."""

    def read(self, name: str) -> Table | None:
        """The table as it stands, None if there is none; an error where it is not to be trusted."""
        ...

    def update(
        self, name: str, idempotency_key: str, change: Callable[[Table | None], tuple[Table, str]]
    ) -> str:
        """Swap the table: `change` maps it to its next revision and an EDN answer; as `Kv.update`."""
        ...


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One commit of the user's project, as `:git :log` tells it."""

    oid: str
    parents: tuple[str, ...]
    author: str
    email: str
    time_ms: int
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class PathChange:
    """One changed path between two commits: status A, M, D, R or T; lines where both sides are text."""

    status: str
    path: str
    old_path: str | None
    added: int | None
    removed: int | None


class Source(Protocol):
    """The user's project, read-only: only commits reachable from branches, tags and the run's pin."""

    def resolve(self, name: str) -> str:
        """Commit id of a branch, a tag or a reachable id; `HEAD` is the commit that the run is pinned to.

        `StepError` (`git.unknown_revision`, `git.not_reachable`).
        """
        ...

    def log(self, tip: str, *, since: str | None, paths: Sequence[str], limit: int) -> Sequence[LogEntry]:
        """Commits of `tip` that are not in `since`, newest first."""
        ...

    def tags(self, pattern: str) -> Sequence[tuple[str, str]]:
        """(name, commit id) of the tags that match the glob, newest commit first."""
        ...

    def changes(self, old: str | None, new: str, paths: Sequence[str], limit: int) -> Sequence[PathChange]:
        """What differs between two commits; `old` None means the empty tree."""
        ...

    def patch(self, old: str | None, new: str, paths: Sequence[str], max_bytes: int) -> tuple[str, bool]:
        """The unified diff and whether it was cut; no external diff, no textconv."""
        ...

    def files(self, commit: str, prefix: str, limit: int) -> Sequence[tuple[str, int]]:
        """(path, size) of the regular files below `prefix`."""
        ...

    def read(self, commit: str, path: str, max_bytes: int) -> bytes:
        """A regular file's bytes; `StepError` (`git.unknown_path`, `git.too_large`)."""
        ...


class StepLog(Protocol):
    """The attempt's log: redacted, kept with the run."""

    def line(self, text: str) -> None:
        """One line."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """Everything one attempt may use."""

    run: str
    slug: str
    identity: str
    attempt: int
    key: str  # idempotency key, hex
    now_ms: int  # when the attempt began
    deadline_ms: int  # monotonic
    clock: Clock
    cancel: Cancel
    log: StepLog
    http: Http
    functions: Functions
    blobs: Blobs
    kv: Kv
    source: Source
    templates: Mapping[str, object] = field(default_factory=dict)
    render: Callable[[str, object], str] | None = None  # one template text with its data (a `lang` map)
    connections: Connections | None = None
    notify: Notify | None = None
    tokens: Tokens = field(default_factory=Tokens)
    databases: Databases | None = None
    key_ms: int = 0  # when the key was first announced; the same at every repeat
    files: Files | None = None
    search: Search | None = None
    prices: PriceTable = field(default_factory=PriceTable)
    tables: Tables | None = None


class Step(Protocol):
    """A step type."""

    @property
    def spec(self) -> Spec:
        """The one account of its settings."""
        ...

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """Do one attempt: `config` has plain names as keys and `lang` values; returns a `lang` value.

        It may be `Written`, where its text is at hand: that is what will be recorded.
        Raises `StepError`; whatever else escapes is an internal error of the step. A step that stores a
        large result by itself answers with `:blob-ref`; for all others `persist` does it.
        """
        ...
