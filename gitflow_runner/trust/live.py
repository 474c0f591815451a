"""The chain of promotions of one flow: which release is live, and who said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Commit, Ident, Oid, RawObject, decode_commit, encode_tree
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.trust.consent import broken, consents
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.revocation import Revocations
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.statement import Promotion, PromotionAction, parse_statement, write_message
from gitflow_runner.trust.verify import prove, signed_message

MAX_PROMOTIONS = 100_000

_NO_TIMES: Mapping[Oid, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Promoted:
    """One verified link: the commit and what it says."""

    oid: Oid
    promotion: Promotion


@dataclass(frozen=True, slots=True)
class LiveChain:
    """All promotions of a flow, oldest first; `by` are the people behind the last one."""

    promotions: tuple[Promoted, ...]
    by: tuple[str, ...]

    @property
    def tip(self) -> Promoted:
        """The promotion in force."""
        return self.promotions[-1]

    @property
    def live(self) -> Promotion | None:
        """The release that is live, None once the flow is retired."""
        last = self.promotions[-1].promotion
        return None if last.action == "retire" else last


def load_live(
    reader: ObjectReader,
    tip: Oid,
    slug: str,
    policy: Policy,
    *,
    now: int,
    known: Oid | None = None,
    seen: Mapping[Oid, int] = _NO_TIMES,
    revoked: Revocations | None = None,
    judged: bool = True,
) -> LiveChain:
    """Verify the chain up to `tip`: every link's form, number and signature, and the tip's people.

    `policy` is the one in force when the tip was first seen (`seen`, ms; else the newest), `revoked` what
    was revoked since. `known` is the tip that this clone knew last. Not `judged`, the chain is only whole:
    nobody is behind its tip, and all that may be done is to promote anew on top of it. Raises `RefusedError`:
    `live.live_rewound`, `live.chain` and `live.no_consent`.
    """
    links = read_promotions(reader, tip, slug)
    if known is not None and all(link.oid != known for link in links):
        raise RefusedError(
            "live.live_rewound",
            f"the promotions of {slug} end at {tip}, which does not descend from {known}, known here",
            hint="somebody moved the live ref back or aside: compare with the other clones",
            fix=(f"gfr audit --flow {slug}",),
        )
    if not judged:
        return LiveChain(tuple(links), ())
    last = links[-1]
    ring = policy.keyring if revoked is None else policy.keyring.with_revoked(revoked)
    by = consents(
        reader,
        last.oid,
        links[-2].oid if len(links) > 1 else None,
        last.promotion,
        policy,
        policy.promote,
        slug=slug,
        seen=seen.get(last.oid, now),
        now=now,
        family="live",
        keyring=ring,
    )
    return LiveChain(tuple(links), by)


def read_promotions(reader: ObjectReader, tip: Oid, slug: str) -> list[Promoted]:
    """All links up to `tip`, oldest first: whole, numbered and signed, whoever the signers are.

    A GPG signature is only well-formed: its key may have left the policy long ago, and who stands behind the
    tip, which holds all others by their ids, is asked elsewhere.

    Raises `RefusedError` (`live.chain`).
    """
    found: list[Promoted] = []
    oid = tip
    while len(found) < MAX_PROMOTIONS:
        raw = reader.read(oid)
        try:
            promotion = parse_statement(signed_message(raw), Promotion)
        except Refusal as refusal:
            raise broken("live", oid, refusal.message) from None
        if promotion.flow != slug:
            raise broken("live", oid, f"a promotion of {promotion.flow} in the chain of {slug}")
        if found and promotion.number != found[-1].promotion.number - 1:
            raise broken("live", oid, f"promotion {promotion.number} before {found[-1].promotion.number}")
        found.append(Promoted(oid, promotion))
        if promotion.number == 1:
            return found[::-1]
        parents = decode_commit(raw.data).parents
        if not parents:
            raise broken("live", oid, f"promotion {promotion.number} follows none")
        oid = parents[0]
    raise broken("live", tip, f"more than {MAX_PROMOTIONS} promotions")


def read_promotion_consent(
    reader: ObjectReader, oid: Oid, before: Oid | None, policy: Policy, *, now: int
) -> tuple[str, Promotion]:
    """Who consents to which promotion that is to follow `before` (None for the first one of a flow).

    Raises `Refusal`: signature reasons, `trailers`, `parent` for one that stands elsewhere, `role` and
    `not_human`.
    """
    raw = reader.read(oid)
    signed = prove(raw, policy.keyring)
    said = parse_statement(signed.message, Promotion)
    if raw.kind != "commit" or decode_commit(raw.data).parents != (() if before is None else (before,)):
        raise Refusal("parent", f"{oid} does not stand on the promotion in force")
    name = policy.keyring.who(signed, first_seen=now, now=now)
    policy.check_duty(policy.promote, name, said.flow)
    return name, said


def next_promotion(
    before: LiveChain | None,
    slug: str,
    version: int,
    release: Oid,
    digest: str,
    action: PromotionAction,
    reason: str | None = None,
) -> Promotion:
    """The promotion that follows the chain, None for a flow that was never live."""
    number = 1 if before is None else before.tip.promotion.number + 1
    return Promotion(slug, version, release, digest, action, number, reason)


def build_promotion(
    promotion: Promotion, before: Oid | None, statements: Sequence[Oid], who: Ident, signer: Signer
) -> tuple[RawObject, ...]:
    """The objects of a signed promotion, the commit last; its tree is empty.

    With no `statements` it is also the consent of one person, which another may take among the parents of
    the promotion that goes onto the ref, where the policy asks for several.
    """
    tree = encode_tree(())
    parents = ((before,) if before is not None else ()) + tuple(statements)
    subject = f"{promotion.action} {promotion.flow} v{promotion.version}"
    commit = Commit(tree.oid, parents, who, who, write_message(subject, promotion))
    return tree, sign_commit(commit, signer)
