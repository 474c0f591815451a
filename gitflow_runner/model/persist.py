"""What `:persist` may say: the same account for the linter and for a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PERSIST_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "blob": frozenset({"type", "filename", "content-type", "tier", "signed-url", "search-index"}),
    "kv": frozenset({"type", "key", "ttl"}),
    "table": frozenset(
        {"type", "table", "rows-path", "write-mode", "key-fields", "index-fields", "partitions"}
    ),
}
"""The keys that each kind takes."""

PERSIST_NEEDS: Final[Mapping[str, str]] = {"kv": "key", "table": "table"}
"""The key that a kind does not go without."""

PERSIST_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "tier": ("retained", "ephemeral"),
    "write-mode": ("append", "upsert"),
}
"""What single keys may hold."""
