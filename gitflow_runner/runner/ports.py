"""The ports of one attempt, made from the run's journal and this clone's adapters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.ledger.blobs import RunBlobs
from gitflow_runner.ledger.codec import log_path
from gitflow_runner.model.pin import Pin
from gitflow_runner.notifiers.base import Apprise, Mailer
from gitflow_runner.providers.prices import PriceTable
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.channels import Channels
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.stopping import Cancelling, Deadline
from gitflow_runner.runner.templates import FlowTemplates
from gitflow_runner.steps.base import (
    BlobRef,
    Connections,
    Context,
    Databases,
    Files,
    Functions,
    Http,
    Kv,
    Search,
    Source,
    Tables,
)
from gitflow_runner.steps.tokens import Tokens

MAX_LOG_BYTES = 1_000_000


class BlobPort:
    """The run's stored values as steps see them; no secret gets into one."""

    def __init__(self, blobs: RunBlobs, redactor: Redactor) -> None:
        self._blobs = blobs
        self._redactor = redactor

    def put(self, data: bytes, media_type: str) -> BlobRef:
        """Store; durable before the turn that names it."""
        data = self._redactor.data(data)
        return BlobRef(self._blobs.put(data, media_type), len(data), media_type)

    def put_stream(self, chunks: Iterable[bytes], media_type: str) -> BlobRef:
        """Store piece by piece; durable before the turn that names it."""
        return BlobRef(*self._blobs.put_stream(self._redactor.stream(chunks), media_type), media_type)

    def get(self, uri: str) -> bytes:
        """Read and verify."""
        return self._blobs.get(uri)

    def size(self, uri: str) -> int:
        """How many bytes."""
        return self._blobs.size(uri)

    def chunks(self, uri: str) -> Iterator[bytes]:
        """Read and verify piece by piece."""
        return self._blobs.chunks(uri)


class AttemptLog:
    """One attempt's lines: in a live file while it runs, in the run's tree once it has ended."""

    def __init__(self, folder: Path, name: str, clock: Clock, redactor: Redactor) -> None:
        self._redactor = redactor
        self._folder = folder
        self._name = name
        self._clock = clock
        self._text: list[str] = []
        self._size = 0
        self._cut = False

    def line(self, text: str) -> None:
        """One line, with the time in front."""
        moment = datetime.fromtimestamp(self._clock.now_ms() / 1_000, UTC).strftime("%H:%M:%S")
        shown = f"{moment} {self._redactor.text(text).rstrip()}\n"
        if self._size + len(shown) > MAX_LOG_BYTES:
            if not self._cut:
                self._cut = True
                self._text.append(f"{moment} … the log was cut at {MAX_LOG_BYTES} bytes\n")
            return
        self._size += len(shown)
        self._text.append(shown)
        # The file is for whoever watches; what counts goes into the turn.
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / self._name).open("a", encoding="utf-8") as file:
                file.write(shown)

    @property
    def content(self) -> bytes:
        """Everything logged, for the turn that ends the attempt."""
        return "".join(self._text).encode()

    def remove(self) -> None:
        """Take the live file away: its lines are durable elsewhere."""
        (self._folder / self._name).unlink(missing_ok=True)


class Ports:
    """Makes the context of each attempt of one driver."""

    def __init__(
        self,
        *,
        buffer: Buffer,
        clock: Clock,
        http: Http,
        mail: Mailer,
        apprise: Apprise,
        functions: Functions,
        blobs: RunBlobs,
        kv: Kv,
        tables: Tables,
        source: Source,
        files: Files,
        search: Search,
        connections: Connections,
        templates: FlowTemplates,
        databases: Databases,
        pin: Pin,
        live: Path,
        tokens: Tokens,
        cancelling: Cancelling,
        stop: Callable[[], bool],
        prices: PriceTable,
    ) -> None:
        self._prices = prices
        self._buffer = buffer
        self._clock = clock
        self._http = http
        self._mail = mail
        self._apprise = apprise
        self._functions = functions
        self._blobs = BlobPort(blobs, buffer.redactor)
        self._kv = kv
        self._tables = tables
        self._source = source
        self._files = files
        self._search = search
        self._connections = connections
        self._templates = templates
        self._databases = databases
        self._pin = pin
        self._live = live
        self._tokens = tokens
        self._cancelling = cancelling
        self._stop = stop

    @contextmanager
    def attempt(
        self, identity: str, folder: str, attempt: int, key: str, deadline_ms: int, key_ms: int
    ) -> Iterator[Context]:
        """The attempt's context; its log joins the pending turn when the attempt is over."""
        name = f"{folder}.{attempt}.log"
        log = AttemptLog(self._live, name, self._clock, self._buffer.redactor)
        run = self._buffer.run
        cancel = Deadline(self._clock, deadline_ms, self._stop, self._cancelling, self._cancelling.is_taken)
        try:
            yield Context(
                run.run,
                run.slug,
                identity,
                attempt,
                key,
                self._clock.now_ms(),
                deadline_ms,
                self._clock,
                cancel,
                log,
                self._http,
                self._functions,
                self._blobs,
                self._kv,
                self._source,
                connections=self._connections,
                tokens=self._tokens,
                templates=self._templates.bodies,
                render=self._templates.render,
                notify=Channels(self._http, self._mail, log, cancel, self._apprise),
                databases=self._databases,
                key_ms=key_ms,
                files=self._files,
                search=self._search,
                prices=self._prices,
                tables=self._tables,
            )
        finally:
            if log.content:
                self._buffer.put(log_path(folder, attempt), log.content)
                self._buffer.when_durable(log.remove)
