"""How tables are shown among the stored values: one line each, the columns, the first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitflow_runner.cli.output import Output
from gitflow_runner.cli.shown import iso
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import table_ref
from gitflow_runner.model.resource import table_uri
from gitflow_runner.model.table import Cell, Table
from gitflow_runner.runner.tables import Stored
from gitflow_runner.tables.cells import json_text, plain_row
from gitflow_runner.tables.text import as_text

PREVIEW_ROWS = 25
_WIDEST = 24


def table_data(stored: Stored) -> dict[str, object]:
    """What an envelope says of a table."""
    found: dict[str, object] = {"uri": table_uri(stored.name), "table": stored.name, "place": "git"}
    if stored.table is None:
        return found | {"error": None if stored.refused is None else stored.refused.code}
    table = stored.table
    return found | {
        "revision": table.revision,
        "size": table.size,
        "rows": stored.rows,
        "columns": [{"name": column.name, "type": column.type} for column in table.columns],
        "key_fields": list(table.key_fields),
        "partitioned": table.partitioned,
        "updated": iso(stored.at),
    }


def table_row(stored: Stored) -> tuple[object, ...]:
    """What a pipe gets of a table."""
    table = stored.table
    if table is None:
        return (table_uri(stored.name), "", "", "git", "" if stored.refused is None else stored.refused.code)
    return (table_uri(stored.name), table.size, "table", "git", f"{stored.rows} rows")


def table_line(stored: Stored) -> str:
    """What a terminal gets of a table."""
    uri, size, media, place, what = table_row(stored)
    return f"{uri}  {size}  {place}  {media}  {what}"


def show_table(out: Output, stored: Stored) -> None:
    """The columns and the first rows."""
    table = stored.table
    assert table is not None, "a table that was found"
    preview = [plain_row(row, table.columns) for row in table.rows[:PREVIEW_ROWS]]
    columns = [f"{column.name} ({column.type})" for column in table.columns]
    out.result(
        "gfr/resources.show/1",
        table_data(stored)
        | {
            "index_fields": list(table.index_fields),
            "partitions": _partitions(table) if table.partitioned else None,
            "preview": preview,
            "whole": len(preview) == len(table.rows),
        },
        text=[
            table_line(stored),
            f"revision {table.revision}, {iso(stored.at)}; key: {', '.join(table.key_fields) or 'none'}",
            f"columns: {', '.join(columns)}",
            "",
            *_lines(preview),
        ],
        rows=[table_row(stored)],
        ids=[table_uri(stored.name)],
        follow=[
            f"gfr resources get {table_uri(stored.name)} -o FILE",
            f"git log -p {stored.ref}",
        ],
    )


def table_text(table: Table, form: str) -> bytes:
    """All rows as `csv` or `json`."""
    names = [column.name for column in table.columns]
    return as_text(
        ({name: row.cells.get(name) for name in names} for row in table.rows), names, form
    ).encode()


def tell_removed(out: Output, name: str, tip: Oid | None, *, dry_run: bool) -> None:
    """That a table is gone, and how it comes back."""
    verb = "would go" if dry_run else "is gone"
    back = [] if tip is None or dry_run else [f"git update-ref {table_ref(name)} {tip}"]
    out.result(
        "gfr/resources.rm/1",
        {"dry_run": dry_run, "table": name, "tip": tip},
        text=[f"the table {name} {verb}"],
        rows=[(table_uri(name), tip or "")],
        ids=[table_uri(name)],
        follow=back,
    )


def _partitions(table: Table) -> list[str]:
    return sorted({row.partition for row in table.rows if row.partition is not None})


def _lines(rows: Sequence[dict[str, Cell]]) -> Iterator[str]:
    """The rows under their names, each column as wide as it must be."""
    if not rows:
        return
    lines = [list(rows[0]), *([_spelled(cell) for cell in row.values()] for row in rows)]
    lines = [[cell if len(cell) <= _WIDEST else cell[: _WIDEST - 1] + "…" for cell in line] for line in lines]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _spelled(cell: Cell) -> str:
    if cell is None:
        return ""
    return " ".join((cell if isinstance(cell, str) else json_text(cell)).split())
