"""The tables as one run's steps meet them: no secret gets into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.ledger.tables import TableStore
from gitflow_runner.model.secret import SHOWN
from gitflow_runner.model.table import Cell, Column, Option, Row, Table
from gitflow_runner.runner.masking import masked_text
from gitflow_runner.runner.step_failure import told_to_the_flow
from gitflow_runner.tables.cells import json_text


class TablePort:
    """The store with every secret masked before it is asked to write; `told` names the run, for people."""

    def __init__(self, store: TableStore, redactor: Redactor, told: str) -> None:
        self._store = store
        self._redactor = redactor
        self._told = told

    def read(self, name: str) -> Table | None:
        """The table as it stands; `StepError` (`untrusted_table`, `table_rewound`, `table.malformed`)."""
        with told_to_the_flow():
            return self._store.read(name)

    def update(
        self, name: str, idempotency_key: str, change: Callable[[Table | None], tuple[Table, str]]
    ) -> str:
        """Swap the table, once for each idempotency key."""

        def changed(old: Table | None) -> tuple[Table, str]:
            new, answer = change(old)
            return self._clean(new), masked_text(answer, self._redactor)

        with told_to_the_flow():
            return self._store.update(name, idempotency_key, changed, self._told)

    def _clean(self, new: Table) -> Table:
        if not self._redactor.knows_any:
            return new
        # All rows, since a value may have become a secret after it was written.
        rows = tuple(map(self._row, new.rows))
        columns = {column.name: column for column in map(self._column, new.columns)}
        text = self._redactor.text
        return replace(
            new,
            rows=rows,
            columns=tuple(columns.values()),
            key_fields=tuple(map(text, new.key_fields)),
            index_fields=tuple(map(text, new.index_fields)),
        )

    def _row(self, row: Row) -> Row:
        cells, formats = self._map(row.cells), self._map(row.formats)
        partition = None if row.partition is None else self._redactor.text(row.partition)
        if cells is row.cells and formats is row.formats and partition == row.partition:
            return row
        return replace(row, cells=cells, formats=formats, partition=partition)

    def _map(self, cells: Mapping[str, Cell]) -> Mapping[str, Cell]:
        whole = json_text(dict(cells))
        if self._redactor.text(whole) is whole:
            return cells
        found = {self._redactor.text(name): self._cell(cell) for name, cell in cells.items()}
        # What only shows between two cells is masked in all of them.
        return dict.fromkeys(found, SHOWN) if self._redactor.holds(json_text(found).encode()) else found

    def _cell(self, cell: Cell) -> Cell:
        match cell:
            case str():
                return self._redactor.text(cell)
            case list():
                return [self._cell(part) for part in cell]
            case dict():
                return {self._redactor.text(str(name)): self._cell(part) for name, part in cell.items()}
            case None | bool():
                return cell
            case _:
                return SHOWN if self._redactor.holds(str(cell).encode()) else cell

    def _column(self, column: Column) -> Column:
        text = self._redactor.text
        options = column.options
        if options is not None:
            options = tuple(
                Option(text(each.id), text(each.name), tuple(map(text, each.aliases))) for each in options
            )
        return replace(
            column,
            name=text(column.name),
            options=options,
            computed=self._cell(column.computed),
            shown=self._map(column.shown),
        )
