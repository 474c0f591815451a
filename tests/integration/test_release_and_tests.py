"""A release needs the flow's tests to pass, if it has any, as the commit holds them."""

from __future__ import annotations

from tests.team import Team

GOOD = '[{:name "ships" :decisions {:ask :approve} :steps {:record {:returns 1}} :expect {:output 1}}]'
BAD = GOOD.replace(":output 1", ":output 2")


def write(team: Team, text: str) -> None:
    (team.ann.clone / ".breyta/flows/ship.tests.edn").write_text(text)


def commit(team: Team) -> None:
    team.ann.git("add", ".breyta/flows")
    team.ann.git("commit", "-qm", "test ship")


def test_a_flow_whose_tests_fail_is_not_released(team: Team) -> None:
    write(team, BAD)
    commit(team)
    told = team.ann.gfr("release", "ship", "--yes")
    assert (told.exit, told.code) == (2, "release.tests")
    assert "1 of 1 tests of ship fail" in told.envelope["error"]["message"]
    assert team.ann.git("tag", "--list", "flow/*") == ""
    assert team.ann.gfr("test", "ship").exit == 1


def test_tests_that_no_commit_holds_are_refused(team: Team) -> None:
    write(team, GOOD)
    assert team.ann.gfr("release", "ship", "--yes").code == "release.dirty"


def test_a_flow_whose_tests_pass_is_released_and_says_so(team: Team) -> None:
    write(team, GOOD)
    commit(team)
    assert team.ann.gfr("test").data["total"] == 1
    assert team.ann.gfr("release", "ship", "--yes").data["tests"] == 1


def test_a_flow_without_tests_is_released_as_ever(team: Team) -> None:
    assert team.ann.gfr("release", "ship", "--yes").data["tests"] is None
    assert team.ann.gfr("test", "ship").code == "tests.none"
