"""Gates as people look at them: what is guarded, what was asked lately, what a push would hear."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.errors import GitflowError, NotFoundError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import branch_ref
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.ledger.listing import run_refs
from gitflow_runner.runner.gate_pass import look
from gitflow_runner.runner.gatekeeper import refusal
from gitflow_runner.runner.gates import Gate, live_gates
from gitflow_runner.runner.glass import broken_for
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.triggers.git import Move

RUNS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence about a gate or one of its runs; `why` is `pass`, a refusal's reason or a run's status."""

    gate: str
    why: str
    message: str
    run: str | None = None
    passed: bool = False
    fix: tuple[str, ...] = ()


def list_gates(runtime: Runtime) -> tuple[tuple[Gate, tuple[Said, ...]], ...]:
    """Every gate with its newest runs, those of other clones among them."""
    return tuple((gate, _runs(runtime, gate)) for gate in live_gates(runtime))


def explain_move(runtime: Runtime, branch: str, new: Oid) -> tuple[Said, ...]:
    """What each gate of the branch would say to a push of `new` now; none where it is not guarded."""
    ref = branch_ref(branch)
    move = Move(ref, runtime.repository.resolve(ref), new)
    return tuple(_explained(runtime, gate, move) for gate in live_gates(runtime) if gate.guards(ref))


def find_commit(runtime: Runtime, typed: str) -> Oid:
    """The commit that somebody typed; `NotFoundError` (`git.unknown_revision`)."""
    found = runtime.git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{typed}^{{commit}}")
    if found.code != 0:
        raise NotFoundError("git.unknown_revision", f"{typed[:80]!r} is no commit here", fix=("git log",))
    return Oid(found.stdout.decode().strip())


def find_tip(runtime: Runtime, branch: str) -> Oid | None:
    """Where the branch stands: at the remote that runs are shared through, or here; None if it is new."""
    ref = branch_ref(branch)
    if runtime.remote is None:
        return runtime.repository.resolve(ref)
    return dict(runtime.git.remote_refs(runtime.remote, (ref,))).get(ref)


def _explained(runtime: Runtime, gate: Gate, move: Move) -> Said:
    looked = look(runtime, gate, move, runtime.policies.tip())
    if looked.passed:
        return Said(gate.name, "pass", looked.message, looked.run, True)
    glass = broken_for(runtime, move)
    if glass.enough:
        return Said(gate.name, "glass", f"{', '.join(glass.by)} broke the glass", passed=True)
    said = refusal(runtime, gate, move, looked, glass)
    return Said(gate.name, looked.why, said.message, looked.run, False, said.fix)


def _runs(runtime: Runtime, gate: Gate) -> tuple[Said, ...]:
    found = []
    for at in run_refs(runtime.repository, gate.slug)[: RUNS_SHOWN * 4]:
        try:
            run = read_run(runtime.repository, at.tip)
        except GitflowError as error:
            found.append(Said(gate.name, "damaged", f"run {at.run}: {error.message}", at.run))
            continue
        if run.starter == gate.starter:
            found.append(Said(gate.name, run.status, f"run {at.run} {run.status}", at.run))
    return tuple(found[:RUNS_SHOWN])
