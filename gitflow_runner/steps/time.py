"""The `:time` step: the wall clock, recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gitflow_runner.lang.collection import map_of
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.spec import Spec
from gitflow_runner.steps.base import Context

SPEC = Spec(
    type="time",
    summary="Reads the clock; the answer is recorded before it is used.",
    effect="read",
    fields=(),
    example="{}",
)


class TimeStep:
    """Asks the injected clock."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """`{:now-ms ms :iso "2026-01-31T12:00:00.000Z"}`, in UTC."""
        now = context.clock.now_ms()
        seconds, millis = divmod(now, 1_000)
        whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return map_of([(keyword("now-ms"), now), (keyword("iso"), f"{whole}.{millis:03d}Z")])


STEP = TimeStep()
