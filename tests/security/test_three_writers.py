"""The same attack by git, pygit2 and dulwich: what a hook would have held back must not count either."""

from __future__ import annotations

import json

import pytest

from tests.other_writers import WRITERS, Writer
from tests.team import HOUR, Team, Waiting

by_each = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)


def judged(team: Team, asked: Waiting, oid: str, writer: Writer) -> str | None:
    """What the run records of a decision that the writer puts into its inbox; the run must wait on."""
    writer.move(team.home, f"{asked.inbox}/x", oid)
    team.look()
    assert (team.state(asked).status, team.kept("shipped")) == ("waiting", None)
    return team.decisions(asked)[oid][0]


def raw(team: Team, oid: str) -> bytes:
    """The bytes of a commit; git ends none of ours in more than the one line break that is cut off here."""
    return team.ann.git("cat-file", "commit", oid).rstrip("\n").encode() + b"\n"


def without_signature(commit: bytes) -> bytes:
    start = commit.index(b"gpgsig ")
    end = commit.index(b"\n\n", start)
    return commit[:start].removesuffix(b"\n") + commit[end:]


@by_each
def test_a_good_approval_counts_whoever_carries_it(team: Team, writer: Writer) -> None:
    asked = team.start()
    made = raw(team, team.sign("bob", asked))
    writer.move(team.home, f"{asked.inbox}/x", writer.write(team.home, made))
    team.look()
    assert team.kept("shipped") == '["bob"]'


@by_each
def test_row_1_an_unsigned_approval_in_a_good_persons_name(team: Team, writer: Writer) -> None:
    asked = team.start()
    forged = writer.write(team.home, without_signature(raw(team, team.sign("bob", asked))))
    assert judged(team, asked, forged, writer) == "unsigned"


@by_each
def test_row_2_a_rejection_under_the_signature_of_an_approval(team: Team, writer: Writer) -> None:
    asked = team.start()
    good = raw(team, team.sign("bob", asked))
    bent = good.replace(b"Gitflow-Decision: approve", b"Gitflow-Decision: reject")
    assert bent != good
    assert judged(team, asked, writer.write(team.home, bent), writer) == "bad_signature"


@by_each
def test_row_8_a_replace_ref_makes_nothing_of_an_unsigned_commit(team: Team, writer: Writer) -> None:
    asked = team.start()
    good = team.sign("bob", asked)
    forged = writer.write(team.home, without_signature(raw(team, good)))
    writer.move(team.home, f"refs/replace/{forged}", good)
    assert "gpgsig" in team.ann.git("cat-file", "commit", forged)  # git itself is taken in
    assert judged(team, asked, forged, writer) == "unsigned"


@by_each
def test_row_15_a_run_moved_back_is_not_driven_on(team: Team, writer: Writer) -> None:
    asked = team.start()
    team.send(asked, team.sign("bot", asked))
    team.look()
    tip = team.ann.git("rev-parse", asked.ref)
    writer.move(team.home, asked.ref, team.ann.git("rev-parse", f"{tip}~1"))
    (item,) = team.ann.gfr("worker", "--once").data["items"]
    assert item["problem"]["code"] == "untrusted_run"
    shown = team.ann.gfr("show", asked.run).data
    assert (shown["status"], [finding["code"] for finding in shown["findings"]]) == (
        "untrusted_run",
        ["history_rewritten"],
    )


@by_each
def test_row_15_a_turn_rewritten_under_its_signature(team: Team, writer: Writer) -> None:
    asked = team.start()
    team.send(asked, team.sign("bot", asked))
    team.look()
    good = raw(team, team.ann.git("rev-parse", asked.ref))
    bent = good.replace(b" +0000\n", b" +0100\n", 1)
    assert bent != good
    writer.move(team.home, asked.ref, writer.write(team.home, bent))
    (team.home / ".git/gitflow/verified" / asked.run).unlink()  # as a clone that never had the run
    for log in team.ann.git("for-each-ref", "--format=%(refname)", "refs/runner/log/").split():
        team.ann.git("update-ref", "-d", log)
    found = team.ann.gfr("runs", "verify", asked.run).data["findings"]
    assert "untrusted.bad_signature" in {finding["code"] for finding in found}
    assert team.ann.gfr("worker", "--once").data["items"][0]["problem"]["code"] == "untrusted_run"


@by_each
def test_rule_7_1_the_policy_moved_back(team: Team, writer: Writer) -> None:
    asked = team.start()
    assert team.apply_policy(without=("cat",)).exit == 0
    writer.move(team.home, "refs/policy/chain", team.ann.git("rev-parse", "refs/policy/chain~1"))
    team.send(asked, team.sign("cat", asked))
    told = team.ann.gfr("worker", "--once")
    assert "policy_rewound" in json.dumps(told.envelope)
    assert team.kept("shipped") is None


@by_each
def test_rule_5_4_a_symbolic_ref_in_the_place_of_a_run(team: Team, writer: Writer) -> None:
    asked = team.start()
    tip = team.ann.git("rev-parse", asked.ref)
    writer.move(team.home, "refs/heads/elsewhere", tip)
    team.ann.git("symbolic-ref", asked.ref, "refs/heads/elsewhere")
    told = team.ann.gfr("show", asked.run)
    assert (told.exit != 0, told.code) == (True, "git.symbolic_ref")
    assert team.ann.git("rev-parse", "refs/heads/elsewhere") == tip


def test_rule_4_5_a_clock_behind_what_was_recorded_decides_no_time(team: Team) -> None:
    asked = team.start()
    late = asked.deadline - HOUR // 2
    team.send(asked, team.sign("bot", asked))
    team.look(late)
    tip = team.ann.git("rev-parse", asked.ref)
    good = team.send(asked, team.sign("bob", asked))
    team.look(late - HOUR // 4)
    assert team.ann.git("rev-parse", asked.ref) == tip  # nothing is judged until clocks agree
    team.look(late + 1000)
    assert team.decisions(asked)[good] == (None, "bob")
    assert team.state(asked).status == "succeeded"
