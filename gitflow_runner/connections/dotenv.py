"""Secrets in the work tree's `.env`, as long as Git never sees that file."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from gitflow_runner.connections.records import Record
from gitflow_runner.errors import RefusedError, UsageError
from gitflow_runner.model.secret import Secret

MAX_BYTES: Final = 256 * 1024


class DotenvSource:
    """One `.env` file; `seen_by_git` says in words what Git knows of it, None if it is ignored."""

    name = ".env"
    cheap = True
    separate = False

    def __init__(self, path: Path, seen_by_git: Callable[[], str | None]) -> None:
        self._path = path
        self._seen_by_git = seen_by_git

    def find(self, record: Record) -> Secret | None:
        """The value; `RefusedError` (`secret.dotenv`) if Git tracks the file or would take it in."""
        value = self._values().get(record.name)
        if not value:
            return None
        why = self._seen_by_git()
        if why is not None:
            raise RefusedError(
                "secret.dotenv",
                f"{record.name} lies in .env, and {why}",
                hint="ignore the file; if it ever was in Git, take it out and change the secret",
                fix=("echo .env >> .gitignore", "git rm --cached .env"),
            )
        return Secret(value)

    def _values(self) -> Mapping[str, str | None]:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError:
            return {}
        return parse_dotenv(data, ".env")


def parse_dotenv(data: bytes, file: str) -> Mapping[str, str | None]:
    """The values of such a text as they stand, nothing filled in; `UsageError` (`secret.dotenv`)."""
    if len(data) > MAX_BYTES:
        raise UsageError("secret.dotenv", f"{file} is larger than {MAX_BYTES} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UsageError("secret.dotenv", f"{file} is not UTF-8 text") from None
    return dotenv_values(stream=io.StringIO(text), interpolate=False)
