"""Gates that people overrule: their consents found among the requests, made, and kept in the runner's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitflow_runner.errors import GitflowError, NotFoundError, RefusedError
from gitflow_runner.git.objects import ZERO, Oid
from gitflow_runner.git.refs import branch_ref, request_ref, requests_prefix
from gitflow_runner.runner.gate_pass import TTL_S
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs, append
from gitflow_runner.runner.sync import send
from gitflow_runner.triggers.git import Move
from gitflow_runner.trust.glass import build_break_glass, consenting, read_break_glass
from gitflow_runner.trust.log import GlassBroken
from gitflow_runner.trust.statement import BreakGlass

MOST_LOOKED_AT = 1_000
_EVER_MS = 10 * 365 * 86_400_000  # what has gone in is logged however late a worker looks


@dataclass(frozen=True, slots=True)
class Broken:
    """Who consents to one move past its gate, and how many people it takes; nobody may where `need` is 0."""

    by: tuple[str, ...]
    need: int

    @property
    def enough(self) -> bool:
        """Whether the move may be made."""
        return 0 < self.need <= len(self.by)


def broken_for(
    runtime: Runtime, move: Move, sent: Sequence[tuple[str, Oid]] = (), *, ttl_ms: int | None = None
) -> Broken:
    """The consents to this move among the requests that stand and those of this push.

    They last as long as a pass does, unless `ttl_ms` says otherwise.
    """
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
        ttl_ms=ttl_ms or (policy.gate_ttl_s or TTL_S) * 1_000,
    )
    return Broken(by, policy.break_glass.need)


def note_broken_glass(runtime: Runtime) -> None:
    """Log each consent whose commit has gone in, once."""
    done, found = runtime.requests_noted, list[GlassBroken]()
    for _, oid in runtime.repository.refs(requests_prefix(None))[-MOST_LOOKED_AT:]:
        if oid in done:
            continue
        said = _said(runtime, oid)
        tip = None if said is None else runtime.repository.resolve(said.ref)
        if said is None:
            done.add(oid)
        elif tip is not None and _holds(runtime, tip, said.new) and _counts(runtime, said):
            found.append(GlassBroken(runtime.clock.now_ms(), said.ref, said.old, said.new, oid))
            done.add(oid)
    if found:
        known = {entry.consent for entry in RunnerLogs(runtime).broken_glass()}
        append(runtime, *(entry for entry in found if entry.consent not in known))


def _said(runtime: Runtime, oid: Oid) -> BreakGlass | None:
    """The consent in a request; None where it says something else, or its signer is not asked."""
    policy = runtime.policies.newest()
    if policy is None:
        return None
    try:
        raw = runtime.repository.read(oid)
        return read_break_glass(raw, policy, now=runtime.clock.now_ms(), ttl_ms=_EVER_MS)[1]
    except GitflowError:
        return None


def _counts(runtime: Runtime, said: BreakGlass) -> bool:
    old = None if said.old == ZERO else said.old
    return broken_for(runtime, Move(said.ref, old, said.new), ttl_ms=_EVER_MS).enough


def _holds(runtime: Runtime, tip: Oid, oid: Oid) -> bool:
    return runtime.repository.contains(oid) and runtime.repository.is_ancestor(oid, tip)


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
