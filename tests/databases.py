"""Databases to ask in tests: one table of orders in each, and how to ask."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from gitflow_runner.databases.query import Query, Rows, Target
from gitflow_runner.databases.registry import Databases
from gitflow_runner.errors import StepError
from gitflow_runner.lang.values import Value
from gitflow_runner.steps.memory import ManualCancel

SETUP = (
    "DROP TABLE IF EXISTS orders",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(40) UNIQUE, total NUMERIC(10, 2))",
    "INSERT INTO orders VALUES (1, 'Ann', 12.5), (2, 'Bob', NULL)",
)


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
    """A clock in ms."""
    return time.monotonic_ns() // 1_000_000


def prepared_sqlite(folder: Path) -> World:
    """A SQLite file with the table."""
    with sqlite3.connect(folder / "shop.db") as connection:
        for statement in SETUP:
            connection.execute(statement)
    connection.close()
    return World("sqlite", Databases(folder, now), Target("shop", {"path": "shop.db"}))


def prepared_duckdb(folder: Path) -> World:
    """A DuckDB file with the table."""
    with duckdb.connect(folder / "shop.duckdb") as connection:
        for statement in SETUP:
            connection.execute(statement)
    return World("duckdb", Databases(folder, now), Target("shop", {"path": "shop.duckdb"}))
