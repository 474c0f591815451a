"""The fake forge over HTTP on 127.0.0.1: its interface under `/api`, its repository under `/git`."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.fakeforge.dialects import Dialect, Missing, answer, token_header
from tests.fakeforge.forge import Forge

TOKEN = "forge-token-1f8e"


class Server:
    """`with Server(folder, "github") as server`: `forge` is what it knows, `asked` what it was asked."""

    def __init__(self, folder: Path, dialect: Dialect) -> None:
        self.dialect = dialect
        self.forge = Forge(folder / "project.git", only_forward=dialect == "gitlab")
        self.asked: list[tuple[str, str, int]] = []  # method, target, status
        self.tokens: set[str] = set()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self._http.daemon_threads = False
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def api(self) -> str:
        return f"{self.origin}/api"

    @property
    def remote(self) -> str:
        return f"{self.origin}/git/project.git"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    fake: Server  # set by the class that `Server` makes of this one
    protocol_version = "HTTP/1.1"
    timeout = 10

    def respond(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if self.path.startswith("/git/"):
            self.serve_git(body)
        else:
            self.serve_api(body)

    def serve_api(self, body: bytes) -> None:
        status, headers, said = self.say(body)
        self.fake.asked.append((self.command, self.path.removeprefix("/api"), status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def say(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        lies, target = self.fake.forge.lies, self.path.removeprefix("/api")
        name, value = token_header(self.fake.dialect, TOKEN)
        given = self.headers.get(name) or ""
        self.fake.tokens.add(given)
        if given != value:
            return 401, {}, b"{}"
        if lies.status is not None:
            return lies.status, lies.headers, lies.raw or b"{}"
        asked = self.headers.get("if-none-match")
        if lies.always_304 or (lies.frozen_tags and asked is not None):
            return 304, lies.headers, b""
        try:
            found: Any = answer(
                self.fake.dialect, self.fake.forge, self.command, target, json.loads(body) if body else None
            )
        except Missing as missing:
            return missing.status, {}, b"{}"
        if lies.answer is not None:
            found = lies.answer(target.partition("?")[0], found)
        said = lies.raw if lies.raw is not None else json.dumps(found).encode()
        etag = f'W/"{sha256(said).hexdigest()[:32]}"'
        headers = {"Content-Type": "application/json", "ETag": etag} | lies.headers
        if self.command == "GET" and asked == etag:
            return 304, {"ETag": etag}, b""
        return 201 if self.command == "POST" else 200, headers, said

    def serve_git(self, body: bytes) -> None:
        path, _, query = self.path.removeprefix("/git").partition("?")
        environment = os.environ | {
            "GIT_PROJECT_ROOT": str(self.fake.forge.folder.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("content-type") or "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding") or "",
            "GIT_PROTOCOL": self.headers.get("git-protocol") or "",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=False
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        lines = [line.partition(": ") for line in head.decode().split("\r\n") if line]
        status = next((int(value.split()[0]) for name, _, value in lines if name == "Status"), 200)
        self.send_response(status)
        for name, _, value in lines:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    do_GET = do_POST = do_PATCH = do_PUT = respond  # noqa: N815  # the base class looks for them

    def log_message(self, format: str, *args: Any) -> None:
        pass
