"""Approvals made with nothing but Git: the block that the runner prints, pasted into another clone."""

from __future__ import annotations

import pytest

from gitflow_runner.model.event import WaitReminded, WaitResolved
from tests.team import MINUTE, Person, Team, Waiting


def printed(team: Team, asked: Waiting, decision: str = "approve") -> str:
    block: str = team.ann.gfr("show", asked.run, asked.wait).data["git_commands"][decision]
    return block


def paste(person: Person, block: str, **environment: str) -> int:
    return person.attempt("sh", "-c", block, **environment).returncode


def test_the_printed_block_approves_and_the_run_goes_on(team: Team) -> None:
    asked = team.start()
    bob = team.joined("bob")
    before = bob.state()
    assert paste(bob, printed(team, asked)) == 0
    assert bob.state() == before
    told = team.ann.gfr("worker", "--once")
    assert (told.exit, [item["status"] for item in told.data["items"]]) == (0, ["succeeded"])
    (resolved,) = [event for event in team.events(asked) if isinstance(event, WaitResolved)]
    assert (resolved.outcome, resolved.by) == ("approved", ("bob",))
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


def test_the_printed_block_rejects_too(team: Team) -> None:
    asked = team.start()
    assert paste(team.joined("bob"), printed(team, asked, "reject")) == 0
    team.ann.gfr("worker", "--once")
    (resolved,) = [event for event in team.events(asked) if isinstance(event, WaitResolved)]
    assert (resolved.outcome, resolved.action, resolved.by) == ("rejected", "reject", ("bob",))
    assert team.ann.gfr("show", asked.run).data["output"]["preview"] == '{:shipped false, :action "reject"}'
    assert team.kept("shipped") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user.signingkey", "/nowhere/key.pub"),
        ("gpg.ssh.program", "false"),
        ("gpg.ssh.program", "/nowhere/ssh-keygen"),
        ("gpg.format", "nonsense"),
    ],
)
def test_where_signing_fails_nothing_is_pushed_and_nothing_touched(team: Team, key: str, value: str) -> None:
    asked = team.start()
    bob = team.joined("bob")
    bob.git("config", key, value)
    before, block = bob.state(), printed(team, asked)
    assert paste(bob, block) != 0
    assert bob.state() == before
    assert team.ann.git("for-each-ref", "refs/approvals") == ""


def test_a_dirty_work_tree_and_index_stay_as_they_are(team: Team) -> None:
    asked = team.start()
    bob = team.joined("bob")
    (bob.clone / "AGENTS.md").write_text("half written\n")
    (bob.clone / "new").write_text("staged\n")
    bob.git("add", "new")
    before = bob.state()
    assert paste(bob, printed(team, asked)) == 0
    assert bob.state() == before


def test_the_block_stops_before_signing_what_another_runner_asked(team: Team) -> None:
    asked = team.start()
    block = printed(team, asked)
    raw = team.ann.git("cat-file", "commit", asked.commit)
    forged = team.sign("stranger", asked, raw.split("\n\n", 1)[1], parent=asked.commit)
    bob = team.joined("bob")
    team.ann.git("update-ref", asked.ref, forged)
    assert paste(bob, block.replace(f"W={asked.commit}", f"W={forged}")) != 0
    assert team.ann.git("for-each-ref", "refs/approvals") == ""


def test_the_block_stops_at_another_payload(team: Team) -> None:
    asked = team.start()
    block = printed(team, asked)
    digest = asked.payload.removeprefix("sha256:")
    assert paste(team.joined("bob"), block.replace(f"'^{digest} '", f"'^{'0' * 64} '")) != 0
    assert team.ann.git("for-each-ref", "refs/approvals") == ""


def test_commit_with_a_checkout_is_accepted_too(team: Team) -> None:
    asked = team.start()
    bob = team.joined("bob")
    bob.git("fetch", "-q", "origin", asked.ref)
    bob.git("checkout", "-q", "--detach", asked.commit)
    bob.git("commit", "-q", "-S", "--allow-empty", "-F", "-", given=asked.message().encode())
    oid = bob.git("rev-parse", "HEAD")
    bob.git("push", "-q", "origin", f"HEAD:{asked.inbox}/{oid}")
    team.ann.gfr("worker", "--once")
    assert team.decisions(asked) == {oid: (None, "bob")}
    assert team.state(asked).status == "succeeded"


def test_a_sign_off_behind_the_trailers_changes_nothing(team: Team) -> None:
    asked = team.start()
    oid = team.send(asked, team.sign("bob", asked, asked.message() + "Signed-off-by: Bob <b@example.test>\n"))
    team.look()
    assert team.decisions(asked) == {oid: (None, "bob")}
    assert team.kept("shipped") == '["bob"]'


def test_two_people_approve_around_a_restart_and_a_reminder(team: Team) -> None:
    asked = team.start("pair")
    opened = team.history(asked)[-1].at
    first = team.send(asked, team.sign("bob", asked))
    assert team.look_in_new_process(opened + 31 * MINUTE) == {asked.run: "waiting"}
    second = team.send(asked, team.sign("cat", asked))
    assert team.look_in_new_process(opened + 32 * MINUTE) == {asked.run: "succeeded"}
    told = [event.kind for event in team.events(asked)]
    assert told[told.index("wait.opened") : told.index("wait.resolved") + 1] == [
        "wait.opened",
        "decision.seen",
        "wait.reminded",
        "decision.seen",
        "wait.resolved",
    ]
    (resolved,) = [event for event in team.events(asked) if isinstance(event, WaitResolved)]
    assert (resolved.by, resolved.counted) == (("bob", "cat"), (first, second))
    assert team.kept("shipped") == '[["bob" "cat"]]'
    story = team.ann.git("log", "--format=%G? %an", asked.ref).splitlines()
    assert {line.split()[0] for line in story} == {"G"}
    assert team.ann.git("fsck", "--strict", "--no-dangling") == ""


def test_each_reminder_is_given_once(team: Team) -> None:
    asked = team.start()
    opened = team.history(asked)[-1].at
    for minute in (29, 31, 32, 53, 55, 56):
        team.look(opened + minute * MINUTE)
    reminders = [e for e in team.events(asked) if isinstance(e, WaitReminded)]
    assert [round((e.due - opened) / MINUTE) for e in reminders] == [30, 54]
