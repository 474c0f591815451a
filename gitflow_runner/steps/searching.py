"""The port through which `:search` asks this clone for runs, flows, stored values and connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gitflow_runner.net.exchange import Cancel

OWN_TARGETS = ("resources", "flows", "runs", "connections")


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One thing that was found; `name` is the run's id, the flow's slug, the value's URI…"""

    name: str
    title: str
    snippet: str
    score: float
    facts: Mapping[str, str] = field(default_factory=dict)


class Search(Protocol):
    """What this clone knows; only what verifies is found."""

    def find(self, target: str, text: str, limit: int, cancel: Cancel) -> Sequence[SearchHit]:
        """What has all the words of `text`, best first, equal ones by name; `target` is one of `OWN_TARGETS`.

        Much may have to be read first, so `cancel` is looked at between two runs. `StepError`
        (`step.cancelled`, `search.draft`; worth another try: `search.busy`, `.unwritable`, `.damaged`).
        """
        ...

    def content(self, uri: str, most: int) -> str | None:
        """The first `most` characters of a stored value, None for one that is no text or is not here."""
        ...
