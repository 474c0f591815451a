"""What a turn costs a long run beside a short one, and a turn of many steps beside many turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.model.event import Event
from tests.run_histories import COMMITTER, REF, T0, first_turn, step_started, step_succeeded

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]

TURNS = 50


def steps(first: int, count: int) -> tuple[Event, ...]:
    return tuple(e for n in range(first, first + count) for e in (step_started(n), step_succeeded(n)))


def with_steps(folder: Path, count: int) -> Journal:
    journal = Journal.create(MemoryRepository(folder), REF, COMMITTER, first_turn())
    journal.append(Turn(steps(1, count), T0))
    return journal


def turns(journal: Journal) -> Callable[[], None]:
    def append() -> None:
        for _ in range(TURNS):
            journal.append(Turn(steps(journal.run.steps_begun + 1, 1), T0))

    return append


def bench_a_long_runs_turn(tmp_path: Path, compare: Compare) -> None:
    long, short = with_steps(tmp_path / "long", 5_000), with_steps(tmp_path / "short", 50)
    assert compare(f"{TURNS} turns after 5,000 steps to after 50", turns(long), turns(short)) < 2


def bench_many_steps_in_one_turn(tmp_path: Path, compare: Compare) -> None:
    one, many = with_steps(tmp_path / "one", 50), with_steps(tmp_path / "many", 50)

    def batch() -> None:
        one.append(Turn(steps(one.run.steps_begun + 1, TURNS), T0))

    assert compare(f"one turn of {TURNS} steps to {TURNS} turns", batch, turns(many)) < 0.6
