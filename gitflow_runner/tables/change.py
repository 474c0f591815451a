"""Writes: every one gives the table at its next revision, or changes nothing and says why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import Cell, Column, Row, Table
from gitflow_runner.tables.cells import (
    LOOK_EVERY,
    MAX_BYTES,
    MAX_COLUMNS,
    MAX_ROWS,
    Order,
    Watch,
    checked_cell,
    checked_name,
    no_column,
    order_of,
    row_size,
)
from gitflow_runner.tables.columns import chosen, computed, defined, with_cells

Key = tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """How rows are written: `append`, or `upsert` into the rows that have the same key."""

    mode: str = "append"
    key_fields: tuple[str, ...] = ()
    index_fields: tuple[str, ...] = ()
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The table after a write, and the numbers of the rows that it made and changed."""

    table: Table
    created: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()


def write_rows(table: Table, rows: Sequence[Mapping[str, Cell]], writing: Writing, watch: Watch) -> Written:
    """The rows appended, or laid over the rows with their keys; cells that a row lacks stay as they were.

    `StepError`: `table.key` (a key is missing, or the table has another), `table.duplicate_key`,
    `table.partition`, `table.cell`, `table.column`, `table.too_large`.
    """
    table = _prepared(table, writing)
    known = _by_key(table, writing.partition) if table.key_fields else {}
    columns = {column.name: column for column in table.columns}
    fresh: dict[int, Row] = {}
    created, updated, number = [], dict[int, None](), table.next_row
    first = number
    for count, given in enumerate(rows):
        if count % LOOK_EVERY == 0:
            watch()
        cells = _cells(given, columns)
        key = _key(cells, table.key_fields)
        old = known.get(key) if table.key_fields else None
        if old is not None and writing.mode == "append":
            raise StepError(
                "table.duplicate_key",
                f"the table {table.name} has a row with the key {_told(cells, table.key_fields)}",
                hint="write with :write-mode :upsert",
            )
        if old is None:
            row = Row(number, cells, writing.partition)
            created.append(number)
            number += 1
        else:
            row = replace(old, cells={**old.cells, **cells})
            updated |= {old.id: None} if old.id < first else {}
        fresh[row.id] = row
        known[key] = row
        if len(table.rows) + len(created) > MAX_ROWS:
            raise StepError("table.too_large", f"a table has at most {MAX_ROWS} rows")
    table = replace(table, columns=tuple(columns.values()), next_row=number)
    return Written(_settled(table, fresh), tuple(created), tuple(updated))


def update_cell(table: Table, row: Row, name: str, value: Cell) -> Written:
    """One cell changed; `StepError` (`table.column`, `table.cell`, `table.key`)."""
    column = table.column(name)
    if column is None:
        raise no_column(name, [each.name for each in table.columns])
    if column.computed is not None:
        raise StepError("table.cell", f"{name} is computed from other columns")
    columns = {each.name: each for each in table.columns}
    cells = {**row.cells, **_cells({name: value}, columns)}
    if name in table.key_fields:
        others = _by_key(table, row.partition)
        if others.get(_key(cells, table.key_fields), row).id != row.id:
            raise StepError(
                "table.duplicate_key", f"another row has the key {_told(cells, table.key_fields)}"
            )
    fresh = replace(row, cells=cells)
    return Written(_settled(replace(table, columns=tuple(columns.values())), {row.id: fresh}), (), (row.id,))


def update_format(table: Table, row: Row, name: str, shown: Cell) -> Written:
    """How one cell is shown, nil for as its column is; `StepError` (`table.column`, `table.cell`)."""
    if table.column(name) is None:
        raise no_column(name, [each.name for each in table.columns])
    formats = {key: value for key, value in row.formats.items() if key != name}
    if shown is not None:
        formats[name] = checked_cell(f"the format of {name}", shown)
    return Written(_settled(table, {row.id: replace(row, formats=formats)}), (), (row.id,))


def set_column(table: Table, name: str, definition: Mapping[str, object]) -> Table:
    """The table with the column made or redefined; what its rows hold must fit it (`table.cell`).

    Cells that are there already are computed, or put under the ids of their values, by `recompute`.
    """
    old = table.column(name)
    column = defined(old or Column(checked_name(name), "empty"), definition, table.columns)
    if name in table.key_fields and (column.computed is not None or column.options is not None):
        raise StepError("table.definition", f"{name} is part of the key, which stays as it is given")
    if any(name in _names(other.computed) for other in table.columns) and column.computed is not None:
        raise StepError("table.definition", f"other columns are computed from {name}")
    column = with_cells(column, [row.cells.get(name) for row in table.rows])
    columns = {each.name: each for each in table.columns} | {name: column}
    return _bounded(replace(table, columns=tuple(columns.values()), revision=table.revision + 1))


def recompute(table: Table, rows: Iterable[Row], watch: Watch) -> Written:
    """The rows with their computed cells made anew, and values of lists under their ids."""
    columns = {column.name: column for column in table.columns}
    fresh: dict[int, Row] = {}
    for count, row in enumerate(rows):
        if count % LOOK_EVERY == 0:
            watch()
        cells = _computed(_cells(row.cells, columns), columns)
        if cells != row.cells:
            fresh[row.id] = replace(row, cells=cells)
    table = _settled(replace(table, columns=tuple(columns.values())), fresh)
    return Written(table, (), tuple(fresh))


