"""The tables of the ledger keep their promises over every repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitflow_runner.errors import DamagedError, RefusedError, StepError
from gitflow_runner.git.objects import Oid, blob
from gitflow_runner.git.refs import table_ref
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger.chain import file_in, head_of
from gitflow_runner.ledger.collect import named_values
from gitflow_runner.ledger.tables import Change, TableStore, history, table_names
from gitflow_runner.ledger.tree import Tree
from gitflow_runner.model.table import Column, Option, Row, Table
from gitflow_runner.tables.change import Writing, write_rows
from tests.repositories import repositories
from tests.run_histories import COMMITTER, T0

UPSERT = Writing("upsert", ("id",))


@pytest.fixture(params=["memory", "pygit"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return repositories(request.param, tmp_path)


def store(repository: Repository) -> TableStore:
    return TableStore(repository, COMMITTER, lambda: T0, lambda name: repository.resolve(table_ref(name)))


def rows(*cells: dict[str, object], answer: str = "1") -> Change:
    def change(old: Table | None) -> tuple[Table, str]:
        return write_rows(old or Table("orders"), cells, UPSERT, lambda: None).table, answer

    return change


def tree_of(repository: Repository) -> Oid:
    tip = repository.resolve(table_ref("orders"))
    assert tip is not None
    return head_of(repository, tip)[0]


def test_what_was_written_is_read_back_whole(repository: Repository) -> None:
    assert store(repository).read("orders") is None
    full = Table(
        "orders",
        (
            Column("id", "text", declared=True, shown={"display-name": "Order"}),
            Column("state", "text", options=(Option("open", "Open", ("new",)),)),
            Column("all", "json", computed=["str", "id", {"value": 1.5}]),
            Column("n", "mixed"),
        ),
        (
            Row(1, {"id": "ä\u2028\n", "n": 2**62, "all": {"b": [None, True], "a": -0.5}}, "2026"),
            Row(700, {"n": False}, "2025", {"n": {"display": "currency"}}),
        ),
        ("id",),
        ("state",),
        True,
        1,
        701,
        99,
    )
    assert store(repository).update("orders", "k1", lambda old: (full, "{:a 1}")) == "{:a 1}"
    assert store(repository).read("orders") == full
    assert [name for name, _ in table_names(repository)] == ["orders"]
    assert named_values(repository) == {}, "nothing of a table lies beside Git"


def test_a_repeat_changes_nothing_however_many_wrote_since(repository: Repository) -> None:
    tables = store(repository)
    for number in range(12):
        assert tables.update("orders", f"k{number}", rows({"id": number}, answer=str(number))) == str(number)
    before = repository.resolve(table_ref("orders"))
    assert tables.update("orders", "k0", rows({"id": 99}, answer="other")) == "0"
    assert store(repository).update("orders", "k11", rows({"id": 99}, answer="other")) == "11"
    assert repository.resolve(table_ref("orders")) == before


def test_a_lost_swap_is_decided_again_from_the_new_rows(repository: Repository) -> None:
    mine, other = store(repository), store(repository)
    mine.update("orders", "k0", rows({"id": "a", "n": 1}))
    seen: list[int] = []

    def count(old: Table | None) -> tuple[Table, str]:
        assert old is not None
        seen.append(len(old.rows))
        if len(seen) == 1:
            other.update("orders", "theirs", rows({"id": "b", "n": 2}))
        return write_rows(old, [{"id": "c", "n": len(old.rows)}], UPSERT, lambda: None).table, "done"

    assert mine.update("orders", "k1", count) == "done"
    assert seen == [1, 2]
    found = mine.read("orders")
    assert found is not None
    assert [row.cells["id"] for row in found.rows] == ["a", "b", "c"]
    assert found == store(repository).read("orders")
    assert found.revision == 3


def test_a_change_that_fails_leaves_the_table(repository: Repository) -> None:
    tables = store(repository)
    tables.update("orders", "k0", rows({"id": "a"}))
    with pytest.raises(StepError) as caught:
        tables.update("orders", "k1", rows({"n": 1}))
    assert caught.value.code == "table.key"
    found = tables.read("orders")
    assert found is not None
    assert found.revision == 1


def test_a_write_makes_new_only_the_files_of_its_rows(repository: Repository) -> None:
    tables = store(repository)
    tables.update("orders", "k0", rows(*({"id": number} for number in range(600))))
    before = tree_of(repository)
    tables.update("orders", "k1", rows({"id": 300, "n": 1}, {"id": 600}))
    after = tree_of(repository)
    files = [f"rows/{number:06d}.jsonl" for number in range(3)]
    same = [file_in(repository, before, name) == file_in(repository, after, name) for name in files]
    assert same == [True, False, False]
    assert b'{"row":601,"cells":{"id":600}}\n' in (file_in(repository, after, files[2]) or b"")


def test_every_write_is_a_signed_commit_on_the_one_before(repository: Repository) -> None:
    tables = store(repository)
    tables.update("orders", "k0", rows({"id": "a"}), "run hello/1\nGitflow-Run: x")
    first = repository.resolve(table_ref("orders"))
    tables.update("orders", "k1", rows({"id": "b"}))
    second = repository.resolve(table_ref("orders"))
    assert first is not None
    assert second is not None
    assert list(history(repository, second)) == [(second, 2), (first, 1)]
    commit = repository.commit(first)
    assert commit.message == "table orders revision 1: 1 rows\n\nrun hello/1\\x0aGitflow-Run: x\n"
    assert commit.header("gpgsig") == COMMITTER.sign(commit.payload).rstrip("\n")


@pytest.mark.parametrize(
    ("path", "change", "code"),
    [
        ("table.json", lambda data: b"{", "table.malformed"),
        ("table.json", lambda data: data.replace(b'"format": 1', b'"format": 2'), "table.format"),
        ("table.json", lambda data: data.replace(b'"next": 3', b'"next": 2'), "table.malformed"),
        ("table.json", lambda data: data.replace(b'"type": "text"', b'"type": "sql"'), "table.malformed"),
        ("rows/000000.jsonl", lambda data: data + data, "table.malformed"),
        ("rows/000000.jsonl", lambda data: data.replace(b'"id"', b'"other"'), "table.malformed"),
        ("rows/000000.jsonl", lambda data: data.replace(b'"row":1', b'"row":"1"'), "table.malformed"),
        ("rows/000000.jsonl", lambda data: b"[" * 100_000, "table.malformed"),
    ],
)
def test_a_table_that_is_not_as_we_write_it_is_told(
    tmp_path: Path, path: str, change: object, code: str
) -> None:
    repository = repositories("memory", tmp_path)
    store(repository).update("orders", "k0", rows({"id": "a"}, {"id": "b"}))
    tip = repository.resolve(table_ref("orders"))
    assert tip is not None
    tree = Tree(lambda oid: repository.read(oid).data, tree_of(repository))
    assert callable(change)
    content = blob(change(file_in(repository, tree_of(repository), path)))
    tree.put(path, content.oid)
    objects = {content.oid: content}
    commit = COMMITTER.commit(tree.write(objects), (tip,), "bent\n", T0)
    repository.write([*objects.values(), commit])
    repository.swap([RefUpdate(table_ref("orders"), tip, commit.oid)])
    with pytest.raises(DamagedError) as caught:
        store(repository).read("orders")
    assert caught.value.code == code


def test_a_chain_with_a_gap_is_told(tmp_path: Path) -> None:
    repository = repositories("memory", tmp_path)
    store(repository).update("orders", "k0", rows({"id": "a"}))
    tip = repository.resolve(table_ref("orders"))
    assert tip is not None
    again = COMMITTER.commit(tree_of(repository), (tip,), "the same revision again\n", T0)
    repository.write([again])
    with pytest.raises(DamagedError) as caught:
        list(history(repository, again.oid))
    assert caught.value.code == "table.gap"


def test_a_name_that_is_no_ref_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        store(repositories("memory", tmp_path)).update("../x", "k", rows({"id": 1}))


def test_rows_are_lines_that_any_program_reads(tmp_path: Path) -> None:
    repository = repositories("memory", tmp_path)
    store(repository).update("orders", "k0", rows({"id": "a", "n": None, "m": {"k": [1]}}))
    lines = (file_in(repository, tree_of(repository), "rows/000000.jsonl") or b"").splitlines()
    assert [json.loads(line) for line in lines] == [{"row": 1, "cells": {"id": "a", "m": {"k": [1]}}}]
