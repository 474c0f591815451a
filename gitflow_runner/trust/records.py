"""Records beside the runs, such as slots and tables: whether the key behind one is a runner's."""

from __future__ import annotations

from gitflow_runner.git.objects import RawObject, decode_commit
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.statement import carries_statement
from gitflow_runner.trust.turns import UNLISTED
from gitflow_runner.trust.verify import prove


def verify_record(
    raw: RawObject,
    policy: Policy | None,
    *,
    own_key: str | None,
    slug: str | None = None,
    now: int | None = None,
) -> str:
    """The runner that signed a record; refuses with a signature reason, `trailers`, `role`.

    It must be one that may drive the flow `slug`, any flow where that is None. This clone's own key
    (`own_key`, a fingerprint) is believed while the policy does not list it, as for the runs of drafts. What
    lives no longer than a run is judged at `now` (ms); what is kept, at its own date, since its writer's key
    may have run out.
    """
    signed = prove(raw)
    if signed.kind != "commit" or carries_statement(signed.message):
        raise Refusal("trailers", "a statement of somebody is no record of a runner")
    listed = policy is not None and policy.keyring.owners(signed.key)
    if policy is None or not listed:
        if own_key == signed.fingerprint and signed.certificate is None:
            return UNLISTED
        raise Refusal("key_not_allowed", f"no runner listed has the key {signed.fingerprint}")
    at = decode_commit(raw.data).committer.time * 1_000 if now is None else now
    principal = policy.keyring.who(signed, first_seen=at, now=at)
    person = policy.people[principal]
    if person.kind != "runner" or not (own_key == signed.fingerprint or "drive" in person.can):
        raise Refusal("role", f"{principal} is no runner that may drive")
    if slug is not None and own_key != signed.fingerprint:
        policy.check_runner(principal, "drive", slug)
    return principal
