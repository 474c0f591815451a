"""The tables of this clone: opened for steps, believed only when a runner signed them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from gitflow_runner.errors import GitflowError, NotFoundError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import table_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.chain import head_of
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.ledger.tables import (
    TableStore,
    check_name,
    history,
    read_summary,
    read_table,
    table_names,
)
from gitflow_runner.model.resource import table_uri
from gitflow_runner.model.table import Table
from gitflow_runner.runner.records import Chain, Doubt, check_chain, known_tip, trusted_tip
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.tables.cells import json_text

_SEEN: Final = "tables"  # where this clone remembers what it saw of each


def open_tables(runtime: Runtime) -> TableStore:
    """The store that steps write."""
    return TableStore(
        runtime.repository, runtime.committer, runtime.clock.now_ms, partial(trusted_table, runtime)
    )


def trusted_table(runtime: Runtime, name: str) -> Oid | None:
    """Where a table stands, None if there is none.

    `RefusedError` (`untrusted_table` where no runner signed it, `table_rewound` where it lost what this
    clone saw of it before).
    """
    return trusted_tip(runtime, table_chain(name))


def table_chain(name: str) -> Chain:
    """How a table is remembered, and refused where it is not believed."""
    return Chain(
        table_ref(name),
        f"the table {name}",
        f"{_SEEN}/{name}",
        untrusted=Doubt(
            code="untrusted_table",
            hint="only a runner that the policy lists writes tables",
            fix=("gfr audit verify", "gfr policy show"),
        ),
        rewound=Doubt(
            code="table_rewound", hint="", fix=("gfr audit verify", f"gfr resources rm {table_uri(name)}")
        ),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """A table as people find it: how many rows, when (ms) it was written last, or why it is not shown."""

    name: str
    table: Table | None
    rows: int
    at: int
    refused: GitflowError | None = None

    @property
    def ref(self) -> str:
        """The ref of its chain."""
        return table_ref(self.name)


def all_tables(runtime: Runtime) -> tuple[Stored, ...]:
    """Every table with its rows unread, in the order of the names."""
    reader = runtime.repository
    found = []
    for name, oid in table_names(reader):
        at = reader.commit(oid).committer.time * 1_000
        try:
            tip = trusted_table(runtime, name) or oid
            table, rows = read_summary(reader, head_of(reader, tip)[0])
            check_name(table, name)
            found.append(Stored(name, table, rows, at))
        except GitflowError as error:
            found.append(Stored(name, None, 0, at, error))
    return tuple(found)


def find_table(runtime: Runtime, name: str) -> Stored:
    """One table; `NotFoundError` (`table.unknown`), `DamagedError` (`table.name`), and as `trusted_table`."""
    tip = trusted_table(runtime, name)
    if tip is None:
        raise _unknown(name)
    reader = runtime.repository
    table = read_table(reader, head_of(reader, tip)[0])
    check_name(table, name)
    return Stored(name, table, len(table.rows), reader.commit(tip).committer.time * 1_000)


def search_tables(runtime: Runtime, text: str) -> Iterator[tuple[Stored, str]]:
    """The tables that hold `text`, case left aside, each with the first row that does."""
    wanted = text.casefold()
    for each in all_tables(runtime):
        if each.table is None:
            continue
        stored = find_table(runtime, each.name)
        rows = () if stored.table is None else stored.table.rows
        lines = (json_text(dict(row.cells)) for row in rows)
        line = next((line for line in lines if wanted in line.casefold()), None)
        if line is not None:
            yield stored, line[:200]


def remove_table(runtime: Runtime, name: str, *, dry_run: bool) -> Oid | None:
    """Take a table's ref away, believed or not, and forget it here; where it stood, None if it was gone.

    Its commits stay in Git until that collects them. `NotFoundError` (`table.unknown`), `ConflictError`
    (`git.ref_moved`) where somebody writes it meanwhile.
    """
    ref = table_ref(name)
    chain = table_chain(name)
    known, tip = known_tip(runtime, chain), runtime.repository.resolve(ref)
    if tip is None and known is None:
        raise _unknown(name)
    if not dry_run:
        if tip is not None:
            runtime.repository.swap([RefUpdate(ref, tip, None)])
        runtime.local.remove(chain.memory)
    return tip


def _unknown(name: str) -> NotFoundError:
    return NotFoundError("table.unknown", f"there is no table {name}", fix=("gfr resources ls",))


def known_tables(runtime: Runtime) -> tuple[str, ...]:
    """Every table that is here or was when this clone looked, in the order of the names."""
    return tuple(
        sorted({*(name for name, _ in table_names(runtime.repository)), *runtime.local.names(_SEEN)})
    )


def check_table(runtime: Runtime, name: str, tip: Oid | None) -> Iterator[Finding]:
    """What is wrong with a table, all of its chain looked at, nothing taken for granted."""
    reader = runtime.repository

    def whole() -> Iterator[Oid]:
        if tip is not None:
            yield from (oid for oid, _ in history(reader, tip))
            check_name(read_table(reader, head_of(reader, tip)[0]), name)

    yield from check_chain(runtime, table_chain(name), tip, whole())
