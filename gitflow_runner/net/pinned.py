"""Connections that go to the address that was checked, and that obey one deadline and one cancel.

The check sits where the socket is opened, so that no difference between two readings of a URL and no
second look-up can get around it. TLS keeps the original name for SNI and for the certificate.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

from gitflow_runner.errors import StepError
from gitflow_runner.net.address import (
    AllowPattern,
    Origin,
    Resolver,
    checked_addresses,
    literal_address,
)
from gitflow_runner.net.exchange import Cancel

_SLICE_S = 0.25  # how long a blocked call may take no notice of a cancel
_WRITE_BYTES = 65_536

SocketOptions = Iterable[Any] | None


class Exchange:
    """The budget of one request: its deadline, its cancel, and whether any byte of it has left."""

    def __init__(self, deadline_ms: int, monotonic_ms: Callable[[], int], cancel: Cancel) -> None:
        self._deadline_ms = deadline_ms
        self._monotonic_ms = monotonic_ms
        self._cancel = cancel
        self.sent = False

    def remaining_s(self) -> float:
        """Seconds left; raises `http.timeout` at the end of them and `step.cancelled` on a cancel."""
        if self._cancel.asked():
            raise StepError("step.cancelled", "the request was given up: cancelled")
        left = (self._deadline_ms - self._monotonic_ms()) / 1_000
        if left <= 0:
            raise self.timed_out()
        return left

    def slice_s(self) -> float:
        """The next bounded piece of the time left."""
        return min(self.remaining_s(), _SLICE_S)

    def timed_out(self) -> StepError:
        """The error of a deadline; indefinite once the request may have reached the other side."""
        what = "the answer did not come in time" if self.sent else "no connection was made in time"
        return StepError("http.timeout", what, retryable=True)


class Current(threading.local):
    """The exchange that this thread is busy with."""

    exchange: Exchange | None = None

    def get(self) -> Exchange:
        """The exchange; there is always one while a socket is used."""
        assert self.exchange is not None, "a socket is used outside an exchange"
        return self.exchange


class PinnedBackend(httpcore.NetworkBackend):
    """Opens sockets for one scheme, to checked addresses only."""

    def __init__(
        self, scheme: str, allow: Sequence[AllowPattern], resolver: Resolver, current: Current
    ) -> None:
        self._scheme = scheme
        self._allow = tuple(allow)
        self._resolver = resolver
        self._current = current
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        """Resolve once, check every address, connect to the first that answers."""
        exchange = self._current.get()
        addresses = self._addresses(Origin(self._scheme, host.lower(), port), exchange)
        failure: Exception | None = None
        for index, address in enumerate(addresses):
            share = exchange.remaining_s() / (len(addresses) - index)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return GuardedStream(stream, self._current)
        assert failure is not None, "a checked host has an address"
        raise failure

    def _addresses(self, origin: Origin, exchange: Exchange) -> tuple[str, ...]:
        allowed = any(pattern.matches(origin) for pattern in self._allow)
        literal = literal_address(origin.host)
        if literal is not None:
            family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
            answers: Sequence[tuple[object, ...]] = [(family, 0, 0, "", (str(literal), origin.port))]
        else:
            answers = self._resolve(origin, exchange)
        return checked_addresses(origin.host, answers, allowed=allowed)

    def _resolve(self, origin: Origin, exchange: Exchange) -> Sequence[tuple[object, ...]]:
        # A look-up cannot be interrupted, so it runs in a thread of its own that may outlive the request.
        answer: queue.SimpleQueue[Sequence[tuple[object, ...]] | OSError] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answer.put(self._resolver(origin.host, origin.port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                answer.put(error if isinstance(error, OSError) else OSError(str(error)))

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        while True:
            try:
                found = answer.get(timeout=exchange.slice_s())
            except queue.Empty:
                continue
            if isinstance(found, OSError) or not found:
                raise StepError("http.connect", f"{origin.host[:100]} has no known address", retryable=True)
            return found


class GuardedStream(httpcore.NetworkStream):
    """A socket whose every read and write keeps to the current exchange's deadline and cancel."""

    def __init__(self, inner: httpcore.NetworkStream, current: Current) -> None:
        self._inner = inner
        self._current = current

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read in slices, so that a slow other side can stretch neither deadline nor cancel."""
        exchange = self._current.get()
        while True:
            share = exchange.slice_s()
            try:
                return self._inner.read(max_bytes, share)
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write in pieces; from the first on the outcome of the request is unknown until it is answered."""
        exchange = self._current.get()
        for start in range(0, len(buffer), _WRITE_BYTES):
            share = exchange.remaining_s()
            exchange.sent = True
            self._inner.write(buffer[start : start + _WRITE_BYTES], share)

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Hand over to TLS under the name that the URL spells."""
        share = self._current.get().remaining_s()
        return GuardedStream(self._inner.start_tls(ssl_context, server_hostname, share), self._current)

    def get_extra_info(self, info: str) -> Any:
        """What the socket says about itself."""
        return self._inner.get_extra_info(info)
