"""A value held against a JSON Schema: no schema is fetched, and patterns run in linear time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import referencing
import referencing.exceptions
from jsonschema import Draft202012Validator, exceptions, validators

from gitflow_runner.errors import LangError, StepError
from gitflow_runner.lang.regex import Regex

MAX_PROBLEMS = 5
MAX_MESSAGE = 200

_REGISTRY: referencing.Registry[Any] = referencing.Registry()


def _pattern(
    validator: Any, pattern: str, instance: object, schema: object
) -> Iterator[exceptions.ValidationError]:
    if isinstance(instance, str) and Regex(pattern).program.search(instance) is None:
        yield exceptions.ValidationError(f"{instance[:60]!r} does not match {pattern[:60]!r}")


def _pattern_properties(
    validator: Any, patterns: object, instance: object, schema: object
) -> Iterator[exceptions.ValidationError]:
    # The library searches these with a backtracking engine in two more places.
    raise LangError("regex_unsupported", "patternProperties are not supported")


_Validator = validators.extend(  # type: ignore[no-untyped-call]  # its stubs leave it open
    Draft202012Validator, {"pattern": _pattern, "patternProperties": _pattern_properties}
)


class SchemaCheck:
    """One schema, made ready."""

    def __init__(self, schema: Mapping[str, object]) -> None:
        """`StepError` (`schema.malformed`) for what is no JSON Schema."""
        try:
            Draft202012Validator.check_schema(dict(schema))
        except exceptions.SchemaError as error:
            where = "/".join(str(part) for part in error.absolute_path) or "its top"
            raise StepError(
                "schema.malformed", f"the schema is none at {where}: {error.message[:MAX_MESSAGE]}"
            ) from None
        self._validator = _Validator(dict(schema), registry=_REGISTRY)

    def problems(self, value: object) -> tuple[str, ...]:
        """What is wrong with the value, each with its place, at most five; the same error."""
        found: list[str] = []
        try:
            for error in self._validator.iter_errors(value):
                where = "/".join(str(part) for part in error.absolute_path)
                found.append(f"{where or 'the value'}: {error.message[:MAX_MESSAGE]}")
                if len(found) == MAX_PROBLEMS:
                    break
        except LangError as error:
            raise StepError("schema.malformed", f"the schema cannot be used: {error.message}") from None
        except referencing.exceptions.Unresolvable as error:
            raise StepError("schema.malformed", f"the schema refers to what is not in it: {error}") from None
        except RecursionError:
            raise StepError("schema.malformed", "the schema refers to itself without an end") from None
        return tuple(found)
