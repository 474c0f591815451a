"""Secrets kept in a file of this clone's local state, which only its owner can read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from gitflow_runner.connections.records import Record
from gitflow_runner.errors import DamagedError
from gitflow_runner.model.secret import Secret

MAX_BYTES: Final = 4 * 1024 * 1024


class KeptSource:
    """One file a store; `read` gives its bytes (None if it is not there), `write` replaces it (0600)."""

    name = "file"
    cheap = True
    separate = True

    def __init__(self, read: Callable[[str], bytes | None], write: Callable[[str, bytes], None]) -> None:
        self._read = read
        self._write = write

    def find(self, record: Record) -> Secret | None:
        """The value; `DamagedError` (`secrets.damaged`)."""
        value = self._values(record).get(record.name)
        return None if value is None else Secret(value)

    def keep(self, record: Record, value: Secret) -> None:
        """Put the value there."""
        self._save(record, {**self._values(record), record.name: value.reveal()})

    def drop(self, record: Record) -> bool:
        """Take the value away."""
        values = dict(self._values(record))
        if values.pop(record.name, None) is None:
            return False
        self._save(record, values)
        return True

    def _values(self, record: Record) -> Mapping[str, str]:
        data = self._read(record.store)
        if data is None:
            return {}
        try:
            values = json.loads(data)
            if not all(type(text) is str for text in values.values()):
                raise ValueError("not texts")
        except (ValueError, AttributeError, RecursionError):
            raise DamagedError(
                "secrets.damaged",
                f"the file of {record.store} secrets cannot be read",
                hint="set the secrets again, or restore the file",
            ) from None
        found: Mapping[str, str] = values
        return found

    def _save(self, record: Record, values: Mapping[str, str]) -> None:
        self._write(record.store, json.dumps(dict(sorted(values.items()))).encode() + b"\n")
