"""A repository seen through another reader of its objects and refs; nothing is ever written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import RefusedError
from gitflow_runner.git import reading
from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.git.repository import ObjectReader, RefUpdate, Repository


@dataclass(frozen=True, slots=True)
class ReadOnly(reading.TypedReads):
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

    def write(self, objects: Sequence[RawObject]) -> None:
        """Refused (`git.read_only`)."""
        raise _refused(f"{len(objects)} objects")

    def swap(self, updates: Sequence[RefUpdate], *, message: str = "") -> None:
        """Refused (`git.read_only`)."""
        raise _refused(", ".join(update.name for update in updates))


def _refused(what: str) -> RefusedError:
    return RefusedError("git.read_only", f"a second reader writes nothing: {what[:200]}")
