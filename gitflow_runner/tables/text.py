"""Rows as text that other programs read: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from gitflow_runner.model.table import Cell
from gitflow_runner.tables.cells import json_text

FORMATS = ("csv", "json")


def as_text(rows: Iterable[Mapping[str, Cell]], names: Sequence[str], form: str) -> str:
    """The rows in the form `csv` (RFC 4180, a line of names first) or `json` (an array of objects).

    In CSV nil is empty, true and false are written so, and a list or a map is JSON.
    """
    if form == "json":
        return json.dumps([dict(row) for row in rows], ensure_ascii=False, indent=1) + "\n"
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_spelled(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def _spelled(cell: Cell) -> Cell:
    if isinstance(cell, bool | list | dict):
        return json_text(cell)
    return cell
