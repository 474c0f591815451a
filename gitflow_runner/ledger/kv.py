"""The key-value store: one chain of signed commits a scope, its tree keyed by the digest of the key.

Every write keeps the idempotency keys that were applied last with the answers they got, so that a step
which is run again after a crash changes nothing and hears the same answer (protocol 3.3). Beside the
entries lies the name of the scope: what is put under its ref and is of another is not taken for an empty one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gitflow_runner.errors import DamagedError, TransientError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import KV, kv_ref, parse_kv_ref
from gitflow_runner.git.repository import ObjectReader, Repository
from gitflow_runner.ledger.chain import file_in, head_of, read_object
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.link import TRIES, link_upon, take
from gitflow_runner.ledger.message import clean
from gitflow_runner.ledger.tree import entry_oid, split_tree

FORMAT: Final = 1
SCOPE_FILE: Final = "scope.json"
_REMEMBERED: Final = 8  # applied idempotency keys an entry keeps


@dataclass(frozen=True, slots=True)
class Entry:
    """One key's value as EDN text; `expires_at` in ms."""

    text: str
    expires_at: int | None = None
    metadata: str | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a file holds: the entry (None once deleted) and (idempotency key, answer) of the last writes."""

    key: str
    entry: Entry | None
    applied: tuple[tuple[str, str], ...]

    def encode(self) -> bytes:
        fields: dict[str, object] = {"key": self.key}
        if self.entry is not None:
            fields |= {"value": self.entry.text, "expires": self.entry.expires_at}
            fields |= {"metadata": self.entry.metadata}
        return json.dumps(fields | {"applied": self.applied}, separators=(",", ":")).encode() + b"\n"


Change = Callable[[Entry | None], tuple[Entry | None, str]]


class KvScope:
    """One scope; safe between processes: every write is a swap of its ref, decided again if it is lost."""

    def __init__(
        self,
        repository: Repository,
        committer: Committer,
        scope: str,
        now_ms: Callable[[], int],
        trusted: Callable[[], Oid | None],
        wrote: Callable[[Oid], None],
    ) -> None:
        """`trusted` gives where the scope's ref stands, None where there is none, and refuses to if it cannot
        be believed (protocol 5.1); `wrote` hears of each commit that this store put there itself."""
        self._repository = repository
        self._committer = committer
        self._scope = scope
        self._ref = kv_ref(scope)
        self._now_ms = now_ms
        self._trusted = trusted
        self._wrote = wrote
        self._named: Oid | None = None  # the commit that is known to be of this scope

    def get(self, key: str) -> Entry | None:
        """The live entry, None if missing or expired; `DamagedError` (`kv.malformed`)."""
        tip = self._tip()
        return None if tip is None else self._live(self._kept(tip, key))

    def keys(self, prefix: str, limit: int) -> Sequence[str]:
        """The first `limit` live keys that begin with `prefix`, in order."""
        found = (k.key for k in self._all() if k.key.startswith(prefix) and self._live(k) is not None)
        return sorted(found)[:limit]

    def update(self, key: str, idempotency_key: str, change: Change) -> str:
        """Swap the entry: `change` maps the live one to the new one (None deletes) and an answer.

        Applied once for each `idempotency_key`, later calls get the answer of the first. `change` may be
        called several times. `TransientError` (`kv.contended`) if others never let this writer through.
        """
        for _ in range(TRIES):
            tip = self._tip()
            kept = None if tip is None else self._kept(tip, key)
            applied = () if kept is None else kept.applied
            for known, answer in applied:
                if known == idempotency_key:
                    return answer
            entry, answer = change(self._live(kept))
            remembered = (*applied, (idempotency_key, answer))[-_REMEMBERED:]
            if self._write(tip, _Kept(key, entry, remembered)):
                return answer
        raise TransientError("kv.contended", f"the key-value scope {self._scope} is written all the time")

    def _tip(self) -> Oid | None:
        tip = self._trusted()
        if tip is not None and tip != self._named:
            check_scope(self._repository, tip, self._scope)
            self._named = tip
        return tip

    def _write(self, tip: Oid | None, kept: _Kept) -> bool:
        files = {_path(kept.key): kept.encode()}
        if tip is None:
            files[SCOPE_FILE] = _encode_scope(self._scope)
        verb = "delete" if kept.entry is None else "set"
        message = f"kv {verb} {clean(kept.key, 100)}\n"
        link = link_upon(self._repository, self._committer, tip, files.items(), message, self._now_ms())
        if not take(self._repository, self._ref, tip, link):
            return False
        self._named = link.oid
        self._wrote(link.oid)
        return True

    def _kept(self, tip: Oid, key: str) -> _Kept | None:
        data = file_in(self._repository, head_of(self._repository, tip)[0], _path(key))
        if data is None:
            return None
        kept = _decode(data)
        if kept.key != key:
            raise _misplaced(kept.key)
        return kept

    def _all(self) -> Iterator[_Kept]:
        tip = self._tip()
        return iter(()) if tip is None else _entries(self._repository, tip)

    def _live(self, kept: _Kept | None) -> Entry | None:
        if kept is None or kept.entry is None:
            return None
        expires = kept.entry.expires_at
        return None if expires is not None and expires <= self._now_ms() else kept.entry


def scope_names(reader: ObjectReader) -> Iterator[str]:
    """The scopes that have a record, in order."""
    for ref, _ in reader.refs(KV):
        name = parse_kv_ref(ref)
        if name is not None:
            yield name


def history(reader: ObjectReader, tip: Oid, scope: str) -> Iterator[Oid]:
    """The commits of a scope, newest first; `DamagedError` (`kv.malformed`) where one is another's."""
    oid: Oid | None = tip
    while oid is not None:
        yield oid
        check_scope(reader, oid, scope)  # once its signature was looked at: that is what steps are told first
        parents = head_of(reader, oid)[1]
        oid = parents[0] if parents else None


