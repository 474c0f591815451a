"""A run killed at every single write: what was acknowledged stands, the rest is a whole prefix or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import GitflowError, TransientError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.ledger import lease
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.model.event import RunSucceeded
from gitflow_runner.model.projection import fold
from gitflow_runner.model.stored import Stored
from tests.run_histories import (
    COMMITTER,
    REF,
    RUN,
    SLUG,
    T0,
    first_turn,
    step_started,
    step_succeeded,
    wait_resolved,
    wait_turn,
)

LEASE = lease.Lease(RUN, SLUG, "clone-1", "laptop", 1, T0)
TURNS = (
    Turn((step_started(1),), T0 + 1),
    Turn((step_succeeded(1), step_started(2)), T0 + 2, files={"logs/00001-fetch-1.1.log": b"ok\n"}),
    Turn((step_succeeded(2),), T0 + 3),
    wait_turn(3, T0 + 4),
    Turn((wait_resolved(3, outcome="expired"),), T0 + 5),
)
END = Turn((RunSucceeded(Stored("{:sent 2}")),), T0 + 6)


class Killed(BaseException):
    """The process is gone: no handler runs that could tidy up."""


class Bomb:
    """Goes off at the given write, and counts the writes."""

    def __init__(self, at: int, error: BaseException | None = None) -> None:
        self.at = at
        self.count = 0
        self.error = error or Killed()

    def __call__(self, what: str) -> None:
        self.count += 1
        if self.count == self.at:
            raise self.error


def play(repository: MemoryRepository, acknowledged: list[int]) -> None:
    """A whole life; after every call that returned, what it made durable counts as acknowledged."""
    journal = lease.begin(repository, COMMITTER, LEASE, first_turn())
    acknowledged.append(journal.run.seq)
    for turn in TURNS:
        journal.append(turn)
        acknowledged.append(journal.run.seq)
    lease.finish(repository, journal, END)
    acknowledged.append(journal.run.seq)


def whole_life(folder: Path) -> tuple[int, tuple[object, ...]]:
    counter = Bomb(0)
    repository = MemoryRepository(folder, before_write=counter)
    play(repository, [])
    return counter.count, Journal.open(repository, REF, COMMITTER).history()


def test_a_kill_at_any_write_leaves_a_consistent_prefix(tmp_path: Path) -> None:
    writes, everything = whole_life(tmp_path)
    assert writes > 40
    for at in range(1, writes + 1):
        bomb = Bomb(at)
        repository = MemoryRepository(tmp_path, before_write=bomb)
        acknowledged = [0]
        with pytest.raises(Killed):
            play(repository, acknowledged)
        if repository.resolve(REF) is None:
            assert acknowledged == [0], f"write {at}: an acknowledged run is gone"
            assert [s.state for s in lease.standings(repository)] in ([], ["unborn"])
        else:
            journal = Journal.open(repository, REF, COMMITTER)
            history = journal.history()
            assert history == everything[: len(history)], f"write {at}"
            assert fold(history) == journal.run, f"write {at}"
            assert acknowledged[-1] <= len(history) <= acknowledged[-1] + 2, f"write {at}"
            assert [s.state for s in lease.standings(repository)] == [
                "ended" if journal.run.is_over else "open"
            ]
        for found in lease.half_made(repository):
            assert lease.mend(repository, found.run, "recovery", lambda held: None)
        assert lease.half_made(repository) == ()


def test_after_a_full_disk_the_same_call_works_again(tmp_path: Path) -> None:
    writes, everything = whole_life(tmp_path)
    for at in range(1, writes + 1):
        repository = MemoryRepository(
            tmp_path, before_write=Bomb(at, TransientError("git.disk_full", "full"))
        )
        try:
            journal = lease.begin(repository, COMMITTER, LEASE, first_turn())
        except GitflowError:
            for found in lease.half_made(repository):
                lease.mend(repository, found.run, "recovery", lambda held: None)
            journal = lease.begin(repository, COMMITTER, LEASE, first_turn())
        for turn in TURNS:
            try:
                journal.append(turn)
            except TransientError:
                journal.append(turn)
        try:
            lease.finish(repository, journal, END)
        except TransientError:
            if repository.resolve(REF) == journal.tip:
                lease.finish(repository, journal, END)
            else:
                assert lease.mend(repository, RUN, "recovery", lambda held: None)
        again = Journal.open(repository, REF, COMMITTER)
        assert again.history() == everything, f"write {at}"
        assert lease.standings(repository) == ()
