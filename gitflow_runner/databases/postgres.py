"""PostgreSQL through psycopg: one connection and one transaction for each statement."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from gitflow_runner.databases.plain import parameter
from gitflow_runner.databases.query import Cancel, Query, Rows, Target
from gitflow_runner.databases.reading import (
    check_origin,
    check_reads,
    collected,
    excerpt,
    read_only,
    stopped,
)
from gitflow_runner.databases.statement import POSTGRES, with_placeholders
from gitflow_runner.databases.watch import watched
from gitflow_runner.errors import StepError
from gitflow_runner.lang.core.json import encode
from gitflow_runner.lang.values import Collection, Value

_FETCHED = 500  # rows held between database and result
_TAKEN = frozenset({"host", "port", "user", "password", "dbname", "sslmode", "sslrootcert"})
_TRY_AGAIN = ("08", "40", "53", "57P")  # connection, conflict, resources, shutdown
_READ_ONLY = "25006"


class Postgres:
    """By the settings `host port user database`, or a secret `dsn`; and `sslmode sslrootcert schema`."""

    def __init__(self, monotonic_ms: Callable[[], int]) -> None:
        self._monotonic_ms = monotonic_ms

    def run(self, target: Target, query: Query, cancel: Cancel) -> Rows:
        """Run the statement; one that only reads runs in a transaction that the server keeps from writing."""
        check_reads(query, POSTGRES)
        params = [_bound(parameter(value, at)) for at, value in enumerate(query.params, 1)]
        sql = with_placeholders(query.sql, len(params), POSTGRES, lambda number: f"${number}")
        began = self._monotonic_ms()
        connection = self._open(target, query, began)
        committing = False
        try:
            with watched(cancel.asked, lambda: connection.cancel_safe(timeout=2)):
                found = _execute(connection, sql, params, query)
                committing = query.writes
                if query.writes:
                    connection.commit()
            return found
        except psycopg.Error as error:
            lost = connection.broken and committing
            why = None if lost else stopped(query, cancel, began, self._monotonic_ms())
            raise why or _told(error, target, query, definite=not lost) from None
        finally:
            connection.close()

    def _open(self, target: Target, query: Query, now: int) -> psycopg.Connection[Any]:
        left_ms = max(1, query.deadline_ms - now)
        parts = _parts(target)
        check_origin(target, f"postgresql://{parts['host']}:{parts['port']}")
        schema = target.settings.get("schema")
        options = {
            "statement_timeout": str(left_ms),
            "lock_timeout": str(left_ms),
            "default_transaction_read_only": "off" if query.writes else "on",
            "TimeZone": "UTC",
            "DateStyle": "ISO",
            **({"search_path": schema} if isinstance(schema, str) else {}),
        }
        try:
            connection = psycopg.connect(
                **parts,
                options=" ".join(f"-c {name}={_option(value)}" for name, value in options.items()),
                # What libpq would else take from the environment or the home folder of whoever runs this.
                passfile=os.devnull,
                application_name="gitflow-runner",
                connect_timeout=max(2, left_ms // 1_000),
                tcp_user_timeout=left_ms,
                cursor_factory=psycopg.RawCursor,
            )
        except (psycopg.Error, OSError) as error:
            said = excerpt(str(error), target, ())
            raise StepError(
                "db.connect", f"PostgreSQL {target.name} cannot be reached: {said}", retryable=True
            ) from None
        connection.read_only = not query.writes
        return connection


def _execute(connection: psycopg.Connection[Any], sql: str, params: list[object], query: Query) -> Rows:
    with connection.cursor() as cursor:
        if not query.writes:
            # A stream is one statement by protocol, and holds no more rows than are asked for.
            rows = cursor.stream(sql, params, size=min(_FETCHED, query.max_rows + 1))
            first = next(rows, None)
            columns = [column.name for column in cursor.description or ()]
            return collected(columns, _from(first, rows), query.max_rows)
        # Prepared, so that the server takes one statement only.
        cursor.execute(sql, params, prepare=True)
        if cursor.description is None:
            return Rows((), (), changed=max(cursor.rowcount, 0))
        return collected([column.name for column in cursor.description], cursor, query.max_rows)


def _from(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
        yield from rest


def _parts(target: Target) -> dict[str, Any]:
    """How to connect; `StepError` (`db.connect`) for what is missing or not taken."""
    settings = {key: value for key, value in target.settings.items() if value is not None}
    parts: dict[str, Any] = {}
    if "dsn" in target.secrets:
        try:
            parts = {k: v for k, v in conninfo_to_dict(target.secrets["dsn"]).items() if v is not None}
        except psycopg.ProgrammingError:
            raise StepError(
                "db.connect", f"the secret dsn of {target.name} is not a connection string"
            ) from None
    else:
        named = {"dbname": settings.get("database"), "user": settings.get("user")}
        parts = {key: str(value) for key, value in named.items() if value is not None}
        parts |= {key: str(settings[key]) for key in ("host", "port") if key in settings}
    parts |= {key: str(settings[key]) for key in ("sslmode", "sslrootcert") if key in settings}
    if "password" in target.secrets:
        parts["password"] = target.secrets["password"]
    strange = sorted(parts.keys() - _TAKEN)
    if strange:
        raise StepError("db.connect", f"the dsn of {target.name} may not set {strange[0]}")
    missing = [key for key in ("host", "user", "dbname") if not parts.get(key)]
    if missing or "," in str(parts["host"]):
        what = "several hosts" if not missing else f"no {missing[0].replace('dbname', 'database')}"
        raise StepError("db.connect", f"the connection {target.name} names {what}")
    # An empty password keeps libpq from looking for one elsewhere.
    return {"port": "5432", "password": ""} | parts


def _option(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace(" ", "\\ ")


def _bound(value: object) -> object:
    """Vectors of single values are arrays; whatever else is a collection is JSON."""
    if not isinstance(value, Collection):
        return value
    if value.kind == "sequential" and not any(isinstance(item, Collection) for item in value):
        return [parameter(item, at) for at, item in enumerate(value, 1)]
    return Jsonb(value, dumps=encode)


def _told(error: psycopg.Error, target: Target, query: Query, *, definite: bool) -> StepError:
    state = error.sqlstate or ""
    said = excerpt(error.diag.message_primary or str(error), target, query.params)
    if state == _READ_ONLY:
        return read_only(said)
    if not definite:
        return StepError(
            "db.statement",
            f"the connection was lost while the change was made durable: {said}",
            definite=False,
        )
    data: Mapping[str, Value] = {"state": state, "position": error.diag.statement_position}
    return StepError(
        "db.statement",
        f"PostgreSQL refused the statement: {said}",
        retryable=not state or state.startswith(_TRY_AGAIN),
        data={key: value for key, value in data.items() if value},
    )
