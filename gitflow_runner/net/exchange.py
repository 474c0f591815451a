"""One HTTP exchange as plain values: what is asked, what comes back, and who may stop it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class Cancel(Protocol):
    """Whether this attempt should stop; whoever works asks between bounded pieces of work."""

    def asked(self) -> bool:
        """True once the run is being cancelled or the attempt has run out of time."""
        ...


class Body(Protocol):
    """A body that need not fit in memory; it is read anew whenever it has to be sent again."""

    @property
    def size(self) -> int:
        """All bytes of it, stated to the other side before the first."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The body from its beginning, piece by piece."""
        ...


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; `body` is already encoded; `timeout_ms` bounds the whole exchange, redirects included.

    `max_response_bytes` None means the client's own bound, which a larger number does not raise.
    `origins` names every `scheme://host:port` that may see this request because it carries a secret;
    empty means no such bound.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Body | None = None
    timeout_ms: int = 30_000
    max_response_bytes: int | None = None
    follow_redirects: bool = True
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer with its body read and decompressed within the bound."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str

    def header(self, name: str) -> str | None:
        """The first header of that name, case ignored."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Sink(Protocol):
    """Takes an answer's body as it arrives, so that it is never whole in memory."""

    @property
    def limit(self) -> int:
        """How many bytes it takes at most; the client's own bound is for memory and does not count."""
        ...

    def wants(self, head: HttpResponse) -> bool:
        """Whether the body of this answer is for the sink; if not, it is read into memory as usual."""
        ...

    def take(self, head: HttpResponse, chunks: Iterator[bytes]) -> None:
        """Read all of it; an error while reading passes through."""
        ...
