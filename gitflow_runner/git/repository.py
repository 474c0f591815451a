"""The port through which everything above reads and writes Git.

One contract suite (`tests/contract/test_repository.py`) holds every adapter to this page. All ids are
full SHA-1 names. Nothing here forces a ref: a `swap` names the old value or it does not happen.
Ref names and ids are checked wherever they come in: `RefusedError` (`ref.malformed`), `DamagedError`
(`git.malformed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Commit, Oid, RawObject, Tag, TreeEntry, check_oid
from gitflow_runner.git.ref_names import check_name


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One move of one ref; `old` None means "must not exist", `new` None means "delete".

    Equal values only assert that the ref stands there, under the same lock as the other moves.
    """

    name: str
    old: Oid | None
    new: Oid | None

    def __post_init__(self) -> None:
        check_name(self.name)
        for oid in (self.old, self.new):
            if oid is not None:
                check_oid(oid)


def check_plan(updates: Sequence[RefUpdate]) -> tuple[RefUpdate, ...]:
    """The updates themselves unless one name occurs twice: `RefusedError` (`ref.twice`)."""
    names = [update.name for update in updates]
    for name in names:
        if names.count(name) > 1:
            raise RefusedError("ref.twice", f"one transaction cannot move {name} twice")
    return tuple(updates)


class Clock(Protocol):
    """What waiting for a lock needs of time."""

    def monotonic_ms(self) -> int:
        """A clock that never jumps; only differences mean anything."""
        ...

    def sleep_ms(self, duration_ms: int) -> None:
        """Let that much time pass."""
        ...


class Jitter(Protocol):
    """Randomness that keeps waiting processes apart; nothing rests on its quality."""

    def fraction(self) -> float:
        """A number from 0 up to, not including, 1."""
        ...


class Objects(Protocol):
    """An object database without its refs: all that judging a signature needs."""

    def read(self, oid: Oid) -> RawObject:
        """The object; `DamagedError` (`git.object_missing`) if it is absent."""
        ...

    def contains(self, oid: Oid) -> bool:
        """Whether the object is here."""
        ...


class ObjectReader(Objects, Protocol):
    """What can be read from any object database; the second, independent reader has just this."""

    def resolve(self, ref: str) -> Oid | None:
        """The object that a full ref name (or `HEAD`) points at, not peeled; None if there is none.

        A symbolic ref under our prefixes is refused (`git.symbolic_ref`, protocol 5.4); others are followed.
        """
        ...

    def refs(self, prefix: str) -> Sequence[tuple[str, Oid]]:
        """All refs whose name begins with `prefix` (which ends in `/`), sorted by name, not peeled.

        Symbolic refs as in `resolve`; those that lead nowhere are left out.
        """
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

    @property
    def head(self) -> str | None:
        """The full name of the branch that this work tree is on, born or not; None when detached."""
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
        Objects that exist already are written again, since whoever wrote them may not have synced them.
        """
        ...

    def swap(self, updates: Sequence[RefUpdate], *, message: str = "") -> None:
        """Move the refs in the order given, each only from its `old`, durable on return.

        Several updates share one locked transaction: if any `old` does not hold, none moves and
        `ConflictError` (`git.ref_moved`, details `ref`, `expected`, `found`) is raised. After a crash a
        prefix of the updates may stand, never another subset. Lock contention is retried with jitter for
        two seconds, then `TransientError` (`git.ref_locked`). A read-back confirms every move: the ref must
        stand at `new` or, where others may have moved it on since, at a descendant of it.
        Also `ConflictError` (`git.ref_blocked`) where another ref's name lies above or below a new one, and
        `DamagedError` (`git.object_missing`) for a `new` that is not here.
        """
        ...

    def ancestors(self, tip: Oid, *, first_parent: bool = False) -> Iterator[Oid]:
        """`tip` and its ancestors, children first; only first parents if asked.

        Ends quietly where a shallow clone was cut off; any other gap is `DamagedError`.
        """
        ...

    def is_ancestor(self, older: Oid, newer: Oid) -> bool:
        """Whether `older` is `newer` or one of its ancestors."""
        ...
