"""Access tokens that were fetched for a secret: in memory only, and never two fetches for one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; `until` (monotonic ms) is when another one must be asked for."""

    value: str = field(repr=False)
    until: int


class Tokens:
    """The tokens of one process by what they were fetched with; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}
        self._known: dict[str, Token] = {}

    def get(self, key: str, now_ms: int, fetch: Callable[[], Token]) -> tuple[str, bool]:
        """The token of `key` and whether it was fetched just now; errors of `fetch` pass through."""
        with self._lock:
            own = self._fetching.setdefault(key, threading.Lock())
        with own:
            known = self._known.get(key)
            if known is not None and known.until > now_ms:
                return known.value, False
            fetched = fetch()
            self._known[key] = fetched
            return fetched.value, True

    def put(self, key: str, token: Token) -> None:
        """Have this token under that key too: what it was fetched with has changed by the fetching."""
        with self._lock:
            self._known[key] = token

    def forget(self, key: str, value: str) -> None:
        """Drop a token that was refused, unless another one has taken its place."""
        with self._lock:
            known = self._known.get(key)
            if known is not None and known.value == value:
                del self._known[key]
