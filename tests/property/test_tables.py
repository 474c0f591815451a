"""Tables against two judges: writes against rows kept in a dict, questions against SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import Row, Table
from gitflow_runner.tables.aggregate import aggregate
from gitflow_runner.tables.cells import MAX_ROWS, json_text
from gitflow_runner.tables.change import Writing, write_rows
from gitflow_runner.tables.query import MAX_PAGE, Page, query

NAMES = ("a", "b", "c d")
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([-0.5, 0.0, 1.0, 2.5]),
    st.text("abä😀", max_size=2),
    st.lists(st.integers(0, 2), max_size=2),
    st.dictionaries(st.sampled_from("xy"), st.integers(0, 1), max_size=2),
)
LARGE = st.sampled_from([2.0**53, 2**53 + 1, -(2**63)])  # whose sums SQLite rounds
ROWS = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, CELLS)), max_size=12)
WIDE = st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, CELLS | LARGE)), max_size=12)
SIMPLE = st.tuples(st.sampled_from(NAMES), st.sampled_from(["=", "!="]), CELLS).map(list)
ORDERED = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.integers(-2, 2) | st.floats(-2, 2) | st.text("ab", max_size=1),
).map(list)
AMONG = st.tuples(st.sampled_from(NAMES), st.just("in"), st.lists(CELLS, max_size=3)).map(list)
CONDITIONS: st.SearchStrategy[Any] = st.recursive(
    SIMPLE | ORDERED | AMONG,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(lambda parts: ["or", *parts])
        | inner.map(lambda part: ["not", part])
    ),
    max_leaves=5,
)
SORTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["asc", "desc"])).map(list),
    max_size=3,
    unique_by=lambda pair: pair[0],
)


def never() -> None:
    """The watch of work that nobody stops."""


def table(rows: Sequence[dict[str, Any]]) -> Table:
    first = dict.fromkeys(NAMES)  # so that every column is there
    return write_rows(Table("t"), [first, *rows], Writing(), never).table


def in_sqlite(cell: Any) -> Any:
    """Each kind as one of SQLite's classes, which stand in the same order: nil, numbers, texts, the rest."""
    if isinstance(cell, bool):
        return bytes([0, cell])
    return b"\1" + json_text(cell).encode() if isinstance(cell, list | dict) else cell


def asked(rows: Sequence[Row]) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.execute('CREATE TABLE t (id INTEGER, a, b, "c d")')
    cells = [(row.id, *(in_sqlite(row.cells.get(name)) for name in NAMES)) for row in rows]
    database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", cells)
    return database


def as_sql(form: Any, values: list[Any]) -> str:
    if form and form[0] in ("or", "not"):
        parts = [as_sql(part, values) for part in form[1:]]
        return f"NOT ({parts[0]})" if form[0] == "not" else f"({' OR '.join(parts) or '0'})"
    if all(isinstance(part, list) for part in form):
        return f"({' AND '.join(as_sql(part, values) for part in form) or '1'})"
    name, how, value = form
    if how == "in":
        values += [in_sqlite(each) for each in value]
        return f"({' OR '.join([f'{quoted(name)} IS ?'] * len(value)) or '0'})"
    values.append(in_sqlite(value))
    if how in ("=", "!="):
        return f"{quoted(name)} IS {'NOT ' if how == '!=' else ''}?"
    kinds = "'text'" if isinstance(value, str) else "'integer', 'real'"
    return f"(typeof({quoted(name)}) IN ({kinds}) AND {quoted(name)} {how} ?)"


def quoted(name: str) -> str:
    return f'"{name}"'


