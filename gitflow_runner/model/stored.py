"""A value that a turn stores: its exact EDN text, its digest, and the decoded form on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.readback import Written
from gitflow_runner.lang.values import Value

_UNREAD: Final[Value] = object()


class Stored:
    """The bytes of one recorded value; what the body sees is decoded from them (protocol 2.1).

    Either the text is known from the start, or `load` fetches it by `path` and `digest` from the run's
    tree when first asked for, and checks the digest.
    """

    __slots__ = ("_digest", "_load", "_path", "_text", "_value")

    def __init__(
        self,
        text: str | None = None,
        *,
        path: str = "",
        digest: str | None = None,
        load: Callable[[str, str], str] | None = None,
    ) -> None:
        self._text = text
        self._path = path
        self._digest = digest
        self._load = load
        self._value: Value = _UNREAD

    @staticmethod
    def read(written: Written) -> Stored:
        """What was just written, with the value that reading it gives."""
        made = Stored(written.text)
        made._value = written.value
        return made

    def take(self) -> Value:
        """The value as the body sees it.

        One that was at hand is handed out once and let go: histories are long, and a body asks once.
        """
        value, self._value = self._value, _UNREAD
        return read_data(self.text, loose=True) if value is _UNREAD else value

    @property
    def text(self) -> str:
        """The EDN text, loaded if need be."""
        if self._text is None:
            assert self._load is not None, "a stored value has a text or a way to load it"
            assert self._digest is not None, "what is loaded is known by its digest"
            self._text = self._load(self._path, self._digest)
            self._load = None
        return self._text

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the text's UTF-8 bytes."""
        if self._digest is None:
            self._digest = hashlib.sha256(self.text.encode()).hexdigest()
        return self._digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stored) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Stored({self.digest[:12]})"
