"""How many runs of a flow may be open, seen through the commands: queue, supersede, coexist, keys."""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.ledger.listing import find_run
from gitflow_runner.runner.decide import ask
from tests.spoken import Told
from tests.team import Team

FLOW = """{:slug :lane :name "One lane" :concurrency CONCURRENCY
 :flow '(try (flow/step :wait :ask {:title "Go?" :payload TEXT :timeout "1h"})
          (finally (flow/step :kv :tidy {:operation :append :key "tidied" :item 1})))}
"""
DRAIN = "{:type :singleton :on-new-version :drain}"
SUPERSEDE = "{:type :singleton :on-new-version :supersede}"
COEXIST = "{:type :singleton :on-new-version :coexist}"
KEYED = "{:type :keyed :key-field [:order :id] :on-new-version :drain}"


def write(team: Team, concurrency: str, text: str = '"one"') -> None:
    flow = FLOW.replace("CONCURRENCY", concurrency).replace("TEXT", text)
    (team.home / ".breyta/flows/lane.edn").write_text(flow)


def start(team: Team, *more: str) -> Told:
    return team.ann.gfr("run", "lane", *more)


def run_of(told: Told) -> str:
    return str(told.data["run"])


def status(team: Team, *runs: str) -> list[str]:
    return [team.ann.gfr("show", run).data["status"] for run in runs]


def decide(team: Team, run: str) -> None:
    asked = team.waiting(run, "lane")
    team.send(asked, team.sign("bob", asked))


def test_runs_of_a_draining_flow_queue_and_go_on_in_their_order(team: Team) -> None:
    write(team, DRAIN)
    told = [start(team) for _ in range(3)]
    first, second, third = (run_of(each) for each in told)
    assert [each.exit for each in told] == [7, 7, 7]
    assert [each.data["status"] for each in told] == ["waiting", "queued", "queued"]
    assert [each.data["concurrency"]["decision"] for each in told] == ["started", "queued", "queued"]
    assert told[2].data["concurrency"]["place"] == 2
    assert told[2].data["concurrency"]["ahead"] == [first, second]
    assert told[2].envelope["meta"]["next"][0] == f"gfr show {first}"
    shown = {item["run"]: item for item in team.ann.gfr("runs", "ls").data["items"]}
    assert shown[second]["concurrency"]["place"] == 1
    log = team.ann.git("log", "--format=%s", f"refs/runs/lane/{second}")
    assert log.startswith("run lane queued by ann")
    decide(team, first)
    for _ in range(2):
        team.ann.gfr("worker", "--once")
    assert status(team, first, second, third) == ["succeeded", "waiting", "queued"]
    assert team.ann.gfr("cancel", second, "--reason", "not needed").exit == 0
    team.ann.gfr("worker", "--once")
    assert status(team, second, third) == ["cancelled", "waiting"]
    decide(team, third)
    team.ann.gfr("worker", "--once")
    assert team.ann.git("for-each-ref", "refs/runner/slots", "refs/runner/active") == ""
    for run in (first, second, third):
        assert team.ann.gfr("runs", "verify", run).data["verdict"] == "ok"


def test_a_queued_run_that_is_cancelled_begins_nothing(team: Team) -> None:
    write(team, DRAIN)
    first, second = run_of(start(team)), run_of(start(team))
    told = team.ann.gfr("cancel", second)
    assert (told.exit, told.data["status"], told.data["steps"]) == (0, "cancelled", [])
    assert status(team, first) == ["waiting"]


def test_a_newer_run_ends_the_older_one_and_takes_its_place(team: Team) -> None:
    write(team, SUPERSEDE)
    first = run_of(start(team))
    write(team, SUPERSEDE, '"two"')
    told = start(team)
    assert (told.data["status"], told.data["concurrency"]["decision"]) == ("waiting", "superseding")
    assert told.data["concurrency"]["behind"] == [first]
    assert status(team, first) == ["cancelled"]
    assert team.kept("tidied") == "[1]", "what the older one has to clean up is done first"
    log = team.ann.git("log", "--format=%s", f"refs/runs/lane/{first}")
    assert f"cancel asked by run:{run_of(told)}" in log


def test_a_paused_run_makes_room_too(team: Team) -> None:
    write(team, SUPERSEDE)
    first = run_of(start(team))
    runtime = team.runtime()
    ask(runtime, find_run(runtime.repository, first), "pause")
    team.ann.gfr("worker", "--once")
    assert status(team, first) == ["paused"]
    assert start(team).data["status"] == "waiting"
    assert status(team, first) == ["cancelled"]


def test_versions_may_overlap_and_runs_of_one_version_may_not(team: Team) -> None:
    write(team, COEXIST)
    first = run_of(start(team))
    refused = start(team)
    assert (refused.exit, refused.code) == (5, "slot.taken")
    assert refused.envelope["error"]["fix"] == [f"gfr watch {first}", f"gfr cancel {first}"]
    assert len(team.ann.git("for-each-ref", "refs/runs/lane").splitlines()) == 1, "nothing was written"
    write(team, COEXIST, '"two"')
    beside = start(team)
    assert (beside.data["status"], beside.data["concurrency"]["decision"]) == ("waiting", "coexisted")
    assert status(team, first) == ["waiting"]


def test_runs_are_counted_by_their_key(team: Team, tmp_path: Path) -> None:
    write(team, KEYED)
    given = tmp_path / "input.json"

    def ordered(key: str) -> Told:
        given.write_text(f'{{"order": {{"id": {key}}}}}')
        return start(team, "--input-file", str(given))

    a, b, again = ordered('"a"'), ordered('"b"'), ordered('"a"')
    assert [each.data["status"] for each in (a, b, again)] == ["waiting", "waiting", "queued"]
    assert again.data["concurrency"]["key"] == '"a"'
    assert again.data["concurrency"]["ahead"] == [run_of(a)]
    refused = start(team)
    assert (refused.exit, refused.code) == (2, "input.key_missing")


def test_a_flow_that_calls_itself_does_not_wait_for_itself(team: Team) -> None:
    for policy in (DRAIN, SUPERSEDE, COEXIST):
        flow = f"""{{:slug :caller :name "Caller" :concurrency {policy}
 :flow '(try (+ 1 (flow/call-flow :caller {{}})) (catch Exception e 1))}}
"""
        (team.home / ".breyta/flows/caller.edn").write_text(flow)
        told = team.ann.gfr("run", "caller")
        assert told.data["output"]["preview"] == "6", policy


def test_called_runs_of_one_flow_queue_behind_one_another(team: Team) -> None:
    write(team, COEXIST)
    caller = """{:slug :caller :name "Caller" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(flow/parallel :each {:max 2} [1 2] (fn [n] (:action (flow/call-flow :lane {:n n}))))}
"""
    (team.home / ".breyta/flows/caller.edn").write_text(caller)
    told = team.ann.gfr("run", "caller")
    assert told.data["status"] == "waiting"
    for _ in range(2):
        (waiting,) = [
            item["run"]
            for item in team.ann.gfr("runs", "ls", "--flow", "lane").data["items"]
            if item["status"] == "waiting"
        ]
        decide(team, waiting)
        for _ in range(3):
            team.ann.gfr("worker", "--once")
    assert team.ann.gfr("show", run_of(told)).data["output"]["preview"] == '["approve" "approve"]'
