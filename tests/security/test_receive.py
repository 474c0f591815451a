"""A server refuses what does not count before it is there: pushes by real git, refusals by code."""

from __future__ import annotations

import pytest

from gitflow_runner.git.objects import Oid
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.trust.policy_chain import apply_policy
from tests.hooked import Ended, git, install, must, script, snapshot
from tests.repositories import NoJitter, StillClock
from tests.server import Server, released, serve, turn, who
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


def test_releases_need_the_right_key_and_name(server: Server) -> None:
    ann = server.team.ann
    ann.git("tag", "flow/ship/v1")
    ann.git("tag", "-a", "-m", "none", "flow/ship/v2")
    assert server.push(f"{TAG}1") == ["signature.not_a_tag_object"]
    assert server.push(f"{TAG}2") == ["signature.unsigned"]
    ann.git("-c", f"user.signingkey={server.team.keys / 'bob'}", "tag", "-s", "-m", "bare", "flow/ship/v9")
    assert server.push(f"{TAG}9") == ["approval.trailers"]


def test_agents_release_nothing(server: Server) -> None:
    released(server)
    ann = server.team.ann
    message = ann.git("for-each-ref", "--format=%(contents:subject)%0a%0a%(trailers)", f"{TAG}1")
    text = ann.git("cat-file", "tag", f"{TAG}1").split("-----BEGIN")[0].split("\n\n", 1)[1]
    assert message
    text = text.replace("v1", "v2").replace("Version: 1", "Version: 2")
    for name, code in (("bot", "approval.not_human"), ("cat", "approval.role"), ("stranger", None)):
        key = server.team.keys / name
        ann.git(
            "-c", f"user.signingkey={key}", "tag", "-f", "-s", "-F", "-", "flow/ship/v2", given=text.encode()
        )
        assert server.push(f"+{TAG}2") == [code or "signature.key_not_allowed"]
    assert server.push(f"{TAG}1:{TAG}7") == ["signature.tag_name_mismatch"]


def test_a_release_that_is_there_stays(server: Server) -> None:
    released(server)
    before = server.refs("refs/tags")
    assert server.push(f"+HEAD:{TAG}1") == ["release_moved"]
    assert server.push(f":{TAG}1") == ["release_missing"]
    assert server.refs("refs/tags") == before


def test_live_moves_forward_by_the_right_people(server: Server) -> None:
    released(server)
    ann = server.team.ann
    tip = ann.git("rev-parse", "refs/live/ship")
    aside = turn(server.team, tip, server.team.keys / "ann", ann.git("log", "-1", "--format=%B", tip))
    assert server.push(f"{aside}:refs/live/ship") == ["live.live_rewound"]
    said = ann.git("log", "-1", "--format=%B", tip).replace("Number: 1", "Number: 2")
    for name in ("bot", "cat", "stranger"):
        forged = turn(server.team, tip, server.team.keys / name, said)
        assert server.push(f"{forged}:refs/live/ship") == ["live.no_consent"]
    assert server.push(f"{turn(server.team, tip, None, said)}:refs/live/ship") == ["live.chain"]
    assert server.push(f"+{tip}:refs/live/pair") == ["live.chain"]
    assert server.push(":refs/live/ship") == ["live.live_rewound"]


def policy_commit(team: Team, name: str, text: str) -> str:
    tip = Oid(team.ann.git("rev-parse", CHAIN))
    objects = apply_policy(text.encode(), tip, (), who(team), team.person(name).signer)
    team.runtime().repository.write(objects)
    return objects[-1].oid


def test_the_policy_changes_by_its_own_quorum_only(server: Server) -> None:
    team = server.team
    line = team.person("stranger").line
    text = team.policy(
        version=3, extra=f'"stranger" {{:kind :human :roles #{{:release}} :keys [{{:ssh "{line}"}}]}}'
    )
    for name in ("bot", "cat", "stranger"):
        assert server.push(f"{policy_commit(team, name, text)}:{CHAIN}") == ["policy.no_consent"]
    skipping = policy_commit(team, "bob", text.replace("version 3", "version 4"))
    assert server.push(f"{skipping}:{CHAIN}") == ["policy.chain"]
    assert server.push(f"+HEAD:{CHAIN}") == ["policy.chain"]
    assert server.push(f"{policy_commit(team, 'bob', text)}:{CHAIN}") == []
    assert server.push(f"+{CHAIN}:{CHAIN}") == ["policy.policy_rewound"]
    assert server.push(f":{CHAIN}") == ["policy.policy_rewound"]


def test_a_policy_that_comes_with_the_push_judges_the_rest_of_it(server: Server, asked: Waiting) -> None:
    team = server.team
    oid = team.sign("cat", asked)
    text = team.policy(version=3, without=("cat",))
    changed = policy_commit(team, "bob", text)
    refused = server.push(f"{changed}:{CHAIN}", f"{oid}:{asked.inbox}/{oid}")
    assert refused == ["signature.key_not_allowed"]
    assert server.push(f"{oid}:{asked.inbox}/{oid}") == []


def test_a_server_that_trusts_no_policy_takes_the_policy_only(team: Team) -> None:
    server = Server(team, team.share())
    install(server.folder)
    assert team.ann.gfr("run", "ship").code == "git.push_rejected"
    asked = team.waiting(*_run(team))
    assert server.push(asked.ref) == ["policy.not_pinned"]
    server.pin()
    assert server.push(asked.ref) == []


