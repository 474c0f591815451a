"""Pushes to branches and to `refs/for/` held to the gates; what was decided is looked up, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import (
    GATES,
    HEADS,
    branch_ref,
    gate_ref,
    gates_prefix,
    parse_gate_ref,
    trigger_ref,
)
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.firings import read_firing
from gitflow_runner.runner.gate_pass import Looked, look
from gitflow_runner.runner.gates import Gate, live_gates
from gitflow_runner.runner.glass import Broken, broken_for
from gitflow_runner.runner.pushed import Change
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.triggers.git import Move, request

MOST_ASKED = 64  # refs that ask for one branch at a time
_HINTS = {
    "running": "wait for the run, then push again",
    "waiting": "once it is decided, push again",
    "failed": "mend what it found, or ask again",
    "rejected": "people said no to this commit",
    "unproven": "promote a release of the gate's flow that verifies",
}


@dataclass
class Gatekeeper:
    """The gates of one repository during one push.

    `policy_tip` is the policy as it will stand, `sent` are refs of this push by which people may have
    broken the glass.
    """

    runtime: Runtime
    policy_tip: Oid | None
    sent: Sequence[tuple[str, Oid]] = ()
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gates = live_gates(self.runtime)

    def check(self, change: Change) -> None:
        """Refuse (`gate.*`) a branch that a gate does not let move, or an ask that no gate hears."""
        if change.name.startswith(GATES):
            self._check_ask(change)
        elif change.name.startswith(HEADS):
            self._check_branch(change)

    def _guards(self, ref: str) -> list[Gate]:
        return [gate for gate in self.gates if gate.guards(ref)]

    def _check_branch(self, change: Change) -> None:
        if change.old == change.new:
            return
        target = symbolic_target(self.runtime.repository, change.name)
        if target is not None and self._guards(target):
            raise RefusedError(
                "gate.symbolic",
                f"{change.name} stands for {target}, which a gate guards",
                hint="push to the branch itself",
            )
        gates = self._guards(change.name)
        if not gates:
            return
        if change.new is None:
            raise RefusedError(
                "gate.deletion",
                f"{change.name} is guarded by {gates[0].name} and stays",
                hint="retire the gate's flow first, or promote a release of it that leaves this ref out",
                fix=(f"gfr retire {gates[0].slug}",),
            )
        move = Move(change.name, change.old, change.new)
        for gate in gates:
            looked = look(self.runtime, gate, move, self.policy_tip)
            if looked.passed:
                continue
            glass = broken_for(self.runtime, move, self.sent)
            if not glass.enough:
                raise refusal(self.runtime, gate, move, looked, glass)
            self.remarks.append(
                f"{change.name}: past {gate.name}, {', '.join(glass.by)} broke the glass for {move.new}"
            )

    def _check_ask(self, change: Change) -> None:
        parts = parse_gate_ref(change.name)
        if change.new is None or parts is None:
            return  # anybody may take a question back; a name of no form of ours was refused before
        ref = branch_ref(parts.branch)
        if not self._guards(ref):
            raise RefusedError(
                "gate.none",
                f"no live flow guards {ref}",
                hint="push to the branch itself",
                fix=(f"git push origin {change.new}:{ref}",),
            )
        if self.runtime.repository.read(change.new).kind != "commit":
            raise RefusedError("gate.not_a_commit", f"{change.name} is to hold the commit that is to go in")
        standing = self.runtime.repository.refs(gates_prefix(parts.branch))
        if change.old is None and len(standing) >= MOST_ASKED:
            raise RefusedError(
                "gate.full",
                f"{MOST_ASKED} pushes ask for {parts.branch} already",
                hint="take those back that nobody waits for",
                fix=(f"git push origin :{standing[0][0]}",),
            )


def refusal(runtime: Runtime, gate: Gate, move: Move, looked: Looked, glass: Broken) -> RefusedError:
    """Why the gate keeps the move out, with the run there is and what to do next."""
    message = f"{move.ref} is guarded by {gate.name} (v{gate.version}): {looked.message}"
    if glass.by:
        message += f"; {', '.join(glass.by)} broke the glass, {glass.need} people have to"
    if looked.why in ("running", "waiting"):
        hint, fix = _HINTS[looked.why], (f"gfr show {looked.run}",)
    elif looked.why == "unproven":
        hint, fix = _HINTS["unproven"], (f"gfr versions {gate.slug}",)
    else:
        hint = _HINTS.get(looked.why, "ask the gate, wait for its run, then push again")
        fix = (_ask(runtime.repository, move),)
        if looked.why == "no_run" and _is_pending(runtime, gate, move):
            message = f"{move.ref} is guarded by {gate.name}, which was asked, but no worker has looked yet"
            hint, fix = "where the gate runs a worker has to look", ("gfr worker",)
    return RefusedError(
        f"gate.{looked.why}",
        message,
        hint=hint,
        fix=fix,
        details={"gate": gate.name, "run": looked.run, "old": move.old, "new": move.new},
    )


def _ask(repository: Repository, move: Move) -> str:
    """The push that asks for this move, under a name that nobody has used yet."""
    branch, first = move.ref.removeprefix(HEADS), f"{move.new[:10]}-{(move.old or 'new')[:10]}"
    names = (gate_ref(branch, first if n == 1 else f"{first}-{n}") for n in range(1, MOST_ASKED + 2))
    free = next((name for name in names if repository.resolve(name) is None), gate_ref(branch, first))
    return f"git push origin {move.new}:{free}"


def _is_pending(runtime: Runtime, gate: Gate, move: Move) -> bool:
    """Whether a push that no worker has answered asks for this commit."""
    tip = runtime.repository.resolve(trigger_ref(gate.slug, gate.trigger.id))
    for name, oid in runtime.repository.refs(gates_prefix(move.ref.removeprefix(HEADS))):
        wanted = request(gate.slug, gate.trigger.id, move, name)
        if oid == move.new and (tip is None or read_firing(runtime.repository, tip, wanted.delivery) is None):
            return True
    return False


def symbolic_target(repository: Repository, name: str) -> str | None:
    """What a symbolic branch stands for: a push to it moves that one. Packed refs are never symbolic."""
    try:
        text = (repository.common_dir / name).read_bytes()[:1_024]
    except OSError:
        return None
    return text[4:].strip().decode("utf-8", "surrogateescape") if text.startswith(b"ref:") else None
