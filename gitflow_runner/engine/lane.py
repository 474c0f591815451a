"""One strand of an evaluation: the body itself, or one branch of a parallel form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gitflow_runner.engine.keys import Scope

CLEANUP = "cleanup"


class Lane:
    """Where a strand stands: its scope of step ids, its time, and whether a cancel has struck it.

    `now` (ms) is the latest recorded completion among the results returned here. A branch is evaluated
    anew at each pass and gets a new lane for it, so that it comes to the same place again.
    """

    __slots__ = ("_labels", "branch", "cleanup", "now", "path", "scope")

    def __init__(self, path: str, now: int, *, branch: bool = False) -> None:
        self.path = path
        self.now = now
        self.branch = branch
        self.cleanup = False
        self.scope = Scope(path)
        self._labels: dict[str, int] = {}

    def strike(self) -> None:
        """A cancel reaches this strand: what follows are the steps of its `finally` forms."""
        self.cleanup = True
        self.scope = Scope(f"{self.path}/{CLEANUP}" if self.path else CLEANUP)

    @contextmanager
    def nested(self, identity: str) -> Iterator[None]:
        """Steps inside get identities below this one; a cancel that strikes inside moves on to cleanup."""
        outer = self.scope
        inner = self.scope = Scope(identity)
        try:
            yield
        finally:
            if self.scope is inner:
                self.scope = outer

    def label_identity(self, label: str) -> str:
        """The identity of the next labelled branch of that text here."""
        count = self._labels.get(label, 0)
        self._labels[label] = count + 1
        name = f"{self.path}/?{label}" if self.path else f"?{label}"
        return f"{name}#{count}" if count else name
