"""Decisions that must not count: each is refused with its own code, and the run waits on."""

from __future__ import annotations

import base64

import pytest

from gitflow_runner.model.event import WaitResolved
from tests.team import HOUR, MINUTE, Team, Waiting


def reason(team: Team, asked: Waiting, oid: str) -> str | None:
    """What the run recorded of one decision; the run must wait on."""
    team.send(asked, oid)
    team.look()
    run = team.state(asked)
    assert (run.status, [state.wait.folder for state in run.waits]) == ("waiting", [asked.wait])
    assert team.kept("shipped") is None
    return team.decisions(asked)[oid][0]


def outcome(team: Team, asked: Waiting) -> tuple[str, str | None, tuple[str, ...]]:
    """How the run's first wait ended."""
    resolved = next(event for event in team.events(asked) if isinstance(event, WaitResolved))
    return (resolved.outcome, resolved.action, resolved.by)


@pytest.fixture
def asked(team: Team) -> Waiting:
    return team.start()


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (None, "unsigned"),
        ("stranger", "key_not_allowed"),
        ("ann", "self_approval"),
        ("bot", "not_human"),
        ("eve", "role"),
    ],
)
def test_the_wrong_signer(team: Team, asked: Waiting, who: str | None, code: str) -> None:
    assert reason(team, asked, team.sign(who, asked)) == code


def test_the_runners_own_key(team: Team, asked: Waiting) -> None:
    key = team.home / ".git/gitflow/runner_ed25519"
    team.ann.git("config", "user.signingkey", str(key))
    oid = team.ann.git("commit-tree", "-S", "-p", asked.commit, asked.tree, given=asked.message().encode())
    assert reason(team, asked, oid) == "role"


def test_a_strangers_key_under_a_good_persons_name(team: Team, asked: Waiting) -> None:
    name = {"GIT_AUTHOR_NAME": "bob", "GIT_AUTHOR_EMAIL": "bob@example.test"}
    name |= {"GIT_COMMITTER_NAME": "bob", "GIT_COMMITTER_EMAIL": "bob@example.test"}
    assert reason(team, asked, team.sign("stranger", asked, **name)) == "key_not_allowed"


def test_a_signature_that_names_a_good_key_and_was_made_by_another(team: Team, asked: Waiting) -> None:
    theirs = team.ann.git("cat-file", "commit", team.sign("stranger", asked)) + "\n"
    block = theirs[theirs.index("gpgsig ") : theirs.index("\n\n")]
    blob = base64.b64decode("".join(line.strip() for line in block.split("\n")[1:-1]))
    strange, good = team.person("stranger").signer.key.blob, team.person("bob").signer.key.blob
    assert blob.count(strange) == 1
    text = base64.b64encode(blob.replace(strange, good)).decode()
    header = f"gpgsig -----BEGIN SSH SIGNATURE-----\n {text}\n -----END SSH SIGNATURE-----"
    forged = theirs.replace(block, header).encode()
    oid = team.ann.git("hash-object", "-w", "-t", "commit", "--stdin", given=forged)
    assert reason(team, asked, oid) == "bad_signature"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Payload": "sha256:" + "0" * 64}, "payload"),
        ({"Run": "20260101-000000-aaaaaa"}, "run"),
        ({"Wait": "00009-ask"}, "wait"),
        ({"Decision": "ship"}, "trailers"),
        ({"Statement": "request"}, "trailers"),
        ({"Edited": "sha256:" + "0" * 64}, "edited_digest"),
    ],
    ids=["payload", "run", "wait", "decision", "kind", "edited"],
)
def test_a_bent_trailer(team: Team, asked: Waiting, changes: dict[str, str], code: str) -> None:
    assert reason(team, asked, team.sign("bob", asked, asked.message(**changes))) == code


@pytest.mark.parametrize("path", ["wait/payload.edn", "run.json", "edit/form.edn", "new"])
def test_a_changed_tree(team: Team, asked: Waiting, path: str) -> None:
    tree = team.tree_with(asked.tree, {path: b"{:payload {:build 1}}\n"})
    assert reason(team, asked, team.sign("bob", asked, tree=tree)) == "tree"