def _run(team: Team) -> tuple[str, str]:
    slug, run = team.ann.git("for-each-ref", "--format=%(refname)", "refs/runs").split("/")[2:]
    return run, slug


def test_turns_by_anybody_but_the_runner(server: Server, asked: Waiting) -> None:
    team = server.team
    for name in ("ann", "bot", "stranger", None):
        forged = turn(team, asked.commit, None if name is None else team.keys / name)
        assert server.push(f"{forged}:{asked.ref}") == ["untrusted_run"]
    assert server.push(f"+{asked.commit}~1:{asked.ref}") == ["history_rewritten"]
    assert server.push(f":{asked.ref}") == ["history_rewritten"]


def test_a_turn_by_the_runners_key_that_says_nothing_whole(server: Server, asked: Waiting) -> None:
    team = server.team
    forged = turn(team, asked.commit, team.home / ".git/gitflow/runner_ed25519")
    assert server.push(f"{forged}:{asked.ref}") == ["untrusted_run"]


def test_a_draft_driven_by_a_runner_that_nobody_listed_stays_its_own(server: Server) -> None:
    team = server.team
    assert team.apply_policy(drive="").exit == 0
    server.push(CHAIN)
    asked = team.start()
    forged = turn(team, asked.commit, team.keys / "stranger")
    assert server.push(f"{forged}:{asked.ref}") == ["untrusted_run"]
    assert server.send(asked, team.sign("bob", asked)) == []


def test_a_run_under_another_name(server: Server, asked: Waiting) -> None:
    assert server.push(f"{asked.ref}:refs/runs/pair/{asked.run}") == ["untrusted_run"]
    assert server.push(f"HEAD:{asked.ref[:-6]}aaaaaa") == ["pin.missing"]


def test_a_log_is_its_own_keys(server: Server) -> None:
    released(server)
    ann = server.team.ann
    name, tip = ann.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/runner/log").split()
    assert server.push(f"{name}:{name}") == []
    assert server.push(f"{name}:refs/runner/log/{'ab' * 32}") == ["log.chain"]
    forged = turn(server.team, tip, server.team.keys / "bob")
    assert server.push(f"{forged}:{name}") == ["log.chain"]
    assert server.push(f":{name}") == ["log.log_rewound"]


@pytest.mark.parametrize(
    "name",
    [
        "refs/approvals/x",
        "refs/runs/ship",
        "refs/runs/ship/now",
        "refs/live/ship/extra",
        "refs/tags/flow/ship/1",
        "refs/tags/flow/ship/v01",
        "refs/policy/other",
        "refs/runner/log/short",
        "refs/runner/elsewhere/x",
        "refs/requests/new/a/b",
    ],
)
def test_names_of_no_form_of_ours(server: Server, name: str) -> None:
    assert server.push(f"HEAD:{name}") == ["ref_blocked"]


def test_a_refused_push_leaves_nothing_behind(server: Server, asked: Waiting) -> None:
    before = snapshot(server.folder)
    assert server.send(asked, server.team.sign("bot", asked)) == ["approval.not_human"]
    assert snapshot(server.folder) == before


def test_every_refusal_of_a_push_is_told(server: Server, asked: Waiting) -> None:
    bot, eve = server.team.sign("bot", asked), server.team.sign("eve", asked)
    good = server.team.sign("bob", asked)
    specs = [f"{oid}:{asked.inbox}/{oid}" for oid in (bot, good, eve)]
    assert sorted(server.push(*specs)) == ["approval.not_human", "approval.role"]
    assert server.refs("refs/approvals") == ""


def test_pushes_of_branches_start_no_python(server: Server) -> None:
    entry = server.folder / "hooks/pre-receive.d/50-gitflow-runner"
    stop = script(server.folder / "stop", "exit 1")
    text = entry.read_text()
    entry.write_text(
        "\n".join(f"python={stop}" if ln.startswith("python=") else ln for ln in text.split("\n"))
    )
    assert server.push("HEAD:refs/heads/side", "HEAD:refs/tags/plain") == []
    done = git(server.team.home, "push", "-q", "origin", "HEAD:refs/for/main/a")
    assert isinstance(done, Ended)
    assert not done.ok


def test_a_checked_out_repository_judges_as_well(team: Team) -> None:
    install(team.home)
    asked = team.start()
    bob = team.joined("bob")
    bob.git("fetch", "-q", "origin", asked.ref)
    good = bob.git("commit-tree", "-S", "-p", asked.commit, asked.tree, given=asked.message().encode())
    bad = bob.git("commit-tree", "-p", asked.commit, asked.tree, given=asked.message().encode())
    server = Server(team, team.home)
    assert server.push(f"{bad}:{asked.inbox}/a", by=bob) == ["signature.unsigned"]
    assert server.push(f"{good}:{asked.inbox}/a", by=bob) == []
    assert team.ann.gfr("worker", "--once").data["items"][0]["status"] == "succeeded"
    reader = open_repository(team.home, StillClock(), NoJitter())
    assert reader.resolve(f"{asked.inbox}/a") == good
    assert must(team.home, "fsck", "--no-dangling") == ""
