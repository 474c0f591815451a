"""A concurrency slot: who holds it, who waits for it in which order, and how a run came into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decision = Literal["started", "coexisted", "nested", "queued", "superseding"]
"""What became of a start: the slot was free; beside another version; under a caller that holds it; behind
others; behind others that were told to end."""


@dataclass(frozen=True, slots=True)
class Admission:
    """A run's place as it was decided when the run was asked for; `behind` are the runs that go first."""

    slot: str  # hex SHA-256 of what the slot is for
    version: str
    decision: Decision
    key: str | None = None  # canonical EDN of the concurrency key; None for a singleton
    behind: tuple[str, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Whether others had to end first."""
        return self.decision in ("queued", "superseding")


@dataclass(frozen=True, slots=True)
class SlotEntry:
    """A run in a slot; `at` is ms, `superseded_by` the newer run that it has to end for."""

    run: str
    version: str
    on_new_version: Literal["supersede", "drain", "coexist"]
    at: int
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision, for people: the last few stay in the slot's record."""

    run: str
    decision: Literal[
        "started", "coexisted", "nested", "queued", "superseding", "admitted", "rejoined", "left"
    ]
    at: int


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot; `queue` is first come, first served."""

    holders: tuple[SlotEntry, ...] = ()
    queue: tuple[SlotEntry, ...] = ()
    decisions: tuple[Decided, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no run is in it."""
        return not self.holders and not self.queue

    @property
    def entries(self) -> tuple[SlotEntry, ...]:
        """All runs in it, holders first."""
        return (*self.holders, *self.queue)

    def entry(self, run: str) -> SlotEntry | None:
        """The run's entry, None if it is not in it."""
        return next((each for each in self.entries if each.run == run), None)

    def holds(self, run: str) -> bool:
        """Whether the run may go on."""
        return any(each.run == run for each in self.holders)

    def before(self, run: str) -> tuple[str, ...]:
        """The runs that have to end before this one begins: holders, then those ahead in the queue."""
        if self.holds(run):
            return ()
        names = [each.run for each in self.entries]
        return tuple(names[: names.index(run)] if run in names else names)
