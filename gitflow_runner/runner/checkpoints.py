"""Whether what this clone was shown when it began is known to be fresh, and how that gets known."""

from __future__ import annotations

from collections.abc import Sequence

from gitflow_runner.errors import GitflowError, NotFoundError, RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import LIVE, POLICY, request_ref, requests_prefix
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.sync import fetch, send
from gitflow_runner.trust.checkpoint import SignedCheckpoint, build_checkpoint, read_checkpoint

UNPROVEN = "freshness_unproven"
MAX_SCANNED = 4_096

_MARK = "unproven"  # local file: this clone took over a policy that it had not seen grow


def doubt_freshness(local: LocalState) -> None:
    """Remember that what is here was taken over from elsewhere."""
    local.write(_MARK, b"\n")


def freshness(runtime: Runtime) -> tuple[Finding, ...]:
    """`freshness_unproven` until a checkpoint was pinned in a clone that took over its policy."""
    if runtime.local.read(_MARK) is None:
        return ()
    text = (
        "policy and live releases may be older than what is in force: this clone knows only what it was "
        "shown. Somebody who may promote signs what stands (gfr trust checkpoint); then: gfr trust fresh"
    )
    return (Finding(UNPROVEN, None, text),)


def tell_freshness(runtime: Runtime) -> None:
    """Say it where a live run starts, once a process."""
    for found in freshness(runtime):
        if found.code not in runtime.remarks_said:
            runtime.remarks_said.add(found.code)
            runtime.say(f"{found.code}: {found.message}")


def sign_checkpoint(runtime: Runtime) -> tuple[Oid, dict[str, Oid]]:
    """Sign what stands on the policy's and the live refs here, and send it; its commit, and the refs."""
    policy = runtime.policies.require()
    signer = runtime.person.require_signer("a checkpoint")
    policy.check_duty(policy.promote, policy.keyring.owner(signer.key), None)
    refs = dict(runtime.repository.refs(LIVE))
    tip = runtime.policies.tip()
    if tip is not None:
        refs[POLICY] = tip
    objects = build_checkpoint(refs, runtime.person.ident(runtime.clock.now_ms()), signer)
    send(runtime, request_ref(None, objects[-1].oid), objects)
    return objects[-1].oid, refs


def pin_checkpoint(runtime: Runtime) -> SignedCheckpoint:
    """Hold what is here against the newest checkpoint that counts; from then on it is fresh.

    `NotFoundError` (`trust.no_checkpoint`), `RefusedError` (`freshness_unproven`) where a ref is older here.
    """
    fetch(runtime)
    found = _newest(runtime)
    if found is None:
        raise NotFoundError(
            "trust.no_checkpoint",
            "nobody who may promote has signed a checkpoint lately",
            hint="ask one of them to sign what stands now, and fetch it",
            fix=("gfr trust checkpoint",),
        )
    behind = _behind(runtime, found)
    if behind:
        raise RefusedError(
            UNPROVEN,
            f"{found.principal} saw more than what is here: {', '.join(behind)}",
            hint="what this clone fetches from shows it an old state; compare with the others",
            fix=(f"git ls-remote {runtime.remote or 'origin'}",),
        )
    runtime.local.remove(_MARK)
    return found


def _newest(runtime: Runtime) -> SignedCheckpoint | None:
    policy, now = runtime.policies.require(), runtime.clock.now_ms()
    found: list[SignedCheckpoint] = []
    for _, oid in runtime.repository.refs(requests_prefix(None))[:MAX_SCANNED]:
        try:
            raw = runtime.repository.read(oid)
            found.append(read_checkpoint(raw, runtime.repository, policy, now=now))
        except GitflowError:
            continue  # a request of another kind, too old, or of somebody who is not asked
    return max(found, key=lambda each: (each.at, each.principal), default=None)


def _behind(runtime: Runtime, found: SignedCheckpoint) -> Sequence[str]:
    repository = runtime.repository
    wrong = []
    for name, oid in sorted(found.refs.items()):
        here = repository.resolve(name)
        if here is None or not repository.contains(oid) or not repository.is_ancestor(oid, here):
            wrong.append(name)
    return wrong
