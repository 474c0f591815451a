"""Each kind of database by itself: its walls, its types, and what its errors must not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.databases.query import Target
from gitflow_runner.databases.registry import Databases
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from tests.databases import SETUP, World, now, prepared_duckdb, prepared_sqlite
from tests.mariadb_server import MariaServer
from tests.postgres_server import Server, program_sql


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


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "ATTACH 'other.db' AS other",
        "COPY orders TO 'copy.csv'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "PRAGMA database_size; DROP TABLE orders",
    ],
)
@pytest.mark.parametrize("writes", [False, True])
def test_duckdb_reaches_no_other_file_and_no_setting(tmp_path: Path, sql: str, writes: bool) -> None:
    world = prepared_duckdb(tmp_path)
    assert world.refusal(sql, writes=writes).code in ("db.read_only", "db.statement")
    assert [path.name for path in tmp_path.iterdir()] == ["shop.duckdb"]


@pytest.mark.parametrize("settings", [{}, {"path": ":memory:"}, {"path": "new.duckdb"}])
def test_duckdb_makes_a_file_only_where_the_connection_says_so(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    world = World("duckdb", Databases(tmp_path, now), Target("new", settings))
    assert world.refusal("CREATE TABLE a (b INTEGER)", writes=True).code == "db.connect"
    made = World("duckdb", Databases(tmp_path, now), Target("new", {"path": "new.duckdb", "create": True}))
    assert made.refusal("SELECT 1").code == "db.connect"
    made.ask("CREATE TABLE a (b INTEGER)", writes=True)
    assert made.ask("SELECT count(*) AS n FROM a").rows == ((0,),)


@pytest.mark.parametrize(
    "sql",
    ["SET SESSION TRANSACTION READ WRITE", "SELECT 1 INTO OUTFILE '/tmp/gfr-out'", "SELECT 1 INTO @a, @b"],
)
def test_mysql_is_kept_from_writing_by_the_server_too(mariadb: MariaServer, tmp_path: Path, sql: str) -> None:
    world = World("mysql", Databases(tmp_path, now), mariadb.target())
    assert world.refusal(sql).code in ("db.read_only", "db.statement")


def test_mysql_gets_the_password_only_where_it_may_go(mariadb: MariaServer, tmp_path: Path) -> None:
    target = mariadb.target()
    databases = Databases(tmp_path, now)
    elsewhere = Target("shop", target.settings, target.secrets, lambda origin: False)
    assert World("mysql", databases, elsewhere).refusal("SELECT 1").code == "db.refused"
    wrong = Target("shop", target.settings, {"password": "wrong-horse-battery"})
    error = World("mysql", databases, wrong).refusal("SELECT 1")
    assert (error.code, error.retryable) == ("db.connect", True)
    assert "wrong-horse-battery" not in str(error)


def test_mysql_refusals_hold_no_values_of_rows(mariadb: MariaServer, tmp_path: Path) -> None:
    for statement in SETUP:
        mariadb.run(statement)
    world = World("mysql", Databases(tmp_path, now), mariadb.target())
    error = world.refusal("INSERT INTO orders SELECT id + 10, customer, 1 FROM orders", writes=True)
    assert error.code == "db.statement"
    assert "Ann" not in f"{error} {error.details}"


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
