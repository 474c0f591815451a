"""Slots that somebody else wrote: nobody is let in, held back or ended by them (protocol 4.2, 5.1)."""

from __future__ import annotations

import json

import pytest

from tests.other_writers import WRITERS, Writer
from tests.spoken import Told
from tests.team import Team

FLOW = """{:slug :lane :name "One lane" :concurrency {:type :singleton :on-new-version POLICY}
 :flow '(let [answer (flow/step :wait :ask {:title "Go?" :payload {:n 1} :timeout "1h"})]
          (flow/step :kv :went {:operation :append :key "went" :item (:action answer)}))}
"""


def lane(team: Team, policy: str) -> None:
    (team.home / ".breyta/flows/lane.edn").write_text(FLOW.replace("POLICY", policy))


def slot(team: Team) -> str:
    (name,) = team.ann.git("for-each-ref", "--format=%(refname)", "refs/runner/slots/").split()
    return name


def record(team: Team) -> dict[str, object]:
    found: dict[str, object] = json.loads(team.ann.git("show", f"{slot(team)}:slot.json"))
    return found


def forged(team: Team, data: object, who: str | None) -> str:
    """A commit that holds such a record, signed by a person's key or nobody's."""
    blob = team.ann.git("hash-object", "-w", "--stdin", given=json.dumps(data).encode())
    tree = team.ann.git("mktree", given=f"100644 blob {blob}\tslot.json\n".encode())
    signing = [] if who is None else ["-S"]
    key = f"user.signingkey={team.keys / (who or 'ann')}"
    return team.ann.git("-c", key, "commit-tree", *signing, tree, given=b"slot\n")


def status(team: Team, run: str) -> str:
    return str(team.ann.gfr("show", run).data["status"])


def start(team: Team) -> Told:
    return team.ann.gfr("run", "lane")


@pytest.mark.parametrize(
    ("writer", "who"),
    [*((writer, "stranger") for writer in WRITERS), (WRITERS[0], None), (WRITERS[0], "bob")],
    ids=lambda given: getattr(given, "name", given),
)
def test_a_record_that_no_runner_signed_ends_no_run_and_admits_none(
    team: Team, writer: Writer, who: str | None
) -> None:
    lane(team, ":supersede")
    first = str(start(team).data["run"])
    data = record(team)
    (holder,) = data["holders"]  # type: ignore[misc]
    holder["superseded_by"] = "20260101-000000-aaaaaa"
    writer.move(team.home, slot(team), forged(team, data, who))
    team.ann.gfr("worker", "--once")
    assert status(team, first) == "waiting", "nobody ends a run by a record of their own"
    refused = start(team)
    assert (refused.exit, refused.code) == (4, "slot.untrusted")
    remove, again = refused.envelope["error"]["fix"]
    assert (remove, again) == (f"git update-ref -d {slot(team)} {_tip(team)}", "gfr worker --once")
    team.ann.git(*remove.split()[1:])
    team.ann.gfr(*again.split()[1:])
    assert start(team).data["concurrency"]["decision"] == "superseding"
    assert status(team, first) == "cancelled"


def _tip(team: Team) -> str:
    return team.ann.git("rev-parse", slot(team))


def test_an_emptied_slot_lets_nobody_pass_whoever_queues(team: Team) -> None:
    lane(team, ":drain")
    first, second = str(start(team).data["run"]), str(start(team).data["run"])
    before = slot(team)
    team.ann.git("update-ref", "-d", before, _tip(team))
    team.ann.gfr("worker", "--once")
    assert slot(team) == before
    assert [entry["run"] for entry in record(team)["holders"]] == [first]  # type: ignore[attr-defined]
    assert (status(team, first), status(team, second)) == ("waiting", "queued")


def test_an_older_record_put_back_admits_nobody_twice(team: Team) -> None:
    lane(team, ":drain")
    first = str(start(team).data["run"])
    alone = _tip(team)
    second = str(start(team).data["run"])
    team.ann.git("update-ref", slot(team), alone)
    third = str(start(team).data["run"])
    team.ann.gfr("worker", "--once")
    assert [status(team, run) for run in (first, second, third)] == ["waiting", "queued", "queued"]
    queue = [entry["run"] for entry in record(team)["queue"]]  # type: ignore[attr-defined]
    assert sorted(queue) == sorted([second, third])


def test_the_record_of_another_slot_is_no_record_of_this_one(team: Team) -> None:
    lane(team, ":drain")
    start(team)
    tip, name = _tip(team), slot(team)
    other = name[:-64] + "0" * 64
    team.ann.git("update-ref", other, tip)
    told = team.ann.gfr("worker", "--once")
    (problem,) = [item for item in told.data["items"] if item["run"] == other]
    assert problem["problem"]["code"] == "slot.malformed"


def test_a_run_made_to_look_ended_by_a_stranger_keeps_its_place(team: Team) -> None:
    lane(team, ":drain")
    first = str(start(team).data["run"])
    ref = f"refs/runs/lane/{first}"
    tip = team.ann.git("rev-parse", ref)
    state = team.ann.git("show", f"{tip}:run.json").replace('"status":"waiting"', '"status":"succeeded"')
    tree = team.tree_with(f"{tip}^{{tree}}", {"run.json": state.encode() + b"\n"})
    lie = team.ann.git("commit-tree", "-S", "-p", tip, tree, given=b"run succeeded\n")
    team.ann.git("update-ref", ref, lie)
    second = start(team)
    assert second.data["concurrency"]["decision"] == "queued"
    assert second.data["concurrency"]["ahead"] == [first]
    assert status(team, str(second.data["run"])) == "queued"


def test_drafts_neither_end_nor_hold_up_what_is_live(team: Team) -> None:
    lane(team, ":supersede")
    team.ann.git("add", "-A")
    team.ann.git("commit", "-q", "-S", "-m", "lane")
    assert team.ann.gfr("release", "lane", "-m", "first", "--yes").exit == 0
    assert team.ann.gfr("promote", "lane", "--yes").exit == 0
    live = team.ann.gfr("run", "lane", "--ref", "live")
    assert live.exit == 7, live
    draft = start(team)
    assert draft.data["concurrency"]["decision"] == "started"
    assert status(team, str(live.data["run"])) == "waiting"
    again = team.ann.gfr("run", "lane", "--ref", "live")
    assert again.data["concurrency"]["decision"] == "superseding"
    assert status(team, str(live.data["run"])) == "cancelled"
    assert status(team, str(draft.data["run"])) == "waiting"
