"""The schemas of packaged steps: what a caller may give, and what the step may give back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.values import Keyword, Value
from gitflow_runner.model.command import Packaged
from gitflow_runner.model.flow import PackagedStep
from gitflow_runner.schemas.jsontext import to_plain
from gitflow_runner.schemas.malli import json_schema
from gitflow_runner.schemas.registry import Check, schema_check

OPTIONS: Final = frozenset(
    {
        *("title", "timeout", "retry", "on-error", "persist", "review", "confirm"),
        *("expect", "metering", "unsafe", "key"),
    }
)
"""What a call may say of the step besides its input, whatever the step."""

Side = Literal["input", "output"]


class PackagedSchemas:
    """The schemas of one flow's packaged steps; each is made ready when it is first needed."""

    def __init__(self, steps: Mapping[str, PackagedStep]) -> None:
        self._steps = steps
        self._ready: dict[tuple[str, Side], Check | None] = {}

    def check_input(self, packaged: Packaged | None) -> None:
        """`StepError` (`step.input_schema`, `schema.malformed`) for what the step does not take.

        `OPTIONS` belong to the call, not to the input, unless the schema names them or the step is a
        function, whose whole input the map is.
        """
        if packaged is None or (check := self._check(packaged.id, "input")) is None:
            return
        given: Value = packaged.given
        if isinstance(given, Map) and self._steps[packaged.id].type not in ("function", "code"):
            named = _named(self._steps[packaged.id].input_schema)
            given = map_of(
                [(key, value) for key, value in given.items() if _text(key) not in OPTIONS - named],
                loose=given.loose,
            )
        problems = check.problems(to_plain(given))
        if problems:
            raise _broken("step.input_schema", f":{packaged.id} does not take this", problems, definite=True)

    def check_output(self, packaged: Packaged | None, result: Value, *, definite: bool) -> None:
        """`StepError` (`step.output_schema`, `schema.malformed`) for what it may not give back."""
        if packaged is None or not packaged.whole or (check := self._check(packaged.id, "output")) is None:
            return
        problems = check.problems(to_plain(result))
        if problems:
            message = f"the result of :{packaged.id} is not what its schema says"
            raise _broken("step.output_schema", message, problems, definite=definite)

    def _check(self, id: str, side: Side) -> Check | None:
        if (id, side) not in self._ready:
            step = self._steps.get(id)
            schema = None if step is None else step.input_schema if side == "input" else step.output_schema
            self._ready[id, side] = None if schema is None else schema_check(json_schema(schema, to_plain))
        return self._ready[id, side]


def _named(schema: Value) -> frozenset[str]:
    properties = json_schema(schema, to_plain).get("properties")
    return frozenset(properties) if isinstance(properties, Mapping) else frozenset()


def _text(key: Value) -> str:
    return str(key.text) if isinstance(key, Keyword) else str(key)


def _broken(code: str, message: str, problems: tuple[str, ...], *, definite: bool) -> StepError:
    return StepError(
        code,
        f"{message}: {problems[0]}",
        definite=definite,
        data={"problems": Vec(problems)},
        hint="mend the call, or the schema in :steps",
    )
