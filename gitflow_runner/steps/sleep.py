"""The `:sleep` step: how long a run rests; the runner keeps the time."""

from __future__ import annotations

from collections.abc import Mapping

from gitflow_runner.errors import StepError
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import length_ms, parse_config

MAX_SLEEP_MS = 7 * 86_400_000

SPEC = Spec(
    type="sleep",
    summary="Rests for a stated time without holding anything.",
    effect="suspend",
    fields=(
        Field("duration", "duration", "`500ms 10s 5m 2h 1d`, or seconds"),
        Field("seconds", "integer", "whole seconds"),
        Field("millis", "integer", "whole milliseconds"),
    ),
    example='{:duration "10m"}',
    one_of=(("duration", "seconds", "millis"),),
)


def sleep_ms(value: object) -> int:
    """The length in ms that a config map asks for; `StepError` (`config_*`, `sleep.too_long`)."""
    config = parse_config(SPEC, value)
    if config.get("millis") is not None:
        length = length_ms("millis", config["millis"], bare_unit_ms=1)
    elif config.get("seconds") is not None:
        length = length_ms("seconds", config["seconds"])
    else:
        length = length_ms("duration", config.get("duration"))
    if length > MAX_SLEEP_MS:
        raise StepError(
            "sleep.too_long", "a run sleeps at most 7 days", hint="use :wait for something longer"
        )
    return length


class SleepStep:
    """Only its spec is used: a sleep is a timer of the runner, not work of a step."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """Never called; `StepError` (`step.suspends`)."""
        raise StepError("step.suspends", ":sleep is a timer of the runner and runs nothing")


STEP = SleepStep()
