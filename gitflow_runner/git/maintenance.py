"""Keeping a repository quick while turns pour in: packs folded together, refs packed, leftovers removed.

Nothing here deletes an object that any pack or loose file still holds alone. The caller holds
`maintenance.lock`, so that two processes never do this at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.git.program import GitProgram
from gitflow_runner.git.refs import ACTIVE

PACKS_AT_MOST = 50
LOOSE_OBJECTS_AT_MOST = 2_000
LOOSE_REFS_AT_MOST = 500
_SMALL = 1024 * 1024  # bytes; a pack below this is a turn's or a few turns'
_EXCLUDES_SINCE = (2, 43, 0)
_LEFTOVER_AGE = 3_600  # seconds
_LEFTOVERS = ("tmp_pack_", "tmp_idx_", "tmp_obj_")


@dataclass(frozen=True, slots=True)
class Survey:
    """What lies in a repository: all packs, those under 1 MiB, loose objects and loose refs."""

    packs: int
    small_packs: int
    loose_objects: int
    loose_refs: int

    @property
    def objects_due(self) -> bool:
        """Whether packs should be folded together now."""
        return self.small_packs >= PACKS_AT_MOST or self.loose_objects >= LOOSE_OBJECTS_AT_MOST

    @property
    def refs_due(self) -> bool:
        """Whether refs should be packed now."""
        return self.loose_refs >= LOOSE_REFS_AT_MOST


def count_packs(common_dir: Path) -> int:
    """How many packs there are, from one folder's names alone; 0 where nothing lies on disk."""
    try:
        return sum(name.endswith(".pack") for name in os.listdir(common_dir / "objects" / "pack"))
    except FileNotFoundError:
        return 0


def survey(common_dir: Path) -> Survey:
    """Count what lies there; only names and sizes are looked at."""
    if not (common_dir / "objects").is_dir():
        return Survey(0, 0, 0, 0)
    sizes = [size for path, size in _files(common_dir / "objects" / "pack") if path.suffix == ".pack"]
    loose = sum(
        1
        for folder in (common_dir / "objects").iterdir()
        if len(folder.name) == 2
        for path, _ in _files(folder)
        if len(path.name) == 38
    )
    refs = sum(1 for path in (common_dir / "refs").rglob("*") if path.is_file() and path.suffix != ".lock")
    return Survey(len(sizes), sum(1 for size in sizes if size < _SMALL), loose, refs)


def fold_packs(git: GitProgram, *, dedicated: bool) -> None:
    """Fold small packs into few; raises `TransientError` (`git.command_failed`), and nothing is lost then.

    In a repository of runs alone (`dedicated`), and wherever git must not delete objects
    (`extensions.preciousObjects`), all packs become one by way of the multi-pack index, which keeps
    unreachable objects too. In a repository with code only packs of similar size are joined, so that a
    large pack of the project is not written again and again.
    """
    if dedicated or git.config("extensions.preciousObjects") == "true":
        git.run("repack", "-q")
        git.run("multi-pack-index", "write", "--no-progress")
        git.run("multi-pack-index", "repack", "--no-progress", "--batch-size=0")
        git.run("multi-pack-index", "expire", "--no-progress")
        git.run("prune-packed", "-q")
    else:
        git.run("repack", "-q", "--geometric=2", "-d")


def pack_refs(git: GitProgram) -> None:
    """Move loose refs into `packed-refs`, but not leases where git can leave them out: they go soon."""
    keep = ("--exclude", ACTIVE + "*") if git.version() >= _EXCLUDES_SINCE else ()
    git.run("pack-refs", "--all", *keep)


def remove_leftovers(common_dir: Path, now: float) -> tuple[Path, ...]:
    """Remove temporary files over an hour old that killed writers left; returns what was removed.

    `now` is the wall clock in seconds, as files have it.
    """
    removed: list[Path] = []
    for folder in (common_dir / "objects").iterdir():
        if folder.name != "pack" and len(folder.name) != 2:
            continue
        for path, _ in _files(folder):
            if path.name.startswith(_LEFTOVERS) and _is_old(path, now):
                path.unlink(missing_ok=True)
                removed.append(path)
    return tuple(removed)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        try:
            yield path, path.stat().st_size
        except FileNotFoundError:
            continue  # renamed or removed meanwhile


def _is_old(path: Path, now: float) -> bool:
    try:
        return now - path.stat().st_mtime > _LEFTOVER_AGE
    except FileNotFoundError:
        return False
