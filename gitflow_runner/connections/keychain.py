"""Secrets in the operating system's keyring (an extra)."""

from __future__ import annotations

from typing import Final, Protocol

import keyring
from keyring.errors import KeyringError, PasswordDeleteError

from gitflow_runner.connections.records import Record
from gitflow_runner.errors import TransientError
from gitflow_runner.model.secret import Secret

SERVICE: Final = "gitflow-runner"


class Ring(Protocol):
    """What is used of a keyring; errors are `keyring.errors.KeyringError`s."""

    def get_password(self, service: str, username: str, /) -> str | None: ...

    def set_password(self, service: str, username: str, password: str, /) -> None: ...

    def delete_password(self, service: str, username: str, /) -> None: ...


class KeyringSource:
    """Entries of one service a ledger and store; `home` is the id of the ledger.

    `ring` is the system's keyring, as `keyring` chooses it where none is handed in.
    """

    name = "keyring"
    cheap = False
    separate = True

    def __init__(self, home: str, ring: Ring = keyring) -> None:
        self._home = home
        self._ring = ring

    def find(self, record: Record) -> Secret | None:
        """The value if it was kept here; `TransientError` (`secret.keyring`) if the keyring is locked."""
        if record.kept_in != self.name:
            return None  # a machine without a keyring has all its other secrets
        try:
            value = self._ring.get_password(self._service(record), record.name)
        except KeyringError as error:
            raise _unusable(error) from None
        return None if value is None else Secret(value)

    def keep(self, record: Record, value: Secret) -> None:
        """Put the value there."""
        try:
            self._ring.set_password(self._service(record), record.name, value.reveal())
        except KeyringError as error:
            raise _unusable(error) from None

    def drop(self, record: Record) -> bool:
        """Take the value away."""
        try:
            self._ring.delete_password(self._service(record), record.name)
        except PasswordDeleteError:
            return False
        except KeyringError as error:
            raise _unusable(error) from None
        return True

    def _service(self, record: Record) -> str:
        return f"{SERVICE} {self._home} {record.store}"


def _unusable(error: KeyringError) -> TransientError:
    return TransientError(
        "secret.keyring",
        f"the keyring cannot be used: {type(error).__name__}",
        hint="unlock it, or keep the secret in this clone's own file",
    )
