"""Key-value records that somebody else wrote, moved or set back are not read or built upon (protocol 5.1)."""

from __future__ import annotations

import pytest

from gitflow_runner.git.refs import kv_ref, table_ref
from gitflow_runner.ledger.committer import Committer
from gitflow_runner.ledger.kv import Entry, KvScope
from gitflow_runner.model.table import Table
from gitflow_runner.runner.kv import open_scope
from gitflow_runner.runner.tables import open_tables
from gitflow_runner.tables.change import Writing, write_rows
from gitflow_runner.trust.signer import load_signer
from tests.other_writers import WRITERS, Writer
from tests.run_histories import T0
from tests.spoken import flow_text
from tests.team import Team

REF = kv_ref("default")


def kept(team: Team, key: str = "k1") -> str:
    """A value as a run of Ann's clone keeps it; where the scope stands."""
    open_scope(team.runtime()).update("went", key, lambda old: (Entry(f'"{key}"'), "nil"))
    return team.ann.git("rev-parse", REF)


def refused(team: Team) -> str:
    """The code with which steps, audit and doctor refuse the scope; all agree, and nothing is written."""
    stood = team.ann.git("for-each-ref", REF)
    codes = set()
    for operation in (":get", ":increment"):
        flow = team.home / ".breyta/flows/asks.edn"
        flow.write_text(flow_text("asks", f'(flow/step :kv :a {{:operation {operation} :key "went"}})'))
        ran = team.ann.gfr("run", "asks")
        assert ran.exit == 1, "the step fails, the run ends"
        codes.add(ran.data["failure"]["code"])
    findings = team.ann.gfr("audit", "verify").data["findings"]
    codes |= {finding["code"] for finding in findings if finding["ref"] == REF}
    assert len(findings) == 1, findings
    (line,) = [line for line in team.ann.gfr("doctor").data["items"] if line["name"] == "kv"]
    assert line["health"] == "bad"
    assert team.ann.git("for-each-ref", REF) == stood
    (code,) = codes
    return code


@pytest.mark.parametrize("signer", ["nobody", "bob", "stolen-name"])
def test_a_scope_that_no_runner_signed_is_not_read(team: Team, signer: str) -> None:
    tip = kept(team)
    signing = [] if signer == "nobody" else ["-S"]
    who = {"GIT_COMMITTER_NAME": "runner", "GIT_COMMITTER_EMAIL": "runner@gitflow.invalid"}
    key = f"user.signingkey={team.keys / ('bob' if signer == 'bob' else 'ann')}"
    forged = team.ann.git(
        "-c", key, "commit-tree", *signing, "-p", tip, "-m", "kv set went", f"{tip}^{{tree}}", **who
    )
    team.ann.git("update-ref", REF, forged, tip)
    assert refused(team) == "untrusted_kv"
    (line,) = [line for line in team.ann.gfr("doctor").data["items"] if line["name"] == "kv"]
    assert line["fix"][0] == f"git update-ref {REF} {tip} {forged}"
    team.ann.git(*line["fix"][0].split()[1:])
    assert team.kept("went") == '"k1"'


def test_a_strangers_scope_is_not_read_where_there_was_none(team: Team) -> None:
    repository = team.runtime().repository
    stranger = Committer(
        "runner", "runner@gitflow.invalid", load_signer((team.keys / "eve").read_bytes()).sign
    )
    KvScope(repository, stranger, "default", lambda: T0, lambda: None, lambda tip: None).update(
        "went", "k1", lambda old: (Entry("1"), "nil")
    )
    assert refused(team) == "untrusted_kv"


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_a_scope_that_was_rewound_is_not_read(team: Team, writer: Writer) -> None:
    first, second = kept(team), kept(team, "k2")
    writer.move(team.home, REF, first)
    assert refused(team) == "kv_rewound"
    team.ann.git("update-ref", REF, second)
    assert team.kept("went") == '"k2"'


def test_a_scope_that_was_taken_away_is_not_begun_anew_unless_that_is_meant(team: Team) -> None:
    kept(team)
    team.ann.git("update-ref", "-d", REF)
    assert refused(team) == "kv_rewound"
    (line,) = [line for line in team.ann.gfr("doctor").data["items"] if line["name"] == "kv"]
    (team.home / ".git/gitflow/kv/default").unlink()
    assert line["fix"][-1].endswith("/.git/gitflow/kv/default")
    assert team.kept("went") is None
    assert team.ann.git("rev-list", "--count", kept(team)) == "1"


def test_a_runners_record_of_something_else_is_no_scope(team: Team) -> None:
    kept(team)
    other = team.ann.git("rev-parse", REF)
    name = kv_ref("other")
    team.ann.git("update-ref", name, other)
    findings = team.ann.gfr("audit", "verify").data["findings"]
    assert [(found["ref"], found["code"]) for found in findings] == [(name, "kv.malformed")]
    team.ann.git("update-ref", "-d", name)
    # Where nothing was seen yet: what a runner signed for a table stands in the place of the scope.
    (team.home / ".git/gitflow/kv/default").unlink()
    rows = write_rows(Table("rows"), [{"id": 1}], Writing(), lambda: None).table
    open_tables(team.runtime()).update("rows", "k1", lambda old: (rows, "nil"))
    team.ann.git("update-ref", REF, table_ref("rows"))
    assert refused(team) == "kv.malformed"
