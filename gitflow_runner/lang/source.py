"""Source text, and the way from an offset in it back to file, line and column."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from gitflow_runner.errors import LangError, Place, UsageError

MAX_FILE_BYTES = 256 * 1024  # of one file; what it includes has limits of its own


@dataclass(frozen=True, slots=True)
class Part:
    """From `start` on, text stands for `source` from `offset` on (a spliced include, a decoded string)."""

    start: int
    source: Source
    offset: int


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its file name, or one put together from `parts` of others, sorted by start."""

    text: str
    file: str | None = None
    parts: tuple[Part, ...] = ()
    _lines: list[int] = field(default_factory=list, repr=False, compare=False)

    def line_col(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset in this very text, both from 1, columns in code points."""
        if not self._lines:
            starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._lines.extend(starts)
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def origin(self, offset: int) -> tuple[Source, int]:
        """The source and offset that a person would look at."""
        source, at = self, offset
        while source.parts:
            index = bisect_right([part.start for part in source.parts], at) - 1
            part = source.parts[max(index, 0)]
            source, at = part.source, part.offset + max(at - part.start, 0)
        return source, at

    def place(self, offset: int) -> Place:
        """File, line and column of an offset, mapped back through includes and strings."""
        source, at = self.origin(offset)
        line, col = source.line_col(at)
        return Place(file=source.file, line=line, col=col)


def spliced(pieces: list[tuple[Source, int, int]], file: str | None = None) -> Source:
    """One text of pieces (source, start, end), each of which keeps its own positions."""
    parts, texts, at = [], [], 0
    for source, start, end in pieces:
        parts.append(Part(at, source, start))
        texts.append(source.text[start:end])
        at += end - start
    return Source("".join(texts), file, tuple(parts))


def decoded(data: bytes, file: str | None) -> str:
    """The text of a file; `LangError` (`encoding_invalid`) where it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        at = Source(before, file).place(len(before))
        raise LangError("encoding_invalid", f"{file or 'the text'} is not UTF-8 text", at=at) from None


def too_large_file(name: str) -> UsageError:
    """The error for a file above `MAX_FILE_BYTES`."""
    return UsageError(
        "closure.size",
        f"{name} is larger than {MAX_FILE_BYTES // 1024} KB",
        hint='move functions and templates to files of their own and take them in with #flow/include "…"',
        at=Place(file=name),
    )
