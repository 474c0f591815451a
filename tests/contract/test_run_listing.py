"""Runs are listed newest first and found by the end of their id."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import NotFoundError
from gitflow_runner.git.objects import blob
from gitflow_runner.git.refs import remote_run_ref, run_ref
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.ledger.listing import find_run, list_runs
from gitflow_runner.model.event import RunSucceeded
from gitflow_runner.model.stored import Stored
from tests.repositories import repositories
from tests.run_histories import COMMITTER, T0, first_turn

OLD, NEW, OTHER = "20251122-131402-7k3m9q", "20251123-131402-aaam9q", "20251121-131402-bbbbbb"


@pytest.fixture(params=["memory", "pygit"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    found = repositories(request.param, tmp_path)
    for run, slug in ((OLD, "invoice-sync"), (NEW, "invoice-sync"), (OTHER, "hello")):
        journal = Journal.create(found, run_ref(slug, run), COMMITTER, first_turn(run=run, slug=slug))
        if run == OLD:
            journal.append(Turn((RunSucceeded(Stored("nil")),), T0 + 5))
    return found


def test_the_newest_comes_first_with_its_state(repository: Repository) -> None:
    listed = [(run.at.run, run.state.status if run.state else None) for run in list_runs(repository)]
    assert listed == [(NEW, "running"), (OLD, "succeeded"), (OTHER, "running")]


def test_a_list_may_be_of_one_flow_and_short(repository: Repository) -> None:
    assert [r.at.run for r in list_runs(repository, slug="hello")] == [OTHER]
    assert [r.at.run for r in list_runs(repository, limit=1)] == [NEW]


@pytest.mark.parametrize("typed", [OLD, "7k3m9q", "3m9q", "invoice-sync/7k3m9q", f"invoice-sync/{OLD}"])
def test_a_run_is_found_by_the_end_of_its_id(repository: Repository, typed: str) -> None:
    assert find_run(repository, typed).run == OLD


def test_an_ambiguous_end_is_refused_with_the_matches(repository: Repository) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_run(repository, "m9q")
    assert caught.value.code == "run.ambiguous"
    assert caught.value.details["matches"] == [NEW, OLD]


@pytest.mark.parametrize("typed", ["7k3m9p", "", "hello/7k3m9q", "invoice-sync/"])
def test_an_unknown_run_is_refused(repository: Repository, typed: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_run(repository, typed)
    assert caught.value.code == "run.unknown"


def test_the_nearest_id_is_named(repository: Repository) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_run(repository, "7k3m9p")
    assert caught.value.details["nearest"] == [OLD]


def test_a_fetched_run_is_found_behind_our_own(repository: Repository) -> None:
    fetched = "20251124-131402-cccccc"
    tip = repository.resolve(run_ref("hello", OTHER))
    repository.swap(
        [
            RefUpdate(remote_run_ref("hub", "hello", fetched), None, tip),
            RefUpdate(remote_run_ref("hub", "hello", OTHER), None, tip),
        ]
    )
    assert find_run(repository, "cccccc").remote == "hub"
    assert find_run(repository, "bbbbbb").remote is None


def test_a_run_that_cannot_be_read_is_listed_with_its_problem(repository: Repository) -> None:
    junk = blob(b"junk")
    repository.write([junk])
    repository.swap([RefUpdate(run_ref("hello", "20251125-131402-dddddd"), None, junk.oid)])
    first = list_runs(repository)[0]
    assert first.state is None
    assert first.problem is not None
    assert first.problem.code == "git.object_kind"
