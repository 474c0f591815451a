"""Past a gate by quorum: one named commit, once, by people whom the policy asks, and told afterwards."""

from __future__ import annotations

import pytest

from gitflow_runner.git.objects import ZERO, Oid
from gitflow_runner.trust.glass import build_break_glass
from gitflow_runner.trust.statement import BreakGlass
from tests.gated import MAIN, Gated, guard
from tests.hooked import must
from tests.server import who
from tests.spoken import gfr
from tests.team import HOUR, Team

GLASS = ":break-glass {:need 2 :role :release}"


@pytest.fixture
def gated(team: Team) -> Gated:
    return guard(team, more=GLASS)


def consent(
    gated: Gated, name: str, new: str, *, ref: str = MAIN, late: int = 0, old: str | None = None
) -> str:
    """Somebody's consent to let a commit in, made in Ann's clone."""
    team = gated.team
    said = BreakGlass(
        ref, Oid(old or must(gated.folder, "rev-parse", MAIN)), Oid(new), f"nonce-{name}", "the site is down"
    )
    ident = who(team)
    ident = type(ident)(ident.name, ident.email, ident.time - late // 1_000)
    objects = build_break_glass(said, ident, team.person(name).signer)
    team.runtime().repository.write(objects)
    return str(objects[-1].oid)


def send(gated: Gated, oid: str) -> list[str]:
    return gated.server.push(f"{oid}:refs/requests/new/{oid}")


def test_two_people_let_one_commit_in_and_it_is_logged(gated: Gated) -> None:
    urgent, ann = gated.commit("bad"), gated.ann
    told = ann.gfr("gates", "break", "main", urgent, "--reason", "the site is down")
    assert told.exit == 0, told
    assert gated.push(urgent) == ["gate.no_run"]
    assert "ann broke the glass, 2 people have to" in gated.said(urgent)
    assert send(gated, consent(gated, "ann", urgent)) == [], "a second one of the same person"
    assert gated.push(urgent) == ["gate.no_run"]
    assert send(gated, consent(gated, "bob", urgent)) == []
    assert gated.push(gated.commit("another")) == ["gate.no_run"]
    assert gated.push(urgent) == []
    gated.work()
    acts = [act for act in gfr(gated.folder, "audit").data["items"] if act["kind"] == "glass"]
    assert sorted(act["by"][0] for act in acts) == ["ann", "ann", "bob"]
    assert {act["subject"] for act in acts} == {f"{MAIN} {urgent}"}
    before = len(gfr(gated.folder, "audit").data["items"])
    gated.work()
    assert len(gfr(gated.folder, "audit").data["items"]) == before


def test_consents_may_come_in_the_same_push(gated: Gated) -> None:
    urgent = gated.commit()
    signed = [consent(gated, name, urgent) for name in ("ann", "bob")]
    assert gated.server.push(*(f"{oid}:refs/requests/new/{oid}" for oid in signed), f"{urgent}:{MAIN}") == []


def test_it_does_not_open_the_way_back(gated: Gated) -> None:
    urgent = gated.commit()
    for name in ("ann", "bob"):
        send(gated, consent(gated, name, urgent))
    assert gated.push(urgent) == []
    after = gated.commit("after")
    gated.ask(after)
    gated.work()
    assert gated.push(after) == []
    assert gated.server.push(f"+{urgent}:{MAIN}") == ["gate.no_run"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("bot", "approval.not_human"), ("cat", "approval.role"), ("stranger", "signature.key_not_allowed")],
)
def test_who_is_not_asked_breaks_nothing(gated: Gated, name: str, code: str) -> None:
    urgent = gated.commit()
    oid = consent(gated, name, urgent)
    assert send(gated, oid) == [code]
    gated.server.push(f"{oid}:refs/heads/kept")
    must(gated.folder, "update-ref", f"refs/requests/new/{oid}", oid)
    assert send(gated, consent(gated, "ann", urgent)) == []
    assert gated.push(urgent) == ["gate.no_run"]


def test_a_consent_grows_old(gated: Gated) -> None:
    urgent = gated.commit()
    for name in ("ann", "bob"):
        assert send(gated, consent(gated, name, urgent, late=2 * HOUR)) == []
    assert gated.push(urgent) == ["gate.no_run"]


def test_a_consent_to_another_move_is_none_to_this(gated: Gated) -> None:
    urgent = gated.commit()
    for name in ("ann", "bob"):
        send(gated, consent(gated, name, urgent, ref="refs/heads/other"))
        send(gated, consent(gated, name, urgent, old=ZERO))
    assert gated.push(urgent) == ["gate.no_run"]


def test_where_the_policy_is_silent_nobody_may(team: Team) -> None:
    gated = guard(team)
    urgent = gated.commit()
    assert gated.ann.gfr("gates", "break", "main", urgent, "--reason", "down").code == "gate.no_glass"
    for name in ("ann", "bob"):
        assert send(gated, consent(gated, name, urgent)) == ["approval.role"]
    assert gated.push(urgent) == ["gate.no_run"]


def test_a_change_of_the_policy_is_proposed_through_the_server(gated: Gated) -> None:
    """Not the glass, but its neighbour among the requests that need no run."""
    ann = gated.ann
    text = (gated.team.home / ".breyta/policy.edn").read_text().replace("version 3", "version 4")
    (gated.team.home / ".breyta/policy.edn").write_text(text)
    assert ann.gfr("policy", "propose").exit == 0
    assert "refs/requests/new/" in gated.server.refs("refs/requests")
