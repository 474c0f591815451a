"""A guarded branch moves only as its gate's run allowed: pushes by real git, refusals by code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.ledger.chain import find_wait_commit
from gitflow_runner.ledger.firings import Firing, Firings
from gitflow_runner.model.pin import Pin, ReleaseSource
from gitflow_runner.model.run import Run
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.forge_desk import ForgeDesk
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.runner.publishing import RunPublishing
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.worker import work_once
from gitflow_runner.steps.trees import PublishRequest
from gitflow_runner.triggers.git import Move
from tests.gated import ASKS, MAIN, Gated, guard
from tests.hooked import must
from tests.repositories import NoJitter, StillClock
from tests.spoken import gfr
from tests.team import HOUR, Team, Waiting


@pytest.fixture
def gated(team: Team) -> Gated:
    return guard(team)


def test_a_commit_goes_in_once_the_gate_let_it(gated: Gated) -> None:
    good = gated.commit()
    assert gated.push(good) == ["gate.no_run"]
    command = next(line for line in gated.said(good).splitlines() if "git push origin" in line)
    assert f"{good}:refs/for/main/" in command
    gated.ann.git(*command.split("fix: git ")[1].split())
    assert gated.push(good) == ["gate.no_run"]
    assert [item["status"] for item in gated.work().data["items"]] == ["succeeded"]
    assert gated.push(good) == []
    assert must(gated.folder, "rev-parse", MAIN) == good


def test_a_flow_publishes_to_no_branch_that_a_gate_guards(gated: Gated) -> None:
    pin = Pin(1, "home", "guard", "guard.edn", ReleaseSource("flow/guard/v1", "1" * 40, "2" * 40), (), "", 1)
    runtime = gated.team.runtime(folder=gated.folder)
    desk = RunPublishing(ForgeDesk(runtime, Configured()), pin, ForgeMemory(), "20251122-131402-7k3m9q")
    tip = must(gated.folder, "rev-parse", MAIN)
    with pytest.raises(StepError) as caught:
        desk.publish(PublishRequest("main", "fast-forward", tip, "2" * 40, "m\n", 0))
    assert caught.value.code == "files.gated"


def test_a_refused_push_starts_nothing(gated: Gated) -> None:
    assert gated.push(gated.commit()) == ["gate.no_run"]
    assert gated.runs() == []
    assert gated.server.refs("refs/runner/triggers", "refs/for") == ""
    assert gated.work().data["items"] == []


def test_a_run_that_fails_is_named_and_may_be_asked_for_again(gated: Gated) -> None:
    bad = gated.commit("bad")
    assert gated.ask(bad) == []
    gated.work()
    assert gated.push(bad) == ["gate.failed"]
    said = gated.said(bad)
    assert gated.runs()[0].run in said
    assert "the commit says that it is bad" in said
    assert gated.ask(bad, "b") == []
    gated.work()
    assert [run.status for run in gated.runs()] == ["failed", "failed"]


def test_one_ask_starts_one_run(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    for _ in range(3):
        gated.work()
    assert len(gated.runs()) == 1


def test_a_pass_is_for_one_commit_upon_one_other(gated: Gated) -> None:
    first, second = gated.commit("one"), gated.commit("two")
    gated.ask(first)
    gated.ask(second, "b")
    gated.work()
    assert gated.push(gated.commit("three")) == ["gate.no_run"]
    assert gated.push(first) == []
    rebased = gated.commit("two")  # now on top of the first
    assert gated.push(rebased) == ["gate.no_run"]
    assert gated.server.push(f"+{second}:{MAIN}") == ["gate.no_run"]
    gated.work()
    assert len(gated.runs()) == 2, "an ask whose branch moved on is not asked again by itself"


def test_a_guarded_branch_is_not_deleted_nor_moved_back(gated: Gated) -> None:
    before = must(gated.folder, "rev-parse", MAIN)
    must(gated.folder, "config", "receive.denyDeleteCurrent", "ignore")
    assert gated.server.push(f":{MAIN}") == ["gate.deletion"]
    good = gated.commit()
    gated.ask(good)
    gated.work()
    assert gated.push(good) == []
    assert gated.server.push(f"+{before}:{MAIN}") == ["gate.no_run"]


def test_a_branch_does_not_change_its_own_gate(gated: Gated) -> None:
    (gated.team.home / ".breyta/flows/guard.edn").write_text("{:slug :guard :flow (quote nil)}")
    gated.ann.git("commit", "-q", "-S", "-a", "-m", "bad")
    oid = gated.ann.git("rev-parse", "HEAD")
    gated.ann.git("push", "-q", "origin", f"{oid}:refs/for/main/a")
    gated.work()
    assert gated.push(oid) == ["gate.failed"]


def test_a_gates_own_releases_ask_no_gate_and_make_old_passes_void(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    gated.work()
    gated.go_live("{:anything true}")
    assert gated.push(good) == ["gate.outdated"]
    gated.ask(good, "b")
    gated.work()
    assert gated.push(good) == []


def test_a_pass_of_an_older_policy_is_void(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    gated.work()
    gated.policy(4)
    assert gated.push(good) == ["gate.outdated"]


def test_a_pass_grows_old(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    runtime = gated.team.runtime(folder=gated.folder)
    earlier = gated.team.runtime(runtime.clock.now_ms() - 2 * HOUR, gated.folder)
    on_big_stack(lambda: tuple(work_once(earlier)), lambda: None)
    assert gated.push(good) == ["gate.stale"]


def test_a_runner_that_may_not_speak_for_gates_opens_none(gated: Gated) -> None:
    gated.policy(4, can=":can #{:drive}")
    good = gated.commit()
    gated.ask(good)
    gated.work()
    assert [run.status for run in gated.runs()] == ["succeeded"]
    assert gated.push(good) == ["gate.untrusted"]


def test_another_clones_runner_makes_no_pass(gated: Gated) -> None:
    good, ann = gated.commit(), gated.ann
    ann.git("update-ref", "refs/for/main/a", good)
    ann.git("update-ref", MAIN, must(gated.folder, "rev-parse", MAIN))
    ann.gfr("worker", "--once")
    specs = ann.git("for-each-ref", "--format=%(refname)", "refs/runs/guard", "refs/runner/triggers").split()
    assert len(specs) == 2
    assert gated.server.push(*(f"{ref}:{ref}" for ref in specs)) == []
    assert gated.push(good) == ["gate.untrusted"]


def test_a_run_that_a_person_started_is_no_pass(gated: Gated) -> None:
    good = gated.commit()
    given = ("-i", f"ref={MAIN}", "-i", f"old={must(gated.folder, 'rev-parse', MAIN)}", "-i", f"new={good}")
    gated.server.push(f"{good}:refs/heads/side")
    assert gfr(gated.folder, "run", "guard", "--ref", "live", *given).exit == 0
    assert [run.status for run in gated.runs()] == ["succeeded"]
    assert gated.push(good) == ["gate.no_run"]


def test_firings_that_no_runner_signed_are_not_gone_by(gated: Gated) -> None:
    name = "refs/runner/triggers/guard/main"
    assert gated.server.push(f"HEAD:{name}") == ["trigger.untrusted"]
    must(gated.folder, "update-ref", name, MAIN)
    good = gated.commit()
    gated.ask(good)
    told = gated.work()
    assert told.data["items"][0]["problem"]["code"] == "trigger.untrusted"
    assert gated.runs() == []


def test_what_a_trigger_answered_is_neither_taken_back_nor_forgotten(gated: Gated) -> None:
    name, good = "refs/runner/triggers/guard/main", gated.commit()
    gated.ask(good)
    gated.ask(gated.commit("another"), "b")
    gated.work()
    assert gated.server.push(f":{name}") == ["trigger.rewound"]
    gated.ann.git("fetch", "-q", "origin", name)
    before = gated.ann.git("rev-parse", "FETCH_HEAD~1")
    assert gated.server.push(f"+{before}:{name}") == ["trigger.rewound"]
    assert gated.push(good) == []


def test_a_run_that_was_tampered_with_is_no_pass(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    gated.work()
    ref = f"refs/runs/guard/{gated.runs()[0].run}"
    message = must(gated.folder, "log", "-1", "--format=%B", ref)
    must(gated.folder, "config", "core.hooksPath", "/dev/null")
    forged = must(
        gated.folder,
        *("-c", "gpg.format=ssh", "-c", f"user.signingkey={gated.team.keys / 'ann'}"),
        *("commit-tree", "-S", "-p", f"{ref}~1", f"{ref}^{{tree}}"),
        given=message,
    )
    must(gated.folder, "update-ref", ref, forged)
    must(gated.folder, "config", "--unset", "core.hooksPath")
    assert gated.push(good) == ["gate.untrusted"]


def test_a_firing_that_points_elsewhere_makes_no_pass(gated: Gated) -> None:
    """Ann's runner may drive, so its record of a firing is taken; what it names is judged all the same."""
    good, bad, team = gated.commit(), gated.commit("bad"), gated.team
    gated.ask(good)
    gated.work()
    old = must(gated.folder, "rev-parse", MAIN)
    given = ("-i", f"ref={MAIN}", "-i", f"old={old}", "-i", f"new={good}")
    gated.server.push(f"{bad}:refs/heads/bad", f"{good}:refs/heads/good")
    assert gfr(gated.folder, "run", "guard", "--ref", "live", *given).exit == 0
    passed, by_hand = sorted(gated.runs(), key=lambda run: run.starter is None)
    runtime = team.runtime()
    server = open_repository(gated.folder, StillClock(), NoJitter())
    firings = Firings(server, runtime.committer, "guard", "main")
    about = Move(MAIN, Oid(old), Oid(bad)).digest
    firings.record(Firing("a" * 64, about, passed.run, runtime.clock.now_ms()))
    assert gated.push(bad) == ["gate.untrusted"], "the pass of another commit"
    about = Move(MAIN, Oid(old), Oid(good)).digest
    for number in range(8):
        firings.record(Firing(f"{number:064x}", about, by_hand.run, runtime.clock.now_ms()))
    assert gated.push(good) == [], "the good one is found behind it"
    assert by_hand.starter is None


