"""Reading objects as what they should be: typed look-ups and walks over any `Objects`."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.objects import (
    Commit,
    Kind,
    Oid,
    Tag,
    TreeEntry,
    decode_commit,
    decode_tag,
    decode_tree,
)
from gitflow_runner.git.repository import Objects

_HEAD = re.compile(
    rb"tree [0-9a-f]{40}\n((?:parent [0-9a-f]{40}\n)*)author [^\n]*\ncommitter [^\n]*> ([0-9]{1,18}) "
)


class Links(NamedTuple):
    """What a walk needs of a commit: its committer's time (a claim) and its parents."""

    time: int
    parents: tuple[Oid, ...]


Walk = Callable[[Oid], Links]


def missing(oid: str) -> DamagedError:
    """The error for an object that should be here and is not."""
    return DamagedError(
        "git.object_missing",
        f"object {oid} is not in this repository",
        hint="it was pruned, or never fetched: fetch it from a clone that has it, then try again",
        fix=("git fsck --connectivity-only",),
        details={"oid": oid},
    )


def damaged(oid: str, found: str) -> DamagedError:
    """The error for an object whose bytes do not have the name that they lie under."""
    return DamagedError(
        "git.object_damaged",
        f"object {oid} is damaged on disk: {found}",
        fix=("git fsck",),
        details={"oid": oid},
    )


def payload(reader: Objects, oid: Oid, kind: Kind) -> bytes:
    """The bytes of that object; `DamagedError` (`git.object_missing`, `git.object_kind`)."""
    found = reader.read(oid)
    if found.kind != kind:
        raise DamagedError(
            "git.object_kind",
            f"object {oid} is a {found.kind}, not a {kind}",
            details={"oid": oid, "kind": found.kind, "expected": kind},
        )
    return found.data


def read_tree(reader: Objects, oid: Oid) -> tuple[TreeEntry, ...]:
    """The entries of that tree."""
    return decode_tree(payload(reader, oid, "tree"))


def entry_at(reader: Objects, tree: Oid, path: str) -> TreeEntry | None:
    """The entry at `a/b/c` below that tree, None if any part is missing or no folder."""
    found: TreeEntry | None = None
    here = tree
    for part in path.split("/"):
        if found is not None and not found.is_tree:
            return None
        found = next((e for e in read_tree(reader, here) if e.name == part), None)
        if found is None:
            return None
        here = found.oid
    return found


def links_of(reader: Objects, cut_off: frozenset[Oid]) -> Walk:
    """How to step from a commit to its parents; commits in `cut_off` are a shallow clone's edge.

    The parents come from the commit's own bytes, so neither grafts nor replacement refs have a say.
    """
    known: dict[Oid, Links] = {}

    def links(oid: Oid) -> Links:
        if oid not in known:
            found = _links(payload(reader, oid, "commit"))
            if oid in cut_off:
                found = Links(found.time, tuple(p for p in found.parents if reader.contains(p)))
            known[oid] = found
        return known[oid]

    return links


def first_parents(tip: Oid, links: Walk) -> Iterator[Oid]:
    """`tip`, its first parent, the first parent of that, and so on."""
    here: Oid | None = tip
    while here is not None:
        before = links(here).parents
        yield here
        here = before[0] if before else None


def children_first(tip: Oid, links: Walk) -> Iterator[Oid]:
    """`tip` and all its ancestors; no commit before all of its children."""
    children: dict[Oid, int] = {tip: 0}
    open_ends = [tip]
    while open_ends:
        for parent in dict.fromkeys(links(open_ends.pop()).parents):
            if parent not in children:
                children[parent] = 0
                open_ends.append(parent)
            children[parent] += 1
    ready = [tip]
    while ready:
        here = ready.pop()
        yield here
        for parent in reversed(dict.fromkeys(links(here).parents)):
            children[parent] -= 1
            if children[parent] == 0:
                ready.append(parent)


def reaches(older: Oid, newer: Oid, links: Walk) -> bool:
    """Whether `older` is `newer` or one of its ancestors.

    Looks at later commits first, which is only a matter of speed: dates decide nothing.
    """
    if older == newer:
        return True
    seen = {newer}
    queue = [(0, newer)]
    while queue:
        _, here = heapq.heappop(queue)
        parents = links(here).parents
        if older in parents:
            return True
        for parent in parents:
            if parent not in seen:
                seen.add(parent)
                heapq.heappush(queue, (-links(parent).time, parent))
    return False


class TypedReads(Objects, Protocol):
    """What a `Repository` reads beyond `read` and `contains`, the same in every adapter."""

    def commit(self, oid: Oid) -> Commit:
        """The commit of that id."""
        return decode_commit(payload(self, oid, "commit"))

    def tag(self, oid: Oid) -> Tag:
        """The annotated tag of that id."""
        return decode_tag(payload(self, oid, "tag"))

    def tree(self, oid: Oid) -> tuple[TreeEntry, ...]:
        """The entries of that tree."""
        return read_tree(self, oid)

    def blob(self, oid: Oid) -> bytes:
        """The bytes of that blob."""
        return payload(self, oid, "blob")

    def entry(self, tree: Oid, path: str) -> TreeEntry | None:
        """The entry at `a/b/c` below that tree."""
        return entry_at(self, tree, path)

    def ancestors(self, tip: Oid, *, first_parent: bool = False) -> Iterator[Oid]:
        """`tip` and its ancestors, children first."""
        links = links_of(self, self._cut_off())
        return first_parents(tip, links) if first_parent else children_first(tip, links)

    def is_ancestor(self, older: Oid, newer: Oid) -> bool:
        """Whether `older` is `newer` or one of its ancestors."""
        return reaches(older, newer, links_of(self, self._cut_off()))

    def _cut_off(self) -> frozenset[Oid]:
        """The edge of a shallow clone, for the adapter that knows it; to the others it is a gap."""
        return frozenset()


def _links(data: bytes) -> Links:
    match = _HEAD.match(data)
    if match is None:
        commit = decode_commit(data)
        return Links(commit.committer.time, commit.parents)
    parents = tuple(Oid(line[7:].decode("ascii")) for line in match[1].splitlines())
    return Links(int(match[2]), parents)
