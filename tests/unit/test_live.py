"""Promotions: numbered without a gap, by people who may, never moved back."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid, Tag
from gitflow_runner.trust.live import (
    LiveChain,
    build_promotion,
    load_live,
    next_promotion,
    read_promotion_consent,
)
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.revocation import Revocations
from gitflow_runner.trust.signer import FileSigner, sign_tag
from gitflow_runner.trust.statement import Promotion, PromotionAction, write_message
from tests.policies import AGENT, ANN, ANN_2, BOB, DEV, RUNNER, STRANGER, policy
from tests.signed_objects import NOW, Objects, ident, signed_commit

DIGEST = "sha256:" + "ab" * 32
TAG = Oid("12" * 20)
POLICY = policy()
TWO = policy(duties=":promote {:need 2 :role :release}")


class Live:
    """A chain of promotions under construction."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.objects = Objects()
        self.policy = policy
        self.tip: Oid | None = None
        self.number = 0

    def add(
        self,
        key: FileSigner,
        *others: FileSigner,
        version: int = 1,
        action: PromotionAction = "promote",
        step: int = 1,
        flow: str = "hello",
        other_version: int | None = None,
    ) -> Live:
        self.number += step
        promotion = Promotion(flow, version, TAG, DIGEST, action, self.number)
        theirs = Promotion(flow, other_version or version, TAG, DIGEST, action, self.number)
        said = [self.objects.add(*build_promotion(theirs, self.tip, (), ident(), other)) for other in others]
        self.tip = self.objects.add(*build_promotion(promotion, self.tip, said, ident(), key))
        return self

    def load(self, **more: object) -> LiveChain:
        assert self.tip is not None
        return load_live(self.objects, self.tip, "hello", self.policy, **({"now": NOW} | more))  # type: ignore[arg-type]

    def code(self, **more: object) -> str | None:
        try:
            self.load(**more)
        except GitflowError as problem:
            return problem.code
        return None


def test_the_last_promotion_says_what_is_live() -> None:
    live = Live().add(ANN).add(BOB, version=2).add(ANN, version=1, action="rollback")
    found = live.load()
    assert found.live == Promotion("hello", 1, TAG, DIGEST, "rollback", 3)
    assert found.by == ("ann",)
    assert [link.promotion.version for link in found.promotions] == [1, 2, 1]
    assert next_promotion(found, "hello", 2, TAG, DIGEST, "promote").number == 4
    assert next_promotion(None, "hello", 1, TAG, DIGEST, "promote").number == 1


def test_a_retired_flow_has_nothing_live() -> None:
    assert Live().add(ANN).add(ANN, action="retire").load().live is None


@pytest.mark.parametrize("key", [DEV, AGENT, RUNNER, STRANGER])
def test_only_human_promoters_promote(key: FileSigner) -> None:
    assert Live().add(ANN).add(key).code() == "live.no_consent"


def test_two_different_people_promote_where_the_policy_says_two() -> None:
    assert Live(TWO).add(ANN, BOB).load().by == ("bob", "ann")
    assert Live(TWO).add(ANN, BOB).add(BOB, ANN).load().by == ("ann", "bob")
    assert Live(TWO).add(ANN).code() == "live.no_consent"
    assert Live(TWO).add(ANN, ANN_2).code() == "live.no_consent"
    assert Live(TWO).add(ANN, AGENT).code() == "live.no_consent"
    assert Live(TWO).add(ANN, BOB, version=2, other_version=1).code() == "live.chain"


@pytest.mark.parametrize("step", [0, 2])
def test_numbers_follow_without_a_gap(step: int) -> None:
    assert Live().add(ANN).add(ANN, version=2, step=step).code() == "live.chain"


def test_a_promotion_of_another_flow_has_no_place_here() -> None:
    assert Live().add(ANN, flow="other").code() == "live.chain"


def test_a_chain_that_begins_in_the_middle_is_refused() -> None:
    assert Live().add(ANN, step=2).code() == "live.chain"


def test_an_ordinary_commit_in_the_chain_is_refused() -> None:
    live = Live().add(ANN)
    live.tip = live.objects.add(signed_commit(ANN, parents=[live.tip] if live.tip else []))
    assert live.code() == "live.chain"


def test_a_live_ref_moved_back_or_aside_is_rewound() -> None:
    live = Live().add(ANN)
    first = live.tip
    known = live.add(ANN, version=2).tip
    assert live.code(known=known) is None
    assert live.code(known=first) is None
    live.tip, live.number = first, 1
    assert live.code(known=known) == "live.live_rewound"
    assert live.add(ANN, version=9).code(known=known) == "live.live_rewound"


def test_a_promoter_whose_key_was_revoked_since_must_be_replaced() -> None:
    live = Live().add(BOB)
    gone = Revocations({BOB.key.fingerprint: NOW - 1})
    assert live.code(revoked=gone) == "live.no_consent"
    assert live.add(ANN).code(revoked=gone) is None


def test_a_consent_stands_on_the_promotion_in_force_and_is_of_somebody_who_may() -> None:
    live = Live(TWO).add(ANN, BOB)
    said = Promotion("hello", 2, TAG, DIGEST, "promote", 2)

    def code(key: FileSigner, before: Oid | None, now: int = NOW) -> str | None:
        oid = live.objects.add(*build_promotion(said, before, (), ident(), key))
        try:
            assert read_promotion_consent(live.objects, oid, live.tip, TWO, now=now)[1] == said
        except GitflowError as problem:
            return problem.code
        return None

    assert code(ANN, live.tip) is None
    assert code(ANN, None) == "approval.parent"
    assert code(DEV, live.tip) == "approval.role"
    assert code(AGENT, live.tip) == "approval.not_human"
    assert code(STRANGER, live.tip) == "signature.key_not_allowed"
    tag = sign_tag(Tag(TAG, "commit", "x", ident(), write_message("x", said)), ANN)
    with pytest.raises(Refusal, match="does not stand"):
        read_promotion_consent(live.objects, live.objects.add(tag), live.tip, TWO, now=NOW)
    first = live.objects.add(*build_promotion(said, None, (), ident(), ANN))
    assert read_promotion_consent(live.objects, first, None, TWO, now=NOW) == ("ann", said)