def find_row(table: Table, rows: Sequence[Row], row_id: object, key: Mapping[str, Cell] | None) -> Row | None:
    """The row of that number or with those cells; `StepError` (`table.ambiguous`, `table.column`)."""
    if key is None:
        return next((row for row in rows if row.id == row_id), None)
    for name in key:
        if table.column(name) is None:
            raise no_column(name, [column.name for column in table.columns])
    wanted = {name: order_of(value) for name, value in key.items()}
    found = [row for row in rows if all(order_of(row.cells.get(n)) == place for n, place in wanted.items())]
    if len(found) > 1:
        raise StepError("table.ambiguous", f"{len(found)} rows have the key {_told(key, tuple(key))}")
    return found[0] if found else None


def _prepared(table: Table, writing: Writing) -> Table:
    """The table with the keys and partitions that the write wants, if it may have them."""
    if (writing.partition is not None) != table.partitioned:
        if table.rows or table.revision:
            has = "has partitions" if table.partitioned else "has no partitions"
            raise StepError("table.partition", f"the table {table.name} {has}")
        table = replace(table, partitioned=True)
    if writing.key_fields and writing.key_fields != table.key_fields:
        if table.key_fields:
            raise StepError(
                "table.key", f"the key of the table {table.name} is {', '.join(table.key_fields)}"
            )
        table = replace(table, key_fields=tuple(checked_name(name) for name in writing.key_fields))
        _check_unique(table)
    if writing.mode == "upsert" and not table.key_fields:
        raise StepError("table.key", ":upsert needs :key-fields")
    index = dict.fromkeys((*table.index_fields, *map(checked_name, writing.index_fields)))
    return replace(table, index_fields=tuple(index))


def _check_unique(table: Table) -> None:
    for partition in dict.fromkeys(row.partition for row in table.rows):
        rows = [row for row in table.rows if row.partition == partition]
        if len({_key(row.cells, table.key_fields) for row in rows}) != len(rows):
            raise StepError("table.duplicate_key", f"two rows have the same {', '.join(table.key_fields)}")


def _by_key(table: Table, partition: str | None) -> dict[Key, Row]:
    fields = table.key_fields
    return {_key(row.cells, fields): row for row in table.rows if row.partition == partition}


def _key(cells: Mapping[str, Cell], fields: Sequence[str]) -> Key:
    for name in fields:
        if cells.get(name) is None:
            raise StepError("table.key", f"a row has no {name}, which is part of its key")
    return tuple([order_of(cells[name]) for name in fields])


def _told(cells: Mapping[str, Cell], fields: Sequence[str]) -> str:
    return ", ".join(f"{name} {str(cells[name])[:40]!r}" for name in fields)[:200]


def _cells(given: Mapping[str, Cell], columns: dict[str, Column]) -> dict[str, Cell]:
    """The cells as they are kept, nil included; what is new about their columns is put into `columns`."""
    found: dict[str, Cell] = {}
    for name, value in given.items():
        column = columns.get(name) or Column(checked_name(name), "empty")
        if column.computed is not None:
            continue  # it is made from the others
        column, cell = chosen(column, checked_cell(name, value))
        columns[name] = with_cells(column, [cell])
        _check_width(columns)
        found[name] = cell
    return found


def _computed(cells: Mapping[str, Cell], columns: dict[str, Column]) -> dict[str, Cell]:
    """The cells that are there, those of computed columns made anew."""
    found = dict(cells)
    for column in [column for column in columns.values() if column.computed is not None]:
        found[column.name] = checked_cell(column.name, computed(column.computed, cells))
        columns[column.name] = with_cells(column, [found[column.name]])
    return {name: cell for name, cell in found.items() if cell is not None}


def _names(expression: Cell) -> Iterator[str]:
    """The columns that an expression reads."""
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, list):
        for part in expression[1:]:
            yield from _names(part)


def _settled(table: Table, fresh: Mapping[int, Row]) -> Table:
    """The table at its next revision, with these rows in the places of the old ones or behind them."""
    columns = {column.name: column for column in table.columns}
    done = {number: replace(row, cells=_computed(row.cells, columns)) for number, row in fresh.items()}
    size = table.size + sum(map(row_size, done.values()))
    kept = []
    for row in table.rows:
        new = done.pop(row.id, None)
        if new is not None:
            size -= row_size(row)
        kept.append(row if new is None else new)
    kept += done.values()
    return _bounded(
        replace(
            table,
            columns=tuple(columns.values()),
            rows=tuple(kept),
            revision=table.revision + 1,
            size=size,
        )
    )


def _check_width(columns: Sized) -> None:
    if len(columns) > MAX_COLUMNS:
        raise StepError("table.too_large", f"a table has at most {MAX_COLUMNS} columns")


def _bounded(table: Table) -> Table:
    _check_width(table.columns)
    if table.size > MAX_BYTES:
        raise StepError("table.too_large", f"a table takes at most {MAX_BYTES} bytes")
    return table
