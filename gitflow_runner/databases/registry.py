"""The kinds of databases by name; each is imported when a step first asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gitflow_runner.databases.query import Cancel, Database, Query, Rows, Target
from gitflow_runner.databases.reading import without_driver
from gitflow_runner.errors import StepError


class Databases:
    """The databases of one runner; relative paths lie below `folder`."""

    def __init__(self, folder: Path, monotonic_ms: Callable[[], int]) -> None:
        self._folder = folder
        self._monotonic_ms = monotonic_ms
        self._made: dict[str, Database] = {}

    def run(self, kind: str, target: Target, query: Query, cancel: Cancel) -> Rows:
        """Run the statement on a database of this kind.

        `StepError` (`db.unsupported`, `db.driver` where a driver is not installed, and the database's own).
        """
        database = self._made.get(kind)
        if database is None:
            database = self._made[kind] = self._make(kind)
        return database.run(target, query, cancel)

    def _make(self, kind: str) -> Database:
        match kind:
            case "sqlite":
                from gitflow_runner.databases.sqlite import Sqlite

                return Sqlite(self._folder, self._monotonic_ms)
            case "postgres":
                try:
                    from gitflow_runner.databases.postgres import Postgres
                except ModuleNotFoundError:
                    raise without_driver("postgres", "psycopg") from None
                return Postgres(self._monotonic_ms)
            case "mysql" | "mariadb" | "duckdb":
                try:
                    from gitflow_runner.databases.alchemy import Alchemy, DuckDb, MySql
                except ModuleNotFoundError:
                    raise without_driver("databases", "SQLAlchemy") from None
                return Alchemy(DuckDb(self._folder) if kind == "duckdb" else MySql(), self._monotonic_ms)
            case _:
                raise StepError("db.unsupported", f"there is no database of the kind :{kind[:40]} here")
