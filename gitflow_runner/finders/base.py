"""What is asked of an engine that searches the web and what comes back, in words that no engine owns.

A finder turns a question into one request and an answer's document into hits; it sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gitflow_runner.errors import StepError

TimeRange = Literal["day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Question:
    """One search; None means: left to the engine. Pages count from 1, `safe` is 0 to 2."""

    text: str
    limit: int
    page: int = 1
    language: str | None = None
    categories: tuple[str, ...] = ()
    time_range: TimeRange | None = None
    safe: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent to the connection's base URL; with `json` by POST, else by GET."""

    path: str
    query: tuple[tuple[str, str], ...] = ()
    json: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One page that was found, as the engine tells it; who asks bounds and cleans it."""

    url: str
    title: str
    snippet: str
    score: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # few and short: when, where, who


class Finder(Protocol):
    """One engine's way to be asked."""

    def request(self, question: Question) -> Request:
        """The one request of a question."""
        ...

    def hits(self, document: object) -> Sequence[Hit]:
        """The hits of an answer, best first; `document` is plain JSON. `StepError` (`search.malformed`)."""
        ...

    def advice(self, status: int) -> str | None:
        """What to do about a status from 400 on, None if nothing more is known of it."""
        ...


def malformed(why: str) -> StepError:
    """The error for an answer that is not what the engine promises."""
    return StepError("search.malformed", f"the engine's answer cannot be used: {why}")
