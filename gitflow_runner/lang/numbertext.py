"""Numbers as Java prints them."""

from __future__ import annotations

import math
from decimal import Decimal

from gitflow_runner.lang.values import BigInt, Dec, Value


def double_text(value: float) -> str:
    """Java's `Double.toString`: plain from 1e-3 up to below 1e7, else `d.dE±n`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e7:
        return text
    if size == 5e-324:  # Java gives two figures, where one would do
        return "4.9E-324" if value > 0 else "-4.9E-324"
    sign = "-" if text[0] == "-" else ""
    _, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    figures = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) - 1 + exponent
    return f"{sign}{figures[0]}.{figures[1:] or '0'}E{power}"


def decimal_text(value: Decimal) -> str:
    """Java's `BigDecimal.toString`, which keeps the scale."""
    return str(value)


def number_text(value: Value) -> str:
    """A number as `str` gives it: no `N` and no `M`."""
    kind = value.__class__
    if kind is float:
        return double_text(value)
    if kind is Dec:
        return decimal_text(value.value)
    if kind is BigInt:
        return str(value.value)
    return str(value)
