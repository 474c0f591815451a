"""A way out for a program of others: over the loopback to one origin, at addresses that were checked."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from gitflow_runner.net.address import Origin

_ASKED = re.compile(rb"CONNECT (\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5}) HTTP/1\.[01]\r\n")
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
_UNREACHED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
_HEAD_BYTES = 8_192
_PIECE_BYTES = 65_536
_CONNECTIONS = 16
_SLICE_S = 0.25
_PATIENCE_S = 15.0


class Tunnel:
    """An HTTP proxy that knows `CONNECT` only; `with` opens and closes it.

    TLS runs through it from end to end, so it sees nothing and lends nobody more than a socket. `refused`
    says where else somebody wanted to go, `unreached` that the origin did not answer, `used` that it did.
    """

    def __init__(self, origin: Origin, addresses: Sequence[str]) -> None:
        self._origin = origin
        self._addresses = tuple(addresses)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(_SLICE_S)
        self._over = threading.Event()
        self._guests: list[threading.Thread] = []
        self._porter = threading.Thread(target=self._admit, name="tunnel", daemon=True)
        self.refused: list[str] = []
        self.unreached = False
        self.used = False

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._door.getsockname()[1])

    def __enter__(self) -> Tunnel:
        self._porter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._porter.join()
        for guest in self._guests:
            guest.join()
        self._door.close()

    def _admit(self) -> None:
        while not self._over.is_set() and len(self._guests) < _CONNECTIONS:
            try:
                near, _ = self._door.accept()
            except TimeoutError:
                continue
            guest = threading.Thread(target=self._serve, args=(near,), name="tunnel", daemon=True)
            self._guests.append(guest)
            guest.start()

    def _serve(self, near: socket.socket) -> None:
        # A side that goes away ends the passage; whoever asked for it learns that from its own socket.
        with near, suppress(OSError):
            near.settimeout(_PATIENCE_S)
            match = _ASKED.match(self._head(near))
            if match is None:
                # Its line may hold a secret, so it is not repeated.
                self.refused.append("a request without TLS")
                near.sendall(_FORBIDDEN)
                return
            host, port = match[1].decode().strip("[]").lower(), int(match[2])
            if (host, port) != (self._origin.host, self._origin.port):
                self.refused.append(str(Origin("https", host[:100], port)))
                near.sendall(_FORBIDDEN)
                return
            far = self._reach()
            if far is None:
                self.unreached = True
                near.sendall(_UNREACHED)
                return
            with far:
                self.used = True
                near.sendall(_ESTABLISHED)
                self._carry(near, far)

    def _head(self, near: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES and not self._over.is_set():
            if not select.select([near], [], [], _SLICE_S)[0]:
                continue
            piece = near.recv(_HEAD_BYTES)
            if not piece:
                break
            head += piece
        return head

    def _reach(self) -> socket.socket | None:
        for address in self._addresses:
            with suppress(OSError):
                return socket.create_connection((address, self._origin.port), _PATIENCE_S)
        return None

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        other = {near: far, far: near}
        while not self._over.is_set():
            for end in select.select([near, far], [], [], _SLICE_S)[0]:
                piece = end.recv(_PIECE_BYTES)
                if not piece:
                    return
                other[end].sendall(piece)
