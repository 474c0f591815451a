"""A promotion that takes two people moves nothing for one, and for nobody twice."""

from __future__ import annotations

import pytest

from gitflow_runner.git.refs import live_ref
from tests.server import serve
from tests.spoken import Told
from tests.team import Team
from tests.team_files import DUTIES

TWO = DUTIES.replace(":promote {:need 1", ":promote {:need 2")


@pytest.fixture
def released(team: Team) -> Team:
    """The team with one release, and a policy by which two promote."""
    assert team.apply_policy(duties=TWO).exit == 0
    assert team.ann.gfr("release", "ship", "-m", "first", "--yes").exit == 0
    return team


def as_person(team: Team, name: str, *arguments: str) -> Told:
    """A command in Ann's clone by somebody else, whose key it is told to sign with."""
    team.ann.git("config", "user.signingkey", f"{team.keys / name}.pub")
    told = team.ann.gfr(*arguments, "--yes")
    team.ann.git("config", "user.signingkey", f"{team.keys / 'ann'}.pub")
    return told


def live(team: Team) -> str:
    return team.ann.git("for-each-ref", "--format=%(refname)", live_ref("ship"))


def test_one_of_two_moves_nothing_and_the_second_makes_it_live(released: Team) -> None:
    first = as_person(released, "ann", "promote", "ship", "--reason", "tried")
    assert (first.exit, first.data["have"], first.data["need"], first.data["live"]) == (0, 1, 2, None)
    assert live(released) == ""
    assert as_person(released, "ann", "promote", "ship").code == "live.signed"
    released.ann.git("update-ref", "refs/requests/new/again", first.data["consent"])
    assert as_person(released, "ann", "promote", "ship").code == "live.signed"  # the same person is not two
    # Another reason is another statement, so that nobody consents to words that they did not see.
    other = as_person(released, "bob", "promote", "ship", "--reason", "in a hurry")
    assert (other.data["have"], live(released)) == (1, "")
    second = as_person(released, "bob", "promote", "ship")
    assert (second.exit, second.data["have"], second.data["live"]) == (0, 2, 1)
    (act,) = [i for i in released.ann.gfr("audit").data["items"] if i["kind"] == "promotion"]
    assert (act["by"], act["verdict"]) == (["ann", "bob"], "accept")
    assert released.ann.gfr("audit", "verify").data["findings"] == []
    assert released.start("ship", "--ref", "live").slug == "ship"


@pytest.mark.parametrize(
    ("who", "code"),
    [("cat", "approval.role"), ("bot", "approval.not_human"), ("stranger", "signature.key_not_allowed")],
)
def test_who_may_not_promote_does_not_consent_either(released: Team, who: str, code: str) -> None:
    assert as_person(released, who, "promote", "ship").code == code
    assert live(released) == ""


def test_a_consent_is_worth_nothing_once_live_has_moved(released: Team) -> None:
    as_person(released, "ann", "promote", "ship")
    assert as_person(released, "bob", "promote", "ship").data["live"] == 1
    assert as_person(released, "ann", "retire", "ship").data["have"] == 1
    assert as_person(released, "bob", "retire", "ship").data["live"] is None
    again = as_person(released, "ann", "promote", "ship")
    assert (again.data["have"], again.data["need"]) == (1, 2)


def test_a_server_takes_the_consents_of_those_who_may_and_no_promotion_of_one(released: Team) -> None:
    server = serve(released)
    ann = released.ann
    assert server.push("refs/tags/flow/ship/v1", "refs/policy/chain") == []
    consent = as_person(released, "ann", "promote", "ship").data["consent"]
    assert server.push(f"{consent}:{live_ref('ship')}") == ["live.no_consent"]
    assert server.push(f"{consent}:refs/requests/new/one") == []
    message = ann.git("log", "-1", "--format=%B", consent)
    tree = ann.git("rev-parse", f"{consent}^{{tree}}")
    for name, code in (("cat", "approval.role"), ("bot", "approval.not_human")):
        key = released.keys / name
        bad = ann.git("-c", f"user.signingkey={key}", "commit-tree", "-S", tree, given=message.encode())
        assert server.push(f"{bad}:refs/requests/new/{name}") == [code]
    astray = ann.git("commit-tree", "-S", "-p", consent, tree, given=message.encode())
    assert server.push(f"{astray}:refs/requests/new/astray") == ["approval.parent"]
