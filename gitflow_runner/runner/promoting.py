"""Promotions that take several people: each consent lies among the requests until one of them has enough.

As with the policy, a consent has no ref of its own and carries all that it says; it stands on the promotion
that is in force, so that it is worth nothing once that has moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gitflow_runner.errors import ConflictError, GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import request_ref, requests_prefix
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.sync import send
from gitflow_runner.trust.consent import MAX_CONSENTS
from gitflow_runner.trust.live import build_promotion, read_promotion_consent
from gitflow_runner.trust.statement import Promotion

MAX_SCANNED = 4_096


@dataclass(frozen=True, slots=True)
class PromotionConsent:
    """One person's consent to a promotion, whose key counts now."""

    oid: Oid
    principal: str
    promotion: Promotion


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is to be promoted and who agrees besides whoever sits here; `need` people are asked for."""

    promotion: Promotion
    others: tuple[PromotionConsent, ...]
    need: int

    @property
    def enough(self) -> bool:
        """Whether the signature of whoever sits here makes the number full."""
        return len(self.others) + 1 >= self.need


def gather(runtime: Runtime, promotion: Promotion, before: Oid | None) -> Gathered:
    """The consents of others to this promotion; without a reason of its own it takes over theirs.

    `ConflictError` (`live.signed`) where whoever sits here has consented already and others are missing.
    """
    policy = runtime.policies.require()
    need = 1 if policy.promote is None else policy.promote.need
    if need == 1:
        return Gathered(promotion, (), need)
    found = list(_consents(runtime, before))
    own = policy.keyring.owner(runtime.person.require_signer(f"to {promotion.action}").key)
    if promotion.reason is None:
        promotion = _words_of_others(found, promotion, own)
    same = {c.principal: c for c in found if c.promotion == promotion}
    others = tuple(c for name, c in sorted(same.items()) if name != own)[:MAX_CONSENTS]
    gathered = Gathered(promotion, others, need)
    if own in same and not gathered.enough:
        raise ConflictError(
            "live.signed",
            f"you have consented to {promotion.action} {promotion.flow} v{promotion.version} already; "
            f"{len(same)} of {need} have",
            hint="the others give the same command",
            fix=(f"gfr promote {promotion.flow} v{promotion.version}",),
        )
    return gathered


def _words_of_others(found: Sequence[PromotionConsent], promotion: Promotion, own: str) -> Promotion:
    """The statement to join: one that `own` has not signed yet, then the one that most people signed."""
    signed: dict[str, set[str]] = {}
    for consent in found:
        if replace(consent.promotion, reason=None) == promotion:
            signed.setdefault(consent.promotion.reason or "", set()).add(consent.principal)
    order = sorted(signed, key=lambda reason: (own in signed[reason], -len(signed[reason]), reason))
    return replace(promotion, reason=order[0] or None) if order else promotion


def _consents(runtime: Runtime, before: Oid | None) -> Iterator[PromotionConsent]:
    """Those that stand on this promotion and whose people count now, in the order of their refs."""
    policy, now = runtime.policies.require(), runtime.clock.now_ms()
    for _, oid in runtime.repository.refs(requests_prefix(None))[:MAX_SCANNED]:
        try:
            name, said = read_promotion_consent(runtime.repository, oid, before, policy, now=now)
        except GitflowError:
            continue  # a request of another kind, a consent to an earlier move, or of somebody not asked
        yield PromotionConsent(oid, name, said)


def consent_to_promotion(runtime: Runtime, promotion: Promotion, before: Oid | None) -> tuple[str, Oid]:
    """Sign one consent and put it where the others look; refuses whom the policy does not ask (`role`)."""
    policy = runtime.policies.require()
    signer = runtime.person.require_signer(f"to {promotion.action} {promotion.flow}")
    policy.check_duty(policy.promote, policy.keyring.owner(signer.key), promotion.flow)
    who = runtime.person.ident(runtime.clock.now_ms())
    objects = build_promotion(promotion, before, (), who, signer)
    ref = request_ref(None, objects[-1].oid)
    send(runtime, ref, objects)
    return ref, objects[-1].oid
