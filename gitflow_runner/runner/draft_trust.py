"""Which drafts may have connections at all: those whose commit somebody with the role `:dev` signed."""

from __future__ import annotations

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.model.pin import DraftSource, Pin
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.verify import prove

ROLE = "dev"


def require_signed_draft(runtime: Runtime, pin: Pin) -> None:
    """Refuse a draft that nobody answers for (`connection.draft`, protocol 7.3); releases pass.

    What the work tree changes on top of its commit is this person's own.
    """
    if isinstance(pin.source, DraftSource):
        require_signed_commit(runtime, pin.source.commit, pin.slug)


def require_signed_commit(runtime: Runtime, commit: str | None, slug: str | None) -> None:
    """Refuse the work tree or branch on top of that commit, for one flow or for none in particular."""
    policy = runtime.policies.newest()
    if policy is None:
        raise RefusedError(
            "connection.draft",
            "without a policy that this clone trusts, drafts run without connections and secrets",
            hint="gfr trust pin <digest>, or gfr init for a first policy",
        )
    if commit is None:
        raise _unsigned("its branch has no commit yet")
    raw = runtime.repository.read(Oid(commit))
    now = runtime.clock.now_ms()
    try:
        principal = policy.keyring.who(prove(raw, policy.keyring), first_seen=now, now=now)
        policy.check_role(principal, ROLE, slug)
    except Refusal as refusal:
        raise _unsigned(refusal.message) from None


def _unsigned(why: str) -> RefusedError:
    return RefusedError(
        "connection.draft",
        f"this draft has no connections and no secrets: {why}",
        hint=f"a commit of it must be signed by somebody with the role :{ROLE}: git commit --amend -S",
    )
