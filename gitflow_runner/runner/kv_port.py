"""The key-value store as one run's steps meet it: no secret gets into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.ledger.kv import Entry, KvScope
from gitflow_runner.runner.masking import masked_text
from gitflow_runner.runner.step_failure import told_to_the_flow
from gitflow_runner.steps.base import KvEntry


class KvPort:
    """One scope of the ledger's store with every secret masked before it is asked to write.

    Everything raises `StepError`: `untrusted_kv`, `kv_rewound`, `kv.malformed`, `kv.contended` (retryable).
    """

    def __init__(self, scope: KvScope, redactor: Redactor) -> None:
        self._scope = scope
        self._redactor = redactor

    def get(self, key: str) -> KvEntry | None:
        """The live entry."""
        with told_to_the_flow():
            return _shown(self._scope.get(self._redactor.text(key)))

    def keys(self, prefix: str, limit: int) -> Sequence[str]:
        """Live keys in order."""
        with told_to_the_flow():
            return self._scope.keys(prefix, limit)

    def update(
        self,
        key: str,
        idempotency_key: str,
        change: Callable[[KvEntry | None], tuple[KvEntry | None, str]],
    ) -> str:
        """Swap the entry, once for each idempotency key."""

        def changed(entry: Entry | None) -> tuple[Entry | None, str]:
            new, answer = change(_shown(entry))
            return None if new is None else self._clean(new), masked_text(answer, self._redactor)

        with told_to_the_flow():
            return self._scope.update(self._redactor.text(key), idempotency_key, changed)

    def _clean(self, entry: KvEntry) -> Entry:
        metadata = None if entry.metadata is None else masked_text(entry.metadata, self._redactor)
        return Entry(masked_text(entry.text, self._redactor), entry.expires_at, metadata)


def _shown(entry: Entry | None) -> KvEntry | None:
    return None if entry is None else KvEntry(entry.text, entry.expires_at, entry.metadata)
