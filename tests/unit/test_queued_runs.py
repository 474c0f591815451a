"""A run that queues: what its history may hold before it is admitted, and how it folds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.errors import DamagedError
from gitflow_runner.model.event import (
    Event,
    Recorded,
    RunAdmitted,
    RunCancelled,
    RunPaused,
    RunResumed,
    TimerSet,
)
from gitflow_runner.model.projection import fold
from gitflow_runner.model.run import Run
from gitflow_runner.model.slot import Admission, Decision
from tests.run_histories import RUN, T0, run_started, step_started, wait_opened

SLOT = "b" * 64


def folded(decision: Decision, *events: Event) -> Run:
    admission = Admission(SLOT, "flow/x/v2", decision, None, (RUN,))
    first = replace(run_started(), admission=admission)
    return fold(Recorded(seq, T0, event) for seq, event in enumerate((first, *events), start=1))


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        ("started", "running"),
        ("coexisted", "running"),
        ("nested", "running"),
        ("queued", "queued"),
        ("superseding", "queued"),
    ],
)
def test_what_was_decided_says_whether_it_queues(decision: Decision, status: str) -> None:
    assert folded(decision).status == status


def test_it_runs_once_it_is_admitted_and_a_pause_does_not_let_it_jump_the_queue() -> None:
    assert folded("queued", RunAdmitted(SLOT)).status == "running"
    paused = (RunPaused("ann", "1" * 40), RunResumed("ann", "2" * 40))
    assert folded("queued", *paused).status == "queued"
    assert folded("queued", *paused[:1], RunAdmitted(SLOT)).status == "paused"
    assert folded("queued", RunCancelled("ann", None)).status == "cancelled"


@pytest.mark.parametrize(
    "event",
    [step_started(1), wait_opened(1), TimerSet("nap", "00001-nap", "a" * 64, T0)],
    ids=lambda e: e.kind,
)
def test_nothing_begins_before_the_admission(event: Event) -> None:
    with pytest.raises(DamagedError) as caught:
        folded("superseding", event)
    assert caught.value.code == "history.queued"
    assert not folded("superseding", RunAdmitted(SLOT), event).queued


def test_it_is_admitted_once_and_to_its_own_slot() -> None:
    for events in ((RunAdmitted("c" * 64),), (RunAdmitted(SLOT), RunAdmitted(SLOT))):
        with pytest.raises(DamagedError) as caught:
            folded("queued", *events)
        assert caught.value.code == "history.queued"
    with pytest.raises(DamagedError):
        folded("started", RunAdmitted(SLOT))
