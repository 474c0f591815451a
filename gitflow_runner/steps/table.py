"""The `:table` step: questions to a table and changes of it, without any SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.values import Value
from gitflow_runner.model.persist import PERSIST_CHOICES
from gitflow_runner.model.spec import Effect, Field, Needs, Spec
from gitflow_runner.model.table import Cell, Column, Row, Table
from gitflow_runner.schemas.jsontext import from_plain
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import name_of, table_name, whole_number
from gitflow_runner.steps.results import result_map
from gitflow_runner.steps.tabular import (
    changed,
    partitions_of,
    plain_settings,
    tables_of,
    target,
    watching,
    write_into,
    writing_of,
)
from gitflow_runner.tables.aggregate import DEFAULT_GROUPS, MAX_GROUPS, aggregate
from gitflow_runner.tables.cells import as_list, as_map, closed, of_partitions, plain_row
from gitflow_runner.tables.change import (
    Written,
    find_row,
    recompute,
    set_column,
    update_cell,
    update_format,
)
from gitflow_runner.tables.join import JOINS, join
from gitflow_runner.tables.query import matching, parse_page, parse_sort, projection, query
from gitflow_runner.tables.text import FORMATS, as_text

READS = ("query", "get-row", "aggregate", "schema", "export")
OPERATIONS = (*READS, "update-cell", "update-cell-format", "set-column", "recompute", "materialize-join")
MAX_RECOMPUTED: Final = 100_000

_TABLE = ("table",)
_ROW = (_TABLE, ("row-id", "key"))
_NEEDS = Needs(
    "op",
    {
        "query": (_TABLE, ("page",)),
        "get-row": _ROW,
        "aggregate": (_TABLE,),
        "schema": (_TABLE,),
        "export": (_TABLE,),
        "update-cell": (*_ROW, ("column",), ("value",)),
        "update-cell-format": (*_ROW, ("column",), ("format",)),
        "set-column": (_TABLE, ("column",), ("definition",)),
        "recompute": (_TABLE,),
        "materialize-join": (("left",), ("right",), ("on",), ("into",)),
    },
)


def _effect(config: Mapping[str, object]) -> Effect:
    return "read" if name_of(config.get("op")) in READS else "keyed"


SPEC = Spec(
    type="table",
    summary="Asks tables made by `:persist {:type :table}`, and changes them.",
    effect=_effect,
    fields=(
        Field("op", "name", "what to do", required=True, choices=OPERATIONS),
        Field(
            "table", "any", "the handle of a table, or `{:ref uri :partitions {:key k}}`, or `{:keys […]}`"
        ),
        Field(
            "page", "map", "`{:limit n :offset n}`, or `{:mode :cursor :limit n :cursor text}` with `:sort`"
        ),
        Field("select", "vector", "the columns wanted, all of them and `:row-id` if absent"),
        Field(
            "where", "vector", "`[field op value]`, several in a vector, `[:and …]`, `[:or …]`, `[:not …]`"
        ),
        Field("sort", "vector", "`[[field :asc] [field :desc]]`"),
        Field("row-id", "integer", "the number of one row"),
        Field("key", "map", "cells by which one row is found"),
        Field("group-by", "vector", "the columns that make groups"),
        Field(
            "metrics", "vector", "`[{:op :count | :count-distinct | :sum | :avg | :min | :max :field :as}]`"
        ),
        Field("having", "vector", "a condition as `:where`, on the groups"),
        Field("order-by", "vector", "as `:sort`, for the groups"),
        Field("limit", "integer", f"at most that many groups, {DEFAULT_GROUPS} if absent; rows to recompute"),
        Field("offset", "integer", "so many rows are passed over by `:recompute`"),
        Field("column", "name", "the column to change"),
        Field("value", "any", "what the cell becomes"),
        Field(
            "format", "any", "how the cell is shown, nil for as its column is: `csv` or `json` for `:export`"
        ),
        Field(
            "definition",
            "map",
            "`{:display-name :type-hint :semantic-type :enum {:options […]} :computed [:* :a :b] :format"
            " :validation}`",
        ),
        Field("left", "map", "`{:table … | :rows […] :select :where}`"),
        Field("right", "map", "as `:left`"),
        Field("on", "vector", "`[{:left-field :right-field}]`"),
        Field(
            "project", "any", "`[{:field :as}]` of the right, or `{:keep-left :all | […] :right-fields […]}`"
        ),
        Field("join-type", "name", "`:left` keeps what fits nothing", choices=JOINS),
        Field("into", "map", "`{:table name :write-mode :key-fields :index-fields :partitions}`"),
    ),
    example='{:op :query :table "res://table/orders" :where [[:status := "open"] [:total :> 100]]'
    " :sort [[:total :desc]] :page {:limit 20}}",
    needs=_NEEDS,
)


class TableStep:
    """Runs one operation; a write counts once for each execution of the step, however often it is tried."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """`:query` gives `{:rows :count :page}`, `:get-row` `{:row :exists? :row-id}`, `:aggregate`
        `{:rows :count :has-more}`, `:schema` the columns and counts, `:export` a text (large ones want
        `:persist {:type :blob}`); a write gives `{:success true :revision n …}`, `:materialize-join` the
        handle that `:persist {:type :table}` gives.

        A row is a map by column with its number under `:row-id`. A table that has partitions is asked with
        `:partitions`. `StepError` (`table.*`, `missing_config_key`, `config_*`, `step.cancelled`).
        """
        watching(context)()
        asked = plain_settings(config)
        operation = str(asked["op"])
        if operation == "materialize-join":
            return _join(asked, context)
        name, partitions = target(asked["table"])
        if operation not in READS:
            return _write(operation, name, partitions, asked, context)
        table = _known(tables_of(context).read(name), name)
        if operation == "schema":
            return _schema(table)
        return _READS[operation](table, of_partitions(table, partitions), asked, context)


STEP = TableStep()

Asked = Mapping[str, object]


def _known(table: Table | None, name: str) -> Table:
    if table is None:
        raise StepError(
            "table.unknown",
            f"there is no table {name}",
            hint=f':persist {{:type :table :table "{name}"}} on another step makes it',
        )
    return table


def _query(table: Table, rows: Sequence[Row], asked: Asked, context: Context) -> Value:
    page = parse_page(asked["page"])
    found = query(
        table,
        rows,
        select=asked.get("select"),
        where=asked.get("where"),
        sort=asked.get("sort"),
        page=page,
        watch=watching(context),
    )
    context.log.line(f"table {table.name}: {found['count']} rows")
    told = {str(key).replace("-", "_"): from_plain(value) for key, value in as_map(found["page"], "").items()}
    return result_map(
        rows=from_plain(found["rows"]), count=from_plain(found["count"]), page=result_map(**told)
    )


def _get_row(table: Table, rows: Sequence[Row], asked: Asked, context: Context) -> Value:
    row = _find(table, rows, asked)
    if row is None:
        return result_map(row=None, exists_=False)
    shown = from_plain(plain_row(row, table.columns))
    found = result_map(row=shown, exists_=True, row_id=row.id)
    return (
        found
        if not row.formats
        else result_map(row=shown, exists_=True, row_id=row.id, formats=from_plain(dict(row.formats)))
    )


def _aggregate(table: Table, rows: Sequence[Row], asked: Asked, context: Context) -> Value:
    limit = whole_number(asked, "limit", default=DEFAULT_GROUPS, low=1, high=MAX_GROUPS)
    found = aggregate(table, rows, asked, limit, watching(context))
    return result_map(**{str(key).replace("-", "_"): from_plain(value) for key, value in found.items()})


def _export(table: Table, rows: Sequence[Row], asked: Asked, context: Context) -> Value:
    form = asked.get("format") or "csv"
    if form not in FORMATS:
        raise StepError("config_choice", ":format must be one of :csv :json")
    watch = watching(context)
    select = asked.get("select") or [column.name for column in table.columns]
    shown = projection(select, table.columns)
    found = matching(rows, table.columns, asked.get("where"), parse_sort(asked.get("sort")), watch)
    context.log.line(f"table {table.name}: {len(found)} rows as {form}")
    names = [str(name) for name in as_list(select, ":select")]
    return as_text((shown(row) for row in found), names, str(form))


_READS: Mapping[str, Callable[[Table, Sequence[Row], Asked, Context], Value]] = {
    "query": _query,
    "get-row": _get_row,
    "aggregate": _aggregate,
    "export": _export,
}


def _schema(table: Table) -> Value:
    partitions = sorted({row.partition for row in table.rows if row.partition is not None})
    return result_map(
        table=table.name,
        revision=table.revision,
        row_count=len(table.rows),
        columns=Vec(tuple(map(_column, table.columns))),
        key_fields=Vec(table.key_fields),
        index_fields=Vec(table.index_fields),
        partitions=Vec(tuple(partitions)) if table.partitioned else None,
    )


def _column(column: Column) -> Value:
    shown = {name.replace("-", "_"): from_plain(value) for name, value in column.shown.items()}
    if column.options is not None:
        shown["options"] = Vec(tuple(result_map(id=each.id, name=each.name) for each in column.options))
    if column.computed is not None:
        shown["computed"] = from_plain(column.computed)
    return result_map(name=column.name, type=column.type, **shown)


def _write(
    operation: str, name: str, partitions: tuple[str, ...] | None, asked: Asked, context: Context
) -> Value:
    watch = watching(context)

    def change(old: Table | None) -> tuple[Table, Value]:
        table = _known(old, name)
        if operation == "set-column":
            new = set_column(table, str(asked["column"]), as_map(asked["definition"], ":definition"))
            column = new.column(str(asked["column"]))
            assert column is not None, "it was just set"
            return new, result_map(success=True, revision=new.revision, column=_column(column))
        rows = of_partitions(table, partitions)
        if operation == "recompute":
            written = recompute(table, _window(table, rows, asked, context), watch)
            return written.table, _told(written, rows_updated=len(written.updated))
        row = _find(table, rows, asked)
        if row is None:
            raise StepError("table.no_row", f"the table {name} has no such row")
        if operation == "update-cell":
            written = update_cell(table, row, str(asked["column"]), asked["value"])
        else:
            written = update_format(table, row, str(asked["column"]), asked["format"])
        after = next(each for each in written.table.rows if each.id == row.id)
        return written.table, _told(written, row=from_plain(plain_row(after, written.table.columns)))

    return changed(name, change, context)


def _told(written: Written, **parts: Value) -> Value:
    return result_map(success=True, revision=written.table.revision, **parts)


def _window(table: Table, rows: Sequence[Row], asked: Asked, context: Context) -> Sequence[Row]:
    found = matching(rows, table.columns, asked.get("where"), (), watching(context))
    start = whole_number(asked, "offset", default=0, high=MAX_RECOMPUTED)
    return found[start : start + whole_number(asked, "limit", default=1_000, low=1, high=MAX_RECOMPUTED)]


def _find(table: Table, rows: Sequence[Row], asked: Asked) -> Row | None:
    key = asked.get("key")
    if key is not None and not as_map(key, ":key"):
        raise StepError("missing_config_key", ":key holds at least one cell")
    return find_row(table, rows, asked.get("row-id"), None if key is None else as_map(key, ":key"))


def _join(asked: Asked, context: Context) -> Value:
    into = closed(
        as_map(asked["into"], ":into"),
        ("table", "write-mode", "key-fields", "index-fields", "partitions"),
        ":into",
    )
    if into.get("write-mode", "append") not in PERSIST_CHOICES["write-mode"]:
        raise StepError("config_choice", ":into :write-mode must be one of :append :upsert")
    name = table_name(into.get("table"))
    writing = writing_of(into, partitions_of(into.get("partitions")))
    rows = join(
        _side(asked["left"], ":left", context),
        _side(asked["right"], ":right", context),
        asked["on"],
        asked.get("project"),
        str(asked.get("join-type") or "left"),
        watching(context),
    )
    return write_into(name, rows, writing, context)


def _side(value: object, what: str, context: Context) -> list[Mapping[str, Cell]]:
    """The rows of one side of a join, without their numbers."""
    given = closed(as_map(value, what), ("table", "rows", "select", "where"), what)
    if ("table" in given) == ("rows" in given):
        raise StepError("config_one_of", f"{what} takes exactly one of :table, :rows")
    if "rows" in given:
        if given.keys() - {"rows"}:
            raise StepError("config_one_of", f"{what} takes :select and :where with :table only")
        return [as_map(row, f"a row of {what}") for row in as_list(given["rows"], f"{what} :rows")]
    name, partitions = target(given["table"], f"{what} :table")
    table = _known(tables_of(context).read(name), name)
    select = given.get("select", [column.name for column in table.columns])
    shown = projection(select, table.columns)
    rows = of_partitions(table, partitions)
    return [
        dict(shown(row)) for row in matching(rows, table.columns, given.get("where"), (), watching(context))
    ]
