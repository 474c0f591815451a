"""The tables of this clone: opened for steps, believed only when a runner signed them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from gitflow_runner.errors import GitflowError, NotFoundError, RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import table_ref
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.chain import head_of
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.ledger.tables import TableStore, history, read_summary, read_table, table_names
from gitflow_runner.model.resource import table_uri
from gitflow_runner.model.table import Table
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.tables.cells import json_text
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.records import verify_record


def open_tables(runtime: Runtime) -> TableStore:
    """The store that steps write."""
    return TableStore(
        runtime.repository, runtime.committer, runtime.clock.now_ms, partial(trusted_tip, runtime)
    )


def trusted_tip(runtime: Runtime, name: str) -> Oid | None:
    """Where a table stands, None if there is none.

    `RefusedError` (`untrusted_table` where no runner signed it, `table_rewound` where it lost what this
    clone saw of it before).
    """
    # What is remembered is read first: whoever moves the ref on meanwhile writes it down only later.
    ref = table_ref(name)
    known = _known(runtime, name)
    tip = runtime.repository.resolve(ref)
    if tip == known:
        return tip
    if known is not None and (tip is None or not runtime.repository.is_ancestor(known, tip)):
        raise RefusedError(
            "table_rewound",
            f"the table {name} stood at {known}, which it does not continue any more",
            hint=f"put it back if it was moved by mistake: git update-ref {ref} {known}",
            fix=("gfr audit verify", f"gfr resources rm {table_uri(name)}"),
        )
    assert tip is not None, "a table that is not there was never known"
    _judge(runtime, name, tip)
    runtime.local.write(_memory(name), tip.encode() + b"\n", sync=False)
    return tip


def _memory(name: str) -> str:
    """The local file that says where this clone saw the table last."""
    return f"tables/{name}"


def _known(runtime: Runtime, name: str) -> Oid | None:
    data = runtime.local.read(_memory(name))
    return None if data is None else Oid(data.decode().strip())


def _judge(runtime: Runtime, name: str, oid: Oid) -> None:
    try:
        verify_record(runtime.repository.read(oid), runtime.policies.newest(), own_key=runtime.own_key)
    except Refusal as refusal:
        raise RefusedError(
            "untrusted_table",
            f"the table {name} is not believed: {refusal.message} ({refusal.reason})",
            hint="only a runner that the policy lists writes tables",
            fix=("gfr audit verify", "gfr policy show"),
        ) from None


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
            tip = trusted_tip(runtime, name) or oid
            found.append(Stored(name, *read_summary(reader, head_of(reader, tip)[0]), at))
        except GitflowError as error:
            found.append(Stored(name, None, 0, at, error))
    return tuple(found)


def find_table(runtime: Runtime, name: str) -> Stored:
    """One table; `NotFoundError` (`table.unknown`), and as `trusted_tip`."""
    tip = trusted_tip(runtime, name)
    if tip is None:
        raise _unknown(name)
    reader = runtime.repository
    table = read_table(reader, head_of(reader, tip)[0])
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
    known, tip = _known(runtime, name), runtime.repository.resolve(ref)
    if tip is None and known is None:
        raise _unknown(name)
    if not dry_run:
        if tip is not None:
            runtime.repository.swap([RefUpdate(ref, tip, None)])
        runtime.local.remove(_memory(name))
    return tip


def _unknown(name: str) -> NotFoundError:
    return NotFoundError("table.unknown", f"there is no table {name}", fix=("gfr resources ls",))


def check_table(runtime: Runtime, name: str, tip: Oid) -> Iterator[Finding]:
    """What is wrong with a table, all of its chain looked at, nothing taken for granted."""
    at = tip
    try:
        for oid, _ in history(runtime.repository, tip):
            at = oid
            _judge(runtime, name, oid)
        at = tip
        found = read_table(runtime.repository, head_of(runtime.repository, tip)[0])
    except GitflowError as error:
        yield Finding("incomplete" if error.code == "git.object_missing" else error.code, at, error.message)
        return
    if found.name != name:
        yield Finding("table.name", tip, f"{table_ref(name)} holds the table {found.name}")
