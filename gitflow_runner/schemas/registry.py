"""The schema check, loaded by those who check: its library takes a tenth of a second."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol, cast


class Check(Protocol):
    """One schema, made ready."""

    def problems(self, value: object) -> tuple[str, ...]:
        """What is wrong with the value, each with its place; empty if nothing is."""
        ...


def schema_check(schema: Mapping[str, object]) -> Check:
    """The check of a schema; `StepError` (`schema.malformed`)."""
    module = importlib.import_module("gitflow_runner.schemas.check")
    return cast(Check, module.SchemaCheck(schema))
