"""What models cost, as a team wrote it down: the runner itself knows no price, since prices age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

KEYS: Final = ("input-per-million", "output-per-million", "cached-per-million")
CURRENCY: Final = "currency"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices for a million tokens by a model's name, `provider/name`, or a pattern of either with `*`.

    Each entry holds some of `KEYS` and perhaps `CURRENCY`, as `:metering` of a step does.
    """

    entries: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def of(self, provider: str, *models: str | None) -> Mapping[str, object]:
        """The entry of the first of these names that has one: by itself, else by the first pattern for it."""
        names = [spelled for model in models if model for spelled in (f"{provider}/{model}", model)]
        exact = next((self.entries[name] for name in names if name in self.entries), None)
        if exact is not None:
            return exact
        patterns = ((name, key) for name in names for key in self.entries if "*" in key)
        return next((self.entries[key] for name, key in patterns if fnmatchcase(name, key)), {})
