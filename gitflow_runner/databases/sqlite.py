"""SQLite files, opened for one statement; nothing but the named file can be reached."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from gitflow_runner.databases.plain import parameter
from gitflow_runner.databases.query import Cancel, Query, Rows, Target
from gitflow_runner.databases.reading import check_reads, collected, excerpt, read_only, stopped
from gitflow_runner.databases.statement import SQLITE, with_placeholders
from gitflow_runner.errors import StepError
from gitflow_runner.lang.core.json import encode
from gitflow_runner.lang.values import Collection, Value

_STEPS_BETWEEN_LOOKS = 1_000  # instructions of SQLite's machine, about 0.1 ms
_MAX_BUSY_MS = 5_000

_ALWAYS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_NEVER = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH})
_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
)
_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})


class Sqlite:
    """The file is `path` of the connection's settings, below `folder` unless it is absolute."""

    def __init__(self, folder: Path, monotonic_ms: Callable[[], int]) -> None:
        self._folder = folder
        self._monotonic_ms = monotonic_ms

    def run(self, target: Target, query: Query, cancel: Cancel) -> Rows:
        """Run the statement; with `writes` in a transaction that is taken back if it fails."""
        check_reads(query, SQLITE)
        params = [_bound(parameter(value, at)) for at, value in enumerate(query.params, 1)]
        sql = with_placeholders(query.sql, len(params), SQLITE, lambda number: f"?{number}")
        began = self._monotonic_ms()
        connection = self._open(target, query, began)
        try:
            connection.set_authorizer(_authorizer(query.writes))
            connection.set_progress_handler(
                lambda: cancel.asked() or self._monotonic_ms() >= query.deadline_ms, _STEPS_BETWEEN_LOOKS
            )
            return _execute(connection, sql, params, query)
        except sqlite3.Error as error:
            raise stopped(query, cancel, began, self._monotonic_ms()) or _told(error, target, query) from None
        finally:
            connection.close()

    def _open(self, target: Target, query: Query, now: int) -> sqlite3.Connection:
        path = target.settings.get("path")
        if not isinstance(path, str) or not path or path.startswith(":"):
            raise StepError("db.connect", f"the connection {target.name} names no file in `path`")
        full = self._folder / path
        mode = "ro" if not query.writes else "rwc" if target.settings.get("create") is True else "rw"
        patience = max(0, min(_MAX_BUSY_MS, query.deadline_ms - now))
        try:
            return sqlite3.connect(
                f"file:{quote(str(full.absolute()))}?mode={mode}",
                uri=True,
                timeout=patience / 1_000,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise StepError(
                "db.connect",
                f"the database {target.name} cannot be opened: {str(error)[:100]}",
                retryable=True,
            ) from None


def _execute(connection: sqlite3.Connection, sql: str, params: Sequence[object], query: Query) -> Rows:
    cursor = connection.execute(sql, params)
    if cursor.description is None:
        return Rows((), (), changed=max(cursor.rowcount, 0))
    found = collected([column[0] for column in cursor.description], cursor, query.max_rows)
    if query.writes:
        # Without a BEGIN the statement is a transaction by itself, which ends with its last row.
        for _ in cursor:
            pass
    return found


def _authorizer(writes: bool) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    """What a statement may do: read, or with `writes` change the file too; no other file, no setting."""

    def judge(
        action: int, first: str | None, second: str | None, database: str | None, inner: str | None
    ) -> int:
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if second in _FUNCTIONS else sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA:
            return sqlite3.SQLITE_OK if (first or "").lower() in _PRAGMAS else sqlite3.SQLITE_DENY
        if action in _ALWAYS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_OK if writes and action not in _NEVER else sqlite3.SQLITE_DENY

    return judge


def _bound(value: object) -> object:
    """What SQLite has no type for, as the text or number that it is compared by."""
    match value:
        case Collection():
            return encode(value)
        case Decimal() | uuid.UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case bool():
            return int(value)
        case int() if not -(2**63) <= value < 2**63:
            raise StepError("db.params", "SQLite has no integers beyond 64 bits")
        case _:
            return value


def _told(error: sqlite3.Error, target: Target, query: Query) -> StepError:
    said = excerpt(str(error), target, query.params)
    name: Value = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if name in ("SQLITE_AUTH", "SQLITE_READONLY") and not query.writes:
        return read_only(said)
    busy = str(name).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    code = "db.connect" if str(name).startswith(("SQLITE_CANTOPEN", "SQLITE_NOTADB")) else "db.statement"
    return StepError(code, f"SQLite refused the statement: {said}", retryable=busy, data={"state": name})
