"""Conditions on rows: `[field op value]`, several in a vector, and `[:and …]`, `[:or …]`, `[:not …]`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from gitflow_runner.errors import StepError
from gitflow_runner.model.table import Cell
from gitflow_runner.tables.cells import order_of

MAX_CONDITIONS = 100
MAX_VALUES = 1_000
MAX_DEPTH = 10

T = TypeVar("T")
Test = Callable[[T], bool]
Reader = Callable[[str], Callable[[T], Cell]]

_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS = ("=", "!=", *_COMPARED, "in", "contains", "contains-any")
_LOGICAL = ("and", "or", "not")


def condition(form: object, reader: Reader[T]) -> Test[T]:
    """The test that a form stands for; no form is always true.

    `=` and `!=` take nil too; the comparisons hold between two numbers or two texts only; `contains` looks
    for a text in a text, or for an element in a list. `StepError` (`table.where`, and what `reader` raises).
    """
    if form is None:
        return lambda row: True
    return _parsed(form, reader, iter(range(MAX_CONDITIONS)), 0)


def _parsed(form: object, reader: Reader[T], budget: Iterator[int], depth: int) -> Test[T]:
    if depth > MAX_DEPTH or next(budget, None) is None:
        raise StepError(
            "table.where", f"a condition has at most {MAX_CONDITIONS} parts and {MAX_DEPTH} levels"
        )
    if not isinstance(form, list):
        raise _malformed(form)
    if form and form[0] in _LOGICAL and not (len(form) == 3 and form[1] in OPERATORS):
        parts = [_parsed(part, reader, budget, depth + 1) for part in form[1:]]
        return _joined(str(form[0]), parts)
    if all(isinstance(part, list) for part in form):
        return _joined("and", [_parsed(part, reader, budget, depth + 1) for part in form])
    if len(form) != 3 or not isinstance(form[0], str) or form[1] not in OPERATORS:
        raise _malformed(form)
    return _single(reader(form[0]), str(form[1]), form[2])


def _joined(how: str, parts: list[Test[T]]) -> Test[T]:
    if how == "or":
        return lambda row: any(part(row) for part in parts)
    if how == "not":
        if len(parts) != 1:
            raise StepError("table.where", "[:not …] takes one condition")
        (inner,) = parts
        return lambda row: not inner(row)
    return lambda row: all(part(row) for part in parts)


def _single(read: Callable[[T], Cell], how: str, value: Cell) -> Test[T]:
    place = order_of(value)
    match how:
        case "=":
            return lambda row: order_of(read(row)) == place
        case "!=":
            return lambda row: order_of(read(row)) != place
        case "in":
            wanted = _values(value, how)
            return lambda row: order_of(read(row)) in wanted
        case "contains":
            return lambda row: _contains(read(row), [value])
        case "contains-any":
            _values(value, how)
            return lambda row: _contains(read(row), list(value))  # type: ignore[call-overload] # checked
    if place[0] not in (1, 2):
        raise StepError("table.where", f":{how} compares numbers or texts")
    return _compared(read, _COMPARED[how], place)


def _compared(
    read: Callable[[T], Cell], holds: Callable[[object, object], bool], place: tuple[int, object]
) -> Test[T]:
    def test(row: T) -> bool:
        kind, value = order_of(read(row))
        return kind == place[0] and holds(value, place[1])

    return test


def _values(value: Cell, how: str) -> frozenset[tuple[int, object]]:
    if not isinstance(value, list) or len(value) > MAX_VALUES:
        raise StepError("table.where", f":{how} takes a vector of at most {MAX_VALUES} values")
    return frozenset(order_of(each) for each in value)


def _contains(cell: Cell, wanted: list[Cell]) -> bool:
    if isinstance(cell, str):
        return any(isinstance(each, str) and each in cell for each in wanted)
    if isinstance(cell, list):
        there = {order_of(each) for each in cell}
        return any(order_of(each) in there for each in wanted)
    return False


def _malformed(form: object) -> StepError:
    return StepError(
        "table.where",
        f"{str(form)[:100]} is no condition",
        hint='[:status := "open"], or several in a vector; the operators are '
        + " ".join(f":{each}" for each in OPERATORS),
    )
