"""Releases over their whole life: made, compared, promoted, doubted, affirmed, retired."""

from __future__ import annotations

import pytest

from gitflow_runner.git.refs import live_ref
from tests.people import Person
from tests.spoken import spoken
from tests.team import Team


def change(team: Team, old: str, new: str, slug: str = "ship") -> None:
    """Change a flow in Ann's work tree and commit it."""
    path = team.home / ".breyta" / "flows" / f"{slug}.edn"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    team.ann.git("commit", "-q", "-S", "-am", "Change")


@pytest.fixture
def two(team: Team) -> Person:
    """Ann with two releases of ship, the first one live."""
    assert team.ann.gfr("release", "ship", "-m", "first", "--yes").exit == 0
    assert team.ann.gfr("promote", "ship", "v1", "--yes").exit == 0
    change(team, '"1h"', '"2h"')
    return team.ann


def test_a_release_says_what_changed_since_the_last_one(team: Team, two: Person) -> None:
    change(team, ":flow '", ":requires [{:slot :shop :type :http-api}] :flow '")
    assert two.gfr("release", "ship", "--yes").code == "configure.missing"
    shop = "connections:\n  shop: {type: http-api, base-url: https://shop.example}\n"
    (team.home / ".breyta" / "connections.yaml").write_text(shop)
    made = two.gfr("release", "ship", "-m", "second", "--bump", "minor", "--yes").data
    assert (made["version"], made["since"]) == (2, "v1")
    assert [(c["kind"], c["part"], c["name"]) for c in made["changes"]] == [
        ("changed", "step", "ask"),
        ("added", "requirement", "shop"),
    ]
    assert made["changes"][0]["edits"] == [{"key": "timeout", "before": '"1h"', "after": '"2h"'}]
    assert made["notes"] == "Label: 0.1.0\n\nsecond"
    assert two.gfr("release", "ship", "--bump", "major", "--yes").data["notes"] == "Label: 1.0.0"
    assert two.gfr("release", "ship", "--bump", "patch", "--yes").data["notes"] == "Label: 1.0.1"


def test_versions_tell_signers_notes_and_what_is_live(team: Team, two: Person) -> None:
    assert two.gfr("release", "ship", "-m", "second\n\nwith more", "--yes").exit == 0
    items = two.gfr("versions", "ship").data["items"]
    assert [(i["version"], i["principal"], i["notes"], i["live"], i["problem"]) for i in items] == [
        (1, "ann", "first", True, None),
        (2, "ann", "second\n\nwith more", False, None),
    ]
    assert items[0]["tag_oid"] == two.git("rev-parse", "flow/ship/v1")
    two.git("tag", "-f", "flow/ship/v2", "flow/ship/v1")
    assert [i["problem"] for i in two.gfr("versions", "ship").data["items"]] == [None, "release_moved"]
    assert two.gfr("versions", "pair").code == "release.unknown"


def test_diff_compares_what_is_live_with_the_draft_or_any_two(two: Person) -> None:
    found = two.gfr("diff", "ship").data
    assert (found["before"], found["after"]) == ("live", "draft")
    assert [(c["kind"], c["part"], c["name"]) for c in found["changes"]] == [("changed", "step", "ask")]
    assert found["source"][:2] == ["--- live/ship.edn", "+++ draft/ship.edn"]
    assert two.gfr("diff", "ship", "v1..live").data["changes"] == []
    assert two.gfr("diff", "ship", "draft..v1", "--stat").data["source"] == []
    assert two.gfr("diff", "ship", "main..").data["changes"] == []
    assert two.gfr("diff", "ship", "v1..v9").code == "release.unknown"
    assert two.gfr("diff", "ship", "v1...v2").code == "diff.range"
    code, text, _ = spoken(two.clone, "diff", "ship", "--plain")
    assert (code, text) == (0, "changed\tstep\task\n")


