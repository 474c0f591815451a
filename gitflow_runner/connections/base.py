"""What a source of secrets is: one place that is asked for a value by name."""

from __future__ import annotations

from typing import Protocol

from gitflow_runner.connections.records import Record
from gitflow_runner.model.secret import Secret


class Source(Protocol):
    """One place. A source that is cheap is asked at the start, so that its values are masked from then on."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def cheap(self) -> bool:
        """Whether asking costs next to nothing: no process, no prompt, no network."""
        ...

    @property
    def separate(self) -> bool:
        """Whether it keeps the stores of live and draft apart; what does not is for live secrets only."""
        ...

    def find(self, record: Record) -> Secret | None:
        """The value, None if it is not there; an error of the family `secret` if asking fails."""
        ...


class Keeper(Source, Protocol):
    """A source that values can be put into."""

    def keep(self, record: Record, value: Secret) -> None:
        """Put the value there, replacing what is there."""
        ...

    def drop(self, record: Record) -> bool:
        """Take the value away; whether there was one."""
        ...
