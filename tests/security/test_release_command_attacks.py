"""Releases and live through the commands: who may make them, and what is noticed when somebody moves one."""

from __future__ import annotations

import pytest

from tests.other_writers import WRITERS, Writer
from tests.spoken import Told
from tests.team import Team
from tests.team_files import RULES

TAG = "refs/tags/flow/ship/v1"
LIVE = "refs/live/ship"


def released(team: Team) -> str:
    """Version 1 of `ship`, live; its tag object."""
    assert team.ann.gfr("release", "ship", "-m", "first", "--yes").exit == 0
    assert team.ann.gfr("promote", "ship", "--yes").exit == 0
    return team.ann.git("rev-parse", TAG)


def second(team: Team) -> str:
    """Version 2 with another text; its tag object."""
    path = team.home / ".breyta/flows/ship.edn"
    path.write_text(path.read_text().replace("Ship it?", "Really?"))
    team.ann.git("commit", "-qam", "Ask again")
    assert team.ann.gfr("release", "ship", "--yes").exit == 0
    return team.ann.git("rev-parse", "refs/tags/flow/ship/v2")


def use_key(team: Team, name: str) -> None:
    team.ann.git("config", "user.signingkey", f"{team.person(name).key}.pub")


def starts(team: Team) -> tuple[Told, Told]:
    """What comes of starting live, and of starting v1 by name."""
    return (
        team.ann.gfr("run", "ship", "--ref", "live", "-i", "lane=live"),
        team.ann.gfr("run", "ship", "--ref", "v1", "-i", "lane=v1"),
    )


def test_a_release_promoted_and_run_carries_its_proof(team: Team) -> None:
    tag = released(team)
    asked = team.start("ship", "--ref", "live")
    assert team.state(asked).label == "flow/ship/v1"
    raw = team.ann.git("cat-file", "tag", tag)
    assert team.ann.git("show", f"{asked.ref}:proof/tag") == raw
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.kept("shipped") == '["bob"]'
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


def test_a_dirty_work_tree_is_refused_with_the_files_named(team: Team) -> None:
    path = team.home / ".breyta/flows/ship.edn"
    path.write_text(path.read_text() + "\n")
    told = team.ann.gfr("release", "ship", "--yes")
    assert (told.exit, told.code) == (2, "release.dirty")
    assert "ship.edn" in told.envelope["error"]["message"]
    assert told.envelope["error"]["fix"] == ["git add .breyta/flows/ship.edn", "git commit"]
    assert team.ann.git("tag", "-l") == ""


def test_a_staged_change_is_dirty_too_and_another_flows_file_is_not(team: Team) -> None:
    path = team.home / ".breyta/flows/ship.edn"
    before = path.read_text()
    path.write_text(before.replace("Ship it?", "Really?"))
    team.ann.git("add", "-A")
    assert team.ann.gfr("release", "ship", "--yes").code == "release.dirty"
    assert team.ann.gfr("release", "pair", "--yes").exit == 0


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_a_moved_release_starts_nothing_and_stops_nothing(team: Team, writer: Writer) -> None:
    released(team)
    asked = team.start("ship", "--ref", "live")
    other = second(team)
    writer.move(team.home, TAG, other)
    assert [(told.exit, told.code) for told in starts(team)] == [(4, "release_moved")] * 2
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.kept("shipped") == '["bob"]'
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


@pytest.mark.parametrize("gone", [True, False])
def test_a_deleted_release_starts_nothing_and_stops_nothing(team: Team, gone: bool) -> None:
    tag = released(team)
    asked = team.start("ship", "--ref", "live")
    team.ann.git("tag", "-d", "flow/ship/v1")
    assert [(told.exit, told.code) for told in starts(team)] == [(4, "release_missing")] * 2
    if not gone:
        team.ann.git("update-ref", TAG, tag)
        assert [told.exit for told in starts(team)] == [7, 7]
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.kept("shipped") == '["bob"]'


def test_the_number_of_a_deleted_release_is_not_given_again(team: Team) -> None:
    released(team)
    team.ann.git("tag", "-d", "flow/ship/v1")
    assert team.ann.gfr("release", "ship", "--yes").data["version"] == 2


def test_a_release_under_another_name_is_refused(team: Team) -> None:
    tag = released(team)
    team.ann.git("update-ref", "refs/tags/flow/ship/v7", tag)
    told = team.ann.gfr("run", "ship", "--ref", "v7")
    assert (told.exit, told.code) == (4, "signature.tag_name_mismatch")
    told = team.ann.gfr("promote", "ship", "v7", "--yes")
    assert (told.exit, told.code) == (4, "signature.tag_name_mismatch")


def test_an_unsigned_or_lightweight_tag_is_no_release(team: Team) -> None:
    team.ann.git("-c", "tag.gpgSign=false", "tag", "-a", "-m", "mine", "flow/ship/v1", "HEAD")
    assert team.ann.gfr("run", "ship", "--ref", "v1").code == "signature.unsigned"
    team.ann.git("tag", "flow/ship/v2", "HEAD")
    assert team.ann.gfr("run", "ship", "--ref", "v2").code == "signature.not_a_tag_object"


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("cat", "approval.role"),
        ("bot", "approval.not_human"),
        ("stranger", "signature.key_not_allowed"),
        ("runner", "approval.role"),
    ],
)
def test_who_may_not_release_or_promote(team: Team, who: str, code: str) -> None:
    released(team)
    second(team)
    before = team.ann.git("for-each-ref", "refs/tags", "refs/live")
    if who == "runner":
        key = team.home / ".git/gitflow/runner_ed25519"
        key.with_name("runner_ed25519.pub").write_text(team.runtime().signer.key.line + "\n")
        team.ann.git("config", "user.signingkey", str(key))
    else:
        use_key(team, who)
    told = team.ann.gfr("release", "ship", "--yes")
    assert (told.exit, told.code) == (4, code)
    told = team.ann.gfr("promote", "ship", "--yes")
    assert (told.exit, told.code) == (4, "live.no_consent")
    told = team.ann.gfr("rollback", "ship", "--yes")
    assert told.exit in (3, 4)
    assert team.ann.git("for-each-ref", "refs/tags", "refs/live") == before


