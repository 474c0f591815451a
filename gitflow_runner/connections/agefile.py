"""A team's secrets in one file that age has encrypted, decrypted with this machine's identity (an extra)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyrage

from gitflow_runner.connections.dotenv import MAX_BYTES, parse_dotenv
from gitflow_runner.connections.records import Record
from gitflow_runner.errors import UsageError
from gitflow_runner.model.secret import Secret

PATH: Final = ".breyta/secrets.age"
_SECRET_KEY: Final = "AGE-SECRET-KEY-"


class AgeSource:
    """The file as the protected branch holds it (`read`), lines `NAME=value` once decrypted."""

    name = "age"
    cheap = False
    separate = False

    def __init__(self, read: Callable[[], bytes | None], identity: Path) -> None:
        self._read = read
        self._identity = identity
        self._values: dict[str, str | None] | None = None

    def find(self, record: Record) -> Secret | None:
        """The value; `UsageError` (`secret.age`) if the identity does not open the file."""
        if self._values is None:
            data = self._read()
            self._values = {} if data is None else dict(parse_dotenv(self._decrypted(data), PATH))
        value = self._values.get(record.name)
        return Secret(value) if value else None

    def _decrypted(self, data: bytes) -> bytes:
        try:
            text = self._identity.read_bytes()[:MAX_BYTES].decode()
            lines = [line.strip() for line in text.splitlines()]
            keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(_SECRET_KEY)]
            found: bytes = pyrage.decrypt(data, keys)
        except (OSError, UnicodeDecodeError, pyrage.IdentityError, pyrage.DecryptError, ValueError) as error:
            raise UsageError(
                "secret.age",
                f"{PATH} cannot be decrypted with {self._identity}: {type(error).__name__}",
                hint="the file has to be encrypted for this identity too",
                fix=("git config gitflow.ageIdentity <file>",),
            ) from None
        return found
