"""Turns of a run: whether the key behind one may drive that flow."""

from __future__ import annotations

from gitflow_runner.git.objects import RawObject
from gitflow_runner.trust.keyring import Signed, Verdict
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.statement import carries_statement
from gitflow_runner.trust.verify import prove

UNLISTED = "unlisted runner"


def verify_turn(
    raw: RawObject,
    policy: Policy | None,
    slug: str,
    *,
    first_seen: int,
    draft: bool = False,
    own_key: str | None = None,
) -> Verdict:
    """Accept a turn signed by a runner that the policy lets drive `slug`.

    A draft's turn may also be signed by this clone's own key (`own_key`, a fingerprint) while the policy
    does not list it; its principal is then `unlisted runner`. `policy` None: no policy is pinned yet. A
    revoked key refuses what was first seen (or not yet checkpointed) by then; `first_seen` is in ms.
    """
    signed: Signed | None = None
    try:
        signed = prove(raw)
        if signed.kind != "commit" or carries_statement(signed.message):
            raise Refusal("trailers", "a statement of somebody is no turn of a run")
        principal = _driver(signed, policy, slug, first_seen, draft, own_key)
    except Refusal as refusal:
        fingerprint = signed.fingerprint if signed is not None else None
        return Verdict(False, refusal.reason, None, fingerprint, refusal.message)
    return Verdict(True, None, principal, signed.fingerprint)


def _driver(
    signed: Signed, policy: Policy | None, slug: str, first_seen: int, draft: bool, own_key: str | None
) -> str:
    listed = policy is not None and policy.keyring.owners(signed.key)
    if policy is None or not listed:
        if draft and own_key == signed.fingerprint and signed.certificate is None:
            return UNLISTED
        raise Refusal("key_not_allowed", f"no runner listed has the key {signed.fingerprint}")
    principal = policy.keyring.who(signed, first_seen=first_seen, now=first_seen)
    if not (draft and own_key == signed.fingerprint and policy.people[principal].kind == "runner"):
        policy.check_runner(principal, "drive", slug)
    return principal
