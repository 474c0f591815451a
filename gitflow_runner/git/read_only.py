"""A repository seen through another reader of its objects and refs; nothing is ever written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import RefusedError
from gitflow_runner.git import reading
from gitflow_runner.git.objects import Commit, Oid, RawObject, Tag, TreeEntry
from gitflow_runner.git.repository import ObjectReader, RefUpdate, Repository

_NO_EDGE: frozenset[Oid] = frozenset()


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """`place` says where the repository lies, `reader` what is in it; see `Repository` for the contract."""

    place: Repository
    reader: ObjectReader

    @property
    def common_dir(self) -> Path:
        """The directory that all worktrees share."""
        return self.place.common_dir

    @property
    def work_dir(self) -> Path | None:
        """The work tree, None in a bare repository."""
        return self.place.work_dir

    @property
    def head(self) -> str | None:
        """The full name of the branch that this work tree is on."""
        return self.place.head

    def read(self, oid: Oid) -> RawObject:
        """The object of that id."""
        return self.reader.read(oid)

    def contains(self, oid: Oid) -> bool:
        """Whether the object is here."""
        return self.reader.contains(oid)

    def resolve(self, ref: str) -> Oid | None:
        """The object that a full ref name points at."""
        return self.reader.resolve(ref)

    def refs(self, prefix: str) -> Sequence[tuple[str, Oid]]:
        """All refs below `prefix`."""
        return self.reader.refs(prefix)

    def commit(self, oid: Oid) -> Commit:
        """The commit of that id."""
        return reading.read_commit(self.reader, oid)

    def tag(self, oid: Oid) -> Tag:
        """The annotated tag of that id."""
        return reading.read_tag(self.reader, oid)

    def tree(self, oid: Oid) -> tuple[TreeEntry, ...]:
        """The entries of that tree."""
        return reading.read_tree(self.reader, oid)

    def blob(self, oid: Oid) -> bytes:
        """The bytes of that blob."""
        return reading.payload(self.reader, oid, "blob")

    def entry(self, tree: Oid, path: str) -> TreeEntry | None:
        """The entry at `a/b/c` below that tree."""
        return reading.entry_at(self.reader, tree, path)

    def ancestors(self, tip: Oid, *, first_parent: bool = False) -> Iterator[Oid]:
        """`tip` and its ancestors; the edge of a shallow clone is a gap here."""
        links = reading.links_of(self.reader, _NO_EDGE)
        return reading.first_parents(tip, links) if first_parent else reading.children_first(tip, links)

    def is_ancestor(self, older: Oid, newer: Oid) -> bool:
        """Whether `older` is `newer` or one of its ancestors."""
        return reading.reaches(older, newer, reading.links_of(self.reader, _NO_EDGE))

    def write(self, objects: Sequence[RawObject]) -> None:
        """Refused (`git.read_only`)."""
        raise _refused(f"{len(objects)} objects")

    def swap(self, updates: Sequence[RefUpdate], *, message: str = "") -> None:
        """Refused (`git.read_only`)."""
        raise _refused(", ".join(update.name for update in updates))


def _refused(what: str) -> RefusedError:
    return RefusedError("git.read_only", f"a second reader writes nothing: {what[:200]}")
