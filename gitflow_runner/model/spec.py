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
    keys: tuple[Field, ...] = ()  # where the value is a map: all keys that it may have


@dataclass(frozen=True, slots=True)
class Needs:
    """What a config must have besides, by the choice that its key `by` holds.

    Each group names keys of which exactly one must be there.
    """

    by: str
    groups: Mapping[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class Spec:
    """One step type. `effect` may depend on the config, never on anything outside it."""

    type: str  # without the colon: `http`
    summary: str
    effect: Effect | Callable[[Mapping[str, object]], Effect]
    fields: tuple[Field, ...]
    example: str  # one config map in EDN that validates
    one_of: tuple[tuple[str, ...], ...] = ()  # exactly one key of each group must be present
    needs: Needs | None = None

    def effect_of(self, config: Mapping[str, object]) -> Effect:
        """The effect class of a call with this config (top-level keys without colons)."""
        return self.effect(config) if callable(self.effect) else self.effect

    def field(self, name: str) -> Field | None:
        """The declared field of that name, the common ones included."""
        return next((f for f in self.every_field if f.name == name), None)

    @property
    def every_field(self) -> tuple[Field, ...]:
        """Its own fields, and the common ones that it gives no meaning of its own."""
        own = {field.name for field in self.fields}
        return (*self.fields, *(field for field in COMMON_FIELDS if field.name not in own))


_BACKOFF = (
    Field("type", "name", "how it grows", choices=("constant", "linear", "exponential")),
    Field("factor", "number", "of an exponential one"),
    Field("step", "duration", "of a linear one"),
    Field("max", "duration", "the longest pause"),
)
_RETRY = (
    Field("max-attempts", "integer", "the first one counted"),
    Field("backoff-ms", "integer", "the first pause"),
    Field("backoff", "map", "how pauses grow", keys=_BACKOFF),
    Field("retry-on", "vector", "codes, families and statuses that are worth another try"),
)
_ASKING = (
    Field("title", "string", "the question"),
    Field("payload", "any", "what people must see; the step and its config or result if absent"),
    Field("timeout", "duration", "24 hours if absent, at most 30 days"),
    Field("notify", "map", "how people hear of it"),
    Field("roles", "vector", "who may decide; never more than the policy allows"),
    Field("need", "integer", "how many people must agree"),
    Field("exclude", "vector", "who may not decide"),
    Field("human", "boolean", "only people may decide"),
)

COMMON_FIELDS: tuple[Field, ...] = (
    Field("type", "keyword", "repeats the step type; must be equal to it"),
    Field("title", "string", "readable name in logs and on pages"),
    Field("timeout", "duration", "bound of one attempt"),
    Field("retry", "map", "`{:max-attempts n :backoff-ms ms :backoff {…} :retry-on […]}`", keys=_RETRY),
    Field("on-error", "keyword", "what a failure does", choices=("fail", "skip", "checkpoint")),
    Field("persist", "map", "store the result and hand on a reference"),
    Field("review", "any", "a person checks the result: true, a question, or a map", keys=_ASKING),
    Field("confirm", "any", "a person confirms before the step: true, a question, or a map", keys=_ASKING),
    Field("expect", "any", "what the result must look like: a kind such as `:non-empty`, or a map of keys"),
    Field("provider-opts", "map", "passed through to the service"),
    Field("metering", "map", "advisory cost"),
    Field("template", "name", "id of a template of the flow"),
    Field("data", "map", "values for the template"),
    Field("connection", "name", "slot or connection"),
    Field("unsafe", "boolean", "the effect must not be repeated after a crash without a person"),
    Field("key", "name", "names this execution in its identity"),
)
