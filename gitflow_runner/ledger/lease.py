"""Who holds a run: the lock of the driving process, the lease ref of the clone, and the wake-up file.

The lock decides within one machine and dies with its process. The lease (`refs/runner/active/<run>`)
exists exactly as long as the run is not finished; listing it is how recovery finds its work.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gitflow_runner.errors import ConflictError, DamagedError, GitflowError, TransientError
from gitflow_runner.git.objects import RawObject
from gitflow_runner.git.refs import ACTIVE, active_ref, parse_active_ref, run_ref
from gitflow_runner.git.repository import ObjectReader, RefUpdate, Repository
from gitflow_runner.ledger.chain import file_in, head_of, read_run
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.journal import Along, Journal, Sealer, Turn
from gitflow_runner.ledger.link import link_upon

_LEASE_FILE = "lease.json"
_STATE = "gitflow"  # the folder of local state in the common Git directory

StandingState = Literal["unborn", "open", "ended", "damaged"]


@dataclass(frozen=True, slots=True)
class Lease:
    """Which clone drives a run; `at` (ms) is when it took it."""

    run: str
    slug: str
    owner: str
    host: str
    epoch: int
    at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What recovery finds behind one active ref.

    `unborn`: the run's ref was never made. `ended`: its terminal turn stands, the lease does too.
    `damaged`: it cannot be read, `problem` says why.
    """

    run: str
    state: StandingState
    lease: Lease | None = None
    problem: GitflowError | None = None


@contextmanager
def hold_run(common_dir: Path, run: str, who: str) -> Iterator[None]:
    """Hold the run's lock; `who` is one line for whoever finds it held (process, command).

    `ConflictError` (`lease.run_held`) at once if another holder lives.
    """
    active_ref(run)  # refuses what cannot be a run id before it becomes a path
    with _locked(common_dir / _STATE / "runs" / f"{run}.lock", who, f"run {run}", "lease.run_held"):
        yield


@contextmanager
def hold_maintenance(common_dir: Path, who: str) -> Iterator[None]:
    """Hold the lock under which refs are packed, archived and cleaned; `ConflictError` if it is held."""
    with _locked(common_dir / _STATE / "maintenance.lock", who, "maintenance", "lease.maintenance_held"):
        yield


def wake(common_dir: Path, run: str) -> None:
    """Ask the run's holder to look at its inbox now; only a hint (protocol 4.6)."""
    active_ref(run)
    folder = common_dir / _STATE / "wake"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / run).touch()


def take_wake(common_dir: Path, run: str) -> bool:
    """Whether somebody asked; asked again afterwards counts anew, so take it before looking."""
    active_ref(run)
    try:
        (common_dir / _STATE / "wake" / run).unlink()
    except FileNotFoundError:
        return False
    return True


def take_gates_wake(common_dir: Path) -> None:
    """Take the wake-up that a push to a gate's ref left; take it before looking."""
    (common_dir / _STATE / "wake" / "gates").unlink(missing_ok=True)


def take_pushes_wake(common_dir: Path) -> None:
    """Take the wake-up that a push to a branch or tag left; take it before looking."""
    (common_dir / _STATE / "wake" / "pushes").unlink(missing_ok=True)


def wakes(common_dir: Path) -> frozenset[tuple[str, int]]:
    """The wake-ups that nobody has taken, each with its time: one that was left anew is another."""
    found = set[tuple[str, int]]()
    with contextlib.suppress(OSError):  # no folder yet, or a file that was taken meanwhile: look again later
        found = {(entry.name, entry.stat().st_mtime_ns) for entry in os.scandir(common_dir / _STATE / "wake")}
    return frozenset(found)


def begin(
    repository: Repository,
    committer: Committer,
    lease: Lease,
    turn: Turn,
    *,
    slot: Along | None = None,
    sealer: Sealer | None = None,
) -> Journal:
    """Enter the slot, take the lease, record the first turn, in this order and in one transaction.

    That is protocol 4.1. `slot` is what moves before the lease; a `ConflictError` names the ref that somebody
    else moved.
    """
    entering = slot if slot is not None else Along()
    objects = _lease_objects(repository, committer, lease)
    take = RefUpdate(active_ref(lease.run), None, objects[-1].oid)
    ref = run_ref(lease.slug, lease.run)
    along = Along(objects=(*entering.objects, *objects), before=(*entering.before, take))
    return Journal.create(repository, ref, committer, turn, along=along, sealer=sealer)


def finish(repository: Repository, journal: Journal, turn: Turn) -> None:
    """Record the terminal turn and give the lease back, in this order and in one transaction.

    For a run that holds no slot; one that does frees it between `journal.append` and `give_back`.
    """
    ref = active_ref(journal.run.run)
    held = repository.resolve(ref)
    after = () if held is None else (RefUpdate(ref, held, None),)
    journal.append(turn, Along(after=after))


