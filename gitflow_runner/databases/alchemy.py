"""MySQL, MariaDB and DuckDB through SQLAlchemy: one connection and one transaction for each statement."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from gitflow_runner.databases.plain import parameter
from gitflow_runner.databases.query import Cancel, Query, Rows, Target
from gitflow_runner.databases.reading import (
    check_origin,
    check_reads,
    collected,
    excerpt,
    read_only,
    stopped,
    without_driver,
)
from gitflow_runner.databases.statement import DUCKDB, MYSQL, Dialect, check_single, with_placeholders
from gitflow_runner.databases.watch import watched
from gitflow_runner.errors import StepError
from gitflow_runner.lang.core.json import encode
from gitflow_runner.lang.values import Collection, Value

_TRY_AGAIN: Final = frozenset({1205, 1213, 2006, 2013})  # MySQL: lock wait, deadlock, gone away, lost
_QUOTING: Final = frozenset({1062, 1264, 1265, 1292, 1366, 1406})  # MySQL: messages that quote a row's values
_READ_ONLY: Final = (1792, "read-only mode")


class Kind(Protocol):
    """What differs between the databases behind SQLAlchemy."""

    name: str
    dialect: Dialect
    count_column: str | None  # where a change says how many rows it touched, if not beside its answer

    def engine(self, target: Target, query: Query, left_ms: int) -> Engine:
        """An engine without a pool; `StepError` (`db.connect`, `db.refused`)."""
        ...

    def begin(self, connection: Connection, query: Query, left_ms: int) -> None:
        """Bound what comes in time, and keep it from writing unless it may."""
        ...

    def interrupter(self, engine: Engine, connection: Connection) -> Callable[[], None]:
        """What stops the statement that runs on the connection; called from another thread."""
        ...

    def statement(self, sql: str, count: int) -> str:
        """The statement with the driver's placeholders."""
        ...

    def bound(self, value: object) -> object:
        """A parameter as the driver takes it."""
        ...


