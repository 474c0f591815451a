"""Holding, beginning, ending and mending a run, the same over every repository."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from gitflow_runner.errors import ConflictError, DamagedError, RefusedError
from gitflow_runner.git.objects import Ident, blob
from gitflow_runner.git.refs import active_ref
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger import lease
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.model.event import LeaseAcquired, RunSucceeded
from gitflow_runner.model.stored import Stored
from tests.repositories import repositories
from tests.run_histories import COMMITTER, REF, RUN, SLUG, T0, first_turn, step_started

LEASE = lease.Lease(RUN, SLUG, "clone-1", "laptop", 1, T0)
END = Turn((RunSucceeded(Stored("nil")),), T0 + 9)


@pytest.fixture(params=["memory", "pygit"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return repositories(request.param, tmp_path)


def begun(repository: Repository) -> Journal:
    return lease.begin(repository, COMMITTER, LEASE, first_turn())


def unborn(repository: Repository) -> None:
    """What a crash between the two refs of a start leaves behind."""
    begun(repository)
    repository.swap([RefUpdate(REF, repository.resolve(REF), None)])


def test_a_begun_run_has_its_lease_and_an_ended_one_has_none(repository: Repository) -> None:
    journal = begun(repository)
    assert lease.read_lease(repository, RUN) == LEASE
    assert [(s.run, s.state) for s in lease.standings(repository)] == [(RUN, "open")]
    assert lease.half_made(repository) == ()
    lease.finish(repository, journal, END)
    assert journal.run.status == "succeeded"
    assert lease.read_lease(repository, RUN) is None
    assert lease.standings(repository) == ()


def test_a_run_begins_once(repository: Repository) -> None:
    journal = begun(repository)
    with pytest.raises(ConflictError):
        begun(repository)
    lease.finish(repository, journal, END)
    with pytest.raises(ConflictError):
        begun(repository)
    assert lease.read_lease(repository, RUN) is None


def test_a_start_cut_after_its_lease_is_removed_and_may_begin_again(repository: Repository) -> None:
    unborn(repository)
    assert [s.state for s in lease.half_made(repository)] == ["unborn"]
    freed: list[str] = []
    assert lease.mend(repository, RUN, "test", lambda held: freed.append(held.slug))
    assert freed == [SLUG]
    assert lease.standings(repository) == ()
    begun(repository)


def test_an_end_cut_before_its_lease_was_given_back_is_finished(repository: Repository) -> None:
    begun(repository).append(END)
    assert [s.state for s in lease.half_made(repository)] == ["ended"]
    assert lease.mend(repository, RUN, "test", lambda held: None)
    assert lease.standings(repository) == ()
    assert not lease.mend(repository, RUN, "test", lambda held: None)


def test_an_open_run_and_a_held_one_are_not_mended(repository: Repository) -> None:
    unborn(repository)
    with lease.hold_run(repository.common_dir, RUN, "pid 1 gfr run"):
        assert not lease.mend(repository, RUN, "test", lambda held: pytest.fail("freed a living slot"))
    lease.give_back(repository, RUN)
    begun(repository)
    assert not lease.mend(repository, RUN, "test", lambda held: pytest.fail("freed an open run's slot"))


def test_a_lease_that_cannot_be_read_is_reported_not_guessed(repository: Repository) -> None:
    junk = blob(b"junk")
    repository.write([junk])
    repository.swap([RefUpdate(active_ref(RUN), None, junk.oid)])
    (found,) = lease.standings(repository)
    assert found.state == "damaged"
    assert found.problem is not None
    assert not lease.mend(repository, RUN, "test", lambda held: None)
    with pytest.raises(DamagedError):
        lease.read_lease(repository, RUN)


def test_a_new_owner_writes_the_lease_then_the_run(repository: Repository) -> None:
    journal = begun(repository)
    paused = Journal.open(repository, REF, COMMITTER)
    lease.take_over(repository, COMMITTER, lease.Lease(RUN, SLUG, "clone-2", "server", 2, T0 + 1))
    journal.append(Turn((LeaseAcquired("clone-2", 2),), T0 + 1))
    assert lease.read_lease(repository, RUN) == lease.Lease(RUN, SLUG, "clone-2", "server", 2, T0 + 1)
    with pytest.raises(ConflictError):
        paused.append(Turn((step_started(1),), T0 + 2))


def test_the_lock_names_its_holder_and_is_free_afterwards(tmp_path: Path) -> None:
    with lease.hold_run(tmp_path, RUN, "pid 4711 gfr run hello"):
        with pytest.raises(ConflictError) as caught, lease.hold_run(tmp_path, RUN, "pid 4712"):
            pass
        assert caught.value.code == "lease.run_held"
        assert caught.value.details["holder"] == "pid 4711 gfr run hello"
    with lease.hold_run(tmp_path, RUN, "pid 4712"), lease.hold_maintenance(tmp_path, "pid 4712"):
        pass
    assert list(tmp_path.rglob("*.lock")) == []


def test_what_is_no_run_id_becomes_no_path(tmp_path: Path) -> None:
    with pytest.raises(RefusedError), lease.hold_run(tmp_path, "../../x", "me"):
        pass
    with pytest.raises(RefusedError):
        lease.wake(tmp_path, "../x")


def _hold_until_killed(folder: str, ready: object) -> None:
    with lease.hold_run(Path(folder), RUN, "the child"):
        ready.set()  # type: ignore[attr-defined]
        signal.pause()


def test_the_kernel_frees_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    child = spawn.Process(target=_hold_until_killed, args=(str(tmp_path), ready))
    child.start()
    assert ready.wait(30)
    with pytest.raises(ConflictError), lease.hold_run(tmp_path, RUN, "me"):
        pass
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    with lease.hold_run(tmp_path, RUN, "me"):
        pass


def test_a_wake_up_is_taken_once(tmp_path: Path) -> None:
    assert not lease.take_wake(tmp_path, RUN)
    lease.wake(tmp_path, RUN)
    lease.wake(tmp_path, RUN)
    assert lease.take_wake(tmp_path, RUN)
    assert not lease.take_wake(tmp_path, RUN)


def test_the_lease_commit_is_signed_and_dated(repository: Repository) -> None:
    begun(repository)
    oid = repository.resolve(active_ref(RUN))
    assert oid is not None
    commit = repository.commit(oid)
    assert commit.parents == ()
    assert commit.committer == Ident("Runner", "runner@example.org", T0 // 1000)
    assert commit.header("gpgsig") == COMMITTER.sign(commit.payload).rstrip("\n")
