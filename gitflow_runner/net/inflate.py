"""Undoing a response's compression without ever holding more than the bound."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from gitflow_runner.errors import StepError

ACCEPTED = "gzip, deflate"
PIECE = 1 << 20  # bytes of content at a time, however small they came packed


class Overflow(Exception):
    """The content is larger than the bound."""


class Decoder(Protocol):
    """Takes the body piece by piece."""

    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        """What `data` adds to the content, in pieces; `Overflow` once that exceeds `room` bytes."""
        ...

    def finish(self) -> None:
        """Say that the body has ended; `StepError` (`http.protocol`) if it was cut short."""
        ...


class Identity:
    """A body that is sent as it is."""

    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        """The same bytes."""
        if len(data) > room:
            raise Overflow
        yield data

    def finish(self) -> None:
        """Nothing can be missing here: the framing was checked below."""


class Inflater:
    """gzip (also of several members) and both meanings that servers give to `deflate`."""

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding in ("gzip", "x-gzip")
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS)
        self._begun = False
        self._head = b""

    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        """The content that `data` unpacks to."""
        if not self._begun:
            # The first two bytes tell the two kinds of `deflate` apart.
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return
        while data:
            if self._stream.eof:
                if not self._gzip:
                    raise _damaged("bytes follow the compressed body")
                self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
            piece = self._unpack(data, min(room + 1, PIECE))
            room -= len(piece)
            if room < 0:
                raise Overflow
            yield piece
            data = self._stream.unused_data or self._stream.unconsumed_tail

    def _unpack(self, data: bytes, limit: int) -> bytes:
        try:
            piece = self._stream.decompress(data, limit)
        except zlib.error:
            if self._gzip or self._begun:
                raise _damaged("the compressed body is damaged") from None
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                piece = self._stream.decompress(data, limit)
            except zlib.error:
                raise _damaged("the compressed body is damaged") from None
        self._begun = True
        return piece

    def finish(self) -> None:
        """A body that began must have come to its own end."""
        if (self._begun or self._head) and not self._stream.eof:
            raise _damaged("the compressed body ends too early")


def decoder_for(encoding: str | None) -> Decoder:
    """The decoder of a `Content-Encoding`; one that was not asked for is `http.protocol`."""
    name = (encoding or "identity").strip().lower()
    if name == "identity":
        return Identity()
    if name in ("gzip", "x-gzip", "deflate"):
        return Inflater(name)
    raise _damaged(f"the answer is encoded as {name[:40]!r}, which was not asked for")


def _damaged(why: str) -> StepError:
    return StepError("http.protocol", why)
