"""Requests that steer a run: whose count, which are refused with what code, and none counts twice."""

from __future__ import annotations

import base64

import pytest

from gitflow_runner.git.objects import Ident
from gitflow_runner.git.refs import request_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.model.event import CancelAsked, RunPaused, StepStarted, StepSucceeded, WaitResolved
from gitflow_runner.trust.requests import build_request
from gitflow_runner.trust.signer import FileSigner
from gitflow_runner.trust.statement import Act, Request
from tests.team import MINUTE, Team, Waiting

NONCE = "abcdefgh12345678"


def ask(
    team: Team, asked: Waiting, act: Act, key: FileSigner, *, run: str | None = None, nonce: str = NONCE
) -> str:
    """A signed request, put where the run's holder looks."""
    runtime = team.runtime()
    request = Request(run or asked.run, act, nonce)
    who = Ident("somebody", "somebody@example.test", runtime.clock.now_ms() // 1000)
    objects = build_request(request, who, key)
    runtime.repository.write(objects)
    send(team, asked, objects[-1].oid)
    return objects[-1].oid


def send(team: Team, asked: Waiting, oid: str) -> None:
    team.ann.git("update-ref", request_ref(asked.run, oid), oid)


def twin(team: Team, oid: str) -> str:
    """Another object with the same signed bytes: the signature's armour is wrapped differently."""
    raw = team.ann.git("cat-file", "commit", oid) + "\n"
    block = raw[raw.index("gpgsig ") : raw.index("\n\n")]
    text = "".join(line.strip() for line in block.split("\n")[1:-1])
    base64.b64decode(text, validate=True)
    header = f"gpgsig -----BEGIN SSH SIGNATURE-----\n {text}\n -----END SSH SIGNATURE-----"
    other = team.ann.git(
        "hash-object", "-w", "-t", "commit", "--stdin", given=raw.replace(block, header).encode()
    )
    assert other != oid
    return other


def test_a_cancel_runs_finally_as_recorded_steps(team: Team) -> None:
    asked = team.start("tidy")
    told = team.ann.gfr("cancel", asked.run, "--reason", "wrong build")
    assert (told.exit, told.data["status"], told.data["principal"]) == (0, "cancelled", "ann")
    events = team.events(asked)
    (cancel,) = [event for event in events if isinstance(event, CancelAsked)]
    assert (cancel.by, cancel.reason) == ("ann", "wrong build")
    after = events[events.index(cancel) :]
    assert [e.identity for e in after if isinstance(e, StepStarted)] == ["cleanup/clean"]
    assert [e.identity for e in after if isinstance(e, StepSucceeded)] == ["cleanup/clean"]
    (resolved,) = [event for event in after if isinstance(event, WaitResolved)]
    assert (resolved.outcome, resolved.action) == ("cancelled", None)
    assert team.kept("tidy") == '["begun" "cleaned"]'
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


@pytest.mark.parametrize(
    ("who", "code"), [("eve", "approval.role"), ("stranger", "signature.key_not_allowed")]
)
def test_who_may_not_steer_is_told_so_before_anything_is_written(team: Team, who: str, code: str) -> None:
    asked = team.start()
    team.ann.git("config", "user.signingkey", f"{team.person(who).key}.pub")
    told = team.ann.gfr("cancel", asked.run)
    assert (told.exit, told.code) == (4, code)
    assert team.ann.git("for-each-ref", "refs/requests") == ""
    assert team.state(asked).status == "waiting"


@pytest.mark.parametrize(("who", "code"), [("eve", "role"), ("stranger", "key_not_allowed")])
def test_a_request_sent_past_our_commands_is_refused_with_its_code(team: Team, who: str, code: str) -> None:
    asked = team.start()
    oid = ask(team, asked, "cancel", team.person(who).signer)
    team.look()
    assert team.requests(asked) == {oid: code}
    assert team.state(asked).status == "waiting"


def test_the_runners_key_steers_nothing(team: Team) -> None:
    asked = team.start()
    oid = ask(team, asked, "cancel", team.runtime().signer)
    team.look()
    assert team.requests(asked) == {oid: "role"}


def test_a_request_for_another_run_is_refused(team: Team) -> None:
    first, second = team.start(), team.start()
    oid = ask(team, first, "cancel", team.person("bob").signer, run=second.run)
    team.look()
    assert team.requests(first) == {oid: "run"}
    assert (team.state(first).status, team.state(second).status) == ("waiting", "waiting")


def test_an_approval_is_no_request_and_a_request_no_approval(team: Team) -> None:
    asked = team.start()
    approval = team.sign("bob", asked)
    send(team, asked, approval)
    request = ask(team, asked, "comment", team.person("bob").signer)
    team.send(asked, request)
    team.look()
    assert team.requests(asked) == {approval: "trailers", request: None}
    assert team.decisions(asked) == {request: ("parent", "bob")}
    assert team.state(asked).status == "waiting"


def test_a_request_replayed_in_another_object_counts_once(team: Team) -> None:
    asked = team.start()
    pause = ask(team, asked, "pause", team.person("bob").signer)
    team.look()
    assert team.state(asked).status == "paused"
    resume = ask(team, asked, "resume", team.person("bob").signer, nonce=NONCE[::-1])
    team.look()
    assert team.state(asked).status == "waiting"
    again = twin(team, pause)
    send(team, asked, again)
    team.look()
    assert team.requests(asked) == {pause: None, resume: None, again: "replayed"}
    assert team.state(asked).status == "waiting"
    assert len([event for event in team.events(asked) if isinstance(event, RunPaused)]) == 1


def test_a_flood_of_strangers_keeps_nobody_from_steering(team: Team) -> None:
    asked = team.start()
    key = team.person("stranger").signer
    flood = [ask(team, asked, "cancel", key, nonce=f"nonce-{n:04d}") for n in range(70)]
    team.look()
    assert len(team.requests(asked)) == 64
    assert set(team.requests(asked)) <= set(flood)
    good = ask(team, asked, "cancel", team.person("bob").signer)
    team.look()
    assert team.requests(asked)[good] is None
    assert team.state(asked).status == "cancelled"


def test_the_same_request_under_another_ref_is_not_even_recorded(team: Team) -> None:
    asked = team.start()
    pause = ask(team, asked, "pause", team.person("bob").signer)
    team.look()
    seq = team.state(asked).seq
    runtime = team.runtime()
    runtime.repository.swap([RefUpdate(request_ref(asked.run, "again"), None, pause)])
    team.look()
    assert team.state(asked).seq == seq


def test_a_pause_holds_steps_and_not_deadlines(team: Team) -> None:
    asked = team.start("branch")
    ask(team, asked, "pause", team.person("bob").signer)
    team.look()
    team.look(asked.deadline + MINUTE)
    assert team.state(asked).status == "paused"
    (resolved,) = [event for event in team.events(asked) if isinstance(event, WaitResolved)]
    assert resolved.outcome == "expired"
    team.send(asked, team.sign("bob", asked))
    team.look(asked.deadline + 2 * MINUTE)
    (resolved,) = [event for event in team.events(asked) if isinstance(event, WaitResolved)]
    assert resolved.outcome == "expired"


def test_a_cancel_of_a_run_with_several_open_waits(team: Team) -> None:
    asked = team.start("both")
    assert len(team.state(asked).waits) == 2
    told = team.ann.gfr("cancel", asked.run)
    assert (told.exit, told.data["status"]) == (0, "cancelled")
    outcomes = [event.outcome for event in team.events(asked) if isinstance(event, WaitResolved)]
    assert outcomes == ["cancelled", "cancelled"]
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"


def test_several_waits_expire_together_and_apart(team: Team) -> None:
    asked = team.start("both")
    team.look(asked.deadline + 2 * 60 * MINUTE)
    outcomes = [event.outcome for event in team.events(asked) if isinstance(event, WaitResolved)]
    assert outcomes == ["expired", "expired"]
    assert team.ann.gfr("runs", "verify", asked.run).data["verdict"] == "ok"
