"""Who a step is, and what it was called with: identity, input hash, idempotency key."""

from __future__ import annotations

import hashlib

from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.printer import canonical
from gitflow_runner.lang.values import Value, keyword


class Scope:
    """One scope of step ids with its own occurrence counters (language.md 7.3)."""

    __slots__ = ("_seen", "path")

    def __init__(self, path: str = "") -> None:
        self.path = path
        self._seen: dict[str, int] = {}

    def identity(self, step_id: str, key: str | None = None) -> str:
        """The next identity of that id here: `scope/id`, then `scope/id#1` and so on."""
        name = f"{step_id}{{{key}}}" if key is not None else step_id
        if self.path:
            name = f"{self.path}/{name}"
        count = self._seen.get(name, 0)
        self._seen[name] = count + 1
        return f"{name}#{count}" if count else name


def input_hash(step_type: str, behaviour: int, config: Value) -> str:
    """Hex SHA-256 over type, behaviour number and the canonical config (protocol 2.3)."""
    text = canonical(Vec((keyword(step_type), behaviour, config)))
    return hashlib.sha256(text.encode()).hexdigest()


def idempotency_key(home: str, run: str, identity: str, generation: int) -> str:
    """Hex SHA-256 that names one intended effect, whatever number of times it is tried (protocol 3.2)."""
    text = "\0".join((home, run, identity, str(generation)))
    return hashlib.sha256(text.encode()).hexdigest()
