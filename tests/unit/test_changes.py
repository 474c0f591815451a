"""What a forge's word about a change comes to: every lie and every half-truth has its own code."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.model.change import Account, Change, ChangeOpened, Proposal, Review, Standing
from gitflow_runner.trust.changes import Bench, Weighed, weigh_change, weigh_content
from gitflow_runner.trust.landing import Landing

HEAD, OTHER = "a" * 40, "b" * 40
PROPOSAL = Proposal("gitflow/x", "main", "c" * 40, HEAD, ".breyta/proposals/x.edn", ())
RUNNER, BOB, CAT, MALLORY = Account(900, "runner"), Account(12, "bob"), Account(13, "cat"), Account(99, "bob")
OPENED = ChangeOpened("00001-ask", "github", 1, "https://forge.test/1", 900)
EXACT, CHANGED = Landing(Oid("d" * 40)), Landing(Oid("d" * 40), ("conf/limits.edn",))
APPROVED = Review(BOB, "approved", HEAD)
MERGED = Change(1, "https://forge.test/1", "merged", HEAD, "main", RUNNER, CAT, reviews=(APPROVED,))
ALL = ("signed-commit", "forge-review", "forge-merge")


def bench(*proofs: str) -> Bench:
    return Bench(proofs or ALL, "approve", True, lambda number: number in (12, 13))


def weigh(told: Change, landing: Landing | None = EXACT, *proofs: str) -> Weighed:
    return weigh_change(PROPOSAL, OPENED, told, landing, bench(*proofs))


def who(weighed: Weighed) -> list[tuple[str, str]]:
    return [(d.proof, d.account.login) for d in weighed.decisions if d.account is not None]


def test_reviewers_of_the_recorded_head_and_who_merged_decide() -> None:
    assert who(weigh(MERGED)) == [("forge-review", "bob"), ("forge-merge", "cat")]


def test_who_reviewed_and_merged_is_one_person() -> None:
    assert who(weigh(replace(MERGED, merged_by=BOB))) == [("forge-review", "bob")]


def test_who_merged_counts_only_where_the_rule_takes_it() -> None:
    assert who(weigh(MERGED, EXACT, "signed-commit", "forge-review")) == [("forge-review", "bob")]


@pytest.mark.parametrize(
    ("told", "landing", "standing", "reason"),
    [
        (replace(MERGED, number=2), EXACT, "unproven", "change.other"),
        (replace(MERGED, base="side"), EXACT, "unproven", "change.base"),
        (replace(MERGED, head=OTHER), EXACT, "merged_with_changes", "change.head"),
        (MERGED, None, "unproven", "change.not_merged"),
        (MERGED, CHANGED, "merged_with_changes", "change.content"),
        (replace(MERGED, state="open"), CHANGED, "merged_with_changes", "change.content"),
        (replace(MERGED, state="open"), EXACT, "merged_elsewhere", "change.elsewhere"),
        (replace(MERGED, state="closed"), EXACT, "merged_elsewhere", "change.elsewhere"),
        (replace(MERGED, state="closed"), None, "closed", "change.closed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_the_recorded_change_merged_decides_nothing(
    told: Change, landing: Landing | None, standing: Standing, reason: str
) -> None:
    weighed = weigh(told, landing)
    assert (weighed.standing, weighed.reason, weighed.decisions) == (standing, reason, ())


@pytest.mark.parametrize(
    ("review", "code"),
    [
        (Review(MALLORY, "approved", HEAD), "unmapped_account"),
        (Review(replace(BOB, bot=True), "approved", HEAD), "bot_account"),
        (Review(RUNNER, "approved", HEAD), "opener"),
        (Review(BOB, "approved", OTHER), "other_head"),
        (Review(BOB, "approved", None), "other_head"),
        (Review(BOB, "dismissed", HEAD), "review_dismissed"),
        (Review(BOB, "changes", HEAD), "changes_requested"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_review_that_does_not_count_says_why(review: Review, code: str) -> None:
    weighed = weigh(replace(MERGED, reviews=(review,), merged_by=None))
    assert (weighed.standing, weighed.decisions) == ("merged", ())
    assert [note.split()[0] for note in weighed.notes] == [code]


def test_the_last_review_of_a_person_counts_and_comments_change_nothing() -> None:
    later = (APPROVED, Review(BOB, "changes", HEAD))
    assert who(weigh(replace(MERGED, reviews=later, merged_by=None))) == []
    comment = (APPROVED, Review(BOB, "comment", OTHER))
    assert who(weigh(replace(MERGED, reviews=comment, merged_by=None))) == [("forge-review", "bob")]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"merged_by": MALLORY}, "unmapped_account"),
        ({"merged_by": replace(CAT, bot=True)}, "bot_account"),
        ({"merged_by": RUNNER}, "opener"),
        ({"opener": CAT}, "opener"),
        ({"auto_merge": True}, "auto_merge"),
        ({"reviews": (Review(CAT, "changes", HEAD),)}, "changes_requested"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_merger_that_does_not_count_says_why(changes: dict[str, object], code: str) -> None:
    weighed = weigh(replace(MERGED, **{"reviews": (), **changes}))  # type: ignore[arg-type]
    assert weighed.decisions == ()
    assert code in [note.split()[0] for note in weighed.notes]


def test_closing_rejects_by_a_mapped_person_where_the_rule_takes_merges() -> None:
    closed = replace(MERGED, state="closed", merged_by=None, closed_by=CAT)
    assert [(d.proof, d.action) for d in weigh(closed, None).decisions] == [("forge-merge", "reject")]
    assert weigh(closed, None, "forge-review").decisions == ()
    stranger = weigh(replace(closed, closed_by=MALLORY), None)
    assert (stranger.standing, stranger.decisions) == ("closed", ())


def test_content_alone_decides_only_where_the_rule_says_so() -> None:
    elsewhere = replace(MERGED, state="open")
    assert [d.proof for d in weigh(elsewhere, EXACT, "content-only").decisions] == ["content-only"]
    assert weigh_content(EXACT, bench(), merged_by_key=False).standing == "merged_elsewhere"
    assert [d.proof for d in weigh_content(EXACT, bench(), merged_by_key=True).decisions] == ["signed-commit"]
    assert weigh_content(CHANGED, bench("content-only"), merged_by_key=True).decisions == ()
    assert weigh_content(None, bench("content-only"), merged_by_key=False).standing == "open"


def test_a_merge_stands_for_no_action_that_the_wait_does_not_know() -> None:
    other = Bench(ALL, None, False, lambda number: True)
    weighed = weigh_change(PROPOSAL, OPENED, MERGED, EXACT, other)
    assert (weighed.reason, weighed.decisions) == ("change.no_action", ())
