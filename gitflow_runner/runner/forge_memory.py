"""What one process remembers of forges between two looks; nothing of it is needed to be right."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

from gitflow_runner.forges.base import Kept


@dataclass
class ForgeMemory:
    """What one process remembers: answers by their tags, and when (monotonic ms) to look at a wait again."""

    kept: MutableMapping[str, Kept] = field(default_factory=dict)
    next_look: MutableMapping[tuple[str, str], int] = field(default_factory=dict)

    def hurry(self, run: str) -> None:
        """Look at the proposals of this run at the next occasion: somebody says that they moved."""
        for key in [key for key in self.next_look if key[0] == run]:
            del self.next_look[key]
