"""Concurrency at work: a start asks its slot, a queued run its turn, an ended run makes room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from gitflow_runner.engine.admission import Place, admit, insist, leave, rejoin
from gitflow_runner.errors import ConflictError, DamagedError, GitflowError, RefusedError
from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.git.refs import SLOTS, active_ref, parse_slot_ref, run_ref, slots_prefix
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.lease import give_back, hold_run, wake
from gitflow_runner.ledger.listing import RunRef
from gitflow_runner.ledger.slots import SlotRecord
from gitflow_runner.model.flow import OnNewVersion
from gitflow_runner.model.run import Run
from gitflow_runner.model.slot import Admission, Slot, SlotEntry
from gitflow_runner.runner.records import require_record
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.verify import require_trusted


@dataclass(frozen=True, slots=True)
class Asked:
    """What a start was answered, and the swap that makes it so; `told` wakes whom it concerns."""

    admission: Admission
    ref: str
    objects: tuple[RawObject, ...]
    move: RefUpdate
    told: Callable[[], None]


def ask(
    runtime: Runtime,
    slug: str,
    place: Place,
    entry: SlotEntry,
    *,
    patient: bool,
    callers: Callable[[], frozenset[str]] = frozenset,
) -> Asked:
    """Decide on a start as the slot stands now; nothing is written.

    Raises `ConflictError` (`slot.taken`, `slot.full`) for a start that is neither admitted nor queued,
    `RefusedError` (`slot.untrusted`) and `DamagedError` (`slot.malformed`) for a record that nobody may rely
    on.
    """
    record = slot_record(runtime, slug, place.slot)
    tip, slot = record.read()
    cleared = leave(slot, _gone(runtime, slug, slot, entry.run), entry.at)
    answer = admit(cleared, place, entry, patient=patient, callers=callers)
    if answer.is_full:
        raise ConflictError(
            "slot.full",
            f"{len(answer.slot.queue)} runs of {slug} queue for this slot already",
            hint="see why the first of them does not end",
            fix=(f"gfr show {answer.behind[0]}", f"gfr runs ls --flow {slug}"),
        )
    if answer.admission is None:
        first = answer.behind[0]
        raise ConflictError(
            "slot.taken",
            f"run {first} of the same version of {slug} holds the slot"
            + (f" of {place.key[:80]}" if place.key is not None else ""),
            hint="its :concurrency lets versions overlap, not runs of one version",
            fix=(f"gfr watch {first}", f"gfr cancel {first}"),
            details={"holders": list(answer.behind), "slot": place.slot, "key": place.key},
        )
    objects, move = record.move(tip, answer.slot, entry.at)
    told = partial(_wake_moved, runtime, slot, answer.slot, entry.run)
    return Asked(answer.admission, record.ref, objects, move, told)


class RunSlot:
    """The slot as one driven run sees it."""

    def __init__(self, runtime: Runtime, state: Callable[[], Run], on_new_version: OnNewVersion) -> None:
        """`state` is the run as it stands, `on_new_version` what its own flow says."""
        self._runtime = runtime
        self._state = state
        self._on_new_version = on_new_version
        self._known: tuple[Oid | None, Slot] | None = None
        self._doubted: Oid | None = None

    @property
    def _run(self) -> Run:
        return self._state()

    def may_begin(self) -> bool:
        """Whether a queued run has come to its turn; runs that are over make room first."""
        admission = self._run.admission
        if admission is None:
            return True
        record = self._record(admission)
        now = self._runtime.clock.now_ms()

        def change(slot: Slot) -> Slot:
            there = self._put_back(slot, admission)
            if admission.decision == "superseding":
                there = insist(there, self._run.run, admission.behind)
            return leave(there, _gone(self._runtime, self._run.slug, there, self._run.run), now)

        return record.update(change, now).holds(self._run.run)

    def superseded_by(self) -> str | None:
        """The newer run that this one has to end for; a record that is not a runner's tells nobody anything.

        A run that is admitted and missing from its slot is put back: its own history says that it holds it.
        """
        admission = self._run.admission
        if admission is None:
            return None
        try:
            slot = self._read(admission)
            entry = slot.entry(self._run.run)
            if entry is None:
                record, now = self._record(admission), self._runtime.clock.now_ms()
                slot = record.update(lambda slot: self._put_back(slot, admission), now)
                entry = slot.entry(self._run.run)
        except (RefusedError, DamagedError) as error:
            self._doubt(admission, error)
            return None
        return None if entry is None else entry.superseded_by

    def ahead(self) -> tuple[str, ...]:
        """The runs that were told to end for this one and have not yet."""
        admission = self._run.admission
        if admission is None or admission.decision != "superseding":
            return ()
        entries = self._read(admission).entries
        return tuple(e.run for e in entries if e.superseded_by == self._run.run)

    def _record(self, admission: Admission) -> SlotRecord:
        return slot_record(self._runtime, self._run.slug, admission.slot)

    def _read(self, admission: Admission) -> Slot:
        record = self._record(admission)
        tip = self._runtime.repository.resolve(record.ref)
        if self._known is None or self._known[0] != tip:
            self._known = record.read()
        return self._known[1]

    def _put_back(self, slot: Slot, admission: Admission) -> Slot:
        """The slot with this run in it, and where it was missing with those that it came behind."""
        if slot.entry(self._run.run) is not None:
            return slot
        for run in (*admission.behind, self._run.run):
            tip = self._runtime.repository.resolve(run_ref(self._run.slug, run))
            found = None if tip is None else read_run(self._runtime.repository, tip)
            if found is not None and found.admission is not None and not found.is_over:
                entry = SlotEntry(run, found.admission.version, self._on_new_version, found.started)
                slot = rejoin(slot, entry, holding=not found.queued)
        return slot

    def _doubt(self, admission: Admission, error: GitflowError) -> None:
        record = self._record(admission)
        tip = self._runtime.repository.resolve(record.ref)
        if tip != self._doubted:
            self._doubted = tip
            self._runtime.say(f"the slot of run {self._run.run} is not believed: {error.message}")


@dataclass(frozen=True, slots=True)
class Queued:
    """Where a queued run stands: its place, who goes first, and what is wrong with the record.

    The place counts from 1; 0 is a run whose turn has come, None one that has none (it is to end itself).
    """

    place: int | None
    ahead: tuple[str, ...]
    problem: str | None = None


def queued_at(runtime: Runtime, run: Run) -> Queued | None:
    """The place of a queued run as its slot has it now; None for a run that does not queue."""
    if not run.queued or run.is_over or run.admission is None:
        return None
    try:
        slot = slot_record(runtime, run.slug, run.admission.slot).read()[1]
    except GitflowError as error:
        return Queued(None, run.admission.behind, error.message)
    if slot.holds(run.run):
        return Queued(0, ())
    waiting = [each.run for each in slot.queue if each.superseded_by is None]
    place = waiting.index(run.run) + 1 if run.run in waiting else None
    return Queued(place, slot.before(run.run))


def let_go(runtime: Runtime, run: Run, *, owing: bool = False) -> None:
    """Free the slot of a run whose terminal turn is durable, then its lease, in this order (protocol 4.1).

    A run that is `owing` something to others keeps its lease, which brings a worker back to it.
    """
    repository, now = runtime.repository, runtime.clock.now_ms()
    if run.admission is None:
        if not owing:
            give_back(repository, run.run)
        return
    before = Slot()

    def change(slot: Slot) -> Slot:
        nonlocal before
        before = slot
        return leave(slot, frozenset((run.run,)), now)

    def lease() -> tuple[RefUpdate, ...]:
        held = None if owing else repository.resolve(active_ref(run.run))
        return () if held is None else (RefUpdate(active_ref(run.run), held, None),)

    try:
        after = slot_record(runtime, run.slug, run.admission.slot).update(change, now, lease)
    except (RefusedError, DamagedError) as error:
        runtime.say(f"the slot of run {run.run} is not believed: {error.message}")
        if not owing:
            give_back(repository, run.run)
        return
    _wake_moved(runtime, before, after, run.run)


def forget(runtime: Runtime, slug: str, run: str) -> None:
    """Take a run that was never recorded out of every slot of its flow."""
    now = runtime.clock.now_ms()
    for name, _ in runtime.repository.refs(slots_prefix(slug)):
        parts = parse_slot_ref(name)
        if parts is None:
            continue
        record = slot_record(runtime, slug, parts.second)
        if record.read()[1].entry(run) is not None:
            record.update(lambda slot: leave(slot, frozenset((run,)), now), now)


def mend_slots(runtime: Runtime) -> Iterator[tuple[str, str, GitflowError]]:
    """Take out of all slots what is over or never was; (ref, slug, problem) of those that cannot be read."""
    for name, _ in runtime.repository.refs(SLOTS):
        parts = parse_slot_ref(name)
        if parts is None:
            continue
        slug, record = parts.first, slot_record(runtime, parts.first, parts.second)
        now, before = runtime.clock.now_ms(), Slot()

        def change(slot: Slot, slug: str = slug, now: int = now) -> Slot:
            return leave(slot, _gone(runtime, slug, slot, None), now)

        try:
            before = record.read()[1]
            after = record.update(change, now)
        except GitflowError as error:
            yield name, slug, error
            continue
        _wake_moved(runtime, before, after, "")


def slot_record(runtime: Runtime, slug: str, digest: str) -> SlotRecord:
    """The slot of that digest; its readers refuse (`slot.untrusted`) what no runner of ours signed."""

    def check(ref: str, tip: Oid) -> None:
        then, fix = "let open runs take their places in it again", ("gfr worker --once",)
        require_record(runtime, slug, ref, tip, code="slot.untrusted", then=then, fix=fix)

    return SlotRecord(runtime.repository, runtime.committer, slug, digest, check)


def _gone(runtime: Runtime, slug: str, slot: Slot, own: str | None) -> frozenset[str]:
    """The runs of the slot that are over, or whose start died before anything of them was recorded."""
    return frozenset(e.run for e in slot.entries if e.run != own and _is_gone(runtime, slug, e.run))


def _is_gone(runtime: Runtime, slug: str, run: str) -> bool:
    ref = run_ref(slug, run)
    tip = runtime.repository.resolve(ref)
    try:
        if tip is None:
            return _is_dead_start(runtime, ref, run)
        if not read_run(runtime.repository, tip).is_over:
            return False
        require_trusted(runtime, RunRef(run, slug, ref, tip), act="counted as ended")
    except (RefusedError, DamagedError) as error:
        runtime.say(f"run {run} keeps its place in a slot: {error.message}")
        return False
    return True


def _is_dead_start(runtime: Runtime, ref: str, run: str) -> bool:
    """Whether nobody is just starting the run: a start holds the run's lock from before it asks the slot."""
    try:
        with hold_run(runtime.repository.common_dir, run, runtime.who):
            return runtime.repository.resolve(ref) is None
    except ConflictError:
        return False


def _wake_moved(runtime: Runtime, before: Slot, after: Slot, own: str) -> None:
    """Wake the holders of runs that were admitted, or told to end."""
    known = {*before.holders, *(e for e in before.entries if e.superseded_by is not None)}
    moved = {*after.holders, *(e for e in after.entries if e.superseded_by is not None)} - known
    for entry in sorted(moved, key=lambda each: each.run):
        if entry.run != own:
            wake(runtime.repository.common_dir, entry.run)
