"""The worker's loop: recover what a crash cut in two, drive this clone's open runs, wait for what is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.refs import GATES, HEADS
from gitflow_runner.ledger.lease import Standing, mend, standings, take_gates_wake, take_pushes_wake, wakes
from gitflow_runner.model.ids import RunId, Slug
from gitflow_runner.runner.drive import Patience, Stood
from gitflow_runner.runner.driving import Target, clear_locks, drive_recorded
from gitflow_runner.runner.gate_runs import answer, asked, tidy
from gitflow_runner.runner.glass import note_broken_glass
from gitflow_runner.runner.inbox import LOOK_EVERY_MS
from gitflow_runner.runner.landings import start_landed
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import note_policies
from gitflow_runner.runner.slots import forget, mend_slots
from gitflow_runner.runner.sync import fetch
from gitflow_runner.runner.upkeep import wait_out_locks, when_idle

FETCH_EVERY_MS = 5_000
WAKE_MS = 500


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of one open run: where it stood, or why it was not driven."""

    run: str
    slug: str | None
    stood: Stood | None = None
    problem: GitflowError | None = None
    mended: bool = False


def work_once(runtime: Runtime) -> Iterator[Worked]:
    """Every open run of this clone once: half-made ones mended, the others driven as far as is due now."""
    fetch(runtime)
    try:
        note_policies(runtime)
    except GitflowError as error:
        runtime.say(f"the policy was not logged: {error.message}")  # each run that needs it says so too
    for name, slug, problem in mend_slots(runtime) if runtime.local.is_ready() else ():
        yield Worked(name, slug, problem=problem)
    answered: set[str] = set()
    for worked in _answer_gates(runtime):
        answered.add(worked.run)
        yield worked
    for worked in _start_landed(runtime):
        answered.add(worked.run)
        yield worked
    for found in standings(runtime.repository):
        if runtime.stop():
            return
        if found.run in answered:
            continue
        worked = _work(runtime, found)
        if worked.problem is not None and worked.problem.code == "git.ref_locked" and wait_out_locks(runtime):
            worked = _work(runtime, found)
        yield worked
    when_idle(runtime)


def work(runtime: Runtime, tell: Callable[[Worked], None]) -> None:
    """Go on until the process is to stop; `tell` hears of every run whose state changed."""
    last: dict[str, object] = {}
    while not runtime.stop():
        due: int | None = None
        woken = wakes(runtime.repository.common_dir)
        for worked in work_once(runtime):
            stood = worked.stood
            state: object = worked.problem.code if worked.problem is not None else None
            if stood is not None:
                state = (stood.run.seq, stood.run.status)
                if stood.due is not None:
                    due = min(due or stood.due, stood.due)
            if last.get(worked.run) != state:
                last[worked.run] = state
                tell(worked)
        most = FETCH_EVERY_MS if runtime.remote is not None else LOOK_EVERY_MS
        now = runtime.clock.now_ms()
        _rest(runtime, most if due is None else max(50, min(most, due - now)), woken)


def _rest(runtime: Runtime, ms: int, woken: frozenset[tuple[str, int]]) -> None:
    """Pause, cut short when somebody leaves a wake-up that was not there when the last round began."""
    until = runtime.clock.monotonic_ms() + ms
    while not runtime.stop() and wakes(runtime.repository.common_dir) <= woken:
        left = until - runtime.clock.monotonic_ms()
        if left <= 0:
            return
        runtime.clock.pause(min(left, WAKE_MS))


def _answer_gates(runtime: Runtime) -> Iterator[Worked]:
    """Start what pushes to the gates' refs ask for; a gate that cannot be asked is told by its flow."""
    if not runtime.local.is_ready():
        return
    take_gates_wake(runtime.repository.common_dir)
    try:
        note_broken_glass(runtime)
        for name, gate, move in asked(runtime):
            if runtime.stop():
                return
            try:
                begun = answer(runtime, name, gate, move)
            except GitflowError as error:
                yield Worked(name, gate.slug, problem=error)
                continue
            if begun is not None:
                yield Worked(begun[0], gate.slug, begun[1])
        tidy(runtime)
    except GitflowError as error:
        yield Worked(GATES, None, problem=error)


def _start_landed(runtime: Runtime) -> Iterator[Worked]:
    """Start what pushes to watched refs ask for; what cannot be started is told by its ref."""
    if not runtime.local.is_ready():
        return
    take_pushes_wake(runtime.repository.common_dir)
    try:
        for found in start_landed(runtime):
            yield Worked(found.run or found.about, found.slug, found.stood, found.problem)
    except GitflowError as error:
        yield Worked(HEADS, None, problem=error)


def _work(runtime: Runtime, found: Standing) -> Worked:
    slug = found.lease.slug if found.lease is not None else None
    try:
        match found.state:
            case "damaged":
                return Worked(found.run, slug, problem=found.problem)
            case "unborn":
                if found.lease is not None:
                    clear_locks(runtime, Target(RunId(found.run), Slug(found.lease.slug)))
                done = mend(
                    runtime.repository,
                    found.run,
                    runtime.who,
                    lambda lease: forget(runtime, lease.slug, lease.run),
                )
                return Worked(found.run, slug, mended=done)
            case "open" | "ended":
                assert found.lease is not None, "a recorded run that is listed has its lease"
                target = Target(RunId(found.run), Slug(found.lease.slug))
                stood = drive_recorded(runtime, target, Patience.NOW)
                return Worked(found.run, slug, stood, mended=found.state == "ended")
    except GitflowError as error:
        return Worked(found.run, slug, problem=error)
