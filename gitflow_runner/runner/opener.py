"""Secrets opened for one flow: in their environment, and only for where their allow-lists let them go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from gitflow_runner.connections.file import url_origin
from gitflow_runner.errors import GitflowError, StepError, TransientError
from gitflow_runner.model.connection import Connection, Environment
from gitflow_runner.runner.credentials import Credentials
from gitflow_runner.runner.secrets import SecretRenewal, Secrets


@dataclass(frozen=True, slots=True)
class Opener:
    """What one flow may open; every answer is checked against the allow-lists anew."""

    secrets: Secrets
    slug: str
    environment: Environment

    def connection(self, connection: Connection) -> Credentials:
        """The credentials of a connection, if all of them may go where it leads.

        `StepError` (`connection.refused`, `secret.*`).
        """
        values, origins = self.named(connection.secrets, connection.name)
        if values and connection.base_url is not None:
            origin = url_origin(connection.base_url)
            if origin not in origins:
                names = ", ".join(connection.secrets.values())
                draft = " --draft" if self.environment == "draft" else ""
                raise StepError(
                    "connection.refused",
                    f"{names} may not be sent to {origin}, where connection {connection.name} leads",
                    hint=f"gfr secrets allow {min(connection.secrets.values())} --for {origin}{draft}",
                )
        return Credentials(connection.auth, connection.settings, values, origins, connection.secrets)

    def named(self, names: Mapping[str, str], what: str) -> tuple[dict[str, str], tuple[str, ...]]:
        """The secrets by role, and the origins that every one of them may be sent to; errors as above."""
        values: dict[str, str] = {}
        origins: set[str] | None = None
        for role, name in names.items():
            try:
                opened = self.secrets.open(name, self.slug, self.environment)
            except GitflowError as error:
                raise _of_secret(error) from None
            values[role] = opened.secret.reveal()
            origins = set(opened.origins) if origins is None else origins & set(opened.origins)
        if origins == set():
            # No bound at all would mean that they may go anywhere.
            raise StepError(
                "connection.refused", f"there is no place that all secrets of {what} may be sent to"
            )
        return values, tuple(sorted(origins or ()))

    @contextmanager
    def renewing(self, name: str) -> Iterator[SecretRenewal]:
        """The secret while a service may give it anew; others of this clone wait. Errors as above."""
        try:
            with self.secrets.renewing(name, self.slug, self.environment) as renewal:
                yield renewal
        except StepError:
            raise
        except GitflowError as error:
            raise _of_secret(error) from None


def _of_secret(error: GitflowError) -> StepError:
    return StepError(
        error.code,
        error.message,
        retryable=isinstance(error, TransientError),
        hint=error.fix[0] if error.fix else error.hint,
    )
