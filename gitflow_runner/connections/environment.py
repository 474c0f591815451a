"""Secrets in the process's environment, each under its own name."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.connections.records import Record
from gitflow_runner.model.secret import Secret


class EnvironmentSource:
    """The variables that this process was started with."""

    name = "environment"
    cheap = True
    separate = False

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def find(self, record: Record) -> Secret | None:
        """The variable of that name; an empty one counts as absent."""
        value = self._variables.get(record.name)
        return Secret(value) if value else None
