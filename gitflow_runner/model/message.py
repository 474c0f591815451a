"""What is sent to people: a message, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """A title, a text, and named values for whoever builds something richer (`run`, `wait`, `change-url`…).

    `key` stays the same when a message is sent again, so that a receiver can drop the repeat.
    """

    title: str
    text: str
    variables: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None

    @property
    def linked_text(self) -> str:
        """The text, and under it the page of the change that decides a wait, unless it is in it."""
        url = self.variables.get("change-url")
        return f"{self.text}\n{url}" if url and url not in self.text else self.text

    @property
    def commands(self) -> tuple[str, ...]:
        """What can be typed to decide a wait: our command, and a block of plain Git."""
        given = (self.variables.get(name) for name in ("approve-command", "git-commands"))
        return tuple(each for each in given if each)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The receiver took the message; `status` is what an HTTP receiver answered."""

    status: int | None = None
