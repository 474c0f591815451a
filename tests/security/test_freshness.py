"""A clone that begins may be shown an old state: it says so until a person's checkpoint proves otherwise."""

from __future__ import annotations

import pytest

from tests.people import Person
from tests.server import serve
from tests.spoken import spoken
from tests.team import Team

RUNNER = ':can #{:drive} :flows ["*"]'


@pytest.fixture
def bob(team: Team) -> Person:
    """Bob's first clone, which trusts the root that Ann told him, with a release live."""
    team.share()
    assert team.ann.gfr("release", "ship", "-m", "first", "--yes").exit == 0
    assert team.ann.gfr("promote", "ship", "--yes").exit == 0
    return clone(team, "bob")


def clone(team: Team, name: str) -> Person:
    person = team.joined(name, team.root / "hub.git")
    person.git("config", "gitflow.remote", "origin")
    root = team.ann.gfr("policy", "show").data["digest"]
    assert person.gfr("trust", "pin", root).exit == 0
    return person


def codes(person: Person, *arguments: str) -> list[str]:
    told = person.gfr(*arguments)
    assert told.exit == 0, told
    return [finding["code"] for finding in told.data["findings"]]


def test_a_first_clone_is_unproven_until_a_checkpoint_is_pinned(team: Team, bob: Person) -> None:
    asked = team.start("ship", "--ref", "live")
    assert codes(bob, "runs", "verify", asked.run) == ["freshness_unproven"]
    assert codes(bob, "audit", "verify") == ["freshness_unproven"]
    assert bob.gfr("trust", "fresh").code == "trust.no_checkpoint"
    # Where the policy was made nothing is unproven.
    assert codes(team.ann, "runs", "verify", asked.run) == []
    signed = team.ann.gfr("trust", "checkpoint").data
    assert sorted(signed["refs"]) == ["refs/live/ship", "refs/policy/chain"]
    told = bob.gfr("trust", "fresh")
    assert (told.exit, told.data["by"]) == (0, "ann")
    assert codes(bob, "runs", "verify", asked.run) == []
    assert codes(bob, "audit", "verify") == []


def test_a_live_run_in_such_a_clone_says_so(team: Team, bob: Person) -> None:
    assert bob.gfr("init").exit == 0
    key = bob.gfr("doctor").envelope
    assert key["ok"]
    line = team.runtime(folder=bob.clone).signer.key.line
    extra = f'"runner-b" {{:kind :runner {RUNNER} :keys [{{:ssh "{line}"}}]}}'
    assert team.apply_policy(extra=extra).exit == 0
    _, _, err = spoken(bob.clone, "run", "ship", "--ref", "live")
    assert err.count("freshness_unproven") == 1
    team.ann.gfr("trust", "checkpoint")
    assert bob.gfr("trust", "fresh").exit == 0
    _, _, err = spoken(bob.clone, "run", "ship", "--ref", "live")
    assert "freshness_unproven" not in err


def test_an_old_state_is_noticed_by_the_checkpoint(team: Team, bob: Person) -> None:
    before = team.ann.git("rev-parse", "refs/live/ship")
    path = team.home / ".breyta/flows/ship.edn"
    path.write_text(path.read_text().replace("Ship it?", "Really?"))
    team.ann.git("commit", "-qam", "Ask again")
    assert team.ann.gfr("release", "ship", "--yes").exit == 0
    assert team.ann.gfr("promote", "ship", "--yes").exit == 0
    team.ann.gfr("trust", "checkpoint")
    hub = team.root / "hub.git"
    team.ann.git("-C", str(hub), "update-ref", "refs/live/ship", before)  # the server shows an old state
    told = bob.gfr("trust", "fresh")
    assert (told.exit, told.code) == (4, "freshness_unproven")
    assert "refs/live/ship" in told.envelope["error"]["message"]
    assert bob.gfr("trust", "fresh").code == "freshness_unproven"


@pytest.mark.parametrize(
    ("who", "code"),
    [("cat", "approval.role"), ("bot", "approval.not_human"), ("stranger", "signature.key_not_allowed")],
)
def test_only_who_may_promote_signs_a_checkpoint(team: Team, who: str, code: str) -> None:
    server = serve(team)
    ann = team.ann
    genuine = ann.gfr("trust", "checkpoint").data["checkpoint"]
    ann.git("config", "user.signingkey", f"{team.keys / who}.pub")
    assert ann.gfr("trust", "checkpoint").code == code
    message = ann.git("log", "-1", "--format=%B", genuine)
    forged = ann.git("commit-tree", "-S", f"{genuine}^{{tree}}", given=message.encode())
    assert server.push(f"{forged}:refs/requests/new/{who}") == [code]
    ann.git("config", "user.signingkey", f"{team.keys / 'ann'}.pub")
    ann.git("update-ref", f"refs/requests/new/{who}", forged)
    ann.git("update-ref", "-d", f"refs/requests/new/{genuine}")
    (team.home / ".git/gitflow/unproven").write_text("\n")
    ann.git("config", "--unset", "gitflow.remote")
    assert ann.gfr("trust", "fresh").code == "trust.no_checkpoint"
