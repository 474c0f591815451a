"""Strings, names and printing in `clojure.core`."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.build import uuid_of
from gitflow_runner.lang.collection import MISSING
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.equality import check_string
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.instants import iso_text
from gitflow_runner.lang.numbers import NUMBERS, index
from gitflow_runner.lang.numbertext import number_text
from gitflow_runner.lang.printer import Printer, readable
from gitflow_runner.lang.printer import plain as unquoted
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import (
    Char,
    ExInfo,
    Instant,
    JavaValue,
    Keyword,
    Symbol,
    Uuid,
    Value,
    char,
    keyword,
    symbol,
)


def text_of(value: Value, runtime: Runtime | None = None) -> str:
    """What `str` makes of one value."""
    kind = value.__class__
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is Keyword:
        return f":{value.text}"
    if kind is Symbol or kind is Uuid:
        return str(value.text)
    if kind is Char:
        return str(value.value)
    if kind in NUMBERS:
        return number_text(value)
    if kind is Instant:
        return iso_text(value)
    if kind is ExInfo:
        return _exception_text(value)
    if kind is Regex:
        return str(value.source)
    if isinstance(value, JavaValue):
        return value.text()
    return readable(value, runtime)


def _exception_text(value: ExInfo) -> str:
    text = value.cls if value.message is None else f"{value.cls}: {value.message}"
    return text if value.data is None else f"{text} {readable(value.data)}"


def str_(runtime: Runtime, *values: Value) -> str:
    """`(str ...)`."""
    if len(values) == 1:
        text = text_of(values[0], runtime)
    else:
        text = "".join([text_of(value, runtime) for value in values])
    if len(text) >= 64:
        check_string(len(text))
        runtime.charge(len(text) // 64)
    return text


def pr_str(runtime: Runtime, *values: Value) -> str:
    """`(pr-str ...)`."""
    text = " ".join([Printer(anything=True, meter=runtime).text(value) for value in values])
    runtime.charge(len(text) // 64)
    return text


def print_str(runtime: Runtime, *values: Value) -> str:
    """`(print-str ...)`: strings without quotes."""
    text = " ".join([unquoted(value, runtime) for value in values])
    runtime.charge(len(text) // 64)
    return text


def _line(show: Callable[..., str]) -> Callable[..., str]:
    return lambda runtime, *values: show(runtime, *values) + "\n"


def subs(runtime: Runtime, text: Value, start: Value, end: Value = MISSING) -> str:
    """`(subs text start end)`."""
    if text.__class__ is not str:
        raise bad_cast("a string", text)
    low, high = index(start), len(text) if end is MISSING else index(end)
    if not 0 <= low <= high <= len(text):
        message = f"begin {low}, end {high}, length {len(text)}"
        raise thrown("StringIndexOutOfBoundsException", message)
    runtime.charge((high - low) // 64)
    return str(text[low:high])


def name(value: Value) -> str:
    """`(name value)`."""
    if value.__class__ is str:
        return str(value)
    if value.__class__ is Keyword or value.__class__ is Symbol:
        return str(value.name)
    if value is None:
        raise thrown("NullPointerException", "nil has no name")
    raise bad_cast("a name", value)


def namespace(value: Value) -> str | None:
    """`(namespace value)`."""
    if value.__class__ is Keyword or value.__class__ is Symbol:
        return value.ns
    raise bad_cast("a keyword or symbol", value)


def keyword_(*args: Value) -> Keyword | None:
    """`(keyword name)`, `(keyword ns name)`."""
    if len(args) == 1:
        value = args[0]
        if isinstance(value, str):
            return keyword(value)
        if isinstance(value, Symbol):
            return keyword(value.text)
        return value if isinstance(value, Keyword) else None
    return keyword(_joined("keyword", args[0], args[1]))


def symbol_(*args: Value) -> Symbol:
    """`(symbol name)`, `(symbol ns name)`."""
    if len(args) == 1:
        value = args[0]
        if isinstance(value, Symbol):
            return value
        if isinstance(value, str):
            return symbol(value)
        if isinstance(value, Keyword):
            return symbol(value.text)
        raise illegal("no conversion to symbol")
    return symbol(_joined("symbol", args[0], args[1]))


def _joined(what: str, ns: Value, own: Value) -> str:
    if own.__class__ is not str or (ns is not None and ns.__class__ is not str):
        raise bad_cast(f"the name of a {what}", own if own.__class__ is not str else ns)
    return own if ns is None else f"{ns}/{own}"


def find_keyword(*args: Value) -> Keyword | None:
    """`(find-keyword name)`: every keyword can be found here."""
    return keyword_(*args)


def char_(value: Value) -> Char:
    """`(char code)`."""
    if value.__class__ is Char:
        return value
    code = index(value)
    if not 0 <= code <= 0xFFFF or (value.__class__ is float and value < 0):
        raise illegal(f"Value out of range for char: {code}")
    return char(chr(code))


def parse_uuid(text: Value) -> Uuid | None:
    """`(parse-uuid text)`."""
    if text.__class__ is not str:
        raise bad_cast("a string", text)
    return uuid_of(text)


def inst_ms(value: Value) -> int:
    """`(inst-ms instant)`."""
    if not isinstance(value, Instant):
        raise bad_cast("an instant", value)
    return value.micros // 1000


TABLE = plain(
    ("name", name, 1, 1),
    ("namespace", namespace, 1, 1),
    ("keyword", keyword_, 1, 2),
    ("find-keyword", find_keyword, 1, 2),
    ("symbol", symbol_, 1, 2),
    ("char", char_, 1, 1),
    ("parse-uuid", parse_uuid, 1, 1),
    ("inst-ms", inst_ms, 1, 1),
) | ctx(
    ("str", str_, 0, MANY),
    ("pr-str", pr_str, 0, MANY),
    ("print-str", print_str, 0, MANY),
    ("prn-str", _line(pr_str), 0, MANY),
    ("println-str", _line(print_str), 0, MANY),
    ("subs", subs, 2, 3),
)
