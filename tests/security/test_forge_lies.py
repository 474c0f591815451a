"""A forge that lies, and people who go around it: each attempt resolves nothing and leaves its own code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.model.change import Account
from gitflow_runner.runner.hints import take_hint
from tests.fakeforge.dialects import DIALECTS, Dialect
from tests.fakeforge.forge import BOB, CAT, MALLORY, ROBOT, RUNNER, Lies, Pull, User, Verdict
from tests.fakeforge.server import TOKEN
from tests.proposing import CAN, RULES, Proposing, proposing
from tests.team import Team

REVIEWS_ONLY = RULES.replace(":drafts true", ":proofs [:signed-commit :forge-review]")


@pytest.fixture
def there(team: Team, tmp_path: Path) -> Iterator[Proposing]:
    with proposing(team, tmp_path) as found:
        yield found


def told(**changes: Any) -> Callable[[Pull], Pull]:
    """A change that is told of with these parts bent."""

    def bend(pull: Pull) -> Pull:
        bent = copy(pull)
        for name, value in changes.items():
            setattr(bent, name, value)
        return bent

    return bend


def wrong_head(pull: Pull) -> Pull:
    return replace(copy(pull), head="b" * 40)


def merged_without(pull: Pull) -> Pull:
    return told(state="closed", merge_commit="d" * 40, merged_by=BOB)(pull)


@pytest.mark.parametrize(
    ("lie", "really", "standing"),
    [
        (Lies(change=merged_without), False, ("unproven", "change.not_merged")),
        (Lies(change=wrong_head), True, ("merged_with_changes", "change.head")),
        (Lies(change=told(base="side")), True, ("unproven", "change.base")),
        (Lies(change=told(number=7)), True, ("unproven", "change.other")),
        (Lies(raw=b"[" * 100_000), True, ("unproven", "forge.malformed")),
        (Lies(raw=b'{"number": "one"}'), True, ("unproven", "forge.malformed")),
        (Lies(always_304=True, headers={"ETag": '"old"'}), True, ("unproven", "forge.replayed_etag")),
        (Lies(status=302, headers={"Location": "http://127.0.0.1:9/"}), True, ("unproven", "forge.redirect")),
        (Lies(status=403), True, ("unproven", "forge.denied")),
        (Lies(status=404), True, ("unproven", "forge.no_change")),
    ],
    ids=["not merged", "head", "base", "other", "deep", "types", "etag", "redirect", "denied", "gone"],
)
def test_a_lie_resolves_nothing_and_has_its_own_code(
    there: Proposing, lie: Lies, really: bool, standing: tuple[str, str]
) -> None:
    asked = there.start()
    there.forge.git("update-ref", "refs/heads/side", there.forge.tip("main"))
    if really:
        there.forge.review(1, BOB)
        there.forge.merge(1, BOB)
    there.forge.lies = lie
    there.look()
    assert there.standing(asked) == standing
    assert (there.attested(asked), there.shipped()) == ([], None)
    assert there.state(asked).status == "waiting"
    assert there.server.tokens == {f"Bearer {TOKEN}"}


def test_a_wrong_merge_commit_is_not_believed_and_harms_nothing(there: Proposing) -> None:
    asked = there.start()
    there.forge.review(1, BOB)
    there.forge.merge(1, BOB)
    there.forge.lies = Lies(change=told(merge_commit="e" * 40))
    there.look()
    assert (there.state(asked).status, there.standing(asked)) == ("succeeded", ("merged", None))


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (replace(BOB, id=99), "unmapped_account"),
        (ROBOT, "bot_account"),
        (RUNNER, "opener"),
    ],
    ids=["another's login", "a bot", "the opener"],
)
def test_a_forged_reviewer_and_merger_is_nobody(there: Proposing, by: User, code: str) -> None:
    asked = there.start()
    there.forge.review(1, by)
    there.forge.merge(1, by)
    there.look()
    assert there.standing(asked) == ("merged", None)
    assert (set(there.notes(asked)), there.attested(asked), there.shipped()) == ({code}, [], None)


def test_a_review_of_another_head_and_an_automatic_merge_count_for_nothing(there: Proposing) -> None:
    asked = there.start()
    there.pull.reviews.append(Verdict(1, BOB, "approved", "f" * 40))
    there.forge.merge(1, CAT, auto=True)
    there.look()
    assert there.notes(asked) == ["other_head", "auto_merge"]
    assert there.shipped() is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_tells_of_an_automatic_merge(team: Team, tmp_path: Path, dialect: Dialect) -> None:
    with proposing(team, tmp_path, dialect, dialect=dialect) as there:
        asked = there.start()
        there.forge.merge(1, BOB, auto=True)
        there.look()
        assert (there.notes(asked), there.shipped()) == (["auto_merge"], None)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_commit_pushed_to_the_proposal_makes_its_merge_another(
    team: Team, tmp_path: Path, dialect: Dialect
) -> None:
    with proposing(team, tmp_path, dialect, dialect=dialect) as there:
        asked = there.start()
        there.forge.commit(there.pull.branch, {"conf/limits.edn": "{:limit 5000}\n"})
        there.forge.review(1, BOB)
        there.forge.merge(1, BOB)
        there.look()
        assert there.standing(asked) == ("merged_with_changes", "change.head")
        assert there.shipped() is None


def test_content_that_came_by_another_way_is_merged_elsewhere(there: Proposing) -> None:
    asked = there.start()
    there.forge.review(1, BOB)
    there.forge.git("update-ref", "refs/heads/main", there.pull.head)
    there.look()
    assert there.standing(asked) == ("merged_elsewhere", "change.elsewhere")
    assert there.shipped() is None


def test_a_merge_button_alone_counts_only_where_the_rule_takes_it(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, rules=REVIEWS_ONLY) as there:
        asked = there.start()
        there.forge.merge(1, BOB)
        there.look()
        assert (there.standing(asked), there.shipped()) == (("merged", None), None)


def test_who_started_the_run_cannot_merge_it_through(there: Proposing) -> None:
    asked = there.start()
    there.forge.merge(1, replace(BOB, id=11, login="ann"))
    there.look()
    assert there.decisions(asked) == [("ann", "self_approval", "forge")]
    assert there.shipped() is None


def test_a_runner_without_the_ability_bears_no_witness(team: Team, tmp_path: Path) -> None:
    with proposing(team, tmp_path, can=CAN.replace(" :attest-forge", "")) as there:
        asked = there.start()
        there.forge.merge(1, BOB)
        there.look()
        assert there.standing(asked) == ("merged", "change.no_attester")
        assert (there.attested(asked), there.shipped()) == ([], None)


def test_a_rewound_main_branch_is_noticed(there: Proposing) -> None:
    asked = there.start()
    first = there.forge.git("rev-list", "--max-parents=0", "refs/heads/main")
    there.forge.git("update-ref", "refs/heads/main", first)
    there.look()
    assert there.standing(asked) == ("unproven", "git.fetch_rejected")


def test_closing_by_a_stranger_leaves_the_wait_open_and_by_a_person_rejects(there: Proposing) -> None:
    asked = there.start()
    there.forge.close(1, MALLORY)
    there.look()
    assert there.standing(asked) == ("closed", "change.closed")
    assert (there.notes(asked), there.state(asked).status) == (["unmapped_account"], "waiting")
    there.forge.reopen(1)
    there.forge.close(1, BOB)
    there.look()
    assert there.state(asked).status == "succeeded"
    assert there.decisions(asked) == [("bob", None, "forge")]
    assert there.shipped() is None


def test_a_draft_opens_no_change(there: Proposing) -> None:
    tools = there.runtime()
    with pytest.raises(IndexError):  # no wait is open: the step failed
        there.start(tools, ref="draft")
    assert (there.forge.opened, there.server.asked) == (0, [])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_forged_delivery_is_refused_and_a_genuine_one_decides_nothing(
    team: Team, tmp_path: Path, dialect: Dialect
) -> None:
    with proposing(team, tmp_path, dialect, dialect=dialect) as there:
        asked = there.start()
        runtime = there.runtime()
        headers, body = there.hint(secret="another")
        good, whole = there.hint()
        cases = [(headers, body), ({}, whole)]
        if dialect != "gitlab":
            cases.append((good, whole + b" "))
        for given, data in cases:
            with pytest.raises(StepError) as refused:
                take_hint(runtime, given, data)
            assert refused.value.code == "forge.hint_refused"
        # Said twice, too early and of a change that is not merged: it only makes the runner look.
        for _ in range(2):
            assert take_hint(runtime, good, whole) == (asked.run,)
            there.look(runtime)
        assert (there.state(asked).status, there.shipped()) == ("waiting", None)


def test_an_account_is_a_number_and_never_a_name() -> None:
    assert Account(99, "bob") != Account(12, "bob")
