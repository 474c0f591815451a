"""A table: named columns, rows in the order in which they came, and the rules that writes keep to.

A cell is what JSON has: nil, true and false, numbers, texts, and lists and maps, which are never changed in
place. A cell that is nil and one that is missing are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Cell = object
"""None, bool, int of 64 bits, float, str, or a list or dict of such."""

ColumnType = Literal["empty", "text", "number", "boolean", "date", "timestamp", "json", "mixed"]
"""`empty` is a column that had no cell yet; `mixed` takes every cell."""

ROW_ID = "row-id"
"""How a row's own number is read; no column has that name."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a column with a list of them: `id` is kept, `name` and `aliases` are taken for it."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `declared` says that its type was set, so that cells of another type are refused."""

    name: str
    type: ColumnType
    declared: bool = False
    options: tuple[Option, ...] | None = None
    computed: Cell = None  # the expression that its cells are made by
    shown: Mapping[str, Cell] = field(default_factory=dict)  # how people want to see it: label, format…


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a number that is never used again, and its cells by column, none of them nil."""

    id: int
    cells: Mapping[str, Cell]
    partition: str | None = None
    formats: Mapping[str, Cell] = field(default_factory=dict)  # how single cells are to be shown


@dataclass(frozen=True, slots=True)
class Table:
    """A table at one revision; `size` are the bytes of its rows, about."""

    name: str
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    key_fields: tuple[str, ...] = ()
    index_fields: tuple[str, ...] = ()
    partitioned: bool = False
    revision: int = 0
    next_row: int = 1
    size: int = 0

    def column(self, name: str) -> Column | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)
