"""Secrets in the operating system's keyring (an extra)."""

from __future__ import annotations

from typing import Final

import keyring
from keyring.errors import KeyringError, PasswordDeleteError

from gitflow_runner.connections.records import Record
from gitflow_runner.errors import TransientError
from gitflow_runner.model.secret import Secret

SERVICE: Final = "gitflow-runner"


class KeyringSource:
    """Entries of one service a ledger and store; `home` is the id of the ledger."""

    name = "keyring"
    cheap = False
    separate = True

    def __init__(self, home: str) -> None:
        self._home = home

    def find(self, record: Record) -> Secret | None:
        """The value if it was kept here; `TransientError` (`secret.keyring`) if the keyring is locked."""
        if record.kept_in != self.name:
            return None  # a machine without a keyring has all its other secrets
        try:
            value = keyring.get_password(self._service(record), record.name)
        except KeyringError as error:
            raise _unusable(error) from None
        return None if value is None else Secret(value)

    def keep(self, record: Record, value: Secret) -> None:
        """Put the value there."""
        try:
            keyring.set_password(self._service(record), record.name, value.reveal())
        except KeyringError as error:
            raise _unusable(error) from None

    def drop(self, record: Record) -> bool:
        """Take the value away."""
        try:
            keyring.delete_password(self._service(record), record.name)
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
