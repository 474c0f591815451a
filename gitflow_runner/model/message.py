"""What is sent to people: a message, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """A title, a text, and named values for whoever builds something richer (`run`, `wait`, `url`…).

    `key` stays the same when a message is sent again, so that a receiver can drop the repeat.
    """

    title: str
    text: str
    variables: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The receiver took the message; `status` is what an HTTP receiver answered."""

    status: int | None = None
