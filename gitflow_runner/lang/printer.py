"""Values to text: one line in their own order, canonical for hashes, or laid out for people."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import Boxed, Map, Set, TaggedLiteral, Vec
from gitflow_runner.lang.equality import MAX_DEPTH, too_deep
from gitflow_runner.lang.instants import tag_text
from gitflow_runner.lang.literals import CHAR_NAMES
from gitflow_runner.lang.numbertext import double_text
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.seqs import Seq
from gitflow_runner.lang.throwing import kind_of, too_large
from gitflow_runner.lang.values import (
    BigInt,
    Bytes,
    Char,
    Collection,
    Dec,
    ExInfo,
    Function,
    Instant,
    JavaValue,
    Keyword,
    Meter,
    Symbol,
    Uuid,
    Value,
    keyword,
)

MAX_PRINTED: Final = 1_000_000  # characters

_QUOTED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
_TO_QUOTE = re.compile(r'["\\\n\t\r\b\f\x00-\x1f\x7f]')
_HALF = re.compile("[\ud800-\udfff]")
_BARE_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')


def quoted(text: str) -> str:
    """A string literal that the reader reads back."""
    if not _TO_QUOTE.search(text):
        return f'"{text}"'
    return '"' + _TO_QUOTE.sub(lambda found: _QUOTED.get(found[0], f"\\u{ord(found[0]):04x}"), text) + '"'


def _char(value: Char) -> str:
    text = value.value
    name = CHAR_NAMES.get(text)
    if name is not None:
        return "\\" + name
    return "\\" + text if text.isprintable() or ord(text) > 0xFFFF else f"\\u{ord(text):04x}"


def _float(value: float) -> str:
    if value != value:
        return "##NaN"
    if value in (float("inf"), float("-inf")):
        return "##Inf" if value > 0 else "##-Inf"
    return double_text(value)


def _keyword(value: Keyword) -> str:
    if not value.readable:
        raise unstorable(f"the keyword of the text {value.text!r}")
    return ":" + value.text


def _symbol(value: Symbol) -> str:
    text = value.text
    if text != "/" and (text in _WORDS or not keyword(text).readable or text[0] in "0123456789#'"):
        raise unstorable(f"the symbol of the text {text!r}")
    if text[0] in "+-" and text[1:2].isdigit():
        raise unstorable(f"the symbol of the text {text!r}")
    return text


def _string(value: str) -> str:
    if not value.isascii() and _HALF.search(value):
        raise unstorable("a string with half of a surrogate pair")
    return quoted(value)


def _whole_char(value: Char) -> str:
    if _HALF.search(value.value):
        raise unstorable("half of a surrogate pair")
    return _char(value)


def _regex(value: Regex) -> str:
    if _BARE_QUOTE.search(value.source) or _HALF.search(value.source):
        raise unstorable("a pattern with a quotation mark")
    return f'#"{value.source}"'


def unstorable(
    what: str, hint: str = "return maps, vectors, strings, numbers, keywords: what can be read back"
) -> LangError:
    """The error for a value that could not be read back."""
    return LangError("not_data", f"{what} cannot be stored", hint=hint)


_WORDS = frozenset(("nil", "true", "false", ""))
_ATOMS: dict[type, Callable[[Value], str]] = {
    str: quoted,
    int: str,
    Keyword: lambda value: ":" + value.text,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "nil",
    float: _float,
    Symbol: lambda value: value.text,
    BigInt: lambda value: f"{value.value}N",
    Dec: lambda value: f"{value.value}M",
    Fraction: str,
    Char: _char,
    Instant: lambda value: f'#inst "{tag_text(value)}"',
    Uuid: lambda value: f'#uuid "{value.text}"',
    Bytes: lambda value: f'#bytes "{base64.b64encode(value.value).decode()}"',
    Regex: lambda value: f'#"{value.source}"',
    Boxed: lambda value: _ATOMS[value.value.__class__](value.value),
}
_PLAIN = _ATOMS | {str: lambda value: value, Char: lambda value: value.value}
_STRICT = _ATOMS | {Keyword: _keyword, Symbol: _symbol, str: _string, Char: _whole_char, Regex: _regex}


class Printer:
    """One printing: the options, and the room that is left."""

    __slots__ = ("anything", "atoms", "left", "limit", "meter", "sort")

    def __init__(
        self,
        *,
        sort: bool = False,
        anything: bool = False,
        limit: int = MAX_PRINTED,
        meter: Meter | None = None,
    ) -> None:
        self.sort = sort
        self.anything = anything  # also what cannot be read back
        self.atoms = _ATOMS if anything else _STRICT
        self.limit = limit
        self.left = limit
        self.meter = meter

    def text(self, value: Value, depth: int = 0) -> str:
        """The printed value."""
        atom = self.atoms.get(value.__class__)
        if atom is None:
            return self._composed(value, depth)
        text = atom(value)
        self.left -= len(text) + 1
        if self.left < 0:
            raise too_large(f"the printed value would have more than {self.limit:,} characters")
        return text

    def _composed(self, value: Value, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise too_deep()
        self.left -= 2
        if self.left < 0:
            raise too_large(f"the printed value would have more than {self.limit:,} characters")
        if self.meter is not None:
            self.meter.charge(1)
        depth += 1
        if isinstance(value, Map):
            pairs = [(self.text(key, depth), self.text(item, depth)) for key, item in value.d.items()]
            if self.sort:
                pairs.sort()
            return "{" + ", ".join([f"{key} {item}" for key, item in pairs]) + "}"
        if isinstance(value, Vec):
            return "[" + " ".join([self.text(item, depth) for item in value]) + "]"
        if isinstance(value, Set):
            items = [self.text(item, depth) for item in value]
            if self.sort:
                items.sort()
            return "#{" + " ".join(items) + "}"
        if isinstance(value, Seq):
            return "(" + " ".join([self.text(item, depth) for item in value]) + ")"
        if isinstance(value, TaggedLiteral):
            return f"#{value.tag.text} {self.text(value.form, depth)}"
        return self._opaque(value, depth)

    def _opaque(self, value: Value, depth: int) -> str:
        if isinstance(value, JavaValue):
            if not self.anything:
                raise unstorable(kind_of(value), "it lives inside its function; return its text: (str date)")
            return f"#object[{value.package}.{type(value).__name__} {quoted(value.text())}]"
        if not self.anything:
            raise unstorable(kind_of(value))
        if isinstance(value, ExInfo):
            data = "" if value.data is None else f" {self.text(value.data, depth)}"
            return f"#error {{:message {self.text(value.message, depth)}{data}}}"
        if isinstance(value, Function):
            return f"#function[{value.name}]"
        return f"#object[{kind_of(value)}]"


def write(value: Value, *, limit: int = MAX_PRINTED) -> str:
    """EDN on one line, maps in their own order; `not_data` for functions and the like."""
    return Printer(limit=limit).text(value)


def canonical(value: Value, *, limit: int = MAX_PRINTED) -> str:
    """EDN on one line with map entries and set elements sorted by their text: the form for hashes."""
    return Printer(sort=True, limit=limit).text(value)


def readable(value: Value, meter: Meter | None = None) -> str:
    """What `pr-str` gives: as `write`, and something in brackets for what cannot be read back."""
    return Printer(anything=True, meter=meter).text(value)


def plain(value: Value, meter: Meter | None = None) -> str:
    """What `print-str` gives: strings and characters without their marks, inside of collections too."""
    printer = Printer(anything=True, meter=meter)
    printer.atoms = _PLAIN
    return printer.text(value)


def pretty(value: Value, width: int = 100, *, limit: int = MAX_PRINTED) -> str:
    """EDN over several lines where one line would be wider than `width`."""
    printer = Printer(limit=limit, anything=True)
    printer.text(value)  # checks size and depth once, so that the layout below is bounded
    return _laid_out(value, 0, width)


def _laid_out(value: Value, indent: int, width: int) -> str:
    flat = Printer(anything=True).text(value)
    if len(flat) + indent <= width or not isinstance(value, Collection):
        return flat
    if isinstance(value, Map):
        pad = "\n" + " " * (indent + 1)
        lines = []
        for key, item in value.items():
            name = readable(key)
            lines.append(f"{name} {_laid_out(item, indent + 2 + len(name), width)}")
        return "{" + pad.join(lines) + "}"
    opener, closer = (
        ("[", "]") if isinstance(value, Vec) else ("#{", "}") if isinstance(value, Set) else ("(", ")")
    )
    pad = "\n" + " " * (indent + len(opener))
    return opener + pad.join([_laid_out(item, indent + len(opener), width) for item in value]) + closer
