"""Tables that somebody else wrote or rewound are not read, and no secret gets into one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import table_ref
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.tables import TableStore
from gitflow_runner.model.table import Table
from gitflow_runner.runner.table_port import TablePort
from gitflow_runner.runner.tables import open_tables, trusted_table
from gitflow_runner.tables.change import Writing, set_column, write_rows
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.records import verify_record
from gitflow_runner.trust.signer import load_signer
from tests.run_histories import COMMITTER, T0
from tests.spoken import flow_text
from tests.team import Team

REF = table_ref("orders")
SECRET = 'tok-"Zq7\\Zq7"Zq7Zq7'
DIGITS = "4915112345678"


def append(old: Table | None, **cells: object) -> tuple[Table, str]:
    return write_rows(old or Table("orders"), [cells], Writing(), lambda: None).table, "nil"


def kept(team: Team) -> str:
    """A table with one row, as a run of Ann's clone writes it; where it stands."""
    open_tables(team.runtime()).update("orders", "k1", lambda old: append(old, id="o1"))
    assert trusted_table(team.runtime(), "orders") is not None
    return team.ann.git("rev-parse", REF)


def refused(team: Team) -> str:
    """The code with which commands, audit and doctor refuse the table; all agree."""
    shown = team.ann.gfr("resources", "show", "res://table/orders")
    code = str(shown.code)
    listed = team.ann.gfr("resources", "ls").data["items"]
    assert [item["error"] for item in listed if item.get("table") == "orders"] == [code]
    assert [c["health"] for c in team.ann.gfr("doctor").data["items"] if c["name"] == "tables"] == ["bad"]
    flow = team.home / ".breyta/flows/asks.edn"
    flow.write_text(flow_text("asks", '(flow/step :table :a {:op :schema :table "res://table/orders"})'))
    ran = team.ann.gfr("run", "asks")
    assert (ran.exit, ran.data["failure"]["code"]) == (1, code), "the step fails, the run ends"
    return code


@pytest.mark.parametrize("signer", ["nobody", "bob", "stolen-name"])
def test_a_table_that_no_runner_signed_is_not_read(team: Team, signer: str) -> None:
    tip = kept(team)
    tree = team.ann.git("rev-parse", f"{tip}^{{tree}}")
    signing = [] if signer == "nobody" else ["-S"]
    who = {"GIT_COMMITTER_NAME": "runner", "GIT_COMMITTER_EMAIL": "runner@gitflow.invalid"}
    key = team.keys / ("bob" if signer == "bob" else "ann")
    forged = team.ann.git(
        "-c", f"user.signingkey={key}", "commit-tree", *signing, "-p", tip, "-m", "table orders", tree, **who
    )
    team.ann.git("update-ref", REF, forged, tip)
    assert refused(team) == "untrusted_table"
    found = team.ann.gfr("audit", "verify")
    assert [f["ref"] for f in found.data["findings"]] == [REF]


def test_a_table_that_was_rewound_is_not_read(team: Team) -> None:
    first = kept(team)
    open_tables(team.runtime()).update("orders", "k2", lambda old: append(old, id="o2"))
    assert trusted_table(team.runtime(), "orders") != first
    team.ann.git("update-ref", REF, first)
    assert refused(team) == "table_rewound"


def test_a_table_that_is_taken_away_on_purpose_can_begin_anew_or_come_back(team: Team) -> None:
    tip = kept(team)
    assert team.ann.gfr("resources", "rm", "res://table/orders", "--dry-run").data["tip"] == tip
    team.ann.git("update-ref", "-d", REF)
    assert team.ann.gfr("resources", "show", "res://table/orders").code == "table_rewound"
    assert team.ann.gfr("resources", "rm", "res://table/orders").data["tip"] is None
    assert team.ann.gfr("resources", "rm", "res://table/orders").code == "table.unknown"
    again = kept(team)
    assert team.ann.git("rev-list", "--count", again) == "1"
    assert team.ann.gfr("resources", "rm", "res://table/orders").data["tip"] == again
    team.ann.git("update-ref", REF, tip)
    assert team.ann.gfr("resources", "show", "res://table/orders").data["rows"] == 1


def test_a_table_of_another_name_is_told_by_the_audit(team: Team) -> None:
    tip = kept(team)
    team.ann.git("update-ref", table_ref("other"), tip)
    found = team.ann.gfr("audit", "verify")
    assert [(f["ref"], f["code"]) for f in found.data["findings"]] == [(table_ref("other"), "table.name")]


def test_a_runner_that_the_policy_lists_writes_and_a_stranger_does_not(team: Team) -> None:
    tip = kept(team)
    runtime = team.runtime()
    raw = runtime.repository.read(Oid(tip))
    policy = runtime.policies.newest()
    assert policy is not None
    principal = verify_record(raw, policy, own_key=None)
    assert policy.people[principal].kind == "runner"
    with pytest.raises(Refusal) as caught:
        verify_record(raw, None, own_key=None)
    assert caught.value.reason == "key_not_allowed"
    assert verify_record(raw, None, own_key=runtime.own_key) == "unlisted runner"
    stranger = load_signer((team.keys / "eve").read_bytes())
    TableStore(
        runtime.repository,
        Committer("runner", "runner@gitflow.invalid", stranger.sign),
        lambda: T0,
        lambda name: runtime.repository.resolve(table_ref(name)),
    ).update("orders", "k2", lambda old: append(old, id="o2"))
    assert refused(team) == "untrusted_table"


def test_no_secret_gets_into_a_table(tmp_path: Path) -> None:
    written = list[str]()
    repository = MemoryRepository(tmp_path, before_write=written.append)
    redactor = Redactor()
    redactor.learn(SECRET, DIGITS)
    store = TableStore(repository, COMMITTER, lambda: T0, lambda name: repository.resolve(table_ref(name)))
    port = TablePort(store, redactor, "run hello/1")
    row: dict[str, object] = {
        "text": f"Bearer {SECRET}",
        "deep": {"a": [SECRET, {"b": f"x{SECRET}"}], SECRET: 1},
        "number": int(DIGITS),
        SECRET: True,
        "plain": "kept",
    }

    def change(old: Table | None) -> tuple[Table, str]:
        table, _ = append(old, **row)
        shown = {"display-name": SECRET, "enum": {"options": [SECRET]}}
        return set_column(table, "state", shown), json.dumps(SECRET)

    assert SECRET not in port.update("orders", "k1", change)
    found = port.read("orders")
    assert found is not None
    (kept_row,) = found.rows
    assert dict(kept_row.cells) == {
        "text": "Bearer ***",
        "deep": {"a": ["***", {"b": "x***"}], "***": 1},
        "number": "***",
        "***": True,
        "plain": "kept",
    }
    assert found.column("***") is not None
    objects = [Oid(what.split()[2]) for what in written if what.startswith("object")]
    assert len(objects) > 4
    assert not any(redactor.holds(repository.read(oid).data) for oid in objects)


def test_a_value_that_became_a_secret_is_masked_with_the_next_write(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    redactor = Redactor()
    store = TableStore(repository, COMMITTER, lambda: T0, lambda name: repository.resolve(table_ref(name)))
    port = TablePort(store, redactor, "")
    port.update("orders", "k1", lambda old: append(old, id="later-secret"))
    redactor.learn("later-secret")
    port.update("orders", "k3", lambda old: append(old, id="o2"))
    found = port.read("orders")
    assert found is not None
    assert [row.cells["id"] for row in found.rows] == ["***", "o2"]
