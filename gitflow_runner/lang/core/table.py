"""How a row of a library table is written."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.fuel import MANY, Builtin
from gitflow_runner.lang.values import Value

Row = tuple[str, Callable[..., Value], int, int]


def plain(*rows: Row) -> dict[str, Builtin]:
    """Functions of their arguments alone: name, Python, fewest and most arguments."""
    return {name: Builtin(name, fn, low, high) for name, fn, low, high in rows}


def ctx(*rows: Row) -> dict[str, Builtin]:
    """Functions that get the runtime first, to charge for work or to call functions."""
    return {name: Builtin(name, fn, low, high, ctx=True) for name, fn, low, high in rows}


__all__ = ["MANY", "Builtin", "Row", "ctx", "plain"]
