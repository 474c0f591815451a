"""A process of its own that gives and takes bodies of any size and never holds one: `python -m` starts it.

`GET /give?bytes=N` answers with N bytes, `PUT /take` counts and hashes what comes, `GET /taken` tells it. The
first line of its output is the port.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_BLOCK = hashlib.shake_256(b"a block that does not repeat within itself").digest(65_536)
_taken: dict[str, object] = {}


def blocks(size: int) -> Iterator[bytes]:
    """What `/give` sends: `size` bytes in pieces of 64 KB."""
    while size > 0:
        yield _BLOCK[:size]
        size -= len(_BLOCK)


class Handler(BaseHTTPRequestHandler):
    """Gives and takes."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: no waiting for an acknowledgement

    def do_GET(self) -> None:
        """`/give` and `/taken`."""
        url = urlsplit(self.path)
        if url.path == "/taken":
            body = json.dumps(_taken).encode()
            self._head(len(body))
            self.wfile.write(body)
            return
        size = int(parse_qs(url.query)["bytes"][0])
        self._head(size)
        for block in blocks(size):
            self.wfile.write(block)

    def do_PUT(self) -> None:
        """`/take`."""
        size, digest = int(self.headers["content-length"]), hashlib.sha256()
        left = size
        while left:
            piece = self.rfile.read(min(left, 65_536))
            assert piece, "the body broke off"
            digest.update(piece)
            left -= len(piece)
        _taken.update({"bytes": size, "sha256": digest.hexdigest()})
        self._head(0)

    def _head(self, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def streaming() -> Iterator[str]:
    """The server as a process; its origin."""
    command = [sys.executable, "-m", "tests.streaming_server"]
    folder = Path(__file__).resolve().parent.parent
    server = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert server.stdout is not None
    with server, server.stdout as out:
        try:
            yield f"http://127.0.0.1:{int(out.readline())}"
        finally:
            server.kill()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
