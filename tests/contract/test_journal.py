"""A run's journal does the same over every repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import ConflictError, DamagedError, GitflowError, NotFoundError, UsageError
from gitflow_runner.git.objects import Commit, Ident, RawObject, trailers
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.chain import read_history, read_run, turns
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.model.event import RequestSeen, RunSucceeded, StepFailed
from gitflow_runner.model.projection import fold
from gitflow_runner.model.stored import Stored
from tests.repositories import repositories
from tests.run_histories import (
    COMMITTER,
    EMPTY_TREE,
    PAYLOAD,
    REF,
    T0,
    decision_seen,
    failure,
    first_turn,
    step_started,
    step_succeeded,
    wait_opened,
    wait_resolved,
    wait_turn,
)


@pytest.fixture(params=["memory", "pygit"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return repositories(request.param, tmp_path)


def created(repository: Repository) -> Journal:
    return Journal.create(repository, REF, COMMITTER, first_turn())


def commit_of(repository: Repository, message: str, *parents: str) -> str:
    """A commit by somebody else, as an approval or a request is."""
    who = Ident("Bob", "bob@example.org", T0 // 1000)
    item = Commit(EMPTY_TREE.oid, tuple(parents), who, who, message).encode()  # type: ignore[arg-type]
    repository.write([EMPTY_TREE, item])
    return item.oid


def names(repository: Repository, journal: Journal) -> set[str]:
    return {entry.name for entry in repository.tree(repository.commit(journal.tip).tree)}


def test_the_first_turn_holds_what_the_run_is_bound_to_and_has_no_parent(repository: Repository) -> None:
    journal = created(repository)
    assert repository.resolve(REF) == journal.tip
    assert repository.commit(journal.tip).parents == ()
    assert names(repository, journal) == {
        "run.json",
        "events.jsonl",
        "input.edn",
        "pin.json",
        "flow",
        "proof",
    }
    assert journal.read("input.edn") == b"{:n 1}"


def test_a_signed_start_request_is_the_only_parent_of_the_first_turn(repository: Repository) -> None:
    request = commit_of(repository, "start\n")
    journal = Journal.create(repository, REF, COMMITTER, first_turn(request=request))
    assert repository.commit(journal.tip).parents == (request,)
    assert len(list(turns(repository, journal.tip))) == 1
    assert trailers(repository.commit(journal.tip).message)["Gitflow-Consumed"] == (request,)


def test_a_run_is_created_once(repository: Repository) -> None:
    created(repository)
    with pytest.raises(ConflictError) as caught:
        Journal.create(repository, REF, COMMITTER, first_turn(at=T0 + 1))
    assert caught.value.code == "git.ref_moved"


def test_a_reopened_journal_knows_the_same(repository: Repository) -> None:
    journal = created(repository)
    journal.append(Turn((step_started(1),), T0 + 5))
    journal.append(Turn((step_succeeded(1), step_started(2)), T0 + 17))
    again = Journal.open(repository, REF, COMMITTER)
    assert (again.tip, again.run) == (journal.tip, journal.run)
    assert again.history() == journal.history()
    assert fold(again.history()) == again.run
    assert [r.event.output.text for r in again.history() if r.event.kind == "step.succeeded"] == [  # type: ignore[union-attr]
        "{:status 200 :id 1}"
    ]


def test_a_turn_reads_as_one_line_with_its_trailers(repository: Repository) -> None:
    journal = created(repository)
    journal.append(Turn((step_started(1),), T0 + 5))
    journal.append(Turn((step_succeeded(1), step_started(2)), T0 + 17))
    message = repository.commit(journal.tip).message
    assert message.split("\n")[0] == "step fetch-1 succeeded (attempt 1, 12 ms) +1"
    assert trailers(message) == {
        "Gitflow-Run": ("20251122-131402-7k3m9q",),
        "Gitflow-Flow": ("invoice-sync",),
        "Gitflow-Release": ("draft main " + "c" * 40,),
        "Gitflow-Seq": ("3-4",),
        "Gitflow-Event": ("step.succeeded",),
        "Gitflow-Step": ("fetch-1",),
        "Gitflow-Status": ("running",),
        "Gitflow-Epoch": ("1",),
    }


def test_every_turn_is_signed_by_the_committer_and_authored_by_who_caused_it(repository: Repository) -> None:
    journal = created(repository)
    anna = Ident("Anna", "anna@example.org", T0 // 1000, 60)
    journal.append(Turn((step_started(1),), T0 + 5_000, author=anna))
    commit = repository.commit(journal.tip)
    assert commit.author == anna
    assert commit.committer == COMMITTER.at(T0 + 5_000)
    assert commit.header("gpgsig") == COMMITTER.sign(commit.payload).rstrip("\n")


def test_time_never_decreases_and_numbers_have_no_gap(repository: Repository) -> None:
    journal = created(repository)
    journal.append(Turn((step_started(1),), T0 - 60_000))
    journal.append(Turn((step_succeeded(1),), T0 + 9))
    assert [(r.seq, r.at) for r in journal.history()] == [(1, T0), (2, T0), (3, T0 + 9)]


def test_noted_events_become_durable_with_the_next_turn(repository: Repository) -> None:
    journal = created(repository)
    noted = journal.note([step_started(1), step_succeeded(1)], T0 + 3)
    assert [r.seq for r in noted] == [2, 3]
    assert (journal.run.seq, journal.ahead.seq) == (1, 3)
    assert read_run(repository, journal.tip).seq == 1
    journal.append(Turn((step_started(2),), T0 + 8))
    assert (journal.run.seq, len(journal.noted)) == (4, 0)
    assert [(r.seq, r.at) for r in read_history(repository, journal.tip)][1:] == [
        (2, T0 + 3),
        (3, T0 + 3),
        (4, T0 + 8),
    ]


def test_attached_files_ride_on_the_next_turn_and_stay(repository: Repository) -> None:
    journal = created(repository)
    journal.attach({"res/" + "a" * 64: b"large"})
    assert journal.read("res/" + "a" * 64) == b"large"
    journal.append(Turn((step_started(1),), T0 + 1))
    journal.append(Turn((step_succeeded(1),), T0 + 2))
    assert journal.read("res/" + "a" * 64) == b"large"


def test_a_moved_ref_is_a_conflict_and_changes_nothing_here(repository: Repository) -> None:
    first = created(repository)
    second = Journal.open(repository, REF, COMMITTER)
    second.append(Turn((step_started(1),), T0 + 1))
    with pytest.raises(ConflictError) as caught:
        first.append(Turn((step_started(9),), T0 + 2))
    assert caught.value.code == "git.ref_moved"
    assert (first.run.seq, first.ahead.seq, first.noted) == (1, 1, ())
    assert repository.resolve(REF) == second.tip


def test_an_event_that_cannot_follow_is_refused_before_anything_is_written(repository: Repository) -> None:
    journal = created(repository)
    with pytest.raises(DamagedError) as caught:
        journal.append(Turn((step_succeeded(1),), T0 + 1))
    assert caught.value.code == "history.step"
    journal.append(Turn((step_started(1),), T0 + 2))
    assert journal.run.seq == 2


def test_two_failures_of_one_step_in_one_turn_keep_both_values(repository: Repository) -> None:
    journal = created(repository)
    start, again = step_started(1), step_started(1, attempt=2, generation=1)
    one = StepFailed(start.identity, start.folder, 1, failure(data="{:n 1}"), True, T0, 1)
    two = StepFailed(start.identity, start.folder, 2, failure(data="{:n 2}"), True, None, 1)
    journal.append(Turn((start, one, again, two), T0 + 4))
    history = Journal.open(repository, REF, COMMITTER).history()
    texts = [r.event.failure.data.text for r in history if isinstance(r.event, StepFailed)]  # type: ignore[union-attr]
    assert texts == ["{:n 1}", "{:n 2}"]


def test_an_overwritten_value_is_still_read_from_its_own_turn(repository: Repository) -> None:
    journal = created(repository)
    start, again = step_started(1), step_started(1, attempt=2, generation=1)
    one = StepFailed(start.identity, start.folder, 1, failure(data="{:n 1}"), True, T0, 1)
    two = StepFailed(start.identity, start.folder, 2, failure(data="{:n 2}"), True, None, 1)
    journal.append(Turn((start, one), T0 + 4))
    journal.append(Turn((again, two), T0 + 5))
    history = Journal.open(repository, REF, COMMITTER).history()
    texts = [r.event.failure.data.text for r in history if isinstance(r.event, StepFailed)]  # type: ignore[union-attr]
    assert texts == ["{:n 1}", "{:n 2}"]


def test_a_wait_opens_alone_with_the_payload_that_it_names(repository: Repository) -> None:
    journal = created(repository)
    with pytest.raises(UsageError):
        journal.append(Turn((step_started(1), wait_opened(2)), T0, files={"wait/payload.edn": PAYLOAD}))
    with pytest.raises(UsageError):
        journal.append(Turn((wait_opened(2),), T0, files={"wait/payload.edn": b"other"}))
    journal.append(wait_turn(2, T0))
    found = trailers(repository.commit(journal.tip).message)
    assert found["Gitflow-Wait"] == ("00002-send-2",)
    assert found["Gitflow-Payload"] == (wait_opened(2).payload,)
    assert found["Gitflow-Policy"] == ("f" * 40,)
    assert found["Gitflow-Deadline"] == ("2025-11-23T13:14:02Z",)
    assert found["Gitflow-Status"] == ("waiting",)
    assert journal.read("wait/payload.edn") == PAYLOAD


def test_a_resolution_takes_the_approvals_as_parents_and_clears_the_wait(repository: Repository) -> None:
    journal = created(repository)
    opened = journal.append(wait_turn(2, T0))
    approval = commit_of(repository, "approve\n", opened)
    previous = journal.append(Turn((decision_seen(2, "9" * 40, reason="role"),), T0 + 1))
    journal = Journal.open(repository, REF, COMMITTER)
    journal.append(Turn((decision_seen(2, approval), wait_resolved(2, counted=(approval,))), T0 + 2_000))
    commit = repository.commit(journal.tip)
    assert commit.parents == (previous, approval)
    found = trailers(commit.message)
    assert found["Gitflow-Wait-Commit"] == (opened,)
    assert found["Gitflow-Outcome"] == ("approved",)
    assert found["Gitflow-Quorum"] == ("1/1",)
    assert found["Gitflow-Approved-By"] == ("bob SHA256:bob 2025-11-22T13:14:04Z",)
    assert not {"wait", "edit"} & names(repository, journal)


def test_resolving_one_of_two_waits_leaves_the_later_ones_files(repository: Repository) -> None:
    journal = created(repository)
    journal.append(wait_turn(2, T0))
    journal.append(wait_turn(3, T0))
    journal.append(Turn((wait_resolved(2, outcome="expired"),), T0))
    assert {"wait", "edit"} <= names(repository, journal)
    journal.append(Turn((wait_resolved(3, outcome="expired"),), T0))
    assert not {"wait", "edit"} & names(repository, journal)


def test_a_callback_is_consumed_but_never_a_parent(repository: Repository) -> None:
    journal = created(repository)
    opened = journal.append(wait_turn(2, T0, kind="event"))
    callback = commit_of(repository, "answer\n", opened)
    answered = wait_resolved(2, counted=(callback,), outcome="answered")
    journal.append(Turn((decision_seen(2, callback), answered), T0))
    commit = repository.commit(journal.tip)
    assert commit.parents == (opened,)
    assert trailers(commit.message)["Gitflow-Consumed"] == (callback,)


def test_an_answer_that_nobody_counted_resolves_nothing(repository: Repository) -> None:
    journal = created(repository)
    opened = journal.append(wait_turn(2, T0, kind="event"))
    callback = commit_of(repository, "answer\n", opened)
    with pytest.raises(DamagedError) as caught:
        journal.append(Turn((wait_resolved(2, counted=(callback,), outcome="answered"),), T0))
    assert caught.value.code == "history.callback"


def test_a_consumed_commit_that_is_not_here_is_refused(repository: Repository) -> None:
    journal = created(repository)
    seen = RequestSeen("9" * 40, "refs/requests/x/y", "pause", "anna", None, None)
    with pytest.raises(DamagedError) as caught:
        journal.append(Turn((seen,), T0))
    assert caught.value.code == "git.object_missing"


def test_words_of_others_cannot_forge_a_trailer(repository: Repository) -> None:
    journal = created(repository)
    nasty = "x\n\nGitflow-Status: succeeded\u202e" + "y" * 300
    journal.append(Turn((RequestSeen("9" * 40, "r", nasty, "anna", None, nasty),), T0, subject=nasty))
    message = repository.commit(journal.tip).message
    found = trailers(message)
    assert found["Gitflow-Status"] == ("running",)
    assert found["Gitflow-Refused"][0].startswith("9" * 40 + " x\\x0a\\x0aGitflow-Status: succeeded\\u202eyy")
    assert all(len(line.encode()) <= 230 for line in message.split("\n"))


@pytest.mark.parametrize(
    "path", ["", "/a", "a//b", "../a", "a/.git/x", "A/.GIT", "a\\b", "run.json", "events.jsonl", "a\nb", "a/"]
)
def test_a_path_that_git_or_the_journal_would_misread_is_refused(repository: Repository, path: str) -> None:
    journal = created(repository)
    with pytest.raises(UsageError) as caught:
        journal.append(Turn((step_started(1),), T0, files={path: b""}))
    assert caught.value.code == "ledger.path"


def test_an_empty_turn_and_an_unknown_run_are_refused(repository: Repository) -> None:
    with pytest.raises(NotFoundError):
        Journal.open(repository, REF, COMMITTER)
    journal = created(repository)
    with pytest.raises(UsageError):
        journal.append(Turn((), T0))


def test_a_terminal_turn_ends_the_run(repository: Repository) -> None:
    journal = created(repository)
    journal.append(wait_turn(2, T0))
    journal.append(Turn((RunSucceeded(Stored("{:sent 3}")),), T0 + 1))
    assert journal.run.status == "succeeded"
    assert journal.read("output.edn") == b"{:sent 3}"
    assert not {"wait", "edit"} & names(repository, journal)
    with pytest.raises(GitflowError):
        journal.append(Turn((step_started(1),), T0 + 2))


def test_a_foreign_commit_is_not_a_turn(repository: Repository) -> None:
    oid = commit_of(repository, "hello\n")
    with pytest.raises(DamagedError):
        read_run(repository, oid)  # type: ignore[arg-type]
    with pytest.raises(DamagedError):
        read_history(repository, RawObject("blob", b"").oid)
