"""Two sets of rows joined where their cells are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import Cell
from gitflow_runner.tables.cells import (
    LOOK_EVERY,
    MAX_ROWS,
    Order,
    Watch,
    as_list,
    as_map,
    as_names,
    closed,
    order_of,
)

JOINS = ("left", "inner")
MAX_ON = 10

Cells = Mapping[str, Cell]


def join(
    left: Sequence[Cells], right: Sequence[Cells], on: object, project: object, how: str, watch: Watch
) -> list[dict[str, Cell]]:
    """For each row of the left each row of the right that fits, in both orders; `left` keeps what fits none.

    A nil fits nothing. `project` is `[{:field :as} …]` of the right beside all of the left, or
    `{:keep-left :all | […] :right-fields […]}`. `StepError` (`config_*`, `table.column`, `table.too_large`).
    """
    pairs = _pairs(on)
    kept, fields = _projection(project)
    places: dict[tuple[Order, ...], list[Cells]] = {}
    for row in right:
        key = _key(row, [name for _, name in pairs])
        if key is not None:
            places.setdefault(key, []).append(row)
    found: list[dict[str, Cell]] = []
    for count, row in enumerate(left):
        if count % LOOK_EVERY == 0:
            watch()
        key = _key(row, [name for name, _ in pairs])
        fitting = places.get(key, []) if key is not None else []
        for other in fitting or ([{}] if how == "left" else []):
            cells = {name: cell for name, cell in row.items() if kept is None or name in kept}
            for name, label in fields:
                if label in cells:
                    raise StepError(
                        "table.column", f"both sides have a column {label}", hint="name it apart with :as"
                    )
                cells[label] = other.get(name)
            found.append(cells)
            if len(found) > MAX_ROWS:
                raise StepError("table.too_large", f"the join gives more than {MAX_ROWS} rows")
    return found


def _key(row: Cells, names: Sequence[str]) -> tuple[Order, ...] | None:
    cells = [row.get(name) for name in names]
    return None if None in cells else tuple(order_of(cell) for cell in cells)


def _pairs(on: object) -> list[tuple[str, str]]:
    found = []
    for item in as_list(on, ":on"):
        given = closed(as_map(item, ":on"), ("left-field", "right-field"), ":on")
        left, right = given.get("left-field"), given.get("right-field")
        if not isinstance(left, str) or not isinstance(right, str):
            raise StepError("missing_config_key", ":on takes {:left-field … :right-field …}")
        found.append((left, right))
    if not 1 <= len(found) <= MAX_ON:
        raise StepError("missing_config_key", f":on takes 1 to {MAX_ON} pairs of fields")
    return found


def _projection(project: object) -> tuple[tuple[str, ...] | None, list[tuple[str, str]]]:
    """(names that are kept of the left, None for all; (field, label) of the right)."""
    if not isinstance(project, dict):
        return None, _fields(project or [])
    given = closed(project, ("keep-left", "right-fields"), ":project")
    keep = given.get("keep-left", "all")
    kept = None if keep == "all" else as_names(keep, ":keep-left")
    return kept, _fields(given.get("right-fields", []))


def _fields(value: object) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for item in as_list(value, "the fields of :project"):
        given = closed(
            as_map({"field": item} if isinstance(item, str) else item, "a field"), ("field", "as"), "a field"
        )
        name, label = given.get("field"), given.get("as", given.get("field"))
        if not isinstance(name, str) or not isinstance(label, str):
            raise StepError("config_type", "a field of :project is a name, or {:field … :as …}")
        found.append((name, label))
    return found