@given(WIDE, CONDITIONS, SORTS)
def test_a_question_is_answered_as_sqlite_answers_it(rows: list[Any], where: Any, sort: list[Any]) -> None:
    made = table(rows)
    values: list[Any] = []
    order = "".join(f"{quoted(name)} {way}, " for name, way in sort)
    sql = f"SELECT id FROM t WHERE {as_sql(where, values)} ORDER BY {order}id"  # noqa: S608 - values are parameters
    expected = [row for (row,) in asked(made.rows).execute(sql, values)]
    page = Page(MAX_PAGE)
    found = query(made, made.rows, select=["row-id"], where=where, sort=sort, page=page, watch=never)
    assert [row["row-id"] for row in found["rows"]] == expected  # type: ignore[attr-defined]


@given(ROWS, SORTS.filter(bool), st.integers(1, 4))
def test_pages_by_cursor_give_every_row_once_and_in_order(
    rows: list[Any], sort: list[Any], size: int
) -> None:
    made = table(rows)
    whole = query(made, made.rows, select=None, where=None, sort=sort, page=Page(MAX_PAGE), watch=never)[
        "rows"
    ]
    found: list[Any] = []
    cursor: Any = None
    for _ in range(len(made.rows) + 1):
        page = Page(size, "cursor", cursor=cursor, total=False)
        answer: Any = query(made, made.rows, select=None, where=None, sort=sort, page=page, watch=never)
        found += answer["rows"]
        cursor = answer["page"]["next-cursor"]
        if cursor is None:
            break
    assert found == whole


@given(ROWS, st.lists(st.sampled_from(NAMES), unique=True, max_size=2))
def test_groups_are_counted_and_summed_as_sqlite_does(rows: list[Any], by: list[str]) -> None:
    made = table(rows)
    metrics = [{"op": op, "field": "a"} for op in ("count", "count-distinct", "min", "max", "sum")]
    asking = {"group-by": by, "metrics": [{"op": "count"}, *metrics]}
    found: Any = aggregate(made, made.rows, asking, 1_000, never)["rows"]
    groups = ", ".join(map(quoted, by))
    number = "CASE WHEN typeof(a) IN ('integer', 'real') THEN a END"
    measures = f"count(*), count(a), count(DISTINCT a), min(a), max(a), coalesce(sum({number}), 0)"
    sql = f"SELECT {groups + ', ' if by else ''}{measures} FROM t"  # noqa: S608 - of fixed names
    if by:
        sql += f" GROUP BY {groups} ORDER BY {groups}"
    expected = asked(made.rows).execute(sql).fetchall()
    assert [tuple(in_sqlite(cell) for cell in group.values()) for group in found] == expected


KEYED = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 4)}, optional={"a": CELLS, "b": CELLS}),
    min_size=1,
    max_size=5,
)


@given(st.lists(st.tuples(st.sampled_from(["append", "upsert"]), KEYED), max_size=6))
def test_writes_do_what_they_do_to_a_dict_of_rows(writes: list[tuple[str, list[dict[str, Any]]]]) -> None:
    made, model, numbers = Table("t"), dict[int, dict[str, Any]](), dict[int, int]()
    for mode, rows in writes:
        copy, taken = {key: dict(row) for key, row in model.items()}, dict(numbers)
        fails = False
        for row in rows:
            fails = fails or (mode == "append" and row["id"] in copy)
            copy[row["id"]] = {**copy.get(row["id"], {}), **row}
            taken.setdefault(row["id"], len(taken) + 1)
        if fails:
            with pytest.raises(StepError) as caught:
                write_rows(made, rows, Writing(mode, ("id",)), never)
            assert caught.value.code == "table.duplicate_key"
            continue
        made = write_rows(made, rows, Writing(mode, ("id",)), never).table
        model, numbers = copy, taken
    kept = {key: {name: cell for name, cell in row.items() if cell is not None} for key, row in model.items()}
    assert {row.cells["id"]: dict(row.cells) for row in made.rows} == kept
    assert {row.cells["id"]: row.id for row in made.rows} == numbers
    assert len(made.rows) <= MAX_ROWS
    assert json.loads(json.dumps([dict(row.cells) for row in made.rows])) == [
        dict(r.cells) for r in made.rows
    ]
