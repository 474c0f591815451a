"""A bare repository between two clones: the run goes out, the decision comes back, nothing is forced."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import GitflowError
from gitflow_runner.model.event import WaitResolved
from gitflow_runner.runner.drive import Patience
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.stack import on_big_stack
from tests.people import Person
from tests.team import MINUTE, Team, Waiting


@pytest.fixture
def hub(team: Team) -> Path:
    return team.share()


@pytest.fixture
def bob(team: Team, hub: Path) -> Person:
    """Bob's clone of the bare repository, shared through it, not trusting any policy yet."""
    person = team.joined("bob", hub)
    person.git("config", "gitflow.remote", "origin")
    return person


def root_of(team: Team) -> str:
    """What Ann tells the others."""
    digest: str = team.ann.gfr("policy", "show").data["digest"]
    return digest


def block_of(team: Team, asked: Waiting) -> str:
    block: str = team.ann.gfr("show", asked.run, asked.wait).data["git_commands"]["approve"]
    return block


def drive(team: Team, asked: Waiting, at: int) -> None:
    """Go on with the run at that time (ms), without the fetch that commands begin with."""
    service = Service(team.runtime(at))
    on_big_stack(lambda: service.drive(service.find(asked.run), Patience.NOW), lambda: None)


def outcome(team: Team, asked: Waiting) -> tuple[str, tuple[str, ...]]:
    resolved = next(event for event in team.events(asked) if isinstance(event, WaitResolved))
    return (resolved.outcome, resolved.by)


def test_a_waiting_run_is_pushed_before_anybody_is_told(team: Team, hub: Path) -> None:
    asked = team.start()
    there = team.ann.git("ls-remote", "origin", asked.ref).split("\t")[0]
    assert there == team.ann.git("rev-parse", asked.ref) == asked.commit


def test_plain_git_through_the_bare_repository(team: Team, bob: Person) -> None:
    asked = team.start()
    before = bob.state()
    assert bob.attempt("sh", "-c", block_of(team, asked)).returncode == 0
    assert bob.state() == before
    assert team.ann.gfr("worker", "--once").data["items"][0]["status"] == "succeeded"
    assert outcome(team, asked) == ("approved", ("bob",))
    ended = team.ann.git("rev-parse", asked.ref)
    assert team.ann.git("ls-remote", "origin", asked.ref).split("\t")[0] == ended


def test_the_approver_sees_the_run_and_approves_once_the_policy_is_pinned(team: Team, bob: Person) -> None:
    asked = team.start()
    (item,) = bob.gfr("waits").data["items"]
    assert (item["run"], item["wait"], item["yours"]) == (asked.run, asked.wait, False)
    refused = bob.gfr("approve", asked.run, "--payload", item["payload"], "--yes")
    assert (refused.exit, refused.code) == (4, "policy.none")
    assert refused.envelope["error"]["fix"] == ["gfr trust pin <digest>"]
    assert bob.gfr("trust", "pin", root_of(team)).exit == 0
    (item,) = bob.gfr("waits", "--mine").data["items"]
    signed = bob.gfr("approve", asked.run, "--payload", item["payload"], "--yes")
    assert (signed.exit, signed.data["principal"]) == (0, "bob")
    assert team.ann.gfr("worker", "--once").data["items"][0]["status"] == "succeeded"
    assert outcome(team, asked) == ("approved", ("bob",))
    assert team.decisions(asked) == {signed.data["approval"]: (None, "bob")}


def test_the_approvers_clone_verifies_what_it_fetched(team: Team, bob: Person) -> None:
    asked = team.start()
    bob.gfr("trust", "pin", root_of(team))
    told = bob.gfr("runs", "verify", asked.run)
    assert (told.exit, told.data["verdict"]) == (0, "ok")
    # It took everything over from the bare repository, and says so.
    assert [finding["code"] for finding in told.data["findings"]] == ["freshness_unproven"]
    assert bob.gfr("show", asked.run).data["status"] == "waiting"
    assert bob.gfr("worker", "--once").data["items"] == []


def test_a_cancel_from_another_clone(team: Team, bob: Person) -> None:
    asked = team.start("tidy")
    bob.gfr("trust", "pin", root_of(team))
    told = bob.gfr("cancel", asked.run, "--reason", "wrong build")
    assert (told.exit, told.data["principal"]) == (0, "bob")
    assert team.state(asked).status == "waiting"
    team.ann.gfr("worker", "--once")
    assert team.state(asked).status == "cancelled"
    assert team.kept("tidy") == '["begun" "cleaned"]'


def test_a_policy_and_a_promotion_made_in_one_clone_hold_in_the_other(team: Team, bob: Person) -> None:
    bob.gfr("trust", "pin", root_of(team))
    applied = team.apply_policy(rules='[{:match {:flow "*"} :need 2 :role :dev :drafts true}]')
    assert applied.data["version"] == 3
    team.ann.git("commit", "-qam", "ask two")
    team.ann.git("push", "-q", "origin", "main")
    assert team.ann.gfr("release", "ship", "--yes").exit == 0
    assert team.ann.gfr("promote", "ship", "--yes").exit == 0
    bob.gfr("waits")
    assert bob.gfr("policy", "show").data["version"] == 3
    assert bob.gfr("flows", "ls").exit == 0
    assert bob.git("rev-parse", "refs/live/ship") == team.ann.git("rev-parse", "refs/live/ship")
    assert bob.git("rev-parse", "flow/ship/v1") == team.ann.git("rev-parse", "flow/ship/v1")


def test_an_approval_pushed_in_time_is_found_by_a_look_after_the_deadline(team: Team, bob: Person) -> None:
    asked = team.start()
    assert bob.attempt("sh", "-c", block_of(team, asked)).returncode == 0
    drive(team, asked, asked.deadline + MINUTE)
    assert outcome(team, asked) == ("approved", ("bob",))


def test_no_wait_expires_while_the_remote_is_silent(team: Team, hub: Path) -> None:
    asked = team.start()
    gone = hub.rename(hub.with_name("gone.git"))
    with pytest.raises(GitflowError) as caught:
        drive(team, asked, asked.deadline + MINUTE)
    assert caught.value.code == "git.no_remote"
    assert team.state(asked).status == "waiting"
    gone.rename(hub)
    drive(team, asked, asked.deadline + 2 * MINUTE)
    assert outcome(team, asked) == ("expired", ())


def test_an_unreachable_remote_is_a_warning_and_the_local_run_is_shown(team: Team, hub: Path) -> None:
    asked = team.start()
    hub.rename(hub.with_name("gone.git"))
    told = team.ann.gfr("show", asked.run)
    assert (told.exit, told.data["status"]) == (0, "waiting")
    assert "fetch from origin" in told.err


def test_a_run_that_diverged_at_the_remote_is_not_forced(team: Team, hub: Path) -> None:
    asked = team.start()
    other = team.sign("stranger", asked, "not a turn\n", parent=asked.commit)
    team.ann.git("push", "-q", "origin", f"{other}:{asked.ref}")
    team.send(asked, team.sign("bob", asked))
    told = team.ann.gfr("worker", "--once")
    assert told.data["items"][0]["problem"]["code"] == "sync.diverged"
    assert team.ann.git("ls-remote", "origin", asked.ref).split("\t")[0] == other
    assert team.state(asked).status == "succeeded"
