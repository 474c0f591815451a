"""What a server takes into inboxes: decisions, requests and callbacks, each refusal by its code."""

from __future__ import annotations

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.trust.requests import build_answer, build_request, build_start, content_digest
from gitflow_runner.trust.statement import Act, Completion, Request, Start
from tests.server import Server, serve, turn, who
from tests.team import Team, Waiting

NONCE = "abcdefgh12345678"
TAG = "refs/tags/flow/ship/v"
CHAIN = "refs/policy/chain"


@pytest.fixture
def server(team: Team) -> Server:
    return serve(team)


@pytest.fixture
def asked(server: Server) -> Waiting:
    return server.team.start()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (None, "signature.unsigned"),
        ("stranger", "signature.key_not_allowed"),
        ("ann", "approval.self_approval"),
        ("bot", "approval.not_human"),
        ("eve", "approval.role"),
    ],
)
def test_a_decision_of_the_wrong_person(server: Server, asked: Waiting, name: str | None, code: str) -> None:
    assert server.send(asked, server.team.sign(name, asked)) == [code]
    assert server.refs("refs/approvals") == ""


def test_a_good_decision_is_taken_and_wakes_the_run(server: Server, asked: Waiting) -> None:
    oid = server.team.sign("bob", asked)
    assert server.send(asked, oid) == []
    assert (server.folder / "gitflow/wake" / asked.run).exists()
    assert server.push(f"{oid}:{asked.inbox}/{oid}") == []  # it is there already


def test_a_decision_that_is_bent(server: Server, asked: Waiting) -> None:
    team = server.team
    other = team.start()
    sign = team.sign
    bent = {
        sign("bob", asked, asked.message(Run=other.run)): "approval.run",
        sign("bob", asked, asked.message(Wait="00009-ask")): "approval.wait",
        sign("bob", asked, asked.message(Payload="sha256:" + "0" * 64)): "approval.payload",
        sign("bob", asked, asked.message("perhaps")): "approval.trailers",
        sign("bob", asked, asked.message(Statement="request")): "approval.trailers",
        sign("bob", asked, asked.message() + "Gitflow-Decision: reject\n"): "approval.trailers",
        sign("bob", asked, asked.message() + "\nand more\n"): "approval.trailers",
        sign("bob", asked, asked.message() + "Gitflow-Extra: 1\n"): "approval.trailers",
        sign("bob", asked, parent=other.commit): "approval.run",
        sign("bob", asked, parent=f"{asked.commit}~1"): "approval.wait",
        sign("bob", asked, parent=team.ann.git("rev-parse", "HEAD")): "approval.parent",
        sign("bob", asked, tree=team.tree_with(asked.tree, {"wait/payload.edn": b"{}"})): "approval.tree",
        sign("bob", asked, tree=team.tree_with(asked.tree, {"note": b"x"})): "approval.tree",
    }
    assert {oid: server.send(asked, oid) for oid in bent} == {oid: [code] for oid, code in bent.items()}
    root = team.ann.git("commit-tree", "-S", asked.tree, given=asked.message().encode())
    assert server.send(asked, root) == ["approval.parent"]
    assert server.refs("refs/approvals") == ""


def test_a_decision_upon_a_wait_that_no_runner_opened(server: Server, asked: Waiting) -> None:
    team = server.team
    forged = turn(team, asked.commit, team.person("bob").key)
    oid = team.sign("bob", asked, parent=forged)
    assert server.send(asked, oid) == ["approval.parent"]


def test_a_decision_of_another_runs_inbox(server: Server, asked: Waiting) -> None:
    other = server.team.start()
    oid = server.team.sign("bob", asked)
    assert server.push(f"{oid}:{other.inbox}/{oid}") == ["approval.run"]


def test_a_good_decision_covers_for_no_other_place_in_the_same_push(server: Server, asked: Waiting) -> None:
    other = server.team.start()
    one, two = server.team.sign("bob", asked), server.team.sign("cat", asked)
    refused = server.push(f"{one}:{asked.inbox}/a", f"{two}:{other.inbox}/b")
    assert refused == ["approval.run"]
    astray = f"refs/approvals/{asked.run}/00009-ask/b"
    assert server.push(f"{one}:{asked.inbox}/a", f"{two}:{astray}") == ["approval.wait"]


def test_a_closed_wait_takes_no_more(server: Server, asked: Waiting) -> None:
    team = server.team
    assert server.send(asked, team.sign("bob", asked)) == []
    assert team.ann.gfr("worker", "--once").data["items"][0]["status"] == "succeeded"
    assert server.send(asked, team.sign("cat", asked)) == ["approval.resolved"]