def test_an_approval_on_the_tip_instead_of_the_wait_commit(team: Team, asked: Waiting) -> None:
    reason(team, asked, team.sign("stranger", asked))
    tip = team.ann.git("rev-parse", asked.ref)
    assert tip != asked.commit
    assert reason(team, asked, team.sign("bob", asked, parent=tip)) == "parent"


def test_an_approval_replayed_on_another_run(team: Team, asked: Waiting) -> None:
    good = team.sign("bob", asked)
    other = team.start()
    assert reason(team, other, good) == "parent"
    again = team.sign("bob", other, asked.message())
    assert reason(team, other, again) == "run"


def test_an_approval_replayed_on_the_next_wait_of_the_same_run(team: Team) -> None:
    first = team.start("twice")
    good = team.send(first, team.sign("bob", first))
    team.look()
    second = team.waiting(first.run, "twice")
    assert (first.wait, second.wait) == ("00001-first", "00002-second")
    assert reason(team, second, good) == "parent"
    again = team.sign("bob", second, first.message())
    assert reason(team, second, again) == "wait"


def test_two_keys_of_one_person_are_one_person(team: Team) -> None:
    asked = team.start("pair")
    first = team.send(asked, team.sign("bob", asked))
    team.look()
    assert reason(team, asked, team.sign("bob-2", asked)) == "same_person"
    assert team.decisions(asked)[first] == (None, "bob")
    team.send(asked, team.sign("cat", asked))
    team.look()
    assert outcome(team, asked) == ("approved", "approve", ("bob", "cat"))


def test_the_same_signature_in_another_object_is_the_same_persons(team: Team) -> None:
    asked = team.start("pair")
    oid = team.send(asked, team.sign("bob", asked))
    team.look()
    raw = team.ann.git("cat-file", "commit", oid) + "\n"
    block = raw[raw.index("gpgsig ") : raw.index("\n\n")]
    text = "".join(line.strip() for line in block.split("\n")[1:-1])
    header = f"gpgsig -----BEGIN SSH SIGNATURE-----\n {text}\n -----END SSH SIGNATURE-----"
    twin = team.ann.git(
        "hash-object", "-w", "-t", "commit", "--stdin", given=raw.replace(block, header).encode()
    )
    assert twin != oid
    assert reason(team, asked, twin) == "same_person"


def test_what_is_no_commit_or_is_not_here(team: Team, asked: Waiting) -> None:
    assert reason(team, asked, team.ann.git("rev-parse", f"{asked.commit}:run.json")) == "malformed"
    path = team.home / ".git" / asked.inbox / "gone"
    path.write_text("12" * 20 + "\n")
    team.look()
    assert team.decisions(asked)["12" * 20] == ("malformed", None)


def test_a_good_approval_among_bad_ones_still_counts(team: Team, asked: Waiting) -> None:
    for who in (None, "stranger", "ann", "bot", "eve"):
        team.send(asked, team.sign(who, asked))
    good = team.send(asked, team.sign("bob", asked))
    team.look()
    assert outcome(team, asked) == ("approved", "approve", ("bob",))
    refused = [why for oid, (why, _) in team.decisions(asked).items() if oid != good]
    assert sorted(map(str, refused)) == ["key_not_allowed", "not_human", "role", "self_approval", "unsigned"]
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


def test_a_refused_decision_is_recorded_once_and_its_ref_may_go(team: Team, asked: Waiting) -> None:
    oid = team.sign("bot", asked)
    assert reason(team, asked, oid) == "not_human"
    seq = team.state(asked).seq
    team.ann.git("update-ref", "-d", f"{asked.inbox}/{oid}")
    team.look()
    team.send(asked, oid, "again")
    team.look()
    assert team.state(asked).seq == seq


