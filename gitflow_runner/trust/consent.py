"""Several people's consent to one statement, carried by the commit that applies it and its parents."""

from __future__ import annotations

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid, decode_commit
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.trust.keyring import Keyring, Signed
from gitflow_runner.trust.policy import Duty, Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.statement import Statement, parse_statement
from gitflow_runner.trust.verify import prove

MAX_CONSENTS = 64

_DO_NOT_COUNT = ("role", "not_human", "key_not_allowed", "key_expired", "key_not_yet_valid", "key_revoked")


def consents(
    reader: ObjectReader,
    applied: Oid,
    before: Oid | None,
    wanted: Statement,
    policy: Policy,
    duty: Duty | None,
    *,
    slug: str | None,
    seen: int,
    now: int,
    family: str,
    keyring: Keyring | None = None,
) -> tuple[str, ...]:
    """The distinct people behind `applied`: its own signer and those of the statements among its parents.

    `before` is its first parent in the chain, None at a root; every statement stands on the same one and
    says exactly `wanted`. Raises `RefusedError`: `<family>.chain` for a statement that is malformed or says
    something else, `<family>.no_consent` where `duty` is not met by `policy` (and `keyring`, if another).
    """
    if duty is None:
        raise RefusedError(
            f"{family}.no_consent", f"version {policy.version} of the policy lets nobody do this"
        )
    ring = policy.keyring if keyring is None else keyring
    parents = decode_commit(reader.read(applied).data).parents
    base = () if before is None else (before,)
    statements = parents[len(base) :]
    if len(statements) > MAX_CONSENTS:
        raise broken(family, applied, f"it has more than {MAX_CONSENTS} consents")
    people: list[str] = []
    why = ""
    for oid in (*statements, applied):
        try:
            signed, own_parents = _read(reader, oid, wanted, ring)
            if oid != applied and own_parents != base:
                raise broken(family, oid, "a consent that stands on another commit")
            name = ring.who(signed, first_seen=seen, now=now)
            policy.check_duty(duty, name, slug)
        except Refusal as refusal:
            if refusal.reason not in _DO_NOT_COUNT:
                raise broken(family, oid, refusal.message) from None
            why = refusal.message
            continue
        if name not in people:
            people.append(name)
    if len(people) < duty.need:
        raise RefusedError(
            f"{family}.no_consent",
            f"{applied} has the consent of {', '.join(people) or 'nobody'}; it takes {duty.need} of role "
            f"{duty.role}" + (f" ({why})" if why else ""),
        )
    return tuple(people)


def _read(reader: ObjectReader, oid: Oid, wanted: Statement, ring: Keyring) -> tuple[Signed, tuple[Oid, ...]]:
    raw = reader.read(oid)
    signed = prove(raw, ring)
    if parse_statement(signed.message, type(wanted)) != wanted:
        raise Refusal("trailers", "it says something else")
    return signed, decode_commit(raw.data).parents


def broken(family: str, oid: Oid, why: str) -> RefusedError:
    """The error for a link of a chain that is not of its form."""
    return RefusedError(f"{family}.chain", f"commit {oid}: {why}")
