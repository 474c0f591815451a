"""The port through which everything above reads and writes Git.

One contract suite (`tests/contract/test_repository.py`) holds every adapter to this page. All ids are
full SHA-1 names. Nothing here forces a ref: a `swap` names the old value or it does not happen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitflow_runner.git.objects import Commit, Oid, RawObject, Tag, TreeEntry


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One move of one ref; `old` None means "must not exist", `new` None means "delete"."""

    name: str
    old: Oid | None
    new: Oid | None


class ObjectReader(Protocol):
    """What can be read from any object database; the second, independent reader has just this."""

    def read(self, oid: Oid) -> RawObject:
        """The object; `DamagedError` (`git.object_missing`) if it is absent."""
        ...

    def contains(self, oid: Oid) -> bool:
        """Whether the object is here."""
        ...

    def resolve(self, ref: str) -> Oid | None:
        """The object a full ref name points at, not peeled; None if there is none.

        A symbolic ref under our prefixes is refused (`git.symbolic_ref`, protocol 5.4).
        """
        ...

    def refs(self, prefix: str) -> Sequence[tuple[str, Oid]]:
        """All refs whose name begins with `prefix` (which ends in `/`), sorted by name, not peeled."""
        ...


class Repository(ObjectReader, Protocol):
    """A repository that can also be written; every method is safe between processes."""

    @property
    def common_dir(self) -> Path:
        """The directory that all worktrees share; local state lies in its `gitflow/` folder."""
        ...

    @property
    def work_dir(self) -> Path | None:
        """The work tree, None in a bare repository."""
        ...

    def commit(self, oid: Oid) -> Commit:
        """The commit of that id; `DamagedError` (`git.object_missing` or `git.object_kind`)."""
        ...

    def tag(self, oid: Oid) -> Tag:
        """The annotated tag of that id; errors as `commit`."""
        ...

    def tree(self, oid: Oid) -> tuple[TreeEntry, ...]:
        """The entries of that tree; errors as `commit`."""
        ...

    def blob(self, oid: Oid) -> bytes:
        """The bytes of that blob; errors as `commit`."""
        ...

    def entry(self, tree: Oid, path: str) -> TreeEntry | None:
        """The entry at `a/b/c` below that tree, None if any part is missing."""
        ...

    def write(self, objects: Sequence[RawObject]) -> None:
        """Make all objects durable before returning; a few lie loose, more go into one pack.

        Raises `TransientError` (`git.disk_full`, `git.read_only`); a partial write leaves no ref behind.
        """
        ...

    def swap(self, updates: Sequence[RefUpdate], *, message: str = "") -> None:
        """Move the refs in the order given, each only from its `old`, durable on return.

        Several updates share one locked transaction: if any `old` does not hold, none moves and
        `ConflictError` (`git.ref_moved`, details `ref`, `expected`, `found`) is raised. After a crash a
        prefix of the updates may stand, never another subset. Lock contention is retried with jitter for
        two seconds, then `TransientError` (`git.ref_locked`). A read-back confirms every move.
        """
        ...

    def ancestors(self, tip: Oid, *, first_parent: bool = False) -> Iterator[Oid]:
        """`tip` and its ancestors, children first; only first parents if asked."""
        ...

    def is_ancestor(self, older: Oid, newer: Oid) -> bool:
        """Whether `older` is `newer` or one of its ancestors."""
        ...