class MySql:
    """MySQL and MariaDB by the settings `host port user database`, the password a secret."""

    name = "MySQL"
    dialect = MYSQL
    count_column: str | None = None

    def engine(self, target: Target, query: Query, left_ms: int) -> Engine:
        """Through PyMySQL, which sends one statement at a time."""
        settings = target.settings
        missing = [key for key in ("host", "user", "database") if not settings.get(key)]
        if missing:
            raise StepError("db.connect", f"the connection {target.name} names no {missing[0]}")
        host, port = str(settings["host"]), int(str(settings.get("port", 3306)))
        check_origin(target, f"mysql://{host}:{port}")
        url = URL.create(
            "mysql+pymysql",
            username=str(settings["user"]),
            password=target.secrets.get("password"),
            host=host,
            port=port,
            database=str(settings["database"]),
            query={"charset": "utf8mb4"},
        )
        seconds = max(1, -(-left_ms // 1_000))
        timeouts = {"connect_timeout": seconds, "read_timeout": seconds + 5, "write_timeout": seconds + 5}
        return create_engine(url, poolclass=NullPool, connect_args=timeouts)

    def begin(self, connection: Connection, query: Query, left_ms: int) -> None:
        """The modes are fixed, since they decide what a backslash in a string means."""
        mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
        limit = (
            f"max_statement_time = {left_ms / 1_000:.3f}" if mariadb else f"max_execution_time = {left_ms}"
        )
        settings = f"sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00', {limit}"
        connection.exec_driver_sql(f"SET SESSION {settings}")
        connection.rollback()
        connection.exec_driver_sql(f"START TRANSACTION READ {'WRITE' if query.writes else 'ONLY'}")

    def interrupter(self, engine: Engine, connection: Connection) -> Callable[[], None]:
        """A second connection that ends the first one's statement."""
        number = int(_driver(connection).thread_id())

        def stop() -> None:
            with suppress(SQLAlchemyError), engine.connect() as other:
                other.exec_driver_sql(f"KILL QUERY {number}")

        return stop

    def statement(self, sql: str, count: int) -> str:
        """PyMySQL fills `%s`, so that every other percent sign is doubled."""
        return with_placeholders(sql.replace("%", "%%"), count, MYSQL, lambda number: "%s")

    def bound(self, value: object) -> object:
        """What MySQL has no type for goes as text."""
        if isinstance(value, Collection):
            return encode(value)
        if isinstance(value, datetime):
            return value.replace(tzinfo=None)
        return str(value) if isinstance(value, uuid.UUID) else value


class DuckDb:
    """DuckDB files by the setting `path`; SQL reaches no other file and no network."""

    name = "DuckDB"
    dialect = DUCKDB
    count_column: str | None = "Count"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def engine(self, target: Target, query: Query, left_ms: int) -> Engine:
        """Opened read-only unless the step writes; made only where `create` says so."""
        path = target.settings.get("path")
        if not isinstance(path, str) or not path or path.startswith(":"):
            raise StepError("db.connect", f"the connection {target.name} names no file in `path`")
        full = self._folder / path
        if not full.is_file() and not (query.writes and target.settings.get("create") is True):
            raise StepError("db.connect", f"the database {target.name} has no file {path[:100]!r}")
        config = {"enable_external_access": "false", "lock_configuration": "true"}
        arguments = {"read_only": not query.writes, "config": config}
        url = URL.create("duckdb", database=str(full.absolute()))
        return create_engine(url, poolclass=NullPool, connect_args=arguments)

    def begin(self, connection: Connection, query: Query, left_ms: int) -> None:
        """Nothing: the file is open as it should be, and the watcher keeps the time."""

    def interrupter(self, engine: Engine, connection: Connection) -> Callable[[], None]:
        """DuckDB's own, which may be called from any thread."""
        driver = _driver(connection)
        return lambda: driver.interrupt()

    def statement(self, sql: str, count: int) -> str:
        """DuckDB takes `?` itself."""
        return with_placeholders(sql, count, DUCKDB, lambda number: "?")

    def bound(self, value: object) -> object:
        """Vectors of single values are lists; whatever else is a collection is JSON."""
        if not isinstance(value, Collection):
            return value
        if value.kind == "sequential" and not any(isinstance(item, Collection) for item in value):
            return [parameter(item, at) for at, item in enumerate(value, 1)]
        return encode(value)


class Alchemy:
    """One kind of database behind SQLAlchemy."""

    def __init__(self, kind: Kind, monotonic_ms: Callable[[], int]) -> None:
        self._kind = kind
        self._monotonic_ms = monotonic_ms

    def run(self, target: Target, query: Query, cancel: Cancel) -> Rows:
        """Run the statement; one that only reads runs where the database keeps it from writing."""
        kind = self._kind
        check_reads(query, kind.dialect)
        check_single(query.sql, kind.dialect)
        params = tuple(kind.bound(parameter(value, at)) for at, value in enumerate(query.params, 1))
        sql = kind.statement(query.sql, len(params))
        began = self._monotonic_ms()
        left_ms = max(1, query.deadline_ms - began)
        try:
            engine = kind.engine(target, query, left_ms)
        except (ModuleNotFoundError, NoSuchModuleError):
            raise without_driver("databases", f"the driver of {kind.name}") from None
        connection = self._connected(engine, target)
        committing = False

        def should_stop() -> bool:
            return cancel.asked() or self._monotonic_ms() >= query.deadline_ms

        try:
            kind.begin(connection, query, left_ms)
            stop = kind.interrupter(engine, connection)
            with watched(should_stop, stop):
                found = _execute(connection, sql, params, query, kind.count_column, stop)
                committing = query.writes
                if query.writes:
                    connection.commit()
            return found
        except SQLAlchemyError as error:
            lost = committing and isinstance(error, DBAPIError) and error.connection_invalidated
            why = None if lost else stopped(query, cancel, began, self._monotonic_ms())
            raise why or _told(error, kind, target, query, definite=not lost) from None
        finally:
            with suppress(SQLAlchemyError):
                connection.close()
            engine.dispose()

    def _connected(self, engine: Engine, target: Target) -> Connection:
        try:
            return engine.connect()
        except SQLAlchemyError as error:
            said = excerpt(str(getattr(error, "orig", error)), target, ())
            raise StepError(
                "db.connect", f"{self._kind.name} {target.name} cannot be reached: {said}", retryable=True
            ) from None


def _execute(
    connection: Connection,
    sql: str,
    params: tuple[object, ...],
    query: Query,
    count_column: str | None,
    stop: Callable[[], None],
) -> Rows:
    streaming = connection.execution_options(stream_results=not query.writes, max_row_buffer=500)
    with streaming.exec_driver_sql(sql, params) as result:
        if not result.returns_rows:
            return Rows((), (), changed=max(result.rowcount, 0))
        cursor: Any = result.cursor
        columns: Sequence[str] = [column[0] for column in cursor.description]
        whole = False
        try:
            found = collected(columns, result, query.max_rows)
            whole = not found.more
        finally:
            if not whole and not query.writes:
                _abandon(connection, cursor, stop)
        if query.writes and found.columns == (count_column,) and "returning" not in sql.lower():
            return Rows((), (), changed=int(found.rows[0][0]) if found.rows else 0)
        return found


def _abandon(connection: Connection, cursor: Any, stop: Callable[[], None]) -> None:
    """Stop the statement first: a driver that closes an answer takes in all that is still to come."""
    stop()
    with suppress(connection.dialect.loaded_dbapi.Error):
        cursor.close()


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _told(error: SQLAlchemyError, kind: Kind, target: Target, query: Query, *, definite: bool) -> StepError:
    cause = getattr(error, "orig", None) or error
    number: Value = cause.args[0] if cause.args and isinstance(cause.args[0], int) else None
    text = str(cause.args[-1]) if cause.args else type(cause).__name__
    if number in _QUOTING:
        text = re.sub(r"'(?:[^'\\]|\\.)*'", "'***'", text)
    said = excerpt(text, target, query.params)
    if not query.writes and (number == _READ_ONLY[0] or _READ_ONLY[1] in text):
        return read_only(said)
    if not definite:
        return StepError(
            "db.statement",
            f"the connection was lost while the change was made durable: {said}",
            definite=False,
        )
    data = {"state": number if number is not None else type(cause).__name__}
    return StepError(
        "db.statement",
        f"{kind.name} refused the statement: {said}",
        retryable=number in _TRY_AGAIN,
        data=data,
    )