def test_deleting_an_approvals_ref_withdraws_nothing(team: Team) -> None:
    asked = team.start("pair")
    oid = team.send(asked, team.sign("bob", asked))
    team.look()
    team.ann.git("update-ref", "-d", f"{asked.inbox}/{oid}")
    team.send(asked, team.sign("cat", asked))
    team.look()
    assert outcome(team, asked) == ("approved", "approve", ("bob", "cat"))


def test_a_reject_ends_the_wait_and_what_comes_with_it_is_resolved(team: Team) -> None:
    asked = team.start("pair")
    team.send(asked, team.sign("bob", asked))
    team.look()
    team.send(asked, team.sign("cat", asked, asked.message("reject")))
    team.look()
    assert outcome(team, asked) == ("rejected", "reject", ("cat",))
    assert team.ann.gfr("show", asked.run).data["output"]["preview"] == '{:action "reject", :by ["cat"]}'


def test_of_two_that_come_together_the_one_too_many_is_resolved(team: Team, asked: Waiting) -> None:
    both = [team.send(asked, team.sign(who, asked)) for who in ("bob", "cat")]
    team.look()
    found = team.decisions(asked)
    assert sorted(str(found[oid][0]) for oid in both) == ["None", "resolved"]
    assert outcome(team, asked)[0] == "approved"


def test_after_the_resolution_nothing_counts_any_more(team: Team) -> None:
    first = team.start("twice")
    team.send(first, team.sign("bob", first))
    team.look()
    late = team.send(first, team.sign("cat", first, first.message("reject")))
    team.look()
    assert team.decisions(first)[late] == ("resolved", None)
    assert outcome(team, first) == ("approved", "approve", ("bob",))
    told = team.joined("cat").gfr("approve", first.run, first.wait, "--payload", "0000000", "--yes")
    assert (told.exit, told.code) == (3, "run.unknown")
    told = team.ann.gfr("approve", first.run, first.wait, "--payload", "0000000", "--yes")
    assert (told.exit, told.code) == (5, "wait.closed")


def test_what_the_first_look_after_the_deadline_finds_was_in_time(team: Team, asked: Waiting) -> None:
    team.send(asked, team.sign("bob", asked))
    team.look(asked.deadline + HOUR)
    assert outcome(team, asked) == ("approved", "approve", ("bob",))


def test_without_a_decision_the_wait_expires_and_the_run_fails(team: Team, asked: Waiting) -> None:
    team.look(asked.deadline - MINUTE)
    assert team.state(asked).status == "waiting"
    team.look(asked.deadline + MINUTE)
    assert outcome(team, asked) == ("expired", None, ())
    failure = team.state(asked).failure
    assert failure is not None
    assert failure.code == "wait.expired"
    team.send(asked, team.sign("bob", asked))
    team.look(asked.deadline + 2 * MINUTE)
    assert outcome(team, asked) == ("expired", None, ())
    assert team.kept("shipped") is None


def test_an_approval_after_the_expiry_is_late(team: Team) -> None:
    first = team.start("twice")
    team.look(first.deadline + MINUTE)
    assert team.waiting(first.run, "twice").wait == "00002-second"
    late = team.send(first, team.sign("bob", first))
    team.look(first.deadline + 2 * MINUTE)
    assert team.decisions(first) == {late: ("late", None)}
    assert outcome(team, first) == ("expired", None, ())
    assert team.state(first).status == "waiting"
    seq = team.state(first).seq
    team.look(first.deadline + 3 * MINUTE)
    assert team.state(first).seq == seq
    (told,) = team.ann.gfr("show", first.run).data["refused"]
    assert (told["oid"], told["wait"], told["reason"]) == (late, first.wait, "late")


def test_a_flow_may_go_on_after_expiry_and_no_default_stands_in_for_approval(team: Team) -> None:
    asked = team.start("branch")
    team.look(asked.deadline + MINUTE)
    assert outcome(team, asked) == ("expired", None, ())
    shown = team.ann.gfr("show", asked.run).data
    assert shown["output"]["preview"] == '{:approved false, :action "expired"}'
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"
