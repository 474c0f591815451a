"""Taking away stored values that no run names any more, so that a mistake can be taken back (protocol 9.3).

A value goes once it is a week old, no ref leads to a pointer to it, and nobody asked for it meanwhile. It
goes into the trash first, and is found there for another week: whoever reads it takes it back.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid, decode_commit, decode_tag, decode_tree
from gitflow_runner.git.refs import ALL, ARCHIVES
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.blobs import FOLDER, pointer_in
from gitflow_runner.ledger.chain import read_object
from gitflow_runner.ledger.store import TRASH, BlobStore

KEEP_MS: Final = 7 * 86_400_000
_ARCHIVED_AT: Final = 2  # an archive's tree holds <day>/<run>


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection did, or with `dry_run` would do; sizes in bytes."""

    taken: tuple[tuple[str, int], ...]  # digests that went into the trash
    emptied: int  # values that left the trash for good
    kept: int


def named_values(reader: ObjectReader) -> Mapping[str, tuple[str, ...]]:
    """Every digest that a pointer names, with the refs that lead to one; archives and fetched runs included.

    What cannot be read stops it: a pointer may lie there (`DamagedError`).
    """
    found: dict[str, list[str]] = {}
    for name, oid in reader.refs(ALL):
        tree = _tree_of(reader, oid)
        if tree is None:
            continue
        for sha256 in _pointed(reader, tree, _ARCHIVED_AT if name.startswith(ARCHIVES) else 0):
            found.setdefault(sha256, []).append(name)
    return {sha256: tuple(dict.fromkeys(names)) for sha256, names in found.items()}


def collect(
    store: BlobStore,
    named: Collection[str],
    now_ms: int,
    *,
    dry_run: bool = False,
    only: Collection[str] | None = None,
) -> Collected:
    """Move what nobody names into the trash and empty the trash of what lies there for a week.

    The caller holds `maintenance.lock`; `only` leaves everything else alone. `RefusedError` (`res.shared`)
    for a folder of several clones: what the others name cannot be seen from here.
    """
    if store.is_shared:
        raise RefusedError(
            "res.shared",
            f"{store.folder} is shared by several clones, and what the others need cannot be seen from here",
            hint="keep it, or take values away by hand once no clone's runs name them",
        )
    taken: list[tuple[str, int]] = []
    kept = 0
    trash = store.folder / TRASH / str(now_ms)
    for path in store.values():
        wanted = path.name in named or (only is not None and path.name not in only)
        if wanted or not _is_old(path, now_ms):
            kept += 1
            continue
        taken.append((path.name, path.stat().st_size))
        if not dry_run and not _throw_away(path, trash, now_ms):
            taken.pop()
            kept += 1
    emptied = _empty(store, named, now_ms, dry_run=dry_run) if only is None else 0
    return Collected(tuple(taken), emptied, kept)


def remove_leftovers(store: BlobStore, now_ms: int) -> int:
    """Remove what killed writers left half-written, a week old; how many files."""
    gone = 0
    for path in store.folder.glob("tmp-*"):
        if _is_old(path, now_ms):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _throw_away(path: Path, trash: Path, now_ms: int) -> bool:
    trash.mkdir(parents=True, exist_ok=True)
    kept = trash / path.name
    path.replace(kept)
    if _is_old(kept, now_ms):
        return True
    # Somebody stored the same value between our look and our move, and counts on it being there.
    kept.replace(path)
    return False


def _empty(store: BlobStore, named: Collection[str], now_ms: int, *, dry_run: bool) -> int:
    gone = 0
    for folder in store.folder.glob(f"{TRASH}/*"):
        if not folder.name.isdigit() or now_ms - int(folder.name) < KEEP_MS:
            continue
        for path in sorted(folder.iterdir()):
            if path.name in named:
                continue  # it is read back from here when somebody asks
            gone += 1
            if not dry_run:
                path.unlink(missing_ok=True)
        if not dry_run:
            with suppress(OSError):  # it may still hold what is named
                folder.rmdir()
    return gone


def _is_old(path: Path, now_ms: int) -> bool:
    return now_ms - os.stat(path).st_mtime * 1_000 > KEEP_MS


def _tree_of(reader: ObjectReader, oid: Oid) -> Oid | None:
    found = reader.read(oid)
    while found.kind == "tag":
        found = reader.read(decode_tag(found.data).target)
    return decode_commit(found.data).tree if found.kind == "commit" else None


def _pointed(reader: ObjectReader, tree: Oid, below: int) -> Iterator[str]:
    for entry in decode_tree(read_object(reader, tree, "tree")):
        if not entry.is_tree:
            continue
        if below:
            yield from _pointed(reader, entry.oid, below - 1)
        elif entry.name == FOLDER:
            for value in decode_tree(read_object(reader, entry.oid, "tree")):
                if not value.is_tree and len(value.name) == 64:
                    found = pointer_in(reader.read(value.oid).data)
                    if found is not None:
                        yield found.sha256
