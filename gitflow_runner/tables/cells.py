"""Cells: what may be one, which type it has, and the one order that all of them stand in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from difflib import get_close_matches

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import ROW_ID, Cell, Column, ColumnType, Row, Table

MAX_CELL = 100_000  # characters, of a list or a map as JSON
MAX_NAME = 128
MAX_COLUMNS = 200
MAX_ROWS = 100_000
MAX_BYTES = 50_000_000

_INT = 2**63

Watch = Callable[[], None]
"""Called now and then during long work; raises where it is to stop."""

Order = tuple[int, object]
"""What cells are compared by: kind first (nil, numbers, texts, true and false, JSON), then value."""

LOOK_EVERY = 1_000  # rows between two looks at the watch


def json_text(value: Cell) -> str:
    """The one JSON text of a cell: keys in order, so that equal maps are equal texts."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def checked_cell(column: str, value: Cell) -> Cell:
    """The value if it may be a cell, else `StepError` (`table.cell`)."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if not -_INT <= value < _INT:
            raise StepError("table.cell", f"{column}: a number of more than 64 bits is no cell")
        return value
    if not isinstance(value, str | list | dict):
        raise StepError("table.cell", f"{column}: a {type(value).__name__} is no cell")
    text = value if isinstance(value, str) else json_text(value)
    if len(text) > MAX_CELL:
        raise StepError(
            "table.cell",
            f"{column}: a cell of {len(text)} characters is longer than {MAX_CELL}",
            hint="store it with :persist {:type :blob} and keep its reference",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise StepError("table.cell", f"{column}: half of a surrogate pair is no text") from None
    return value


def checked_name(name: object) -> str:
    """The name if a column may have it, else `StepError` (`table.column`)."""
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise StepError(
            "table.column",
            f"{str(name)[:40]!r} is no name of a column",
            hint=f"1 to {MAX_NAME} printable characters",
        )
    if name == ROW_ID:
        raise StepError(
            "table.column",
            f"{ROW_ID} is the table's own name for the number of a row",
            hint="select the columns that you want, and leave it out",
        )
    return name


def order_of(cell: Cell) -> Order:
    """Where the cell stands among all others; equal cells have equal places. 1 and 1.0 are equal."""
    match cell:
        case None:
            return 0, 0
        case bool():
            return 3, cell
        case int() | float():
            return 1, cell
        case str():
            return 2, cell
        case _:
            return 4, json_text(cell)


def type_of(cell: Cell) -> ColumnType:
    """The type of a cell that is not nil."""
    match cell:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case _:
            return "json"


def fits(cell: Cell, kind: ColumnType) -> bool:
    """Whether a cell may stand in a column of that type; nil may stand anywhere."""
    if cell is None or kind == "mixed":
        return True
    if kind in ("date", "timestamp"):
        return isinstance(cell, str) and _is_time(cell, date if kind == "date" else datetime)
    return type_of(cell) == kind


def _is_time(text: str, kind: type[date]) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def reader(name: str, columns: Iterable[Column]) -> Callable[[Row], Cell]:
    """How a row's cell of that name is read; `StepError` (`table.column`) for a name that is none."""
    if name == ROW_ID:
        return lambda row: row.id
    known = [column.name for column in columns]
    if name not in known:
        raise no_column(name, known)
    return lambda row: row.cells.get(name)


def no_column(name: object, known: Iterable[str]) -> StepError:
    """The error for a name that no column has."""
    shown = str(name)[:MAX_NAME]
    near = get_close_matches(shown, list(known), n=2)
    hint = "did you mean " + " or ".join(f":{each}" for each in near) + "?" if near else None
    return StepError("table.column", f"there is no column {shown!r}", hint=hint)


def row_size(row: Row) -> int:
    """The bytes that a row takes, about."""
    return len(json_text([dict(row.cells), dict(row.formats)]).encode()) + 24


def of_partitions(table: Table, partitions: Iterable[str] | None) -> tuple[Row, ...]:
    """The rows of these partitions; `StepError` (`table.partition`) where they must be named and are not."""
    if partitions is None:
        if table.partitioned:
            raise StepError(
                "table.partition",
                f"the table {table.name} has partitions, and nothing goes through all of them unasked",
                hint='name them: {:ref … :partitions {:keys ["…"]}}',
            )
        return table.rows
    if not table.partitioned:
        raise StepError("table.partition", f"the table {table.name} has no partitions")
    wanted = frozenset(partitions)
    return tuple(row for row in table.rows if row.partition in wanted)


def plain_row(row: Row, columns: Iterable[Column]) -> dict[str, Cell]:
    """The row with its number and all its columns, nil where it has no cell."""
    return {ROW_ID: row.id, **{column.name: row.cells.get(column.name) for column in columns}}


def as_map(value: object, what: str) -> Mapping[str, object]:
    """The value if it is a map, else `StepError` (`config_type`)."""
    if not isinstance(value, dict):
        raise StepError("config_type", f"{what} must be a map")
    return value


def as_list(value: object, what: str) -> list[object]:
    """The value if it is a vector, else `StepError` (`config_type`)."""
    if not isinstance(value, list):
        raise StepError("config_type", f"{what} must be a vector")
    return value


def as_names(value: object, what: str) -> tuple[str, ...]:
    """The value if it is a vector of names, each once; `StepError` (`config_type`)."""
    names = as_list(value, what)
    if not all(isinstance(name, str) for name in names) or len(set(map(str, names))) != len(names):
        raise StepError("config_type", f"{what} must be a vector of names, each once")
    return tuple(str(name) for name in names)


def closed(settings: Mapping[str, object], keys: Iterable[str], what: str) -> Mapping[str, object]:
    """The settings without what is nil; `StepError` (`unknown_config_key`) for a key not among `keys`."""
    known = tuple(keys)
    for key in settings:
        if key not in known:
            raise StepError(
                "unknown_config_key",
                f"{what} has no key :{str(key)[:64]}",
                hint="known are " + " ".join(f":{each}" for each in known),
            )
    return {key: value for key, value in settings.items() if value is not None}
