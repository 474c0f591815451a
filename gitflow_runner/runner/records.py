"""Whether a record beside the runs (firings, slots) was written by a runner of ours (protocol 5.1)."""

from __future__ import annotations

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.verify import prove


def require_record(
    runtime: Runtime, slug: str, ref: str, tip: Oid, *, code: str, then: str, fix: tuple[str, ...] = ()
) -> None:
    """Refuse (`RefusedError` of that code) what neither this clone nor a runner of the policy signed.

    `then` says what comes once the ref is removed, `fix` with which commands.
    """
    try:
        signed = prove(runtime.repository.read(tip))
        if signed.fingerprint == runtime.own_key:
            return
        policy, now = runtime.policies.require(), runtime.clock.now_ms()
        policy.check_runner(policy.keyring.who(signed, first_seen=now, now=now), "drive", slug)
    except Refusal as refusal:
        raise RefusedError(
            code,
            f"{ref} is not a runner's record: {refusal.message}",
            hint=f"somebody wrote it by hand; remove it, then {then}",
            fix=(f"git update-ref -d {ref} {tip}", *fix),
        ) from None
