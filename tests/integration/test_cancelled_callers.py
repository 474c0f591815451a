"""A run that ends takes those along that it called; and what comes of a called run is seen by its caller."""

from __future__ import annotations

from gitflow_runner.model.event import CancelAsked
from tests.team import Team, Waiting

HEAD = ":concurrency {:type :singleton :on-new-version :drain}"
ASKS = f"""{{:slug :asks :name "Asks" {HEAD}
 :flow '(try (flow/step :wait :ask {{:title "Go?" :payload {{:n 1}} :timeout "1h"}})
          (finally (flow/step :kv :tidy {{:operation :append :key "tidied" :item "asks"}})))}}
"""


def calls(slug: str, other: str) -> str:
    return f"""{{:slug :{slug} :name "{slug}" {HEAD}
 :flow '(try [:got (flow/call-flow :{other} {{}})]
          (finally (flow/step :kv :tidy {{:operation :append :key "tidied" :item "{slug}"}})))}}
"""


def begun(team: Team) -> dict[str, str]:
    """The runs by their flow: top calls middle, which calls asks, which waits."""
    flows = team.home / ".breyta/flows"
    (flows / "asks.edn").write_text(ASKS)
    (flows / "middle.edn").write_text(calls("middle", "asks"))
    (flows / "top.edn").write_text(calls("top", "middle"))
    assert team.ann.gfr("run", "top").data["status"] == "waiting"
    return {item["flow"]: item["run"] for item in team.ann.gfr("runs", "ls").data["items"]}


def statuses(team: Team, runs: dict[str, str]) -> dict[str, str]:
    return {slug: team.ann.gfr("show", run).data["status"] for slug, run in runs.items()}


def events(team: Team, slug: str, run: str) -> list[CancelAsked]:
    at = Waiting(run, slug, "", "", "", "", 0)
    return [event for event in team.events(at) if isinstance(event, CancelAsked)]


def test_a_cancel_goes_down_to_the_last_called_run_and_each_cleans_up(team: Team) -> None:
    runs = begun(team)
    told = team.ann.gfr("cancel", runs["top"], "--reason", "not today")
    assert told.data["status"] == "cancelled"
    assert statuses(team, runs) == dict.fromkeys(("top", "middle", "asks"), "cancelled")
    tidied = team.kept("tidied") or ""
    assert all(f'"{slug}"' in tidied for slug in runs)
    for slug, caller in (("middle", "top"), ("asks", "middle")):
        (asked,) = events(team, slug, runs[slug])
        assert (asked.by, asked.request) == (f"run:{runs[caller]}", None)
        assert f"run {runs[caller]}, which called it" in (asked.reason or "")
    for run in runs.values():
        assert team.ann.gfr("runs", "verify", run).data["verdict"] == "ok"
    assert team.ann.git("for-each-ref", "refs/runner/active", "refs/runner/slots") == ""


def test_a_called_run_that_was_cancelled_is_seen_by_its_caller(team: Team) -> None:
    runs = begun(team)
    assert team.ann.gfr("cancel", runs["asks"]).data["status"] == "cancelled"
    for _ in range(2):
        team.ann.gfr("worker", "--once")
    assert statuses(team, runs) == {"top": "failed", "middle": "failed", "asks": "cancelled"}
    failure = team.ann.gfr("show", runs["middle"]).data["failure"]
    assert failure["code"] == "child.failed"
    assert f"run {runs['asks']} of asks cancelled" in failure["message"]


def test_a_strangers_word_that_the_caller_ended_ends_no_called_run(team: Team) -> None:
    runs = begun(team)
    ref = f"refs/runs/middle/{runs['middle']}"
    tip = team.ann.git("rev-parse", ref)
    state = team.ann.git("show", f"{tip}:run.json").replace('"status":"waiting"', '"status":"cancelled"')
    tree = team.tree_with(f"{tip}^{{tree}}", {"run.json": state.encode() + b"\n"})
    lie = team.ann.git("commit-tree", "-S", "-p", tip, tree, given=b"run cancelled\n")
    team.ann.git("update-ref", ref, lie)
    team.ann.gfr("worker", "--once")
    assert team.ann.gfr("show", runs["asks"]).data["status"] == "waiting"
