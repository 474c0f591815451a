"""The second, independent reader, over dulwich: what libgit2 reads can be compared with it.

It only reads: its writes are not durable by default. It is slow with many refs and gives wrong answers for
reftable repositories, so it serves audits and tests, not the driving of runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from gitflow_runner.errors import DamagedError, RefusedError
from gitflow_runner.git import reading
from gitflow_runner.git.objects import KINDS, Oid, RawObject, check_oid
from gitflow_runner.git.ref_errors import place, ref_symbolic
from gitflow_runner.git.ref_names import check_name, check_prefix
from gitflow_runner.git.refs import HEAD, is_ours

_SYMBOLIC = b"ref: "
_DEPTH = 5


class DulwichReader:
    """An object database and its refs, read with dulwich alone."""

    def __init__(self, path: Path) -> None:
        """`path` is the work tree's top or the Git directory; `RefusedError` (`git.not_a_repository`)."""
        try:
            self._repo = Repo(str(path))
        except NotGitRepository:
            raise RefusedError(
                "git.not_a_repository", f"{path} is no Git repository", fix=("git init",)
            ) from None

    def close(self) -> None:
        """Close the files that dulwich keeps open."""
        self._repo.close()

    def read(self, oid: Oid) -> RawObject:
        """The object of that id; dulwich does not compare bytes and name, so that is done here."""
        try:
            number, data = self._repo.object_store.get_raw(ObjectID(check_oid(oid).encode()))
        except KeyError:
            raise reading.missing(oid) from None
        found = RawObject(KINDS[number], bytes(data))
        if found.oid != oid:
            raise reading.damaged(oid, f"its bytes have the name {found.oid}")
        return found

    def contains(self, oid: Oid) -> bool:
        """Whether the object is here."""
        return ObjectID(check_oid(oid).encode()) in self._repo.object_store

    def resolve(self, ref: str) -> Oid | None:
        """The object that a full ref name points at, not peeled."""
        name = ref if ref == HEAD else check_name(ref)
        for _ in range(_DEPTH):
            text = self._text(name)
            if text is None:
                return None
            if not text.startswith(_SYMBOLIC):
                return check_oid(text.decode("ascii", "replace"))
            if is_ours(name):
                raise ref_symbolic(name)
            name = check_name(text[len(_SYMBOLIC) :].decode("utf-8", "surrogateescape").strip())
        raise DamagedError("git.ref_damaged", f"{ref} leads in a circle", at=place(ref))

    def _text(self, name: str) -> bytes | None:
        """What the ref holds."""
        return self._repo.refs.read_ref(Ref(name.encode("utf-8", "surrogateescape")))

    def refs(self, prefix: str) -> Sequence[tuple[str, Oid]]:
        """All refs below `prefix`, sorted by name, not peeled."""
        base = check_prefix(prefix).encode("utf-8", "surrogateescape")
        listed = self._repo.refs.allkeys()
        names = sorted(name.decode("utf-8", "surrogateescape") for name in listed if name.startswith(base))
        found = [(name, self.resolve(name)) for name in names]
        return tuple((name, oid) for name, oid in found if oid is not None)
