"""Times as people type them."""

from __future__ import annotations

import pytest

from gitflow_runner.cli.moments import read_moment, show_moment
from gitflow_runner.errors import UsageError

NOW = 1_790_000_000_000
DAY = 86_400_000


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0", 0),
        ("1790000000", NOW),
        ("2026-09-21T14:13:20Z", NOW),
        ("2026-09-21T16:13:20+02:00", NOW),
        ("2026-09-21", NOW - (14 * 3600 + 13 * 60 + 20) * 1000),
        ("7d", NOW - 7 * DAY),
        ("90m", NOW - 5_400_000),
        ("2w", NOW - 14 * DAY),
    ],
)
def test_a_time_is_read(typed: str, meant: int) -> None:
    assert read_moment(typed, NOW) == meant


@pytest.mark.parametrize("typed", ["", "soon", "2026-09-21T14:13:20", "-1", "7y", "2026-13-01", "0d"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(UsageError) as problem:
        read_moment(typed, NOW)
    assert problem.value.code == "usage.time"


def test_a_time_is_shown_in_utc() -> None:
    assert show_moment(NOW) == "2026-09-21T14:13:20Z"
