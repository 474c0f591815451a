"""Rows counted and summed up, all together or in groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import Cell, Row, Table
from gitflow_runner.tables.cells import (
    Order,
    Watch,
    as_list,
    as_map,
    as_names,
    closed,
    no_column,
    order_of,
    reader,
)
from gitflow_runner.tables.query import matching, parse_sort
from gitflow_runner.tables.where import condition

MAX_GROUPS = 1_000
DEFAULT_GROUPS = 25
MAX_METRICS = 20
METRICS = ("count", "count-distinct", "sum", "avg", "min", "max")

Metric = tuple[str, Callable[[Sequence[Row]], Cell]]


def aggregate(
    table: Table, rows: Sequence[Row], asked: Mapping[str, object], limit: int, watch: Watch
) -> Mapping[str, object]:
    """`{rows, count, has-more}`: one row a group, with the columns grouped by and the metrics.

    Groups come in the order of their columns, unless `:order-by` says otherwise. `StepError`
    (`table.column`, `table.where`, `config_*`).
    """
    by = as_names(asked.get("group-by") or [], ":group-by")
    metrics = _metrics(asked.get("metrics"), by, table)
    readers = [(name, reader(name, table.columns)) for name in by]
    groups: dict[tuple[Order, ...], list[Row]] = {} if by else {(): []}
    for row in matching(rows, table.columns, asked.get("where"), (), watch):
        groups.setdefault(tuple([order_of(read(row)) for _, read in readers]), []).append(row)
    found = []
    for place in sorted(groups):
        members = groups[place]
        watch()
        group = {name: read(members[0]) for name, read in readers}
        found.append(group | {name: measure(members) for name, measure in metrics})
    names = [*by, *(name for name, _ in metrics)]

    def read_result(name: str) -> Callable[[Mapping[str, Cell]], Cell]:
        if name not in names:
            raise no_column(name, names)
        return lambda group: group[name]

    holds = condition(asked.get("having"), read_result)
    kept = [group for group in found if holds(group)]
    for name, descends in reversed(parse_sort(asked.get("order-by"))):
        read = read_result(name)
        kept.sort(key=lambda group, read=read: order_of(read(group)), reverse=descends)  # type: ignore[misc]
    return {"rows": kept[:limit], "count": min(len(kept), limit), "has-more": len(kept) > limit}


def _metrics(value: object, by: Sequence[str], table: Table) -> list[Metric]:
    given = [{"op": "count"}] if value is None else as_list(value, ":metrics")
    if not given or len(given) > MAX_METRICS:
        raise StepError("config_type", f":metrics takes 1 to {MAX_METRICS} metrics")
    found: list[Metric] = []
    for item in given:
        settings = closed(as_map(item, "a metric"), ("op", "field", "as"), "a metric")
        how, name = settings.get("op"), settings.get("field")
        if how not in METRICS:
            known = " ".join(f":{each}" for each in METRICS)
            raise StepError("config_choice", f"a metric's :op must be one of {known}")
        if not isinstance(name, str | None) or (name is None and how != "count"):
            raise StepError("missing_config_key", f"the metric :{how} needs :field")
        label = settings.get("as", how if name is None else f"{how}-{name}")
        if not isinstance(label, str) or label in by or label in (known_ for known_, _ in found):
            raise StepError("config_type", f"the metric's :as {str(label)[:64]!r} is no name of its own")
        read = None if name is None else reader(name, table.columns)
        found.append((label, _measure(str(how), read)))
    return found


def _measure(how: str, read: Callable[[Row], Cell] | None) -> Callable[[Sequence[Row]], Cell]:
    if read is None:
        return len
    return lambda rows: _MEASURES[how]([cell for cell in map(read, rows) if cell is not None])


def _numbers(cells: Sequence[Cell]) -> list[int | float]:
    return [cell for cell in cells if isinstance(cell, int | float) and not isinstance(cell, bool)]


def _sum(cells: Sequence[Cell]) -> Cell:
    """Of the numbers: exact for whole ones, and for others rounded once, whatever their order."""
    numbers = _numbers(cells)
    if all(isinstance(number, int) for number in numbers):
        return sum(numbers)
    try:
        found = math.fsum(numbers)
    except OverflowError:
        found = math.inf
    return _finite(found)


def _average(cells: Sequence[Cell]) -> Cell:
    numbers = _numbers(cells)
    total = _sum(numbers)
    return _finite(total / len(numbers)) if numbers and isinstance(total, int | float) else None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise StepError("table.cell", "the sum is too large for a number")
    return number


_MEASURES: Mapping[str, Callable[[Sequence[Cell]], Cell]] = {
    "count": len,
    "count-distinct": lambda cells: len({order_of(cell) for cell in cells}),
    "sum": _sum,
    "avg": _average,
    "min": lambda cells: min(cells, key=order_of, default=None),
    "max": lambda cells: max(cells, key=order_of, default=None),
}
