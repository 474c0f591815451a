"""What is said of a column: its type, its list of values, how it is computed, how it is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast, get_args

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import Cell, Column, ColumnType, Option
from gitflow_runner.tables.cells import (
    as_list,
    as_map,
    checked_cell,
    closed,
    fits,
    json_text,
    no_column,
    type_of,
)

TYPES = tuple(kind for kind in get_args(ColumnType) if kind != "empty")
MAX_OPTIONS = 1_000
_SHOWN = ("display-name", "semantic-type", "format", "validation")
_DEFINITION = ("type-hint", "enum", "computed", *_SHOWN)
_OPERATIONS = ("+", "-", "*", "div", "str", "coalesce")  # `:/` is no keyword
_MAX_DEPTH = 10


def defined(column: Column, definition: Mapping[str, object], others: Sequence[Column]) -> Column:
    """The column with the definition laid over what was said before; `StepError` (`table.definition`)."""
    given = closed(definition, _DEFINITION, ":definition")
    if "type-hint" in given:
        if given["type-hint"] not in TYPES:
            known = " ".join(f":{each}" for each in TYPES)
            raise StepError("config_choice", f":type-hint must be one of {known}")
        column = replace(column, type=cast(ColumnType, given["type-hint"]), declared=True)
    if "enum" in given:
        column = replace(column, options=_options(given["enum"]))
    if "computed" in given:
        names = [other.name for other in others if other.computed is None and other.name != column.name]
        _check_expression(given["computed"], names, 0)
        column = replace(column, computed=given["computed"])
    if column.options is not None and (
        column.computed is not None or column.type not in ("empty", "text", "mixed")
    ):
        raise StepError(
            "table.definition", f"{column.name} has a list of values, so it is a text and not computed"
        )
    return replace(column, shown={**column.shown, **{key: given[key] for key in _SHOWN if key in given}})


def with_cells(column: Column, cells: Sequence[Cell]) -> Column:
    """The column once it holds these cells too: its type widens, unless it was declared.

    `StepError` (`table.cell`) for a cell that a declared type does not take.
    """
    for cell in cells:
        if cell is None or fits(cell, column.type):
            continue
        if column.declared:
            raise StepError(
                "table.cell", f"{column.name} takes a {column.type}, and this is a {type_of(cell)}"
            )
        column = replace(column, type=type_of(cell) if column.type == "empty" else "mixed")
    return column


def chosen(column: Column, cell: Cell) -> tuple[Column, Cell]:
    """The cell as the id of one of the column's values; one that is unknown becomes a value of its own."""
    if column.options is None or cell is None:
        return column, cell
    if not isinstance(cell, str) or not cell.strip():
        raise StepError("table.cell", f"{column.name} takes one of its values, which are texts")
    for match in (
        lambda option: cell == option.id,
        lambda option: cell == option.name,
        lambda option: cell in option.aliases,
    ):
        found = next((option.id for option in column.options if match(option)), None)
        if found is not None:
            return column, found
    if len(column.options) >= MAX_OPTIONS:
        raise StepError("table.cell", f"{column.name} has {MAX_OPTIONS} values already")
    return replace(column, options=(*column.options, Option(cell, cell))), cell


def computed(expression: Cell, cells: Mapping[str, Cell]) -> Cell:
    """What an expression gives for one row; nil where a number is missing, or what it divides by is 0."""
    match expression:
        case str():
            return cells.get(expression)
        case dict():
            return expression.get("value")
        case list():
            return _applied(str(expression[0]), [computed(part, cells) for part in expression[1:]])
        case _:
            return expression


def _applied(operation: str, parts: Sequence[Cell]) -> Cell:
    if operation == "coalesce":
        return next((part for part in parts if part is not None), None)
    if operation == "str":
        return "".join(str(_spoken(part)) for part in parts)
    numbers = [part for part in parts if isinstance(part, int | float) and not isinstance(part, bool)]
    if len(numbers) != len(parts):
        return None
    try:
        return _calculated(operation, numbers)
    except (OverflowError, ZeroDivisionError):
        return None


def _calculated(operation: str, numbers: Sequence[int | float]) -> Cell:
    found = numbers[0]
    for number in numbers[1:]:
        match operation:
            case "+":
                found += number
            case "-":
                found -= number
            case "*":
                found *= number
            case _:
                found /= number
    if isinstance(found, float):
        if not math.isfinite(found):
            return None
        return int(found) if operation == "div" and found.is_integer() and abs(found) < 2**53 else found
    return found if -(2**63) <= found < 2**63 else None


def _spoken(cell: Cell) -> Cell:
    """A cell as part of a text: nil is nothing, lists and maps are JSON."""
    if cell is None:
        return ""
    return json_text(cell) if isinstance(cell, bool | list | dict) else cell


def _options(value: object) -> tuple[Option, ...]:
    settings = closed(as_map(value, ":enum"), ("options",), ":enum")
    found: list[Option] = []
    taken: set[str] = set()
    for item in as_list(settings.get("options"), ":enum :options"):
        given = closed(
            as_map({"id": item} if isinstance(item, str) else item, "an option"), _OPTION, "an option"
        )
        name = given.get("name", given.get("id"))
        option = Option(
            _text(given.get("id", name)),
            _text(name),
            tuple(_text(each) for each in as_list(given.get("aliases", []), ":aliases")),
        )
        words = {option.id, option.name, *option.aliases}
        if taken & words:
            raise StepError("table.definition", f"{min(taken & words)!r} stands for two of the values")
        taken |= words
        found.append(option)
    if len(found) > MAX_OPTIONS:
        raise StepError("table.definition", f"a column has at most {MAX_OPTIONS} values")
    return tuple(found)


_OPTION = ("id", "name", "aliases")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise StepError("table.definition", "the values of a column are texts of 1 to 200 characters")
    return value


def _check_expression(expression: object, names: Sequence[str], depth: int) -> None:
    match expression:
        case str():
            if expression not in names:
                raise no_column(expression, names)
        case bool() | int() | float():
            checked_cell("a number of :computed", expression)
        case dict():
            checked_cell("a value of :computed", closed(expression, ("value",), "a value").get("value"))
        case [str(operation), _, *_] if (
            operation in _OPERATIONS and depth < _MAX_DEPTH and len(expression) < 100
        ):
            for part in expression[1:]:
                _check_expression(part, names, depth + 1)
        case _:
            raise StepError(
                "table.definition",
                f"{str(expression)[:100]} is no expression of :computed",
                hint='[:* :quantity :price]; [:str :first {:value " "} :last]; the operations are '
                + " ".join(f":{each}" for each in _OPERATIONS),
            )
