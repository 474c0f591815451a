"""Lock files that dead processes left beside refs: which may be removed, and which are only reported.

A `*.lock` beside a ref blocks that ref for every Git program. Whether it may go depends on whose ref it is
(protocol 1.6); in no case may a living process have it open, and since git closes a lock file before it
renames it, it must be old as well. The caller holds the lock that its function names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.git.ref_names import check_name
from gitflow_runner.git.refs import ALL, HEADS, INBOXES, JOBS, KV, LOGS, SLOTS, TABLES, TRIGGERS

RUN_AGE = 5.0  # seconds
SHARED_AGE = 30.0
OTHER_AGE = 3_600.0
_SHARED = (SLOTS, TRIGGERS, KV, JOBS, LOGS, TABLES)
_REPORTED = (*INBOXES, HEADS)
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class LockFile:
    """One lock file: the ref (or file) that it blocks, its age in seconds, and why it stays ("" if not)."""

    name: str
    path: Path
    age: float
    kept_because: str = ""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was removed and what was left."""

    removed: tuple[LockFile, ...]
    kept: tuple[LockFile, ...]


def clear_run_locks(common_dir: Path, names: Sequence[str], now: float) -> Cleared:
    """Remove stale locks of one run's own refs (its run and active ref).

    Only the holder of that run's `flock` may call this. `now` is the wall clock in seconds.
    """
    found = [_lock(common_dir, check_name(name), now) for name in names]
    return _clear([(lock, RUN_AGE) for lock in found if lock is not None])


def clear_other_locks(common_dir: Path, now: float, booted: float) -> Cleared:
    """Remove stale locks of all shared refs and of `packed-refs`; inboxes, branches and the index stay.

    Only the holder of `maintenance.lock` may call this. Locks under `refs/runner/{slots,triggers,kv,jobs,
    tables,log}` go after 30 s; others once they are an hour old or older than `booted`, the clock at boot.
    """
    due: list[tuple[LockFile, float]] = []
    kept: list[LockFile] = []
    for lock in all_locks(common_dir, now):
        if is_shared(lock):
            due.append((lock, SHARED_AGE))
        elif lock.name.startswith(_REPORTED) or not lock.name.startswith((ALL, "packed-refs")):
            kept.append(_because(lock, "it belongs to whoever writes there; remove it by hand"))
        else:
            due.append((lock, min(OTHER_AGE, max(0.0, now - booted))))
    cleared = _clear(due)
    return Cleared(cleared.removed, (*kept, *cleared.kept))


def is_shared(lock: LockFile) -> bool:
    """Whether the lock is that of a ref which all runners write, and which therefore goes soon."""
    return lock.name.startswith(_SHARED)


def all_locks(common_dir: Path, now: float) -> tuple[LockFile, ...]:
    """Every lock file of refs and of the files beside them, for a report."""
    names = [*_names_below(common_dir), "packed-refs", "HEAD", "index", "config"]
    found = [_lock(common_dir, name, now) for name in names]
    return tuple(lock for lock in found if lock is not None)


def _names_below(common_dir: Path) -> Iterator[str]:
    for folder, _, files in os.walk(common_dir / "refs"):
        for file in sorted(files):
            if file.endswith(".lock"):
                yield str((Path(folder) / file.removesuffix(".lock")).relative_to(common_dir))


def _lock(common_dir: Path, name: str, now: float) -> LockFile | None:
    path = common_dir / f"{name}.lock"
    try:
        return LockFile(name, path, now - path.lstat().st_mtime)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _clear(due: Iterable[tuple[LockFile, float]]) -> Cleared:
    removed: list[LockFile] = []
    kept: list[LockFile] = []
    for lock, least in due:
        if lock.age < least:
            kept.append(_because(lock, f"it is younger than {least:g} s"))
        elif not _PROC.is_dir():
            kept.append(_because(lock, "this system does not tell whether a process has it open"))
        elif is_open(lock.path):
            kept.append(_because(lock, "a process has it open"))
        else:
            lock.path.unlink(missing_ok=True)
            removed.append(lock)
    return Cleared(tuple(removed), tuple(kept))


def is_open(path: Path) -> bool:
    """Whether any process that this one may look into has the file open.

    Only the user who created a lock holds it open, so processes of other users need not be seen; where
    the lock is another user's and this process is not root, the answer is yes, to be on the safe side.
    """
    try:
        wanted = path.stat()
    except FileNotFoundError:
        return False
    if os.geteuid() not in (0, wanted.st_uid):
        return True
    for process in _PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            handles = list((process / "fd").iterdir())
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            continue
        for handle in handles:
            try:
                found = handle.stat()
            except (OSError, ValueError):
                continue  # closed since, or no file
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    return False


def _because(lock: LockFile, reason: str) -> LockFile:
    return LockFile(lock.name, lock.path, lock.age, reason)