def test_a_revoked_key_decides_nothing(server: Server, asked: Waiting) -> None:
    team = server.team
    key = team.person("bob").signer.key.fingerprint
    revoked = f':revoked [{{:fingerprint "{key}" :since #inst "2026-01-01T00:00Z" :why "lost"}}]'
    assert team.apply_policy(more=revoked).exit == 0
    server.push(CHAIN)
    assert server.send(asked, team.sign("bob", asked)) == ["signature.key_revoked"]


def test_what_was_sent_stays(server: Server, asked: Waiting) -> None:
    team = server.team
    oid, other = team.sign("bob", asked), team.sign("cat", asked)
    ref = f"{asked.inbox}/one"
    assert server.push(f"{oid}:{ref}") == []
    assert server.push(f"+{other}:{ref}") == ["inbox.create_only"]
    assert server.push(f":{ref}") == ["inbox.create_only"]
    team.ann.git("fetch", "-q", "origin", f"{ref}:{ref}")
    assert team.ann.gfr("worker", "--once").exit == 0
    assert server.push(f":{ref}") == []  # a turn has it among its parents now


def test_nobody_fills_an_inbox_alone(server: Server, asked: Waiting) -> None:
    team = server.team
    many = [team.sign("bob", asked, f"no. {n}\n\n{asked.message()}") for n in range(65)]
    specs = [f"{oid}:{asked.inbox}/{oid}" for oid in many]
    assert server.push(*specs) == ["inbox.full"]
    assert server.push(*specs[:64]) == []
    assert server.push(specs[64]) == ["inbox.full"]
    assert server.send(asked, team.sign("cat", asked)) == []


def test_a_flood_is_told_once(server: Server, asked: Waiting) -> None:
    specs = [f"{asked.commit}:{asked.inbox}/{n}" for n in range(1_001)]
    assert server.push(*specs) == ["inbox.too_many"]


def test_an_oversized_commit(server: Server, asked: Waiting) -> None:
    long = server.team.sign("bob", asked, "x" * 70_000 + "\n\n" + asked.message())
    huge = server.team.sign("bob", asked, "x" * 300_000 + "\n\n" + asked.message())
    assert server.send(asked, long) == ["approval.trailers"]
    assert server.send(asked, huge) == ["signature.malformed"]
    blob = server.team.ann.git("hash-object", "-w", "--stdin", given=b"x")
    assert server.send(asked, blob) == ["signature.malformed"]


def ask(server: Server, name: str, run: str, act: Act = "cancel") -> str:
    team = server.team
    objects = build_request(Request(run, act, NONCE), who(team), team.person(name).signer)
    team.runtime().repository.write(objects)
    return objects[-1].oid


def test_requests_are_judged(server: Server, asked: Waiting) -> None:
    inbox = f"refs/requests/{asked.run}"
    assert server.push(f"{ask(server, 'stranger', asked.run)}:{inbox}/a") == ["signature.key_not_allowed"]
    assert server.push(f"{ask(server, 'bot', asked.run)}:{inbox}/bot") == []  # an agent may steer
    assert server.push(f"{ask(server, 'eve', asked.run)}:{inbox}/a") == ["approval.role"]
    other = "20260921-131402-7k3m9q"
    assert server.push(f"{ask(server, 'bob', other)}:{inbox}/a") == ["approval.run"]
    assert server.push(f"{ask(server, 'bob', asked.run)}:{inbox}/a") == []
    assert server.push(f"{ask(server, 'bob', other)}:refs/requests/{other}/a") == []  # not known here
    assert server.push(f"{server.team.sign('bob', asked)}:{inbox}/b") == ["approval.trailers"]


def test_wishes_to_start_are_judged(server: Server) -> None:
    team = server.team
    given = b"{}"
    draft = Oid(team.ann.git("rev-parse", "HEAD"))
    start = Start("ship", content_digest(given), NONCE, draft=draft)
    found = {}
    for name in ("bob", "bot", "stranger"):
        objects = build_start(start, given, who(team), team.person(name).signer)
        team.runtime().repository.write(objects)
        found[name] = server.push(f"{objects[-1].oid}:refs/requests/new/{name}")
    assert found == {"bob": [], "bot": [], "stranger": ["signature.key_not_allowed"]}


def test_a_callback_to_a_wait_for_people_is_judged_by_form_and_key(server: Server, asked: Waiting) -> None:
    team = server.team
    inbox = f"refs/callbacks/{asked.run}/{asked.wait}"
    said = Completion(asked.run, asked.wait)
    codes = []
    for name, content in (("stranger", b"{}"), ("bot", b"x" * 1_100_000), ("bot", b"{}")):
        objects = build_answer(
            said, Oid(asked.commit), "answer.edn", content, who(team), team.person(name).signer
        )
        team.runtime().repository.write(objects)
        codes.append(server.push(f"{objects[-1].oid}:{inbox}/{name}-{len(content)}"))
    assert codes == [["signature.key_not_allowed"], ["approval.tree"], ["approval.wait"]]
