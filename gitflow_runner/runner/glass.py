"""Gates that people overrule: their consents found among the requests, made, and kept in the runner's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitflow_runner.errors import NotFoundError, RefusedError
from gitflow_runner.git.objects import ZERO, Oid
from gitflow_runner.git.refs import branch_ref, request_ref, requests_prefix
from gitflow_runner.runner.gate_pass import TTL_S
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.sync import send
from gitflow_runner.triggers.git import Move
from gitflow_runner.trust.glass import build_break_glass, consenting
from gitflow_runner.trust.statement import BreakGlass

MOST_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class Broken:
    """Who consents to one move past its gate, and how many people it takes; nobody may where `need` is 0."""

    by: tuple[str, ...]
    need: int

    @property
    def enough(self) -> bool:
        """Whether the move may be made."""
        return 0 < self.need <= len(self.by)


def broken_for(runtime: Runtime, move: Move, sent: Sequence[tuple[str, Oid]] = ()) -> Broken:
    """The consents to this move among the requests that stand and those of this push."""
    policy = runtime.policies.newest()
    if policy is None or policy.break_glass is None:
        return Broken((), 0)
    prefix = requests_prefix(None)
    standing = runtime.repository.refs(prefix)[-MOST_LOOKED_AT:]
    oids = dict.fromkeys(
        [oid for _, oid in standing] + [oid for name, oid in sent if name.startswith(prefix)]
    )
    by = consenting(
        runtime.repository,
        tuple(oids),
        (move.ref, move.old or Oid(ZERO), move.new),
        policy,
        now=runtime.clock.now_ms(),
        ttl_ms=(policy.gate_ttl_s or TTL_S) * 1_000,
    )
    return Broken(by, policy.break_glass.need)


def break_glass(runtime: Runtime, branch: str, new: Oid, old: Oid | None, reason: str) -> tuple[str, Oid]:
    """Sign one person's consent to move the branch from `old` to `new` past its gates, and send it."""
    policy = runtime.policies.require()
    if policy.break_glass is None:
        raise RefusedError(
            "gate.no_glass",
            "the policy lets nobody past a gate",
            hint="say who in :break-glass {:need 2 :role :release}, and apply it",
            fix=("gfr policy apply",),
        )
    if not runtime.repository.contains(new):
        raise NotFoundError("git.object_missing", f"there is no commit {new} here")
    signer = runtime.person.require_signer("to break the glass")
    owner = min(policy.keyring.owners(signer.key), default="")
    policy.check_duty(policy.break_glass, owner, None)
    now = runtime.clock.now_ms()
    said = BreakGlass(branch_ref(branch), old or Oid(ZERO), new, runtime.jitter.token(16), reason)
    objects = build_break_glass(said, runtime.person.ident(now), signer)
    ref = request_ref(None, objects[-1].oid)
    send(runtime, ref, objects)
    return ref, objects[-1].oid
