"""A real HTTP server on 127.0.0.1 whose answers a test scripts, and which keeps what it was asked."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from gitflow_runner.net.exchange import HttpRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says; a `hold` answer never comes, a `cut` one breaks off after half its body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: bool = False
    cut: bool = False
    raw: bytes | None = None  # sent instead of everything else


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    connection: int


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Loopback:
    """`with Loopback() as server`: `on` scripts a path, `seen` and `count` tell what came."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.released = threading.Event()
        self.arrived = threading.Event()
        self._scripts: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False
        self.scheme = "http"
        if tls is not None:
            self.scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        """The port that the system chose."""
        return int(self._server.server_address[1])

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:port`, which is also the pattern that allows it."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def on(self, path: str, *answers: Answer) -> None:
        """Give these answers in turn to requests for `path`; the last one stays."""
        self._scripts[path] = list(answers)

    def count(self, path: str) -> int:
        """How many requests for `path` arrived."""
        return sum(1 for request in self.seen if request.path.partition("?")[0] == path)

    def answer(self, request: Seen) -> Answer:
        """Note the request and choose its answer."""
        with self._lock:
            self.seen.append(request)
            script = self._scripts.get(request.path.partition("?")[0])
            if script is None:
                return Answer(404, b"nothing here")
            return script.pop(0) if len(script) > 1 else script[0]

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(server: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def respond(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            answer = server.answer(Seen(self.command, self.path, headers, body, self.client_address[1]))
            server.arrived.set()
            if answer.hold:
                server.released.wait()
                self.close_connection = True
                return
            if answer.raw is not None:
                self.wfile.write(answer.raw)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.close_connection = self.close_connection or answer.cut

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815  # the base class looks for them

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def get(url: str, **settings: Any) -> HttpRequest:
    """A plain GET."""
    return HttpRequest("GET", url, **settings)