def test_a_tag_that_an_agent_signed_past_our_commands(team: Team) -> None:
    tag = released(team)
    raw = team.ann.git("cat-file", "tag", tag)
    body = raw[raw.index("\n\n") + 2 : raw.index("-----BEGIN")].replace("v1", "v2")
    body = body.replace("Gitflow-Version: 1", "Gitflow-Version: 2")
    use_key(team, "bot")
    team.ann.git("tag", "-s", "-F", "-", "flow/ship/v2", "HEAD", given=body.encode())
    told = team.ann.gfr("run", "ship", "--ref", "v2")
    assert (told.exit, told.code) == (4, "approval.not_human")


def test_an_unlisted_runner_drives_no_release(team: Team) -> None:
    released(team)
    told = team.apply_policy(drive="")
    assert told.exit == 0
    told = team.ann.gfr("run", "ship", "--ref", "live")
    assert (told.exit, told.code) == (4, "runner.unlisted")
    assert team.ann.git("for-each-ref", "refs/runs", "refs/runner/active") == ""
    assert team.ann.gfr("run", "ship").exit == 7


def test_a_runner_that_is_listed_for_another_flow_drives_no_release(team: Team) -> None:
    released(team)
    team.apply_policy(drive=':can #{:drive} :flows ["pair"]')
    assert team.ann.gfr("run", "ship", "--ref", "live").code == "runner.unlisted"


def test_whoever_signed_the_release_may_not_approve_its_runs(team: Team) -> None:
    use_key(team, "bob")
    released(team)
    use_key(team, "ann")
    asked = team.start("ship", "--ref", "live")
    oid = team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.decisions(asked) == {oid: ("self_approval", "bob")}


def test_a_rule_without_drafts_lets_nobody_approve_a_draft(team: Team) -> None:
    released(team)
    team.apply_policy(rules=RULES.replace(" :drafts true", ""))
    told = team.ann.gfr("run", "ship")
    assert (told.exit, told.data["failure"]["code"]) == (1, "policy.no_rule")
    assert team.ann.gfr("run", "ship", "--ref", "live").exit == 7


def test_rollback_moves_live_to_the_release_before(team: Team) -> None:
    released(team)
    second(team)
    assert team.ann.gfr("promote", "ship", "v2", "--yes").data["live"] == 2
    back = team.ann.gfr("rollback", "ship", "--reason", "too loud", "--yes")
    assert (back.data["live"], back.data["before"]) == (1, 2)
    asked = team.start("ship", "--ref", "live")
    assert team.state(asked).label == "flow/ship/v1"
    assert team.ann.gfr("promote", "ship", "v1", "--yes").code == "live.already"
    log = team.ann.git("log", "--format=%G? %s", LIVE).splitlines()
    assert log == ["G rollback ship v1", "G promote ship v2", "G promote ship v1"]


def test_live_moved_back_stops_starts(team: Team) -> None:
    released(team)
    second(team)
    team.ann.gfr("promote", "ship", "v2", "--yes")
    team.ann.git("update-ref", LIVE, f"{LIVE}~1")
    told = team.ann.gfr("run", "ship", "--ref", "live")
    assert (told.exit, told.code) == (4, "live.live_rewound")
    assert team.ann.gfr("promote", "ship", "v2", "--yes").code == "live.live_rewound"
    team.ann.git("update-ref", "-d", LIVE)
    assert team.ann.gfr("run", "ship", "--ref", "live").code == "live.live_rewound"


def test_a_promotion_that_an_agent_signed_past_our_commands(team: Team) -> None:
    released(team)
    second(team)
    message = team.ann.git("log", "-1", "--format=%B", LIVE)
    two = team.ann.git("rev-parse", "refs/tags/flow/ship/v2")
    one = team.ann.git("rev-parse", TAG)
    said = message.replace(one, two).replace("Gitflow-Number: 1", "Gitflow-Number: 2")
    said = said.replace("Gitflow-Version: 1", "Gitflow-Version: 2")
    use_key(team, "bot")
    tree = team.ann.git("rev-parse", f"{LIVE}^{{tree}}")
    oid = team.ann.git("commit-tree", "-S", "-p", LIVE, tree, given=said.encode() + b"\n")
    team.ann.git("update-ref", LIVE, oid)
    told = team.ann.gfr("run", "ship", "--ref", "live")
    assert (told.exit, told.code) == (4, "live.no_consent")


def test_what_was_never_released_is_not_found_and_says_what_there_is(team: Team) -> None:
    told = team.ann.gfr("run", "ship", "--ref", "live")
    assert (told.exit, told.code) == (3, "live.none")
    told = team.ann.gfr("promote", "ship", "--yes")
    assert (told.exit, told.code) == (3, "release.unknown")
    released(team)
    told = team.ann.gfr("run", "ship", "--ref", "v9")
    assert (told.exit, told.code) == (3, "release.unknown")
    assert told.envelope["error"]["fix"] == ["gfr run ship --ref v1"]
    told = team.ann.gfr("rollback", "ship", "--yes")
    assert (told.exit, told.code) == (3, "live.first")
