"""One more commit of a record's chain: slots, tables, keys, firings and leases are all written so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gitflow_runner.errors import ConflictError
from gitflow_runner.git.objects import Oid, RawObject, blob
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger.chain import read_object
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.tree import Tree

TRIES: Final = 200  # a lost swap means that another writer got on, so this many is never seen


@dataclass(frozen=True, slots=True)
class Link:
    """A commit that nothing names yet, its tree, and all objects that it needs, itself the last."""

    oid: Oid
    tree: Oid
    objects: tuple[RawObject, ...]


def link_upon(
    repository: Repository,
    committer: Committer,
    tip: Oid | None,
    files: Iterable[tuple[str, bytes]],
    message: str,
    at: int,
    *,
    anew: bool = False,
) -> Link:
    """A signed commit upon `tip` in whose tree these files were put; nothing is written.

    Its time is `at` (ms), but never before the tip's. With `anew` it holds these files and no others.
    """
    before = None if tip is None else repository.commit(tip)
    root = None if before is None or anew else before.tree
    tree = Tree(lambda oid: read_object(repository, oid, "tree"), root)
    objects: dict[Oid, RawObject] = {}
    for path, data in files:
        content = blob(data)
        objects[content.oid] = content
        tree.put(path, content.oid)
    written = tree.write(objects)
    time = at if before is None else max(at, before.committer.time * 1_000)
    commit = committer.commit(written, () if tip is None else (tip,), message, time)
    return Link(commit.oid, written, (*objects.values(), commit))


def take(repository: Repository, ref: str, tip: Oid | None, link: Link) -> bool:
    """Write the link and move the ref to it; False if another writer moved it first."""
    repository.write(link.objects)
    try:
        repository.swap([RefUpdate(ref, tip, link.oid)])
    except ConflictError as error:
        if error.code != "git.ref_moved":
            raise
        return False
    return True