def give_back(repository: Repository, run: str) -> None:
    """Remove the lease of a finished run; harmless if it is gone."""
    ref = active_ref(run)
    held = repository.resolve(ref)
    if held is not None:
        repository.swap([RefUpdate(ref, held, None)])


def take_over(repository: Repository, committer: Committer, lease: Lease) -> None:
    """Write the lease of a new owner over the old one's; `lease.acquired` in the run follows it."""
    ref = active_ref(lease.run)
    objects = _lease_objects(repository, committer, lease)
    repository.write(objects)
    repository.swap([RefUpdate(ref, repository.resolve(ref), objects[-1].oid)])


def read_lease(reader: ObjectReader, run: str) -> Lease | None:
    """The run's lease, None if it is finished; `DamagedError` (`lease.malformed`)."""
    oid = reader.resolve(active_ref(run))
    if oid is None:
        return None
    data = file_in(reader, head_of(reader, oid)[0], _LEASE_FILE)
    try:
        lease = Lease(**json.loads(data or b""))
        texts = (lease.run, lease.slug, lease.owner, lease.host)
        if not all(type(text) is str for text in texts) or {type(lease.epoch), type(lease.at)} != {int}:
            raise ValueError("ill-typed")
    except (ValueError, TypeError, RecursionError):
        raise DamagedError("lease.malformed", f"the lease of run {run} cannot be read") from None
    if lease.run != run:
        raise DamagedError("lease.malformed", f"the lease of run {run} names run {lease.run[:40]}")
    return lease


def standings(reader: ObjectReader) -> tuple[Standing, ...]:
    """Every run with an active ref: what is to be driven, mended or looked at by a person."""
    names = (parse_active_ref(name) for name, _ in reader.refs(ACTIVE))
    return tuple(standing(reader, run) for run in names if run is not None)


def standing(reader: ObjectReader, run: str) -> Standing:
    """How the run stands; see `Standing`. Without an active ref: `ended`, and no lease."""
    try:
        lease = read_lease(reader, run)
        if lease is None:
            return Standing(run, "ended")
        tip = reader.resolve(run_ref(lease.slug, run))
        if tip is None:
            return Standing(run, "unborn", lease)
        recorded = read_run(reader, tip)
        if (recorded.run, recorded.slug) != (run, lease.slug):
            raise DamagedError("run.ref", f"the ref of run {run} holds run {recorded.run}")
        return Standing(run, "ended" if recorded.is_over else "open", lease)
    except GitflowError as problem:
        return Standing(run, "damaged", problem=problem)


def half_made(reader: ObjectReader) -> tuple[Standing, ...]:
    """The runs whose start or end a crash cut in two: for `mend`."""
    return tuple(s for s in standings(reader) if s.state in ("unborn", "ended"))


def mend(repository: Repository, run: str, who: str, free_slot: Callable[[Lease], None]) -> bool:
    """Complete a half-made start or end: free the slot, then remove the lease. True if it did.

    The run's lock is taken first and the refs are looked at again, so that a run which is just being
    started by a living process is left alone.
    """
    try:
        with hold_run(repository.common_dir, run, who):
            found = standing(repository, run)
            if found.lease is None or found.state not in ("unborn", "ended"):
                return False
            free_slot(found.lease)
            give_back(repository, run)
            return True
    except ConflictError as error:
        if error.code == "lease.run_held":
            return False
        raise


def _lease_objects(repository: Repository, committer: Committer, lease: Lease) -> tuple[RawObject, ...]:
    fields = {name: getattr(lease, name) for name in Lease.__slots__}
    content = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    message = f"lease of run {lease.run}, epoch {lease.epoch}\n"
    return link_upon(repository, committer, None, [(_LEASE_FILE, content)], message, lease.at).objects


@contextmanager
def _locked(path: Path, who: str, what: str, code: str) -> Iterator[None]:
    descriptor = _acquire(path, what, code)
    try:
        with contextlib.suppress(OSError):  # without room for a name it is held all the same
            os.ftruncate(descriptor, 0)
            os.write(descriptor, who.encode("utf-8", "replace")[:200] + b"\n")
        yield
    finally:
        # Still locked, so nobody holds this file; whoever opened it meanwhile sees it gone and opens anew.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path, what: str, code: str) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise TransientError("lease.unwritable", f"cannot open {path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("utf-8", "replace").strip()
            os.close(descriptor)
            raise ConflictError(
                code,
                f"{what} is held by {holder or 'another process'}",
                hint="it is being driven right now; record a request or wait until that process ends",
                details={"holder": holder},
            ) from None
        if _is_still_there(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
