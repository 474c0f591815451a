"""How a benchmark compares: two ways of doing the same, in turns, the best round of each.

Where the plan names a time, `figure` prints ours beside it. Times fail no benchmark, ratios may.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import pytest

Work = Callable[[], object]
Compare = Callable[[str, Work, Work], float]
ROUNDS = 7


class Figure(Protocol):
    """Prints the time of one of `times` pieces of work beside what it is wanted to be within."""

    def __call__(self, what: str, work: Work, *, within_ms: float, times: int = 1) -> None: ...


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Compare:
    """`compare(what, ours, theirs)`: our time over theirs, each the best of 7 rounds that alternate.

    A ratio of two things measured side by side survives a busy machine; seconds do not.
    """

    def measure(what: str, ours: Work, theirs: Work) -> float:
        best_ours = best_theirs = float("inf")
        for _ in range(ROUNDS):
            best_ours = min(best_ours, seconds(ours))
            best_theirs = min(best_theirs, seconds(theirs))
        ratio = best_ours / best_theirs
        text = f"{ratio:8.2f} x  {what}  ({best_ours * 1000:.3f} ms : {best_theirs * 1000:.3f} ms)"
        request.node.user_properties.append(("ratio", text))
        return ratio

    return measure


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """The best of 7 rounds, by the clock on the wall and by this process's use of the processor."""

    def measure(what: str, work: Work, *, within_ms: float, times: int = 1) -> None:
        wall = used = float("inf")
        for _ in range(ROUNDS):
            before = time.process_time()
            wall = min(wall, seconds(work) * 1_000 / times)
            used = min(used, (time.process_time() - before) * 1_000 / times)
        met = "met" if wall <= within_ms else "MISSED"
        text = f"{wall:8.3f} ms {what} (processor {used:.3f} ms); wanted within {within_ms:g} ms: {met}"
        request.node.user_properties.append(("figure", text))

    return measure


def seconds(work: Work) -> float:
    """The time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every ratio and figure, also of a benchmark that failed its bound."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [
        value for report in reports for name, value in report.user_properties if name in ("ratio", "figure")
    ]
    # A report of each phase holds the properties so far: keep the first of each.
    for line in dict.fromkeys(lines):
        terminalreporter.line(str(line))