def test_a_run_that_somebody_started_by_hand_is_no_pass_wherever_it_is_named(gated: Gated) -> None:
    good, runtime = gated.commit(), gated.team.runtime()
    old = must(gated.folder, "rev-parse", MAIN)
    gated.server.push(f"{good}:refs/heads/good")
    given = ("-i", f"ref={MAIN}", "-i", f"old={old}", "-i", f"new={good}")
    assert gfr(gated.folder, "run", "guard", "--ref", "live", *given).exit == 0
    server = open_repository(gated.folder, StillClock(), NoJitter())
    about = Move(MAIN, Oid(old), Oid(good)).digest
    firing = Firing("a" * 64, about, gated.runs()[0].run, runtime.clock.now_ms())
    Firings(server, runtime.committer, "guard", "main").record(firing)
    assert gated.push(good) == ["gate.untrusted"]


def forge_file(gated: Gated, path: str, change: Callable[[str], str]) -> None:
    """Put a changed file into the newest turn of the gate's run, signed with the server's own runner key."""
    ref = f"refs/runs/guard/{gated.runs()[0].run}"
    gated.ann.git("fetch", "-q", "origin", ref)
    tip = gated.ann.git("rev-parse", "FETCH_HEAD")
    before = gated.ann.git("show", f"{tip}:{path}") + "\n"
    after = change(before)
    assert after != before
    tree = gated.team.tree_with(f"{tip}^{{tree}}", {path: after.encode()})
    message = gated.ann.git("log", "-1", "--format=%B", tip).encode()
    key = f"user.signingkey={gated.folder / 'gitflow/runner_ed25519'}"
    forged = gated.ann.git("-c", key, "commit-tree", "-S", "-p", f"{tip}~1", tree, given=message)
    must(gated.folder, "config", "core.hooksPath", "/dev/null")
    gated.server.push(f"+{forged}:{ref}")
    must(gated.folder, "config", "--unset", "core.hooksPath")


