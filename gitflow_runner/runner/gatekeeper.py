"""Pushes to branches and to `refs/for/` held to the gates; what was decided is looked up, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import GATES, HEADS, branch_ref, gate_ref, gates_prefix, parse_gate_ref
from gitflow_runner.git.repository import Repository
from gitflow_runner.runner.gate_pass import Looked, look
from gitflow_runner.runner.gates import Gate, live_gates
from gitflow_runner.runner.glass import Broken, broken_for
from gitflow_runner.runner.pushed import Change
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.triggers.git import Move

MOST_ASKED = 64  # refs that ask for one branch at a time
_TRIES = 100
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
                raise refusal(self.runtime.repository, gate, move, looked, glass)
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


def refusal(repository: Repository, gate: Gate, move: Move, looked: Looked, glass: Broken) -> RefusedError:
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
        command, is_new = _ask(repository, move)
        fix = (command,)
        if looked.why == "no_run" and not is_new:
            message = message.replace("no run of", "it was asked, but no worker has looked yet; no run of")
            hint, fix = "where the gate runs a worker has to look", ("gfr worker",)
    return RefusedError(
        f"gate.{looked.why}",
        message,
        hint=hint,
        fix=fix,
        details={"gate": gate.name, "run": looked.run, "old": move.old, "new": move.new},
    )


def _ask(repository: Repository, move: Move) -> tuple[str, bool]:
    """The push that asks for this move under a name of its own, and whether none asked for it before."""
    branch, first = move.ref.removeprefix(HEADS), f"{move.new[:10]}-{(move.old or 'new')[:10]}"
    for number in range(1, _TRIES):
        name = gate_ref(branch, first if number == 1 else f"{first}-{number}")
        if repository.resolve(name) is None:
            break
    return f"git push origin {move.new}:{name}", number == 1


def symbolic_target(repository: Repository, name: str) -> str | None:
    """What a symbolic branch stands for: a push to it moves that one. Packed refs are never symbolic."""
    try:
        text = (repository.common_dir / name).read_bytes()[:1_024]
    except OSError:
        return None
    return text[4:].strip().decode("utf-8", "surrogateescape") if text.startswith(b"ref:") else None
