"""How a benchmark compares: two ways of doing the same, in turns, the best round of each."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

Work = Callable[[], object]
Compare = Callable[[str, Work, Work], float]


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Compare:
    """`compare(what, ours, theirs)`: our time over theirs, each the best of 7 rounds that alternate.

    A ratio of two things measured side by side survives a busy machine; seconds do not.
    """

    def measure(what: str, ours: Work, theirs: Work) -> float:
        best_ours = best_theirs = float("inf")
        for _ in range(7):
            best_ours = min(best_ours, seconds(ours))
            best_theirs = min(best_theirs, seconds(theirs))
        ratio = best_ours / best_theirs
        text = f"{ratio:8.2f} x  {what}  ({best_ours * 1000:.3f} ms : {best_theirs * 1000:.3f} ms)"
        request.node.user_properties.append(("ratio", text))
        return ratio

    return measure


def seconds(work: Work) -> float:
    """The time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every ratio, also of a benchmark that failed its bound."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [value for report in reports for name, value in report.user_properties if name == "ratio"]
    # A report of each phase holds the properties so far: keep the first of each.
    for line in dict.fromkeys(lines):
        terminalreporter.line(str(line))
