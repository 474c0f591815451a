"""The ports of a step kept in memory: for trying a step or a flow without a repository or a network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from gitflow_runner.databases.query import Query, Rows, Target
from gitflow_runner.errors import StepError
from gitflow_runner.model.resource import digest_of
from gitflow_runner.model.table import Table
from gitflow_runner.steps.base import (
    BlobRef,
    Cancel,
    HttpConnection,
    KvEntry,
    LogEntry,
    PathChange,
    Service,
    Written,
)
from gitflow_runner.steps.searching import SearchHit


class ManualClock:
    """A clock that stands until somebody moves it."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._monotonic_ms = 0

    def now_ms(self) -> int:
        """The wall clock."""
        return self._now_ms

    def monotonic_ms(self) -> int:
        """The steady clock."""
        return self._monotonic_ms

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self._now_ms += ms
        self._monotonic_ms += ms


class ManualCancel:
    """A cancel that is asked for by a call."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def asked(self) -> bool:
        """Whether `ask` was called."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask for it."""
        self._event.set()


class MemoryLog:
    """The lines of an attempt."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        """Keep one line."""
        self.lines.append(text)


class MemoryBlobs:
    """Stored values by digest."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def put(self, data: bytes, media_type: str) -> BlobRef:
        """Store; the same bytes are stored once."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._data[sha256] = data
        return BlobRef(sha256, len(data), media_type)

    def put_stream(self, chunks: Iterable[bytes], media_type: str) -> BlobRef:
        """Store all of it at once: here everything fits."""
        return self.put(b"".join(chunks), media_type)

    def size(self, uri: str) -> int:
        """How many bytes."""
        return len(self.get(uri))

    def chunks(self, uri: str) -> Iterator[bytes]:
        """In pieces of 64 KB."""
        data = self.get(uri)
        return (data[start : start + 65_536] for start in range(0, len(data), 65_536))

    def get(self, uri: str) -> bytes:
        """Read; `StepError` (`res.unknown`, `res.malformed`)."""
        found = self._data.get(digest_of(uri))
        if found is None:
            raise StepError("res.unknown", f"nothing is stored under {uri[:100]}")
        return found


class MemoryKv:
    """A key-value store on the given clock."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._entries: dict[str, KvEntry] = {}
        self._answers: dict[tuple[str, str], str] = {}

    def get(self, key: str) -> KvEntry | None:
        """The live entry."""
        with self._lock:
            return self._live(key)

    def keys(self, prefix: str, limit: int) -> Sequence[str]:
        """Live keys in order."""
        with self._lock:
            live = sorted(k for k in self._entries if k.startswith(prefix) and self._live(k) is not None)
            return live[:limit]

    def update(
        self, key: str, idempotency_key: str, change: Callable[[KvEntry | None], tuple[KvEntry | None, str]]
    ) -> str:
        """Swap the entry once for each idempotency key."""
        with self._lock:
            answered = self._answers.get((key, idempotency_key))
            if answered is not None:
                return answered
            entry, answer = change(self._live(key))
            if entry is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = entry
            self._answers[key, idempotency_key] = answer
            return answer

    def _live(self, key: str) -> KvEntry | None:
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at is not None and entry.expires_at <= self._now_ms():
            return None
        return entry


@dataclass(frozen=True, slots=True)
class MemorySearch:
    """Hits by target; one is found whose title or snippet has all the words, in the order given."""

    hits: Mapping[str, Sequence[SearchHit]] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)

    def find(self, target: str, text: str, limit: int, cancel: Cancel) -> Sequence[SearchHit]:
        """The hits of the target that have every word."""
        words = text.casefold().split()
        found = [
            each
            for each in self.hits.get(target, ())
            if all(word in f"{each.title} {each.snippet}".casefold() for word in words)
        ]
        return found[:limit]

    def content(self, uri: str, most: int) -> str | None:
        """The beginning of what is kept for the URI."""
        text = self.contents.get(uri)
        return None if text is None else text[:most]


class MemoryTables:
    """Tables by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: dict[str, Table] = {}
        self._answers: dict[tuple[str, str], str] = {}

    def read(self, name: str) -> Table | None:
        """The table as it stands."""
        with self._lock:
            return self._tables.get(name)

    def update(
        self, name: str, idempotency_key: str, change: Callable[[Table | None], tuple[Table, str]]
    ) -> str:
        """Swap the table once for each idempotency key."""
        with self._lock:
            answered = self._answers.get((name, idempotency_key))
            if answered is None:
                self._tables[name], answered = change(self._tables.get(name))
                self._answers[name, idempotency_key] = answered
            return answered


class NoFunctions:
    """A flow without functions."""

    def call(self, ref: str, argument: object) -> Written:
        """`StepError` (`function.unknown`)."""
        raise StepError("function.unknown", f"the flow has no function :{ref[:64]}")

    def call_code(self, code: object, argument: object) -> Written:
        """`StepError` (`function.unknown`)."""
        raise StepError("function.unknown", "functions are not evaluated here")


@dataclass(frozen=True, slots=True)
class MemoryRenewal:
    """One secret of a table of them."""

    kept: dict[str, str] = field(repr=False)
    name: str

    @property
    def value(self) -> str:
        """What the table has."""
        return self.kept[self.name]

    def keep(self, value: str) -> str | None:
        """Put it there."""
        self.kept[self.name] = value
        return None


@dataclass(frozen=True, slots=True)
class MemoryConnections:
    """Connections by slot, and secrets by name for a step's own `:auth`."""

    by_name: Mapping[str, HttpConnection] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)  # secrets that can be renewed, by name

    def named(self, name: str) -> HttpConnection:
        """The connection; `StepError` (`connection.unbound`)."""
        found = self.by_name.get(name)
        if found is None:
            raise StepError("connection.unbound", f"no connection is bound to :{name[:64]}")
        return found

    def inline(self, auth: Mapping[str, object]) -> HttpConnection:
        """The connection named like the secret, without its base URL."""
        found = self.named(str(auth.get("secret-ref")))
        return replace(found, base_url=None)

    def service(self, name: str) -> Service:
        """The service; `StepError` (`connection.unbound`)."""
        found = self.services.get(name)
        if found is None:
            raise StepError("connection.unbound", f"no connection is bound to :{name[:64]}")
        return found if found.http is not None else replace(found, http=self.by_name.get(name))

    @contextmanager
    def renewing(self, name: str) -> Iterator[MemoryRenewal]:
        """The secret of that name in `kept`; `StepError` (`secret.unknown`)."""
        if name not in self.kept:
            raise StepError("secret.unknown", f"there is no secret {name[:64]}")
        yield MemoryRenewal(self.kept, name)

    def hide(self, value: str) -> None:
        """Keep it in `hidden`."""
        self.hidden.append(value)


