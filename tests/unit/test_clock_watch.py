"""A clock is believed unless it jumps beside the monotonic one, or lies behind what is on record."""

from __future__ import annotations

import pytest

from gitflow_runner.runner.clock import ManualClock
from gitflow_runner.runner.clock_watch import DRIFT_MS, ClockWatch
from tests.signed_objects import DAY, NOW


def test_time_that_passes_is_no_jump() -> None:
    clock = ManualClock(NOW)
    watch = ClockWatch(clock)
    clock.move(30 * DAY)
    assert watch.doubt(NOW) is None


@pytest.mark.parametrize(
    ("by", "word"),
    [(DRIFT_MS + 1, "ahead by 60 s"), (-DRIFT_MS - 1, "back by 60 s"), (DAY, "ahead by 86400 s")],
)
def test_a_clock_that_is_set_is_doubted_until_it_is_set_right(by: int, word: str) -> None:
    clock = ManualClock(NOW)
    watch = ClockWatch(clock)
    clock.set(NOW + by)
    assert word in (watch.doubt(NOW - DAY) or "")
    clock.set(NOW)
    assert watch.doubt(NOW - DAY) is None
    assert ClockWatch(ManualClock(NOW + by)).doubt(NOW - DAY) is None  # a new process begins anew


@pytest.mark.parametrize("by", [DRIFT_MS, -DRIFT_MS])
def test_a_minute_is_no_jump(by: int) -> None:
    clock = ManualClock(NOW)
    watch = ClockWatch(clock)
    clock.set(NOW + by)
    assert watch.doubt(NOW - DAY) is None


def test_what_is_on_record_may_lie_a_moment_ahead_and_no_more() -> None:
    watch = ClockWatch(ManualClock(NOW))
    assert watch.doubt(NOW + 1_000) is None
    assert watch.doubt(NOW + 2_000) == "this machine's clock is 2 s behind what is on record"