def test_a_promotion_says_what_it_changes_and_who_stays(team: Team, two: Person) -> None:
    team.start("ship", "--ref", "live")
    assert two.gfr("release", "ship", "--yes").exit == 0
    moved = two.gfr("promote", "ship", "--yes").data
    assert (moved["before"], moved["live"], moved["in_flight"]) == (1, 2, 1)
    assert [c["name"] for c in moved["changes"]] == ["ask"]


def test_a_retired_flow_starts_nothing_until_it_is_promoted_again(two: Person) -> None:
    assert two.gfr("retire", "ship").code == "usage.confirm"
    retired = two.gfr("retire", "ship", "--reason", "replaced", "--yes").data
    assert (retired["before"], retired["live"]) == (1, None)
    assert "Gitflow-Action: retire" in two.git("log", "-1", "--format=%B", live_ref("ship"))
    refused = two.gfr("run", "ship", "--ref", "live")
    assert (refused.code, refused.exit) == ("live.none", 3)
    assert two.gfr("retire", "ship", "--yes").code == "live.none"
    assert [i["live"] for i in two.gfr("versions", "ship").data["items"]] == [False]
    assert two.gfr("promote", "ship", "v1", "--yes").exit == 0
    assert two.gfr("run", "ship", "--ref", "live").exit == 7


def test_a_release_by_a_key_revoked_since_runs_again_once_somebody_affirms_it(team: Team) -> None:
    ann, bob = team.ann, team.person("bob")
    ann.git("config", "user.signingkey", f"{bob.key}.pub")
    assert ann.gfr("release", "ship", "--yes").exit == 0
    assert ann.gfr("promote", "ship", "--yes").exit == 0
    ann.git("config", "user.signingkey", f"{ann.key}.pub")
    gone = f':revoked [{{:fingerprint "{bob.signer.key.fingerprint}" :since #inst "2026-01-01" :why "lost"}}]'
    assert team.apply_policy(more=gone).exit == 0
    refused = ann.gfr("run", "ship", "--ref", "live")
    assert (refused.code, refused.exit) == ("live.no_consent", 4)
    (item,) = ann.gfr("versions", "ship").data["items"]
    assert item["problem"] == "signature.key_revoked"
    assert ann.gfr("promote", "ship", "v1", "--reason", "read it again", "--yes").exit == 0
    assert ann.gfr("run", "ship", "--ref", "live").exit == 7
    assert ann.gfr("versions", "ship").data["items"][0]["problem"] is None
    assert ann.gfr("promote", "ship", "v1", "--yes").code == "live.already"


def test_a_release_that_nobody_trusts_any_more_can_still_be_retired(team: Team) -> None:
    ann, bob = team.ann, team.person("bob")
    ann.git("config", "user.signingkey", f"{bob.key}.pub")
    assert ann.gfr("release", "ship", "--yes").exit == 0
    assert ann.gfr("promote", "ship", "--yes").exit == 0
    ann.git("config", "user.signingkey", f"{ann.key}.pub")
    gone = f':revoked [{{:fingerprint "{bob.signer.key.fingerprint}" :since #inst "2026-01-01" :why "lost"}}]'
    assert team.apply_policy(more=gone).exit == 0
    assert ann.gfr("retire", "ship", "--yes").data["before"] == 1


def test_an_agent_and_a_runner_retire_nothing(team: Team, two: Person) -> None:
    for key in (team.keys / "bot", team.home / ".git" / "gitflow" / "runner_ed25519"):
        if not key.with_suffix(".pub").exists() and key.name == "runner_ed25519":
            two.git("config", "user.signingkey", str(key))
        else:
            two.git("config", "user.signingkey", f"{key}.pub")
        before = two.git("rev-parse", live_ref("ship"))
        refused = two.gfr("retire", "ship", "--yes")
        assert (refused.code, refused.exit) == ("live.no_consent", 4)
        assert two.git("rev-parse", live_ref("ship")) == before
