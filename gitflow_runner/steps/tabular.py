"""Tables as steps meet them: rows taken out of a result, the handle that stands for a table, its target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import Map, Vec, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.values import Collection, Value, keyword
from gitflow_runner.model.resource import named_table, table_uri
from gitflow_runner.model.table import Cell, Row, Table
from gitflow_runner.schemas.jsontext import from_plain, to_plain
from gitflow_runner.steps.base import Context, Tables
from gitflow_runner.steps.config import table_name
from gitflow_runner.steps.results import result_map
from gitflow_runner.tables.cells import Watch, as_names, plain_row
from gitflow_runner.tables.change import Writing, Written, write_rows

PREVIEW_ROWS = 5
PREVIEW_CHARACTERS = 4_000
MAX_PARTITIONS = 100


def tables_of(context: Context) -> Tables:
    """The port; `StepError` (`table.unsupported`) where there is none."""
    if context.tables is None:
        raise StepError("table.unsupported", "there are no tables here")
    return context.tables


def watching(context: Context) -> Watch:
    """Stops long work once the step was given up or its time is over."""

    def watch() -> None:
        if context.clock.monotonic_ms() >= context.deadline_ms:
            raise StepError(
                "table.timeout", "the step ran out of time", retryable=True, hint="raise :timeout"
            )
        if context.cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it wrote anything")

    return watch


def target(value: object, what: str = ":table") -> tuple[str, tuple[str, ...] | None]:
    """(table, partitions) of a URI, a handle, or `{:ref … :partitions {:key | :keys}}`, all as plain data.

    `StepError` (`table.ref`, `config_*`).
    """
    if isinstance(value, dict):
        inner = next((value[key] for key in ("ref", "uri", "resource-uri") if value.get(key)), None)
        name, partitions = target(inner, what) if inner is not None else (None, None)
        if name is not None:
            return name, partitions_of(value.get("partitions")) or partitions
    named = named_table(value) if isinstance(value, str) else None
    if named is None:
        raise StepError(
            "table.ref",
            f"{what} names no table: {str(value)[:60]!r}",
            hint='give what :persist {:type :table} gave, or {:ref "res://table/<name>"}',
        )
    return named, None


def partitions_of(value: object) -> tuple[str, ...] | None:
    """The names of `{:key k}` or `{:keys […]}`; `StepError` (`config_type`)."""
    if value is None:
        return None
    given = value if isinstance(value, dict) else {}
    keys = (
        [given["key"]] if list(given) == ["key"] else given.get("keys") if list(given) == ["keys"] else None
    )
    if keys is None or not 1 <= len(names := as_names(keys, ":partitions :keys")) <= MAX_PARTITIONS:
        raise StepError("config_type", ":partitions must be {:key name} or {:keys [name …]}")
    if not all(name and len(name) <= 128 and name.isprintable() for name in names):
        raise StepError("config_type", "a partition's name has 1 to 128 printable characters")
    return names


def writing_of(settings: Mapping[str, object], partitions: tuple[str, ...] | None) -> Writing:
    """How rows are to be written, from the plain keys of `:persist` or `:into`."""
    if partitions is not None and len(partitions) != 1:
        raise StepError("config_type", "rows are written into one partition")
    return Writing(
        mode=str(settings.get("write-mode") or "append"),
        key_fields=as_names(settings.get("key-fields") or [], ":key-fields"),
        index_fields=as_names(settings.get("index-fields") or [], ":index-fields"),
        partition=None if partitions is None else partitions[0],
    )


def persist_rows(result: Value, settings: Mapping[str, object], context: Context) -> Value:
    """The rows of a step's result, written into a table; the handle of that table.

    Written once for each execution of the step. `StepError` (`persist.rows`, `config_*`, `table.*`).
    """
    rows = rows_in(result, settings.get("rows-path"))
    plain = {key: to_plain(value) for key, value in settings.items()}
    writing = writing_of(plain, partitions_of(plain.get("partitions")))
    try:
        return write_into(table_name(settings["table"]), rows, writing, context)
    except StepError as error:
        if not error.retryable:
            raise
        # The step itself is over: trying it again would do once more what it did outside.
        raise StepError(error.code, error.message, hint=error.hint) from None


def rows_in(result: Value, path: object) -> list[Mapping[str, Cell]]:
    """The maps that lie at `path` in a result, as plain data; one map alone is one row."""
    steps = tuple(path) if isinstance(path, Collection) else () if path is None else (path,)
    at = result
    for step in steps:
        at = _inside(at, step) if isinstance(at, Map) else None
    if isinstance(at, Map):
        at = Vec((at,))
    if not isinstance(at, Collection) or not all(isinstance(item, Map) for item in at):
        where = f" at {write(Vec(steps))}" if steps else ""
        raise StepError(
            "persist.rows",
            f"the result has no vector of maps{where}",
            hint=":rows-path names the keys that lead to the rows",
        )
    found: list[Mapping[str, Cell]] = []
    for item in at:
        row = to_plain(item)
        assert isinstance(row, dict), "a map becomes a dict"
        found.append(row)
    return found


def _inside(value: Map, step: Value) -> Value:
    """What lies under a key, or under its other spelling: `:items` is "items"."""
    if value.has(step):
        return value.get(step)
    return value.get(keyword(step) if isinstance(step, str) else getattr(step, "text", step))


def write_into(name: str, rows: Sequence[Mapping[str, Cell]], writing: Writing, context: Context) -> Value:
    """Write the rows once for this execution of the step; the table's handle."""
    watch = watching(context)

    def change(old: Table | None) -> tuple[Table, Value]:
        written = write_rows(old or Table(name), rows, writing, watch)
        return written.table, handle(written, writing, created=old is None)

    answer = changed(name, change, context)
    context.log.line(f"table {name}: {len(rows)} rows written")
    return answer


def changed(name: str, change: Callable[[Table | None], tuple[Table, Value]], context: Context) -> Value:
    """Swap the table once for this execution of the step, and give its answer."""

    def swap(old: Table | None) -> tuple[Table, str]:
        new, answer = change(old)
        return new, write(answer)

    return read_data(tables_of(context).update(name, context.key, swap), loose=True)


def handle(written: Written, writing: Writing, *, created: bool) -> Map:
    """The map of a table that was written: where it is, what became of the rows, how it begins."""
    table = written.table
    uri = table_uri(table.name)
    pairs: list[tuple[Value, Value]] = [(keyword("type"), keyword("resource-ref"))]
    pairs += [(keyword(name), uri) for name in ("uri", "ref", "resource-uri")]
    if writing.partition is not None:
        pairs.append((keyword("partitions"), result_map(key=writing.partition)))
    ids = {*written.created, *written.updated}
    parts = result_map(
        table=table.name,
        revision=table.revision,
        created_=created,
        rows_created=len(written.created),
        rows_updated=len(written.updated),
        row_count=len(table.rows),
        columns=Vec(tuple(column.name for column in table.columns)),
        preview=_preview([row for row in table.rows if row.id in ids][:PREVIEW_ROWS], table),
    )
    return map_of([*pairs, *parts.items()])


def _preview(rows: Sequence[Row], table: Table) -> Value:
    """The first of the rows, as many as are short enough."""
    shown: list[Value] = []
    room = PREVIEW_CHARACTERS
    for row in rows:
        value = from_plain(plain_row(row, table.columns))
        room -= len(write(value))
        if room < 0:
            break
        shown.append(value)
    return Vec(tuple(shown))


def plain_settings(config: Mapping[str, object]) -> dict[str, object]:
    """A config as plain data: keywords as their names."""
    return {key: to_plain(value) for key, value in config.items()}
