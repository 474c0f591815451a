"""Gates that were asked: each push to `refs/for/` becomes a firing, and that one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from gitflow_runner.errors import ConflictError, GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import GATES, branch_ref, parse_gate_ref, run_ref, trigger_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.firings import Firing, Firings, read_firing, runs_about
from gitflow_runner.ledger.lease import give_back, hold_run
from gitflow_runner.model.ids import RunId, Slug
from gitflow_runner.runner.code import resolve_code
from gitflow_runner.runner.drive import Patience, Stood
from gitflow_runner.runner.driving import Target, clear_locks, drive_held
from gitflow_runner.runner.gates import Gate, live_gates
from gitflow_runner.runner.records import require_record
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.start import Fired, begin_run, new_run_id
from gitflow_runner.triggers.git import Move, request
from gitflow_runner.trust.verify import prove

KEPT_MS = 7 * 86_400_000  # how long a question outlives the run that answered it
MOST_COMMITS = 1_000  # of one proposal whose signers are looked at; beyond, nobody knows them all


def asked(runtime: Runtime) -> Iterator[tuple[str, Gate, Move]]:
    """Every gate's ref that stands, with each gate that guards its branch and the move it asks about."""
    standing = runtime.repository.refs(GATES)
    gates = live_gates(runtime) if standing else ()
    for name, oid in standing:
        parts = parse_gate_ref(name)
        if parts is None:
            continue
        ref = branch_ref(parts.branch)
        move = Move(ref, runtime.repository.resolve(ref), oid)
        for gate in gates:
            if gate.guards(ref):
                yield name, gate, move


def answer(runtime: Runtime, name: str, gate: Gate, move: Move) -> tuple[RunId, Stood] | None:
    """Start and drive the run that the push to `name` asks for; None where there is nothing (more) to start.

    Killed at any point, it is taken up from what stands. Raises what starting a release raises, and
    `RefusedError` (`trigger.untrusted`) where the firings are signed by no runner of ours.
    """
    if gate.problem is not None:
        raise gate.problem
    ref = trigger_ref(gate.slug, gate.trigger.id)
    tip = runtime.repository.resolve(ref)
    if tip is not None:
        check_trigger(runtime, gate, ref, tip)
    wanted = request(gate.slug, gate.trigger.id, move, name)
    known = None if tip is None else read_firing(runtime.repository, tip, wanted.delivery)
    if known is None:
        if move.old == move.new:
            return None
        run = _open_run(runtime, gate, tip, wanted.about) or new_run_id(runtime)
        firing = Firing(wanted.delivery, wanted.about, run, runtime.clock.now_ms(), wanted.facts)
        known = Firings(runtime.repository, runtime.committer, gate.slug, gate.trigger.id).record(firing)
    if known.about != wanted.about:
        return None  # the branch has moved on since: a run about that move would let nothing in
    return start_fired(runtime, gate, move, known.run)


def start_fired(runtime: Runtime, gate: Gate, move: Move, run: str) -> tuple[RunId, Stood] | None:
    """Start and drive the run that a firing names; None where it has begun."""
    target = Target(RunId(run), Slug(gate.slug))
    if runtime.repository.resolve(target.ref) is not None:
        return None
    with hold_run(runtime.repository.common_dir, target.run, runtime.who):
        if runtime.repository.resolve(target.ref) is not None:
            return None
        return target.run, _start(runtime, gate, move, target)


def tidy(runtime: Runtime) -> None:
    """Take gates' refs away that nobody needs: their commit went in, or their run ended long ago."""
    for name, gate, move in asked(runtime):
        arrived = move.old is not None and runtime.repository.is_ancestor(move.new, move.old)
        if arrived or _is_over(runtime, name, gate, move):
            with suppress(ConflictError):  # somebody moved it meanwhile: the next look decides
                runtime.repository.swap([RefUpdate(name, move.new, None)])


def _is_over(runtime: Runtime, name: str, gate: Gate, move: Move) -> bool:
    tip = runtime.repository.resolve(trigger_ref(gate.slug, gate.trigger.id))
    delivery = request(gate.slug, gate.trigger.id, move, name).delivery
    firing = None if tip is None else read_firing(runtime.repository, tip, delivery)
    at = None if firing is None else runtime.repository.resolve(run_ref(gate.slug, firing.run))
    ended = None if at is None else read_run(runtime.repository, at).ended
    return ended is not None and runtime.clock.now_ms() - ended > KEPT_MS


def _start(runtime: Runtime, gate: Gate, move: Move, target: Target) -> Stood:
    # A killed process may have left a lock or a lease of this very run: it is begun from the firing alone.
    clear_locks(runtime, target)
    give_back(runtime.repository, target.run)
    assert gate.signed is not None, "a gate without a problem is verified"
    code = resolve_code(runtime, gate.slug, "live")
    fired = Fired(
        gate.starter,
        gate.signed.fingerprint,
        gate.trigger.invocation,
        move.new,
        proposers(runtime, move),
    )
    begun = begin_run(runtime, target.run, code, move.given, fired=fired)
    return drive_held(runtime, begun.journal, begun.pin, begun.code, Patience.NOW)


def _open_run(runtime: Runtime, gate: Gate, tip: Oid | None, about: str) -> RunId | None:
    """The run about this move that has not ended: a second push gets no second run beside it."""
    for run in () if tip is None else runs_about(runtime.repository, tip, about)[::-1]:
        at = runtime.repository.resolve(run_ref(gate.slug, run))
        if at is None or not read_run(runtime.repository, at).is_over:
            return RunId(run)
    return None


def check_trigger(runtime: Runtime, gate: Gate, ref: str, tip: Oid) -> None:
    """Refuse firings (`trigger.untrusted`) that neither this clone nor a runner of the policy wrote."""
    require_record(runtime, gate.slug, ref, tip, code="trigger.untrusted", then="the gate can be asked anew")


def proposers(runtime: Runtime, move: Move) -> frozenset[str | None]:
    """Whose keys signed the commits that the move brings in; None for one that nobody known signed."""
    repository, policy = runtime.repository, runtime.policies.require()
    base = frozenset(() if move.old is None else repository.ancestors(move.old))
    found: set[str | None] = set()
    for count, oid in enumerate(each for each in repository.ancestors(move.new) if each not in base):
        if count >= MOST_COMMITS:
            return frozenset((*found, None))
        try:
            signed = prove(repository.read(oid), policy.keyring)
            found |= policy.keyring.owners(signed.key) or {None}
        except GitflowError:
            found.add(None)
    return frozenset(found)
