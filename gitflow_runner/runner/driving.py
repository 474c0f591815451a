"""One run driven by this process: lock, trust, recover, drive, and leave it so that others can go on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gitflow_runner.engine.behaviour import check
from gitflow_runner.errors import DamagedError, GitflowError, RefusedError, TransientError
from gitflow_runner.git.refs import active_ref, run_ref
from gitflow_runner.git.stale_locks import clear_run_locks
from gitflow_runner.ledger.codec import decode_pin
from gitflow_runner.ledger.journal import Journal
from gitflow_runner.ledger.lease import give_back, hold_run, read_lease, take_wake, wake
from gitflow_runner.ledger.listing import RunRef
from gitflow_runner.model.ids import RunId, Slug
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.run import Run
from gitflow_runner.runner.assembly import Assembly
from gitflow_runner.runner.children import Called, Launch
from gitflow_runner.runner.code import Code, pinned_code, resolve_code
from gitflow_runner.runner.drive import Patience, Stood
from gitflow_runner.runner.inputs import by_plain_names
from gitflow_runner.runner.leftovers import Proposed
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import note_tip
from gitflow_runner.runner.slots import let_go
from gitflow_runner.runner.start import Caller, begin_run
from gitflow_runner.runner.sync import push_ref
from gitflow_runner.runner.verify import require_trusted

LOCK_AGE_MS = 5_000  # protocol 1.6: a lock file that young may be about to be renamed


@dataclass(frozen=True, slots=True)
class Target:
    """A run of this clone, by name."""

    run: RunId
    slug: Slug

    @property
    def ref(self) -> str:
        """The ref that records it."""
        return run_ref(self.slug, self.run)


def drive_recorded(
    runtime: Runtime, target: Target, patience: Patience, above: Assembly | None = None
) -> Stood:
    """Take up a recorded run and drive it; `ConflictError` (`lease.run_held`) if another process does.

    Raises `RefusedError` (`untrusted_run`, `run.foreign`) for a run that is not to be driven here.
    """
    with hold_run(runtime.repository.common_dir, target.run, runtime.who):
        clear_locks(runtime, target)
        lease = read_lease(runtime.repository, target.run)
        if lease is not None and lease.owner != runtime.owner:
            raise RefusedError(
                "run.foreign",
                f"run {target.run} is driven by another clone ({lease.host})",
                hint="its own clone drives it; a takeover has to be asked for",
            )
        journal = Journal.open(runtime.repository, target.ref, runtime.committer)
        require_trusted(runtime, RunRef(target.run, target.slug, target.ref, journal.tip))
        if journal.run.is_over:
            push_ref(runtime, journal.ref, journal.tip)
            let_go(runtime, journal.run, owing=not _is_cleared(runtime, journal))
            return Stood(journal.run)
        pin = _pin(journal)
        check(pin.behaviour)
        return drive_held(runtime, journal, pin, pinned_code(runtime, pin), patience, above)


def drive_held(
    runtime: Runtime,
    journal: Journal,
    pin: Pin,
    code: Code,
    patience: Patience,
    above: Assembly | None = None,
) -> Stood:
    """Drive a run whose lock the caller holds; afterwards its tip is pushed and, if over, let go.

    `above` is the run that called it, where this process is driving that.
    """
    if take_wake(runtime.repository.common_dir, journal.run.run):
        runtime.forge_memory.hurry(journal.run.run)
    assembly = _assembled(runtime, journal, pin, code, above)
    try:
        stood = assembly.driver.drive(patience)
        cleared = not stood.run.is_over or assembly.closing.settle()
    finally:
        assembly.http.close()
        runtime.local.set_verified_tip(journal.run.run, journal.tip)
    note_tip(runtime, RunRef(journal.run.run, journal.run.slug, journal.ref, journal.tip))
    push_ref(runtime, journal.ref, journal.tip)
    _tell_doubt(runtime, stood)
    if stood.run.is_over:
        let_go(runtime, stood.run, owing=not cleared)
        if pin.caller is not None:
            wake(runtime.repository.common_dir, pin.caller)
    return stood


def _tell_doubt(runtime: Runtime, stood: Stood) -> None:
    """Say once that nothing goes on which hangs on time, and again when it was so in between."""
    run = stood.run.run
    if stood.doubt is None:
        runtime.clocks_doubted.discard(run)
    elif run not in runtime.clocks_doubted:
        runtime.clocks_doubted.add(run)
        runtime.say(
            f"clock_suspect: {stood.doubt}; waits and timers of {run} hold. Set the clock right, then start "
            "this command anew"
        )


def _is_cleared(runtime: Runtime, journal: Journal) -> bool:
    """Whether nothing of an ended run's proposals stands about; most runs propose nothing."""
    proposed = Proposed()
    proposed.follow(journal.history())
    if not proposed.owed():
        return True
    pin = _pin(journal)
    assembly = _assembled(runtime, journal, pin, pinned_code(runtime, pin), None)
    try:
        return assembly.closing.settle()
    finally:
        assembly.http.close()


def _assembled(runtime: Runtime, journal: Journal, pin: Pin, code: Code, above: Assembly | None) -> Assembly:
    def launch(assembly: Assembly) -> Launch:
        return partial(_launch, runtime, assembly)

    return Assembly(runtime, journal, pin, code, launch, partial(_drive_on, runtime), above)


def _drive_on(runtime: Runtime, run: str, slug: Slug) -> None:
    """Drive another run as far as it goes now; whoever holds it was woken and does so itself."""
    try:
        drive_recorded(runtime, Target(RunId(run), slug), Patience.NOW)
    except GitflowError as error:
        if error.code not in ("lease.run_held", "run.unknown"):
            runtime.say(f"run {run} was not driven to its end: {error.message}")


def _launch(runtime: Runtime, above: Assembly, run: RunId, called: Called, parent: Run, depth: int) -> None:
    target = Target(run, called.slug)
    if runtime.repository.resolve(target.ref) is not None:
        drive_recorded(runtime, target, Patience.NOW, above)
        return
    with hold_run(runtime.repository.common_dir, run, runtime.who):
        # Its id follows from the call: whatever a killed process left of its start stands in the way.
        clear_locks(runtime, target)
        if runtime.repository.resolve(target.ref) is None:
            give_back(runtime.repository, run)
        code = resolve_code(runtime, called.slug, called.ref, called.installation)
        caller = Caller(parent.run, parent.starter, parent.starter_key, depth)
        begun = begin_run(runtime, run, code, by_plain_names(called.given), caller=caller)
        drive_held(runtime, begun.journal, begun.pin, begun.code, Patience.NOW, above)


def clear_locks(runtime: Runtime, target: Target) -> None:
    """Remove lock files that a killed process left beside this run's refs, waiting until they are old."""
    names = [target.ref, active_ref(target.run)]
    cleared = clear_run_locks(runtime.repository.common_dir, names, runtime.clock.now_ms() / 1_000)
    if not cleared.kept:
        return
    runtime.clock.sleep_ms(LOCK_AGE_MS)
    cleared = clear_run_locks(runtime.repository.common_dir, names, runtime.clock.now_ms() / 1_000)
    if cleared.kept:
        lock = cleared.kept[0]
        raise TransientError(
            "git.ref_locked",
            f"{lock.name} is locked by {lock.path}: {lock.kept_because}",
            hint="another program is writing this ref, or its clock is off",
        )


def _pin(journal: Journal) -> Pin:
    data = journal.read("pin.json")
    if data is None:
        raise DamagedError("pin.missing", f"run {journal.run.run} has no pin.json")
    return decode_pin(data)
