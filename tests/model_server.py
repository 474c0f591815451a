"""A model server on loopback: the scripted model in all four formats, streamed slowly if a test says so."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from gitflow_runner.providers.scripted import Said, answer


class ModelServer:
    """`with ModelServer(script) as server`: answers by the conversation, or by the request's number.

    A GET of `/models` lists one. With `held`, a stream stops after its fourth event until the test sets
    `released`.
    """

    def __init__(
        self, script: Sequence[Mapping[str, object]] = (), *, by_request: bool = False, held: bool = False
    ) -> None:
        self.script = list(script)
        self.by_request = by_request
        self.held = held
        self.released = threading.Event()
        self.seen: list[tuple[str, Mapping[str, str], Mapping[str, Any]]] = []  # path, headers, body
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def said(self, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        """Note a request and choose its answer."""
        request = json.loads(body)
        self.seen.append((path, headers, request))
        script = self.script
        if self.by_request:
            script = [script[min(len(self.seen), len(script)) - 1]]
        return answer(path, request, script)

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self) -> None:
            found = self.path.partition("?")[0].endswith("/models")
            server.seen.append((self.path, {n.lower(): v for n, v in self.headers.items()}, {}))
            body = json.dumps({"data": [{"id": "m"}]} if found else {}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = server.said(self.path, headers, self.rfile.read(length))
            self.send_response(said.status)
            for name, value in said.headers:
                self.send_header(name, value)
            if ("Content-Type", "text/event-stream") in said.headers:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self._stream(said.body)
                return
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def _stream(self, body: bytes) -> None:
            for number, event in enumerate(body.split(b"\n\n")[:-1], start=1):
                piece = event + b"\n\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
                if server.held and number == 4:
                    server.released.wait(30)
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
