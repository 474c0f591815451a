"""What is asked of a database and what it answers, whatever the database is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gitflow_runner.lang.values import Value

MAX_ROWS = 5_000
MAX_BYTES = 50_000_000  # of all values of one answer, roughly


class Cancel(Protocol):
    """Whether the attempt should stop."""

    def asked(self) -> bool:
        """True once the run is being cancelled or the attempt has run out of time."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where the database is and how to get in.

    `settings` are those of the connection (`host`, `port`, `user`, `database`, `path`…), `secrets` by role
    (`password`, `dsn`); `allows` says whether the secrets may go to a `scheme://host:port`.
    """

    name: str
    settings: Mapping[str, object]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    allows: Callable[[str], bool] = lambda origin: True


@dataclass(frozen=True, slots=True)
class Query:
    """One statement with `?` for each of its parameters; `deadline_ms` is on the monotonic clock."""

    sql: str
    params: Sequence[Value]
    max_rows: int
    deadline_ms: int
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer: rows of values in the order of `columns`; `more` says that rows were left out.

    `changed` counts the rows that a statement without an answer of its own touched.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    more: bool = False
    changed: int | None = None


class Database(Protocol):
    """One kind of database."""

    def run(self, target: Target, query: Query, cancel: Cancel) -> Rows:
        """Run the statement in a transaction of its own.

        Raises `StepError`: `db.connect`, `db.refused`, `db.statement`, `db.read_only`, `db.timeout`,
        `db.params`, `db.columns`, `db.too_large`, `step.cancelled`. A failed write changed nothing, unless
        the error says that its outcome is unknown (`definite` is false).
        """
        ...
