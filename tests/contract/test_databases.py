"""What every database keeps to, asked for real: files of SQLite and DuckDB, servers that the tests start."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gitflow_runner.databases.query import Target
from gitflow_runner.databases.registry import Databases
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.steps.memory import ManualCancel
from tests.databases import SETUP, World, now, prepared_duckdb, prepared_sqlite
from tests.mariadb_server import MariaServer
from tests.postgres_server import Server, program_sql

pytestmark = pytest.mark.seedless

SERVED = [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in ("postgres", "mysql")]
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgres": "SELECT pg_sleep(600)",
    "mysql": "SELECT sum(a.seq + b.seq) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
    "duckdb": "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b",
}
SERIES = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n",
    "postgres": "SELECT generate_series(1, 100000) AS i",
    "mysql": "SELECT seq AS i FROM seq_1_to_100000",
    "duckdb": "SELECT range AS i FROM range(1, 100001)",
}
WIDE = {
    "sqlite": SERIES["sqlite"].replace("SELECT i FROM", "SELECT hex(zeroblob(1000000)) AS a FROM"),
    "postgres": "SELECT repeat('x', 2000000) AS a, generate_series(1, 1000) AS i",
    "mysql": "SELECT repeat('x', 2000000) AS a FROM seq_1_to_1000",
    "duckdb": "SELECT repeat('x', 2000000) AS a FROM range(1000)",
}


@pytest.fixture(params=["sqlite", *SERVED, "duckdb"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sqlite":
        return prepared_sqlite(tmp_path)
    if request.param == "duckdb":
        return prepared_duckdb(tmp_path)
    if request.param == "mysql":
        maria: MariaServer = request.getfixturevalue("mariadb")
        for statement in SETUP:
            maria.run(statement)
        return World("mysql", Databases(tmp_path, now), maria.target())
    server: Server = request.getfixturevalue("postgres")
    for statement in SETUP:
        program_sql(server.port, statement)
    return World("postgres", Databases(tmp_path, now), server.target())


def test_rows_come_in_columns_with_their_values(world: World) -> None:
    found = world.ask("SELECT id, customer FROM orders ORDER BY id")
    assert (found.columns, found.rows, found.more) == (("id", "customer"), ((1, "Ann"), (2, "Bob")), False)


def test_no_rows_are_no_failure(world: World) -> None:
    found = world.ask("SELECT id FROM orders WHERE id = ?", 99)
    assert (found.rows, found.changed) == ((), None)


def test_a_parameter_is_never_part_of_the_statement(world: World) -> None:
    evil = "Ann' OR '1'='1"
    assert world.ask("SELECT id FROM orders WHERE customer = ?", evil).rows == ()
    assert world.ask("SELECT id FROM orders WHERE customer = ? -- ?", "Ann").rows == ((1,),)
    assert world.ask("SELECT '?' AS a, /* ? */ id FROM orders WHERE customer = ?", "Ann").rows == (("?", 1),)


UUID = "00000000-0000-0000-0000-00000000000a"
INST = "2026-01-02T03:04:05.678"


@pytest.mark.parametrize(
    ("given", "cast", "answers"),
    [
        ("nil", "int", {"": "nil"}),
        ("true", "bool", {"": "true", "sqlite": "1", "mysql": "1"}),
        ("-7", "bigint", {"": "-7"}),
        ("2.5", "float8", {"": "2.5"}),
        ('"é"', "text", {"": '"é"'}),
        ('"it\'s \\\\ 100%"', "text", {"": '"it\'s \\\\ 100%"'}),
        (":open", "text", {"": '"open"'}),
        ("1.50M", "numeric", {"": "1.50M", "sqlite": '"1.50"'}),
        ('#bytes "AAH/"', "bytea", {"": '#bytes "AAH/"'}),
        (f'#uuid "{UUID}"', "uuid", {"": f'#uuid "{UUID}"', "sqlite": f'"{UUID}"', "mysql": f'"{UUID}"'}),
        (
            f'#inst "{INST}Z"',
            "timestamptz",
            {
                "": f'#inst "{INST}-00:00"',
                "sqlite": f'"{INST}000+00:00"',
                "mysql": f'"{INST.replace("T", " ")}000"',
            },
        ),
        (
            '{:a [1 "x"]}',
            "jsonb",
            {"": '"{\\"a\\":[1,\\"x\\"]}"', "postgres": '{"a" [1 "x"]}'},
        ),
    ],
)
def test_every_value_can_be_a_parameter(world: World, given: str, cast: str, answers: dict[str, str]) -> None:
    place = f"?::{cast}" if world.kind == "postgres" else "?"
    found = world.ask(f"SELECT {place} AS value", read_data(given)).rows[0][0]
    assert write(found) == answers.get(world.kind, answers[""])


def test_a_wrong_number_of_parameters_is_told(world: World) -> None:
    assert world.refusal("SELECT ?").code == "db.params"
    assert world.refusal("SELECT 1", 1).code == "db.params"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (3, 'Cy', 1)",
        "UPDATE orders SET total = 0",
        "DELETE FROM orders",
        "DROP TABLE orders",
        "CREATE TABLE other (a INTEGER)",
        "  -- a comment\n /* and one more */ DELETE FROM orders",
        "VACUUM",
        "BEGIN",
        "",
        "WITH gone AS (SELECT 1) DELETE FROM orders",
        "EXPLAIN ANALYZE DELETE FROM orders",
    ],
)
def test_a_reading_step_changes_nothing(world: World, sql: str) -> None:
    assert world.refusal(sql).code in ("db.read_only", "db.statement")
    assert world.ask("SELECT count(*) AS n FROM orders").rows == ((2,),)


def test_one_statement_is_one_statement(world: World) -> None:
    for writes in (False, True):
        error = world.refusal("SELECT 1; DELETE FROM orders", writes=writes)
        assert error.code == "db.statement"
    assert world.ask("SELECT count(*) AS n FROM orders").rows == ((2,),)


def test_a_writing_step_changes_rows_and_says_how_many(world: World) -> None:
    found = world.ask("UPDATE orders SET total = ? WHERE id > ?", 3, 0, writes=True)
    assert (found.columns, found.changed) == ((), 2)
    back = world.ask("INSERT INTO orders VALUES (?, ?, 1) RETURNING id", 3, "Cy", writes=True)
    assert back.rows == ((3,),)
    assert world.ask("SELECT count(*) AS n FROM orders WHERE total IS NOT NULL").rows == ((3,),)


def test_a_failed_write_is_taken_back_whole(world: World) -> None:
    error = world.refusal("INSERT INTO orders SELECT id + 10, 'Dup', 1 FROM orders", writes=True)
    assert (error.code, error.definite, error.retryable) == ("db.statement", True, False)
    assert world.ask("SELECT count(*) AS n FROM orders").rows == ((2,),)


def test_what_the_database_says_is_told_in_short_and_without_the_values(world: World) -> None:
    error = world.refusal("SELECT nothing_like_it FROM orders")
    assert error.code == "db.statement"
    assert "nothing_like_it" in error.message
    assert error.details["state"] in ("42703", "SQLITE_ERROR", 1054, "BinderException")
    assert len(world.refusal("SELECT " + "x" * 5_000).message) < 400


def test_rows_are_bounded(world: World) -> None:
    found = world.ask(SERIES[world.kind], max_rows=10)
    assert ([row[0] for row in found.rows], found.more) == (list(range(1, 11)), True)
    assert not world.ask("SELECT id FROM orders", max_rows=2).more


def test_two_columns_of_one_name_are_told(world: World) -> None:
    assert world.refusal("SELECT id, id FROM orders").code == "db.columns"


@pytest.mark.parametrize("writes", [False, True])
def test_a_statement_ends_with_its_time(world: World, writes: bool) -> None:
    error = world.refusal(ENDLESS[world.kind], ms=300, writes=writes)
    assert (error.code, error.definite, error.retryable) == ("db.timeout", True, True)


def test_a_cancel_stops_a_running_statement(world: World) -> None:
    cancel = ManualCancel()
    threading.Timer(0.3, cancel.ask).start()
    error = world.refusal(ENDLESS[world.kind], cancel=cancel)
    assert (error.code, error.definite) == ("step.cancelled", True)


def test_an_answer_too_large_to_hold_is_refused(world: World) -> None:
    assert world.refusal(WIDE[world.kind], max_rows=5_000).code == "db.too_large"


def test_an_unknown_kind_is_told(tmp_path: Path) -> None:
    world = World("oracle", Databases(tmp_path, now), Target("x", {}))
    assert world.refusal("SELECT 1").code == "db.unsupported"
