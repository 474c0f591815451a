"""What every database keeps to, asked for real: SQLite files, and a PostgreSQL that the tests start."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitflow_runner.databases.query import Query, Rows, Target
from gitflow_runner.databases.registry import Databases
from gitflow_runner.errors import StepError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Value
from gitflow_runner.steps.memory import ManualCancel
from tests.postgres_server import Server, program_sql

SETUP = (
    "DROP TABLE IF EXISTS orders",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT UNIQUE, total NUMERIC(10, 2))",
    "INSERT INTO orders VALUES (1, 'Ann', 12.5), (2, 'Bob', NULL)",
)
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgres": "SELECT pg_sleep(600)",
}
SERIES = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n",
    "postgres": "SELECT generate_series(1, 100000) AS i",
}
WIDE = {
    "sqlite": SERIES["sqlite"].replace("SELECT i FROM", "SELECT hex(zeroblob(1000000)) AS a FROM"),
    "postgres": "SELECT repeat('x', 2000000) AS a, generate_series(1, 1000) AS i",
}


@dataclass
class World:
    """One database with the table `orders`, and how to ask it."""

    kind: str
    databases: Databases
    target: Target

    def ask(self, sql: str, *params: Value, **more: object) -> Rows:
        """Run a statement with 60 s to go."""
        cancel = more.pop("cancel", ManualCancel())
        deadline = now() + int(str(more.pop("ms", 60_000)))
        query = Query(
            sql, params, int(str(more.pop("max_rows", 100))), deadline, bool(more.pop("writes", False))
        )
        return self.databases.run(self.kind, self.target, query, cancel)  # type: ignore[arg-type]

    def refusal(self, sql: str, *params: Value, **more: object) -> StepError:
        """The error of a statement."""
        with pytest.raises(StepError) as caught:
            self.ask(sql, *params, **more)
        return caught.value


def now() -> int:
    return time.monotonic_ns() // 1_000_000


def prepared_sqlite(folder: Path) -> World:
    with sqlite3.connect(folder / "shop.db") as connection:
        for statement in SETUP:
            connection.execute(statement)
    connection.close()
    return World("sqlite", Databases(folder, now), Target("shop", {"path": "shop.db"}))


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "sqlite":
        return prepared_sqlite(tmp_path)
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
    assert world.ask("SELECT '?' AS a, /* ? */ \"id\" FROM orders WHERE customer = ?", "Ann").rows == (
        ("?", 1),
    )


UUID = "00000000-0000-0000-0000-00000000000a"
INST = "2026-01-02T03:04:05.678"


@pytest.mark.parametrize(
    ("given", "cast", "in_sqlite", "in_postgres"),
    [
        ("nil", "int", "nil", "nil"),
        ("true", "bool", "1", "true"),
        ("-7", "bigint", "-7", "-7"),
        ("2.5", "float8", "2.5", "2.5"),
        ('"é"', "text", '"é"', '"é"'),
        (":open", "text", '"open"', '"open"'),
        ("1.50M", "numeric", '"1.50"', "1.50M"),
        ('#bytes "AAH/"', "bytea", '#bytes "AAH/"', '#bytes "AAH/"'),
        (f'#uuid "{UUID}"', "uuid", f'"{UUID}"', f'#uuid "{UUID}"'),
        (f'#inst "{INST}Z"', "timestamptz", f'"{INST}000+00:00"', f'#inst "{INST}-00:00"'),
        ('{:a [1 "x"]}', "jsonb", '"{\\"a\\":[1,\\"x\\"]}"', '{"a" [1 "x"]}'),
    ],
)
def test_every_value_can_be_a_parameter(
    world: World, given: str, cast: str, in_sqlite: str, in_postgres: str
) -> None:
    place = "?" if world.kind == "sqlite" else f"?::{cast}"
    found = world.ask(f"SELECT {place} AS value", read_data(given)).rows[0][0]
    assert write(found) == (in_sqlite if world.kind == "sqlite" else in_postgres)


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
    assert error.details["state"] in ("42703", "SQLITE_ERROR")
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


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "SELECT load_extension('x.so')",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA writable_schema = 1",
        "SELECT * FROM pragma_database_list",
        "SELECT fts3_tokenizer('simple')",
    ],
)
@pytest.mark.parametrize("writes", [False, True])
def test_sqlite_reaches_no_other_file_and_no_setting(tmp_path: Path, sql: str, writes: bool) -> None:
    world = prepared_sqlite(tmp_path)
    assert world.refusal(sql, writes=writes).code in ("db.read_only", "db.statement")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]


def test_sqlite_makes_a_file_only_where_the_connection_says_so(tmp_path: Path) -> None:
    databases = Databases(tmp_path, now)
    for settings in ({"path": "new.db"}, {}, {"path": ":memory:"}, {"path": "no/folder.db", "create": True}):
        world = World("sqlite", databases, Target("new", settings))
        assert world.refusal("CREATE TABLE a (b)", writes=True).code == "db.connect"
    world = World("sqlite", databases, Target("new", {"path": "odd ?#%.db", "create": True}))
    assert world.ask("CREATE TABLE a (b)", writes=True).changed == 0
    assert (tmp_path / "odd ?#%.db").is_file()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, and long enough to be looked at" * 100)
    world = World("sqlite", Databases(tmp_path, now), Target("text", {"path": "text.db"}))
    assert world.refusal("SELECT * FROM a").code == "db.connect"


def test_postgres_types_become_values(postgres: Server, tmp_path: Path) -> None:
    world = World("postgres", Databases(tmp_path, now), postgres.target())
    found = world.ask(
        "SELECT 1.50::numeric AS dec, 9223372036854775807 AS big, 12345678901234567890::numeric AS huge,"
        " '2026-01-02 03:04:05.5+02'::timestamptz AS at, '2026-01-02 03:04:05'::timestamp AS local,"
        " '2026-01-02'::date AS day, '10:20'::time AS hour, '1 day 2 hours'::interval AS long,"
        " '{\"a\": [1, null]}'::jsonb AS js, ARRAY[1, 2] AS arr, '\\x00ff'::bytea AS raw,"
        " '00000000-0000-0000-0000-00000000000A'::uuid AS id, '10.0.0.0/8'::inet AS net, 'NaN'::float AS nan"
    )
    assert [write(value) for value in found.rows[0]] == [
        "1.50M", "9223372036854775807", "12345678901234567890M", '#inst "2026-01-02T01:04:05.500-00:00"',
        '"2026-01-02T03:04:05"', '"2026-01-02"', '"10:20:00"', '"P1DT7200S"', '{"a" [1 nil]}', "[1 2]",
        '#bytes "AP8="', '#uuid "00000000-0000-0000-0000-00000000000a"', '"10.0.0.0/8"', "##NaN",
    ]  # fmt: skip


def test_postgres_takes_arrays_json_and_its_own_operators(postgres: Server, tmp_path: Path) -> None:
    world = World("postgres", Databases(tmp_path, now), postgres.target())
    assert world.ask("SELECT 2 = ANY(?) AS a", read_data("[1 2]")).rows == ((True,),)
    assert world.ask("SELECT ?::jsonb ?? 'a' AS a", read_data('{"a" 1}')).rows == ((True,),)
    assert world.ask("SELECT $tag$ ? $tag$ || E'\\'?' || '100%' AS a").rows == ((" ? '?100%",),)


def test_postgres_gets_the_password_only_where_it_may_go(postgres: Server, tmp_path: Path) -> None:
    target = postgres.target()
    elsewhere = Target("shop", target.settings, target.secrets, lambda origin: False)
    assert World("postgres", Databases(tmp_path, now), elsewhere).refusal("SELECT 1").code == "db.refused"


def test_postgres_refusals_hold_no_secret(postgres: Server, tmp_path: Path) -> None:
    wrong = Target("shop", postgres.target().settings, {"password": "wrong-horse-battery"})
    error = World("postgres", Databases(tmp_path, now), wrong).refusal("SELECT 1")
    assert (error.code, error.retryable) == ("db.connect", True)
    assert "wrong-horse-battery" not in str(error)
    world = World("postgres", Databases(tmp_path, now), postgres.target())
    leak = world.refusal("SELECT CAST(? AS int) AS a", "canary-value")
    assert leak.code == "db.statement"
    assert "canary-value" not in f"{leak} {leak.details}"


@pytest.mark.parametrize(
    ("dsn", "code"),
    [
        ("postgresql://shop:{password}@127.0.0.1:{port}/shop", None),
        ("host=127.0.0.1 port={port} user=shop password={password} dbname=shop", None),
        ("host=127.0.0.1 port={port} user=shop dbname=shop options='-c x=1'", "db.connect"),
        ("host=127.0.0.1,127.0.0.2 user=shop dbname=shop", "db.connect"),
        ("user=shop dbname=shop", "db.connect"),
        ("no connection string", "db.connect"),
    ],
)
def test_postgres_by_connection_string(postgres: Server, tmp_path: Path, dsn: str, code: str | None) -> None:
    password = postgres.target().secrets["password"]
    target = Target("shop", {}, {"dsn": dsn.format(port=postgres.port, password=password)})
    world = World("postgres", Databases(tmp_path, now), target)
    if code is None:
        assert world.ask("SELECT current_setting('transaction_read_only') AS a").rows == (("on",),)
    else:
        assert world.refusal("SELECT 1").code == code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SET TRANSACTION READ WRITE",
        "COPY (SELECT 1) TO '/tmp/gfr-copied'",
        "DO 'BEGIN DELETE FROM orders; END'",
        "SELECT nextval('counter')",
        "SELECT 1 INTO other",
    ],
)
def test_postgres_is_kept_from_writing_by_the_server_too(postgres: Server, tmp_path: Path, sql: str) -> None:
    program_sql(postgres.port, "CREATE SEQUENCE IF NOT EXISTS counter")
    world = World("postgres", Databases(tmp_path, now), postgres.target())
    assert world.refusal(sql).code in ("db.read_only", "db.statement")


def test_a_server_that_is_not_there_may_be_asked_again(postgres: Server, tmp_path: Path) -> None:
    target = postgres.target(port=1)
    world = World("postgres", Databases(tmp_path, now), Target("gone", target.settings))
    error = world.refusal("SELECT 1")
    assert (error.code, error.retryable) == ("db.connect", True)
