"""What a run's history leaves to be cleared away: every proposal whose wait is over, each once."""

from __future__ import annotations

import pytest

from gitflow_runner.model.change import ChangeCleared, ChangeOpened, Proposal
from gitflow_runner.model.event import (
    Event,
    Recorded,
    RunCancelled,
    RunTimedOut,
    WaitOpened,
    WaitResolved,
)
from gitflow_runner.model.stored import Stored
from gitflow_runner.runner.leftovers import Proposed

PROPOSAL = Proposal("gitflow/r-00001-ask", "main", "a" * 40, "b" * 40, ".breyta/proposals/x.edn", ())
VALUE = Stored("nil")


def opened(proposal: Proposal | None = PROPOSAL) -> WaitOpened:
    return WaitOpened(
        "ask", "00001-ask", "", "approval", "k", "?", "sha256:0", None, 0, (), 1, None, True, (), "fail",
        (), False, (), proposal,
    )  # fmt: skip


def resolved(outcome: str, action: str | None, by: tuple[str, ...] = ()) -> WaitResolved:
    return WaitResolved("ask", "00001-ask", outcome, action, by, ("c" * 40,) if by else (), VALUE)  # type: ignore[arg-type]


def owed(*events: Event) -> list[tuple[int | None, str | None]]:
    proposed = Proposed()
    for seq, event in enumerate(events, 1):
        proposed.follow([Recorded(seq, 0, event)])
    return [(left.number, left.why) for left in proposed.owed()]


def test_an_open_wait_owes_nothing_and_one_that_proposes_nothing_never_does() -> None:
    assert owed(opened(), ChangeOpened("00001-ask", "github", 7)) == []
    assert owed(opened(None), resolved("approved", "approve", ("bob",))) == []


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (resolved("approved", "approve", ("bob", "cat")), f"it was approved by bob, cat, {'c' * 40}"),
        (resolved("rejected", "reject", ("bob",)), f"it was rejected by bob, {'c' * 40}"),
        (resolved("approved", "skip", ("bob",)), f"it was approved (skip) by bob, {'c' * 40}"),
        (resolved("expired", None), "nobody decided it in time"),
        (RunCancelled("ann", "enough"), "the run was cancelled by ann"),
        (RunTimedOut(5), "the run ended without it"),
    ],
)
def test_what_ends_a_wait_is_told(end: Event, why: str) -> None:
    assert owed(opened(), ChangeOpened("00001-ask", "github", 7), end) == [(7, why)]


def test_a_change_that_was_never_recorded_is_looked_for() -> None:
    assert owed(opened(), resolved("expired", None)) == [(None, "nobody decided it in time")]


def test_what_was_cleared_away_is_owed_no_more_and_the_end_of_the_run_changes_no_reason() -> None:
    done = (opened(), resolved("approved", "approve", ("bob",)))
    assert owed(*done, RunTimedOut(5)) == [(None, f"it was approved by bob, {'c' * 40}")]
    assert owed(*done, ChangeCleared("00001-ask", "closed", "deleted"), RunTimedOut(5)) == []