def check_entries(reader: ObjectReader, tip: Oid) -> None:
    """Read all entries of a commit; `DamagedError` (`kv.malformed`) for one that is damaged or misplaced."""
    for _ in _entries(reader, tip):
        pass


def check_scope(reader: ObjectReader, oid: Oid, scope: str) -> None:
    """Refuse (`DamagedError`, `kv.malformed`) a commit that is no record of that scope."""
    if file_in(reader, head_of(reader, oid)[0], SCOPE_FILE) != _encode_scope(scope):
        raise DamagedError("kv.malformed", f"commit {oid} is no record of the key-value scope {scope}")


def _encode_scope(scope: str) -> bytes:
    return json.dumps({"format": FORMAT, "scope": scope}, separators=(",", ":")).encode() + b"\n"


def _entries(reader: ObjectReader, tip: Oid) -> Iterator[_Kept]:
    root = split_tree(read_object(reader, head_of(reader, tip)[0], "tree"))
    for folder, shard in root.items():
        if not folder.endswith(b"/"):
            continue
        for name, entry in split_tree(read_object(reader, entry_oid(shard), "tree")).items():
            kept = _decode(read_object(reader, entry_oid(entry), "blob"))
            if _path(kept.key) != (folder + name).decode("utf-8", "replace"):
                raise _misplaced(kept.key)
            yield kept


def _misplaced(key: str) -> DamagedError:
    return DamagedError("kv.malformed", f"the entry of key {key[:80]!r} lies under the name of another")


def _path(key: str) -> str:
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:2]}/{digest}.json"


def _decode(data: bytes) -> _Kept:
    try:
        fields = json.loads(data)
        key, text = fields["key"], fields.get("value")
        expires, metadata = fields.get("expires"), fields.get("metadata")
        applied = tuple((known, answer) for known, answer in fields["applied"])
        texts = [key, text or "", metadata or "", *(t for pair in applied for t in pair)]
        if not all(type(t) is str for t in texts) or type(expires) not in (int, type(None)):
            raise ValueError("ill-typed")
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        raise DamagedError("kv.malformed", f"a key-value entry cannot be read: {data[:80]!r}") from None
    return _Kept(key, None if text is None else Entry(text, expires, metadata), applied)
