"""The runner's hand: the name and the signature under everything that it records in Git."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitflow_runner.git.objects import Commit, Ident, Oid, RawObject


@dataclass(frozen=True, slots=True)
class Committer:
    """Who commits; `sign` makes the armoured signature over a commit's bytes, in process."""

    name: str
    email: str
    sign: Callable[[bytes], str]

    def at(self, millis: int) -> Ident:
        """This committer at that time (ms since the epoch, UTC)."""
        return Ident(self.name, self.email, millis // 1000)

    def commit(
        self, tree: Oid, parents: tuple[Oid, ...], message: str, at: int, *, author: Ident | None = None
    ) -> RawObject:
        """The signed commit; without `author` the committer is the author too."""
        committer = self.at(at)
        bare = Commit(tree, parents, author or committer, committer, message)
        return bare.signed(self.sign(bare.encode().data)).encode()
