"""`format`: Java's templates over our values, without Python's."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from gitflow_runner.lang.core.table import MANY, ctx
from gitflow_runner.lang.core.text import text_of
from gitflow_runner.lang.equality import check_string
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.numbers import EXACT, as_int
from gitflow_runner.lang.numbertext import double_text
from gitflow_runner.lang.throwing import FlowThrow, bad_cast, kind_of, thrown
from gitflow_runner.lang.values import Char, Dec, Value

_SPEC = re.compile(r"%(?:(\d+)\$|(<))?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])")
MAX_WIDTH = 10_000


class Spec(NamedTuple):
    """One conversion of a template."""

    flags: str
    width: int
    precision: int | None
    kind: str


def check_template(template: str) -> list[tuple[str, int | str | None, Spec]]:
    """The conversions of a template: its text, which argument it takes, how; an exception if it is bad."""
    found: list[tuple[str, int | str | None, Spec]] = []
    at = 0
    while True:
        start = template.find("%", at)
        if start < 0:
            return found
        match = _SPEC.match(template, start)
        if match is None:
            raise thrown("UnknownFormatConversionException", f"Conversion = '{template[start : start + 2]}'")
        position, again, flags, width, precision, kind = match.groups()
        spec = Spec(flags, int(width or 0), None if precision is None else int(precision), kind)
        if kind.lower() not in "dxosfegcbhn%" or kind in "DOFN":
            raise thrown("UnknownFormatConversionException", f"Conversion = '{kind}'")
        if spec.width > MAX_WIDTH or (spec.precision or 0) > MAX_WIDTH:
            raise _bad(f"a width or precision may be at most {MAX_WIDTH}")
        which: int | str | None = int(position) if position else again
        found.append((match.group(), which, spec))
        at = match.end()


def format_(runtime: Runtime, template: Value, *args: Value) -> str:
    """`(format template arg ...)`."""
    if template.__class__ is not str:
        raise bad_cast("a template", template)
    pieces, at, following, last = [], 0, 0, -1
    for text, which, spec in check_template(template):
        start = template.index(text, at)
        pieces.append(template[at:start])
        at = start + len(text)
        if spec.kind in "n%":
            pieces.append("\n" if spec.kind == "n" else _padded("%", spec))
            continue
        if which == "<":
            chosen = last
        elif isinstance(which, int):
            chosen = which - 1
        else:
            chosen, following = following, following + 1
        if not 0 <= chosen < len(args):
            raise thrown("MissingFormatArgumentException", f"Format specifier '{text}'")
        last = chosen
        pieces.append(_converted(spec, args[chosen], runtime))
    pieces.append(template[at:])
    result = "".join(pieces)
    check_string(len(result))
    runtime.charge(len(result) // 64)
    return result


def _bad(message: str) -> FlowThrow:
    return thrown("IllegalFormatException", message)


def _mismatch(message: str) -> FlowThrow:
    return thrown("IllegalFormatConversionException", message)


def _converted(spec: Spec, value: Value, runtime: Runtime) -> str:
    kind = spec.kind.lower()
    if kind == "s":
        text = "null" if value is None else text_of(value, runtime)
        text = text if spec.precision is None else text[: spec.precision]
    elif kind == "b":
        text = "false" if value is None or value is False else "true"
        text = text if spec.precision is None else text[: spec.precision]
    elif kind == "h":
        raise _bad("%h shows hash codes, which are not offered")
    elif value is None:
        text = "null"
    elif kind == "c":
        text = _character(value)
    elif kind == "d":
        return _cased(_integer(spec, value), spec)
    elif kind in "xo":
        return _cased(_radix(spec, value, 16 if kind == "x" else 8), spec)
    else:
        return _cased(_floating(spec, value), spec)
    return _cased(_padded(text, spec), spec)


def _cased(text: str, spec: Spec) -> str:
    return text.upper() if spec.kind.isupper() else text


def _padded(text: str, spec: Spec) -> str:
    return text.ljust(spec.width) if "-" in spec.flags else text.rjust(spec.width)


def _character(value: Value) -> str:
    if isinstance(value, Char):
        return str(value.value)
    if value.__class__ is int and 0 <= value <= 0x10FFFF:
        return chr(value)
    raise _mismatch(f"c != {kind_of(value)}")


def _integer(spec: Spec, value: Value) -> str:
    if value.__class__ not in EXACT or spec.precision is not None:
        raise _mismatch(f"d != {kind_of(value)}" if spec.precision is None else str(spec.precision))
    number = as_int(value)
    digits = f"{abs(number):,}" if "," in spec.flags else str(abs(number))
    return _signed(digits, number < 0, spec)


def _radix(spec: Spec, value: Value, base: int) -> str:
    if value.__class__ not in EXACT:
        raise _mismatch(f"{spec.kind} != {kind_of(value)}")
    number = as_int(value)
    if value.__class__ is int and number < 0:
        number += 2**64
    digits = f"{number:x}" if base == 16 else f"{number:o}"
    if "#" in spec.flags:
        digits = ("0x" if base == 16 else "0") + digits
    return digits.zfill(spec.width) if "0" in spec.flags else _padded(digits, spec)


def _signed(digits: str, negative: bool, spec: Spec) -> str:
    """Sign, brackets and padding around digits without a sign."""
    before, after = "", ""
    if negative:
        before, after = ("(", ")") if "(" in spec.flags else ("-", "")
    elif "+" in spec.flags:
        before = "+"
    elif " " in spec.flags:
        before = " "
    if "0" in spec.flags:
        digits = digits.zfill(spec.width - len(before) - len(after))
    return _padded(before + digits + after, spec)


def _floating(spec: Spec, value: Value) -> str:
    if value.__class__ is float:
        if value != value:
            return _padded("NaN", spec)
        if value in (float("inf"), float("-inf")):
            plain = Spec(spec.flags.replace("0", ""), spec.width, None, spec.kind)
            return _signed("Infinity", value < 0, plain)
        number, negative = Decimal(double_text(value)), str(value)[0] == "-"
    elif isinstance(value, Dec):
        number, negative = value.value, value.value.is_signed()
    else:
        raise _mismatch(f"{spec.kind} != {kind_of(value)}")
    places = 6 if spec.precision is None else spec.precision
    size, kind = abs(number), spec.kind.lower()
    if kind == "g":
        places = places or 1
        rounded = Context(prec=places, rounding=ROUND_HALF_UP).plus(size)
        plain_form = rounded == 0 or Decimal("0.0001") <= rounded < Decimal(10) ** places
        whole = rounded.adjusted() + 1 if rounded else 1
        digits = _fixed(size, max(places - whole, 0), spec) if plain_form else _scientific(size, places - 1)
    elif kind == "e":
        digits = _scientific(size, places)
    else:
        digits = _fixed(size, places, spec)
    return _signed(digits, negative, spec)


def _fixed(size: Decimal, places: int, spec: Spec) -> str:
    wide = Context(prec=max(size.adjusted(), 0) + places + 10, rounding=ROUND_HALF_UP)
    rounded = size.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=wide)
    return f"{rounded:,f}" if "," in spec.flags else f"{rounded:f}"


def _scientific(size: Decimal, places: int) -> str:
    if not size:
        return f"0.{'0' * places}e+00" if places else "0e+00"
    rounded = Context(prec=places + 1, rounding=ROUND_HALF_UP).plus(size)
    power = rounded.adjusted()
    figures = "".join(map(str, rounded.as_tuple().digits)).ljust(places + 1, "0")[: places + 1]
    mantissa = f"{figures[0]}.{figures[1:]}" if places else figures[0]
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


TABLE = ctx(("format", format_, 1, MANY), ("String/format", format_, 1, MANY))
