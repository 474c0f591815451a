"""A policy that may have been tightened is not acted on, one that was holds at once, old ones stay proven."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitflow_runner.errors import RefusedError
from gitflow_runner.runner.worker import Worked
from tests.team import HOUR, MINUTE, Team, Waiting

AGE = ":policy-max-age 3600"


@pytest.fixture
def hub(team: Team) -> Path:
    """A bare repository that Ann's runs and policy are shared through; the policy may be an hour old."""
    path = team.share()
    assert team.apply_policy(more=AGE).exit == 0
    return path


def now(team: Team) -> int:
    return team.runtime().clock.now_ms()


def codes(worked: tuple[Worked, ...]) -> list[str | None]:
    return [each.problem.code if each.problem is not None else None for each in worked]


def asked_and_approved(team: Team) -> Waiting:
    asked = team.start()
    team.send(asked, team.sign("bob", asked))
    return asked


def test_a_policy_within_its_age_counts_and_an_older_one_does_not(team: Team, hub: Path) -> None:
    asked = asked_and_approved(team)
    heard = now(team)
    hub.rename(hub.parent / "away.git")
    assert codes(team.look(heard + HOUR + MINUTE)) == ["policy.stale"]
    assert team.state(asked).waits[0].seen == ()
    assert team.kept("shipped") is None
    (hub.parent / "away.git").rename(hub)
    team.look(heard + HOUR - MINUTE)
    assert team.state(asked).status == "succeeded"


def test_no_release_starts_under_a_policy_that_is_too_old(team: Team, hub: Path) -> None:
    ann = team.ann
    assert ann.gfr("release", "ship", "--yes").exit == 0
    assert ann.gfr("promote", "ship", "--yes").exit == 0
    (team.home / ".git/gitflow/heard").write_text(f"{now(team) - 2 * HOUR}\n")
    assert ann.gfr("run", "ship", "--ref", "live").exit == 7
    (team.home / ".git/gitflow/heard").write_text(f"{now(team) - 2 * HOUR}\n")
    hub.rename(hub.parent / "away.git")
    refused = ann.gfr("run", "ship", "--ref", "live")
    assert (refused.code, refused.exit) == ("policy.stale", 4)
    assert "at most 3600 s" in refused.envelope["error"]["message"]


def test_a_clock_that_was_set_ahead_while_fetching_makes_no_policy_fresh(team: Team, hub: Path) -> None:
    asked_and_approved(team)
    (team.home / ".git/gitflow/heard").write_text(f"{now(team) + 48 * HOUR}\n")
    hub.rename(hub.parent / "away.git")
    assert codes(team.look()) == ["policy.stale"]


def test_without_a_remote_the_policy_is_never_old(team: Team) -> None:
    assert team.apply_policy(more=AGE).exit == 0
    asked = asked_and_approved(team)
    team.look(now(team) + 50 * MINUTE)
    assert team.state(asked).status == "succeeded"


def test_show_tells_when_the_policy_was_heard(team: Team, hub: Path) -> None:
    found = team.ann.gfr("policy", "show").data
    assert found["max_age_s"] == 3600
    assert found["heard"] is not None


def rules(more: str) -> str:
    return f'[{{:match {{:flow "*"}} :need 1 :role :dev :drafts true {more}}}]'


def test_a_rules_deadline_shortens_the_wait_that_it_opens(team: Team) -> None:
    assert team.apply_policy(rules=rules(":deadline-s 60")).exit == 0
    asked = team.start()
    opened = team.state(asked).waits[0]
    assert opened.wait.deadline - opened.opened_at == pytest.approx(MINUTE, abs=1_000)


def test_a_shorter_deadline_in_the_newest_policy_makes_open_waits_shorter(team: Team) -> None:
    asked = team.start()
    assert team.apply_policy(rules=rules(":deadline-s 60")).exit == 0
    oid = team.send(asked, team.sign("bob", asked))
    team.look(now(team) + 5 * MINUTE)
    assert team.decisions(asked) == {oid: ("late", "bob")}
    assert team.state(asked).status == "waiting"
    people = {
        p["principal"]: p["reason"] for p in team.ann.gfr("policy", "explain", asked.run).data["people"]
    }
    assert people["cat"] is None  # by the clock of now, the minute is not over


def test_a_level_that_no_accepted_proof_reaches_lets_nobody_decide(team: Team) -> None:
    asked = team.start()
    assert team.apply_policy(rules=rules(":min-level :signed :proofs [:forge-merge]")).exit == 0
    oid = team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.decisions(asked) == {oid: ("role", "bob")}
    assert team.ann.gfr("policy", "explain", asked.run).data["proofs"] == []


def test_a_key_that_has_run_out_since_breaks_no_chain_that_it_signed_in_time(team: Team) -> None:
    ends = datetime.fromtimestamp((now(team) + 24 * HOUR) / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = f'{{:ssh "{team.ann.line}"'
    window = f'{own} :valid-before #inst "{ends}"'
    for version in (3, 4):
        text = team.policy(version=version).replace(own, window)
        (team.home / ".breyta/policy.edn").write_text(text)
        assert team.ann.gfr("policy", "apply").data["version"] == version
    assert team.runtime(now(team) + 72 * HOUR).policies.require().version == 4
    for log in team.ann.git("for-each-ref", "--format=%(refname)", "refs/runner/log/").split():
        team.ann.git("update-ref", "-d", log)
    with pytest.raises(RefusedError) as problem:
        team.runtime(now(team) + 72 * HOUR).policies.require()
    assert problem.value.code == "policy.no_consent"
