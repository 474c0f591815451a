"""Masks every known secret, in all its spellings, before anything is written or told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol, cast

import re2

from gitflow_runner.connections.spellings import longest, parts, patterns
from gitflow_runner.model.secret import MIN_LENGTH, SHOWN

_MEMORY: Final = 64 << 20  # bytes that the automaton of all secrets may take
_SHOWN: Final = SHOWN.encode()


class _Match(Protocol):
    def start(self) -> int: ...

    def end(self) -> int: ...


class _Pattern(Protocol):
    def search(self, data: bytes) -> _Match | None: ...

    def finditer(self, data: bytes) -> Iterator[_Match]: ...


class Redactor:
    """What it has learned it never lets pass; safe between threads.

    `before_first_use` is asked once, at the first text that is looked at, for what is known from the start.
    """

    def __init__(self, before_first_use: Callable[[], Iterable[str]] = tuple) -> None:
        self._lock = threading.RLock()
        self._load: Callable[[], Iterable[str]] | None = before_first_use
        self._values: dict[str, None] = {}
        self._pattern: _Pattern | None = None
        self._longest = 0

    def learn(self, *values: str) -> None:
        """Mask these from now on; what is too short to be masked is left out."""
        with self._lock:
            fresh = [
                part
                for value in values
                for part in parts(value)
                if len(part) >= MIN_LENGTH and part not in self._values
            ]
            if fresh:
                self._values |= dict.fromkeys(fresh)
                self._pattern = _compiled(self._values)
                self._longest = max(longest(value) for value in self._values)

    @property
    def knows_any(self) -> bool:
        """Whether there is a secret to look for at all."""
        return self._ready() is not None

    def text(self, text: str) -> str:
        """The text with every secret in it masked; the very same text where there is none."""
        data = text.encode("utf-8", "surrogatepass")
        masked = self.data(data)
        return text if masked is data else masked.decode("utf-8", "surrogatepass")

    def data(self, data: bytes) -> bytes:
        """The same for bytes."""
        pattern = self._ready()
        if pattern is None or pattern.search(data) is None:
            return data
        pieces, at = [], 0
        for match in pattern.finditer(data):
            pieces += [data[at : match.start()], _SHOWN]
            at = match.end()
        return b"".join((*pieces, data[at:]))

    def holds(self, data: bytes) -> bool:
        """Whether any secret is in there."""
        pattern = self._ready()
        return pattern is not None and pattern.search(data) is not None

    def stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same for what need not fit into memory; no secret slips through between two chunks."""
        held = b""
        for chunk in chunks:
            held += chunk
            pattern = self._ready()
            if pattern is None:
                yield held
                held = b""
                continue
            ready, held = self._split(pattern, held)
            if ready:
                yield ready
        if held:
            yield self.data(held)

    def _split(self, pattern: _Pattern, data: bytes) -> tuple[bytes, bytes]:
        """What can no longer be part of a secret, masked, and the end that still can."""
        safe = len(data) - self._longest
        if safe <= 0:
            return b"", data
        pieces, at = [], 0
        for match in pattern.finditer(data):
            if match.start() >= safe:
                break
            pieces += [data[at : match.start()], _SHOWN]
            at = match.end()
        cut = max(at, safe)
        return b"".join((*pieces, data[at:cut])), data[cut:]

    def _ready(self) -> _Pattern | None:
        if self._load is not None:
            with self._lock:
                load, self._load = self._load, None
                if load is not None:
                    self.learn(*load())
        return self._pattern


def _compiled(values: Iterable[str]) -> _Pattern:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    # The longest first: where one secret is the beginning of another, nothing of that one is left standing.
    ordered = sorted(values, key=lambda value: (-len(value), value))
    alternatives = dict.fromkeys(pattern for value in ordered for pattern in patterns(value))
    return cast(_Pattern, re2.compile("|".join(alternatives).encode("ascii"), options))