@dataclass(frozen=True, slots=True)
class RecordedDatabases:
    """Answers by statement; what was asked is kept."""

    answers: Mapping[str, Rows] = field(default_factory=dict)
    asked: list[tuple[str, Target, Query]] = field(default_factory=list)

    def run(self, kind: str, target: Target, query: Query, cancel: Cancel) -> Rows:
        """The statement's answer; `StepError` (`db.statement`, `step.cancelled`)."""
        if cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it began")
        self.asked.append((kind, target, query))
        found = self.answers.get(query.sql)
        if found is None:
            raise StepError("db.statement", f"no answer is recorded for {query.sql[:100]!r}")
        return found


@dataclass(frozen=True, slots=True)
class MemorySource:
    """A linear project: commits oldest first, each with all of its files."""

    commits: Sequence[tuple[LogEntry, Mapping[str, bytes]]] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # branches and tags to ids

    def resolve(self, name: str) -> str:
        """The id of a name; `HEAD` is the newest. `StepError` (`git.unknown_revision`)."""
        known = {entry.oid for entry, _ in self.commits}
        if name == "HEAD" and self.commits:
            return self.commits[-1][0].oid
        found = self.names.get(name, name)
        if found not in known:
            raise StepError("git.unknown_revision", f"there is no revision {name[:64]!r}")
        return found

    def log(self, tip: str, *, since: str | None, paths: Sequence[str], limit: int) -> Sequence[LogEntry]:
        """Commits of `tip` that are not in `since`, newest first."""
        chain = self._chain(tip)
        older = set() if since is None else {entry.oid for entry, _ in self._chain(since)}
        kept: list[LogEntry] = []
        for index in range(len(chain) - 1, -1, -1):
            entry, files = chain[index]
            before = chain[index - 1][1] if index else {}
            if entry.oid not in older and (not paths or _differences(before, files, paths)):
                kept.append(entry)
        return kept[:limit]

    def tags(self, pattern: str) -> Sequence[tuple[str, str]]:
        """The names that match the glob, newest commit first."""
        order = {entry.oid: index for index, (entry, _) in enumerate(self.commits)}
        found = [(name, oid) for name, oid in self.names.items() if fnmatchcase(name, pattern)]
        return sorted(found, key=lambda pair: (-order[pair[1]], pair[0]))

    def changes(self, old: str | None, new: str, paths: Sequence[str], limit: int) -> Sequence[PathChange]:
        """What differs, in the order of the paths."""
        before, after = self._files(old), self._files(new)
        changed = []
        for path in _differences(before, after, paths):
            status = "A" if path not in before else "D" if path not in after else "M"
            changed.append(PathChange(status, path, None, None, None))
        return changed[:limit]

    def patch(self, old: str | None, new: str, paths: Sequence[str], max_bytes: int) -> tuple[str, bool]:
        """One line for each changed path, cut at the bound."""
        text = "".join(f"{c.status} {c.path}\n" for c in self.changes(old, new, paths, 1_000_000))
        return text[:max_bytes], len(text) > max_bytes

    def files(self, commit: str, prefix: str, limit: int) -> Sequence[tuple[str, int]]:
        """Paths and sizes below `prefix`."""
        found = sorted(
            (path, len(data)) for path, data in self._files(commit).items() if _below(path, prefix)
        )
        return found[:limit]

    def read(self, commit: str, path: str, max_bytes: int) -> bytes:
        """A file; `StepError` (`git.unknown_path`, `git.too_large`)."""
        found = self._files(commit).get(path)
        if found is None:
            raise StepError("git.unknown_path", f"{commit[:12]} has no file {path[:100]!r}")
        if len(found) > max_bytes:
            raise StepError("git.too_large", f"{path[:100]!r} is larger than {max_bytes} bytes")
        return found

    def _chain(self, tip: str) -> Sequence[tuple[LogEntry, Mapping[str, bytes]]]:
        at = next(index for index, (entry, _) in enumerate(self.commits) if entry.oid == tip)
        return self.commits[: at + 1]

    def _files(self, commit: str | None) -> Mapping[str, bytes]:
        return {} if commit is None else self._chain(commit)[-1][1]


def _below(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(prefix + "/")


def _differences(before: Mapping[str, bytes], after: Mapping[str, bytes], paths: Sequence[str]) -> list[str]:
    return [
        path
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path) and (not paths or any(_below(path, p) for p in paths))
    ]
