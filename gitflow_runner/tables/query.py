"""Rows that fit a condition, sorted, a page at a time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import ROW_ID, Cell, Column, Row, Table
from gitflow_runner.tables.cells import LOOK_EVERY, Watch, as_list, as_map, closed, order_of, reader
from gitflow_runner.tables.where import condition

MAX_PAGE = 1_000
MAX_SORT = 10
_PAGE = ("mode", "limit", "offset", "cursor", "include-total-count?")

Sort = tuple[tuple[str, bool], ...]
"""Columns to sort by, the first one first, each with whether it descends."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the rows are wanted. In the mode `cursor` a page begins after the row that ended the last."""

    limit: int
    mode: str = "offset"
    offset: int = 0
    cursor: str | None = None
    total: bool = True  # whether the rows are counted


def parse_page(value: object) -> Page:
    """`{:mode :offset :limit n :offset n}` or `{:mode :cursor :limit n :cursor text}`; `StepError`."""
    given = closed(as_map(value, ":page"), _PAGE, ":page")
    mode = given.get("mode", "cursor" if "cursor" in given else "offset")
    if mode not in ("offset", "cursor"):
        raise StepError("config_choice", ":page :mode must be one of :offset :cursor")
    if ("offset" if mode == "cursor" else "cursor") in given:
        raise StepError("config_one_of", f":page has no :offset and :cursor at once; the mode is :{mode}")
    cursor, total = given.get("cursor"), given.get("include-total-count?", mode == "offset")
    if not isinstance(cursor, str | None) or not isinstance(total, bool):
        raise StepError("config_type", ":cursor is a text, :include-total-count? true or false")
    if "limit" not in given:
        raise StepError("missing_config_key", ":page needs :limit", hint=f"a number from 1 to {MAX_PAGE}")
    limit = _whole(given["limit"], ":limit", 1, MAX_PAGE)
    return Page(limit, str(mode), _whole(given.get("offset", 0), ":offset", 0, 10**9), cursor, total)


def parse_sort(value: object) -> Sort:
    """`[[field :asc] …]`, where `:desc` turns it round and a bare field ascends; `StepError`."""
    found = []
    for item in as_list(value, ":sort") if value is not None else ():
        name, way = (item, "asc") if isinstance(item, str) else _pair(item)
        found.append((name, way == "desc"))
    if len(found) > MAX_SORT:
        raise StepError("config_type", f":sort takes at most {MAX_SORT} columns")
    return tuple(found)


def _pair(item: object) -> tuple[str, str]:
    if isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) and item[1] in ("asc", "desc"):
        return item[0], str(item[1])
    raise StepError("config_type", ":sort takes [field :asc] or [field :desc]")


def _whole(value: object, name: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise StepError("config_type", f"{name} must be an integer from {low} to {high}")
    return value


def matching(
    rows: Iterable[Row], columns: Sequence[Column], where: object, sort: Sort, watch: Watch
) -> list[Row]:
    """The rows that fit, in order; rows that are equal in it stay in the order of their numbers."""
    fits = condition(where, lambda name: reader(name, columns))
    found = []
    for count, row in enumerate(rows):
        if count % LOOK_EVERY == 0:
            watch()
        if fits(row):
            found.append(row)
    for name, descends in reversed(sort):
        read = reader(name, columns)
        watch()
        found.sort(key=lambda row, read=read: order_of(read(row)), reverse=descends)  # type: ignore[misc]
    return found


def projection(select: object, columns: Sequence[Column]) -> Callable[[Row], dict[str, Cell]]:
    """What is shown of a row: all of it with its number, or the columns that are selected."""
    names = [ROW_ID, *(column.name for column in columns)]
    if select is not None:
        names = []
        for name in as_list(select, ":select"):
            if not isinstance(name, str) or name in names:
                raise StepError("config_type", ":select takes names of columns, each once")
            names.append(name)
    readers = [(name, reader(name, columns)) for name in names]
    return lambda row: {name: read(row) for name, read in readers}


def query(
    table: Table,
    rows: Sequence[Row],
    *,
    select: object,
    where: object,
    sort: object,
    page: Page,
    watch: Watch,
) -> Mapping[str, object]:
    """`{rows, count, page}`; `StepError` (`table.column`, `table.where`, `table.cursor`, `config_*`)."""
    order = parse_sort(sort)
    if page.mode == "cursor" and not order:
        raise StepError("missing_config_key", "pages by cursor need :sort", hint=':sort [["id" "asc"]]')
    shown = projection(select, table.columns)
    found = matching(rows, table.columns, where, order, watch)
    asked = hashlib.sha256(json.dumps([table.name, order, where], sort_keys=True).encode()).hexdigest()[:16]
    start = page.offset
    if page.cursor is not None:
        start = _after(found, table.columns, order, _decoded(page.cursor, asked, len(order)))
    taken = found[start : start + page.limit]
    more = start + page.limit < len(found)
    told: dict[str, object] = {"mode": page.mode, "limit": page.limit, "has-more": more}
    if page.mode == "offset":
        told |= {"offset": page.offset, "next-offset": page.offset + page.limit if more else None}
    else:
        told["next-cursor"] = _encoded(taken[-1], table.columns, order, asked) if more else None
    if page.total:
        told["total-count"] = len(found)
    return {"rows": [shown(row) for row in taken], "count": len(taken), "page": told}


def _encoded(row: Row, columns: Sequence[Column], order: Sort, asked: str) -> str:
    cells = [reader(name, columns)(row) for name, _ in order]
    return base64.urlsafe_b64encode(json.dumps([asked, cells, row.id]).encode()).decode()


def _decoded(cursor: str, asked: str, width: int) -> tuple[list[Cell], int]:
    try:
        question, cells, row = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _strange() from None
    if question != asked or not isinstance(cells, list) or len(cells) != width or type(row) is not int:
        raise _strange()
    return cells, row


def _strange() -> StepError:
    return StepError(
        "table.cursor",
        "the cursor is not one of this question",
        hint="keep :table, :where and :sort as they were, or begin without :cursor",
    )


def _after(found: Sequence[Row], columns: Sequence[Column], order: Sort, last: tuple[list[Cell], int]) -> int:
    """Where the rows after the last one begin, also if that one was changed or the table grew meanwhile."""
    cells, number = last
    places = [order_of(cell) for cell in cells]
    readers = [(reader(name, columns), descends) for name, descends in order]

    def follows(row: Row) -> bool:
        for (read, descends), place in zip(readers, places, strict=True):
            here = order_of(read(row))
            if here != place:
                return (here < place) if descends else (here > place)
        return row.id > number

    return next((at for at, row in enumerate(found) if follows(row)), len(found))
