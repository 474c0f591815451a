"""Server-sent events out of the pieces of a body, each event bounded."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from gitflow_runner.errors import StepError

MAX_EVENT = 4_000_000  # characters


class EventReader:
    """Takes the body piece by piece and gives its events as (name, data)."""

    def __init__(self, limit: int = MAX_EVENT) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._limit = limit
        self._line = ""
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[tuple[str, str]]:
        """The events that this piece completes; `StepError` (`llm.too_large`)."""
        text = self._decoder.decode(piece)
        if self._after_cr and text.startswith("\n"):
            text = text[1:]
        self._after_cr = text.endswith("\r") if text else self._after_cr
        lines = (self._line + text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        self._line = lines.pop()
        for line in lines:
            event = self._take(line)
            if event is not None:
                yield event
        self._check(len(self._line))

    def finish(self) -> Iterator[tuple[str, str]]:
        """The event that the body's end completes, if its last blank line is missing."""
        for line in (self._line, ""):
            event = self._take(line)
            if event is not None:
                yield event
        self._line = ""

    def _take(self, line: str) -> tuple[str, str] | None:
        if not line:
            name, data = self._name, "\n".join(self._data)
            had_data = bool(self._data)
            self._name, self._data, self._size = "", [], 0
            return (name, data) if had_data else None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._check(len(value))
            self._size += len(value)
            self._data.append(value)
        return None

    def _check(self, more: int) -> None:
        if self._size + more > self._limit:
            raise StepError(
                "llm.too_large", f"one event of the answer is larger than {self._limit}", definite=False
            )
