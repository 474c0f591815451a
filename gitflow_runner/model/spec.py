"""What a step type declares about itself: settings, effect, and what both mean.

A `Spec` is the one account from which validation, lint, documentation and idempotency follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Effect = Literal["pure", "read", "keyed", "unsafe", "suspend"]
"""After a crash `pure`, `read` and `keyed` run again; `unsafe` waits for a person; `suspend` parks."""

FieldType = Literal[
    "any", "string", "integer", "number", "boolean", "keyword", "name", "duration", "map", "vector", "url"
]
"""`name` is a keyword or a string; `duration` is seconds as an integer or a text such as `10m`."""


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a step's config."""

    name: str  # without the colon
    type: FieldType
    summary: str
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """One step type. `effect` may depend on the config, never on anything outside it."""

    type: str  # without the colon: `http`
    summary: str
    effect: Effect | Callable[[Mapping[str, object]], Effect]
    fields: tuple[Field, ...]
    example: str  # one config map in EDN that validates
    one_of: tuple[tuple[str, ...], ...] = ()  # exactly one key of each group must be present

    def effect_of(self, config: Mapping[str, object]) -> Effect:
        """The effect class of a call with this config (top-level keys without colons)."""
        return self.effect(config) if callable(self.effect) else self.effect

    def field(self, name: str) -> Field | None:
        """The declared field of that name, the common ones included."""
        return next((f for f in (*self.fields, *COMMON_FIELDS) if f.name == name), None)


COMMON_FIELDS: tuple[Field, ...] = (
    Field("type", "keyword", "repeats the step type; must be equal to it"),
    Field("title", "string", "readable name in logs and on pages"),
    Field("timeout", "duration", "bound of one attempt"),
    Field("retry", "map", "`{:max-attempts n :backoff-ms ms :backoff {…}}`"),
    Field("on-error", "keyword", "what a failure does", choices=("fail", "skip", "checkpoint")),
    Field("persist", "map", "store the result and hand on a reference"),
    Field("review", "any", "a person checks the result"),
    Field("confirm", "any", "a person confirms before the step"),
    Field("expect", "any", "what the result must look like"),
    Field("provider-opts", "map", "passed through to the service"),
    Field("metering", "map", "advisory cost"),
    Field("template", "name", "id of a template of the flow"),
    Field("data", "map", "values for the template"),
    Field("connection", "name", "slot or connection"),
    Field("unsafe", "boolean", "the effect must not be repeated after a crash without a person"),
    Field("key", "name", "names this execution in its identity"),
)