def test_a_state_that_the_history_does_not_bear_out_is_no_pass(team: Team) -> None:
    gated = guard(team, ASKS)
    proposed = gated.commit(key="cat")
    gated.ask(proposed)
    gated.work()
    forge_file(gated, "run.json", lambda text: text.replace('"waiting"', '"succeeded"'))
    assert gated.runs()[0].status == "succeeded"
    assert gated.push(proposed) == ["gate.untrusted"]


def test_rule_6_7_a_simulated_run_is_no_pass(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    gated.work()
    forge_file(gated, "pin.json", lambda text: text.replace("{\n", '{\n"simulated":true,\n', 1))
    assert gated.push(good) == ["gate.untrusted"]
    (said,) = gfr(gated.folder, "gates", "explain", "main", good).data["items"]
    assert (said["why"], "simulated" in said["message"]) == ("untrusted", True)


def test_a_gate_that_is_not_believed_lets_nothing_in(gated: Gated) -> None:
    good = gated.commit()
    gated.ask(good)
    gated.work()
    must(gated.folder, "config", "core.hooksPath", "/dev/null")
    must(gated.folder, "update-ref", "-d", "refs/tags/flow/guard/v1")
    must(gated.folder, "config", "--unset", "core.hooksPath")
    assert gated.push(good) == ["gate.unproven"]


def test_what_no_gate_guards_asks_none(gated: Gated) -> None:
    good = gated.commit()
    assert gated.server.push(f"{good}:refs/heads/side") == []
    assert gated.server.push(f"{good}:refs/for/side/a") == ["gate.none"]
    assert gated.server.push(f"{good}^{{tree}}:refs/for/main/a") == ["gate.not_a_commit"]


def test_nobody_floods_a_gate(gated: Gated) -> None:
    good = gated.commit()
    lines = "".join(f"create refs/for/main/n{n} {good}\n" for n in range(64))
    gated.server.push(f"{good}:refs/heads/kept")
    must(gated.folder, "update-ref", "--stdin", given=lines)
    assert gated.ask(good, "more") == ["gate.full"]
    assert gated.server.push(*(f"{good}:refs/for/main/m{n}" for n in range(1_001))) == ["inbox.too_many"]


def test_a_branch_that_stands_for_a_guarded_one_is_no_way_in(gated: Gated) -> None:
    must(gated.folder, "symbolic-ref", "refs/heads/alias", MAIN)
    assert gated.server.push(f"{gated.commit()}:refs/heads/alias") == ["gate.symbolic"]


def test_a_server_that_trusts_no_policy_lets_nothing_past_a_gate(gated: Gated) -> None:
    (gated.folder / "gitflow/policy-root").unlink()
    assert gated.push(gated.commit()) == ["gate.unproven"]


def decide(gated: Gated, who: str, run: Run, decision: str = "approve") -> list[str]:
    """Somebody decides the gate's wait, and sends it to the server."""
    gated.ann.git("fetch", "-q", "origin", f"refs/runs/guard/{run.run}")
    wait = run.waits[0].wait
    reader = open_repository(gated.folder, StillClock(), NoJitter())
    tip = Oid(gated.ann.git("rev-parse", "FETCH_HEAD"))
    commit = find_wait_commit(reader, tip, wait.folder)
    tree = gated.ann.git("rev-parse", f"{commit}^{{tree}}")
    asked = Waiting(run.run, "guard", wait.folder, commit, tree, wait.payload, wait.deadline)
    return gated.server.send(asked, gated.team.sign(who, asked, asked.message(decision)))


def test_people_decide_and_nobody_lets_the_own_commits_in(team: Team) -> None:
    gated = guard(team, ASKS)
    proposed = gated.commit(key="cat")
    gated.ask(proposed)
    gated.work()
    assert gated.push(proposed) == ["gate.waiting"]
    (run,) = gated.runs()
    assert run.run in gated.said(proposed)
    assert decide(gated, "cat", run) == ["approval.self_approval"], "who proposes"
    assert decide(gated, "ann", run) == ["approval.self_approval"], "who released the gate"
    assert decide(gated, "bot", run) == ["approval.not_human"]
    assert decide(gated, "bob", run) == []
    gated.work()
    assert gated.push(proposed) == []


def test_a_commit_that_nobody_signed_takes_one_more_person(team: Team) -> None:
    gated = guard(team, ASKS)
    parent = must(gated.folder, "rev-parse", MAIN)
    proposed = gated.ann.git("commit-tree", "-p", parent, f"{parent}^{{tree}}", given=b"unsigned\n")
    gated.ask(proposed)
    gated.work()
    (run,) = gated.runs()
    assert decide(gated, "bob", run) == []
    gated.work()
    assert gated.push(proposed) == ["gate.waiting"]
    assert decide(gated, "cat", run) == []
    gated.work()
    assert gated.push(proposed) == []


def test_a_no_is_a_no_even_where_the_flow_does_not_look(team: Team) -> None:
    gated = guard(team, ASKS)
    proposed = gated.commit(key="cat")
    gated.ask(proposed)
    gated.work()
    (run,) = gated.runs()
    assert decide(gated, "bob", run, "reject") == []
    gated.work()
    assert [run.status for run in gated.runs()] == ["succeeded"]
    assert gated.push(proposed) == ["gate.rejected"]


def test_what_was_answered_does_not_lie_about_for_ever(gated: Gated) -> None:
    good, bad = gated.commit(), gated.commit("bad")
    gated.ask(good)
    gated.ask(bad, "b")
    gated.work()
    assert gated.push(good) == []
    gated.work()
    assert "refs/for/main/a" not in gated.server.refs("refs/for")
    assert "refs/for/main/b" in gated.server.refs("refs/for")
    later = gated.team.runtime(gated.team.runtime().clock.now_ms() + 8 * 24 * HOUR, gated.folder)
    on_big_stack(lambda: tuple(work_once(later)), lambda: None)
    assert gated.server.refs("refs/for") == ""
