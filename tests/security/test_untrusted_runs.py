"""Runs that somebody else wrote or bent: shown as `untrusted_run`, verified with a code, never driven."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from gitflow_runner.git.objects import Commit, Oid, RawObject, decode_commit
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.ledger.lease import Lease, take_over
from gitflow_runner.model.event import (
    DecisionSeen,
    LeaseAcquired,
    RunCancelled,
    RunSucceeded,
    WaitOpened,
    WaitResolved,
)
from gitflow_runner.model.stored import Stored
from gitflow_runner.trust.signer import FileSigner, load_signer, new_key_file, sign_commit
from tests.repositories import NoJitter, StillClock
from tests.team import Team, Waiting

APPROVED = Stored('{:action "approve", :by ["bob"]}')


@dataclass(frozen=True, slots=True)
class Turned:
    """One turn taken apart: its commit and the files that are to be changed in its tree."""

    commit: Commit
    files: dict[str, bytes]


Bend = Callable[[list[Turned]], list[Turned]]


def runner_key(team: Team) -> FileSigner:
    """The key of the clone that drives, as a thief would have it."""
    return load_signer((team.home / ".git/gitflow/runner_ed25519").read_bytes())


def finished(team: Team) -> Waiting:
    """A run that was approved and ended well, with six events or more."""
    asked = team.start()
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.state(asked).status == "succeeded"
    return asked


def bend(team: Team, asked: Waiting, change: Bend, key: FileSigner) -> None:
    """Write the run anew with every turn changed and signed by `key`, and move its ref there."""
    repository = open_repository(team.home, StillClock(), NoJitter())
    oids = team.ann.git("rev-list", "--first-parent", "--reverse", asked.ref).splitlines()
    oids = [oid for oid in oids if "Gitflow-Statement" not in team.ann.git("log", "-1", "--format=%B", oid)]
    turns = [Turned(decode_commit(repository.read(Oid(oid)).data), {}) for oid in oids]
    previous: Oid | None = None
    for turn in change(turns):
        tree = team.tree_with(turn.commit.tree, turn.files)
        parents = turn.commit.parents if previous is None else (previous, *turn.commit.parents[1:])
        plain = Commit(Oid(tree), parents, turn.commit.author, turn.commit.committer, turn.commit.message)
        raw: RawObject = sign_commit(plain, key)
        repository.write([raw])
        previous = raw.oid
    repository.swap([RefUpdate(asked.ref, repository.resolve(asked.ref), previous)])


def append_approved(team: Team, asked: Waiting, key: FileSigner, evidence: str) -> None:
    """Append a turn which says that Bob approved; `evidence` is the commit that it counts."""
    repository = open_repository(team.home, StillClock(), NoJitter())
    journal = Journal.open(repository, asked.ref, Committer("runner", "runner@gitflow.invalid", key.sign))
    wait = next(e.event for e in journal.history() if isinstance(e.event, WaitOpened))
    seen = DecisionSeen(
        wait.folder,
        evidence,
        f"{asked.inbox}/x",
        None,
        "bob",
        team.person("bob").signer.key.fingerprint,
        "approve",
        True,
    )
    said = WaitResolved(
        wait.identity, wait.folder, "approved", "approve", ("bob",), (evidence,), APPROVED, None
    )
    journal.append(Turn((seen, said), journal.run.at))


def codes(team: Team, asked: Waiting) -> set[str]:
    """What `gfr runs verify` finds; show and worker must agree that the run is not to be trusted."""
    (team.home / ".git/gitflow/verified" / asked.run).unlink(missing_ok=True)  # another clone never had it
    for log in team.ann.git("for-each-ref", "--format=%(refname)", "refs/runner/log/").split():
        team.ann.git("update-ref", "-d", log)
    verified = team.ann.gfr("runs", "verify", asked.run)
    assert (verified.exit, verified.data["verdict"]) == (1, "failed")
    shown = team.ann.gfr("show", asked.run)
    assert shown.data["status"] == "untrusted_run"
    assert {f["code"] for f in shown.data["findings"]} == {f["code"] for f in verified.data["findings"]}
    return {finding["code"] for finding in verified.data["findings"]}


def worked(team: Team, asked: Waiting) -> str | None:
    """Why the worker does not drive the run, which stays exactly as it is."""
    tip = team.ann.git("rev-parse", asked.ref)
    told = team.ann.gfr("worker", "--once")
    assert team.ann.git("rev-parse", asked.ref) == tip
    assert team.kept("shipped") is None
    (item,) = [item for item in told.data["items"] if item["run"] == asked.run]
    assert told.exit == 4
    code: str = item["problem"]["code"]
    return code


def test_a_strangers_turn_that_says_approved(team: Team) -> None:
    asked = team.start()
    append_approved(team, asked, team.person("stranger").signer, team.sign("stranger", asked))
    assert worked(team, asked) == "untrusted_run"
    assert codes(team, asked) == {"untrusted.key_not_allowed"}


def strange_run(team: Team) -> tuple[Team, Waiting]:
    """A run that waits in a stranger's clone, under the stranger's own policy."""
    other = team.joined("stranger")
    assert other.gfr("init", "--no-commit").exit == 0
    there = replace(team, home=other.clone)
    mine = f'"stranger" {{:kind :human :roles #{{:dev :release}} :keys [{{:ssh "{other.line}"}}]}}'
    text = there.policy(version=1, without=("ann", "bob", "cat", "eve", "bot"), extra=mine)
    (other.clone / ".breyta/policy.edn").write_text(text)
    assert other.gfr("policy", "apply").exit == 0
    told = other.gfr("run", "ship")
    assert told.exit == 7, told
    return there, there.waiting(told.data["run"], "ship")


def test_a_whole_run_of_a_stranger_pushed_with_a_lease_in_our_name(team: Team) -> None:
    there, asked = strange_run(team)
    append_approved(there, asked, runner_key(there), there.sign("stranger", asked))
    there.person("stranger").git("push", "-q", "origin", asked.ref)
    runtime = team.runtime()
    lease = Lease(asked.run, "ship", runtime.owner, "here", 1, asked.deadline)
    stranger = Committer("runner", "runner@gitflow.invalid", runner_key(there).sign)
    take_over(runtime.repository, stranger, lease)
    assert worked(team, asked) == "untrusted_run"
    assert "untrusted.key_not_allowed" in codes(team, asked)
    (listed,) = team.ann.gfr("runs", "ls").data["items"]
    assert (listed["run"], listed["status"]) == (asked.run, "untrusted_run")


def test_another_clones_run_is_not_driven_by_a_lease_that_somebody_wrote_in_our_name(team: Team) -> None:
    asked = team.start()
    other = replace(team.ann, clone=team.root / "other")
    shutil.copytree(team.home, other.clone)
    (other.clone / ".git/gitflow/runner_ed25519").write_bytes(new_key_file(b"o" * 32))
    ref = f"refs/runner/active/{asked.run}"
    lease = json.loads(other.git("show", f"{ref}:lease.json"))
    lease |= {"owner": team.runtime(folder=other.clone).owner}
    blob = other.git("hash-object", "-w", "--stdin", given=json.dumps(lease).encode())
    tree = other.git("mktree", given=f"100644 blob {blob}\tlease.json\n".encode())
    other.git("update-ref", ref, other.git("commit-tree", "-m", "lease", tree))
    before = other.git("rev-parse", asked.ref)
    (told,) = other.gfr("worker", "--once").data["items"]
    assert told["problem"]["code"] == "lease.untrusted"
    assert other.git("rev-parse", asked.ref) == before
    (told,) = team.ann.gfr("worker", "--once").data["items"]
    assert "problem" not in told, "its own clone goes on with it"


def test_a_strangers_question_is_not_signed_by_our_commands(team: Team) -> None:
    there, asked = strange_run(team)
    there.person("stranger").git("push", "-q", "origin", asked.ref)
    bob = team.joined("bob")
    bob.git("fetch", "-q", "origin", "refs/policy/*:refs/policy/*", "refs/runs/*:refs/runs/*")
    bob.gfr("trust", "pin", team.ann.gfr("policy", "show").data["digest"])
    shown = bob.gfr("show", asked.run, asked.wait)
    assert (shown.data["trusted"], shown.data["git_commands"]) == (False, {})
    (listed,) = bob.gfr("waits").data["items"]
    assert (listed["trusted"], listed["yours"]) == (False, False)
    refused = bob.gfr("approve", asked.run, "--payload", asked.payload[7:14], "--yes")
    assert (refused.exit, refused.code) == (4, "untrusted_run")
    assert bob.git("for-each-ref", "refs/approvals") == ""


@pytest.mark.parametrize("end", ["succeeded", "cancelled"])
def test_a_strangers_turn_that_says_the_run_is_over(team: Team, end: str) -> None:
    asked = team.start()
    key = team.person("stranger").signer
    over = RunSucceeded(APPROVED) if end == "succeeded" else RunCancelled("bob", None)
    repository = open_repository(team.home, StillClock(), NoJitter())
    journal = Journal.open(repository, asked.ref, Committer("runner", "runner@gitflow.invalid", key.sign))
    journal.append(Turn((over,), journal.run.at))
    assert worked(team, asked) == "untrusted_run"
    assert team.ann.git("for-each-ref", "refs/runner/active") != ""
    assert codes(team, asked) == {"untrusted.key_not_allowed"}


def test_turns_signed_again_by_another_key(team: Team) -> None:
    asked = finished(team)
    bend(team, asked, lambda turns: turns, team.person("stranger").signer)
    assert "untrusted.key_not_allowed" in codes(team, asked)


def test_turns_signed_by_a_person_instead_of_a_runner(team: Team) -> None:
    asked = finished(team)
    bend(team, asked, lambda turns: turns, team.person("bob").signer)
    assert "untrusted.role" in codes(team, asked)


def events_of(turn: Turned, team: Team) -> list[dict[str, object]]:
    text = team.ann.git("show", f"{turn.commit.tree}:events.jsonl")
    return [json.loads(line) for line in text.splitlines()]


def with_events(turn: Turned, events: list[dict[str, object]]) -> Turned:
    lines = [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events]
    return Turned(turn.commit, {"events.jsonl": ("\n".join(lines) + "\n").encode()})


def test_an_edited_event(team: Team) -> None:
    asked = finished(team)

    def change(turns: list[Turned]) -> list[Turned]:
        events = events_of(turns[0], team)
        events[0]["starter"] = "cat"
        return [with_events(turns[0], events), *turns[1:]]

    bend(team, asked, change, runner_key(team))
    assert "run.state" in codes(team, asked)


def test_a_dropped_turn(team: Team) -> None:
    asked = finished(team)
    bend(team, asked, lambda turns: [*turns[:1], *turns[2:]], runner_key(team))
    assert codes(team, asked) & {"history.gap", "history.wait"}


def test_a_claim_that_leaps_over_an_epoch(team: Team) -> None:
    asked = team.start()
    repository = open_repository(team.home, StillClock(), NoJitter())
    key = runner_key(team)
    journal = Journal.open(repository, asked.ref, Committer("runner", "runner@gitflow.invalid", key.sign))
    journal.append(Turn((LeaseAcquired("another clone", journal.run.epoch + 1),), journal.run.at))

    def leap(turns: list[Turned]) -> list[Turned]:
        *others, event = events_of(turns[-1], team)
        assert event["epoch"] == 2
        return [*turns[:-1], with_events(turns[-1], [*others, event | {"epoch": 3}])]

    bend(team, asked, leap, key)
    assert "history.epoch" in codes(team, asked)
    assert worked(team, asked) == "untrusted_run"


def test_a_gap_in_the_numbers_of_the_events(team: Team) -> None:
    asked = finished(team)

    def change(turns: list[Turned]) -> list[Turned]:
        events = events_of(turns[-1], team)
        events[-1]["seq"] = int(str(events[-1]["seq"])) + 1
        return [*turns[:-1], with_events(turns[-1], events)]

    bend(team, asked, change, runner_key(team))
    assert codes(team, asked) == {"history.gap"}


def test_changed_trailers(team: Team) -> None:
    asked = finished(team)

    def change(turns: list[Turned]) -> list[Turned]:
        last = turns[-1].commit
        message = last.message.replace("Gitflow-Status: succeeded", "Gitflow-Status: failed")
        assert message != last.message
        return [*turns[:-1], Turned(replace(last, message=message), {})]

    bend(team, asked, change, runner_key(team))
    assert "trailer_mismatch" in codes(team, asked)


def test_a_changed_run_json(team: Team) -> None:
    asked = finished(team)

    def change(turns: list[Turned]) -> list[Turned]:
        text = team.ann.git("show", f"{turns[-1].commit.tree}:run.json").replace("succeeded", "cancelled")
        return [*turns[:-1], Turned(turns[-1].commit, {"run.json": text.encode() + b"\n"})]

    bend(team, asked, change, runner_key(team))
    assert "run.state" in codes(team, asked)


def test_a_changed_payload_in_the_wait_turn(team: Team) -> None:
    asked = team.start()

    def change(turns: list[Turned]) -> list[Turned]:
        return [*turns[:-1], Turned(turns[-1].commit, {"wait/payload.edn": b"{:build 413}\n"})]

    bend(team, asked, change, runner_key(team))
    assert codes(team, asked) == {"wait.payload"}
    assert worked(team, asked) == "untrusted_run"
    refused = team.ann.gfr("show", asked.run, asked.wait)
    assert (refused.exit, refused.code) == (4, "approval.payload")


def test_an_approval_that_the_runner_made_up(team: Team) -> None:
    asked = team.start()
    append_approved(team, asked, runner_key(team), team.sign("stranger", asked))
    assert worked(team, asked) == "untrusted_run"
    assert codes(team, asked) == {"approval.unproven"}


def test_a_result_of_a_wait_that_nobody_gave(team: Team) -> None:
    asked = team.start("branch")
    repository = open_repository(team.home, StillClock(), NoJitter())
    key = runner_key(team)
    journal = Journal.open(repository, asked.ref, Committer("runner", "runner@gitflow.invalid", key.sign))
    said = WaitResolved("ask", asked.wait, "expired", None, (), (), APPROVED, None)
    journal.append(Turn((said,), asked.deadline + 1))
    assert worked(team, asked) == "untrusted_run"
    assert codes(team, asked) == {"approval.unproven"}


def test_a_run_moved_back_to_an_earlier_turn_is_not_driven_again(team: Team) -> None:
    asked = team.start()
    team.send(asked, team.sign("bot", asked))
    team.look()
    tip = team.ann.git("rev-parse", asked.ref)
    team.ann.git("update-ref", asked.ref, f"{asked.ref}~1", tip)
    told = team.ann.gfr("worker", "--once")
    assert told.data["items"][0]["problem"]["code"] == "untrusted_run"
    shown = team.ann.gfr("show", asked.run).data
    assert (shown["status"], [f["code"] for f in shown["findings"]]) == (
        "untrusted_run",
        ["history_rewritten"],
    )
    team.ann.git("update-ref", asked.ref, tip)
    assert team.ann.gfr("worker", "--once").data["items"][0]["status"] == "waiting"


def test_a_lease_that_names_our_clone_makes_no_strange_run_ours(team: Team) -> None:
    asked = team.start()
    bend(team, asked, lambda turns: turns, team.person("stranger").signer)
    assert worked(team, asked) == "untrusted_run"


@pytest.mark.parametrize("name", ["refs/runs/ship/x", "refs/runs/ship", "refs/policy/more/x"])
def test_a_ref_of_a_wrong_form_does_not_disturb(team: Team, name: str) -> None:
    team.ann.git("update-ref", name, "HEAD")
    assert team.ann.gfr("runs", "ls").exit == 0
