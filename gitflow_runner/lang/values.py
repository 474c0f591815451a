"""The scalar values of the language, the base of its collections, and its function values."""

from __future__ import annotations

import decimal
import re
from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, ClassVar, Protocol, TypeAlias
from weakref import WeakValueDictionary

# A Clojure value is typed by its class at run time only; narrowing happens by dispatch, not statically.
Value: TypeAlias = Any

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1

_lock = Lock()
_keywords: WeakValueDictionary[str, Keyword] = WeakValueDictionary()
_symbols: WeakValueDictionary[str, Symbol] = WeakValueDictionary()
# Keys of data come and go with it; the latest are kept, so that a thousand results share theirs.
_latest: deque[Keyword] = deque(maxlen=1_000)
_chars: dict[str, Char] = {}


class Meter(Protocol):
    """What pays for work: a budget of ticks that raises once it is used up."""

    def charge(self, ticks: int) -> None:
        """Take `ticks` from the budget."""


_READABLE = re.compile(
    r"(?:[^\s,()\[\]{}\"\\;@^`~:/#'%][^\s,()\[\]{}\"\\;@^`~:/]*/)?[^\s,()\[\]{}\"\\;@^`~:/]+\Z"
)


class Keyword:
    """`:name` or `:ns/name`; interned, so equality is identity. Make it with `keyword`."""

    __slots__ = ("__weakref__", "name", "ns", "readable", "text")

    def __init__(self, text: str) -> None:
        self.text = text  # without the colon
        self.readable = text.isprintable() and _READABLE.match(text) is not None
        self.ns, self.name = split_name(text)

    def __repr__(self) -> str:
        return ":" + self.text


class Symbol:
    """`name` or `ns/name`, perhaps with metadata, which equality does not see. Make it with `symbol`."""

    __slots__ = ("__weakref__", "meta", "name", "ns", "text")

    def __init__(self, text: str, meta: Value = None) -> None:
        self.text = text
        self.ns, self.name = split_name(text)
        self.meta = meta

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is Symbol and other.text == self.text)

    def __hash__(self) -> int:
        return hash(self.text) ^ 0x5F5E5F

    def __repr__(self) -> str:
        return self.text


def split_name(text: str) -> tuple[str | None, str]:
    """Namespace and name: divided at the first slash, unless that leaves a part empty."""
    at = text.find("/")
    if at <= 0 or at == len(text) - 1:
        return None, text
    return text[:at], text[at + 1 :]


def keyword(text: str) -> Keyword:
    """The one keyword with this text, given without the colon."""
    found = _keywords.get(text)
    if found is None:
        with _lock:
            found = _keywords.get(text)
            if found is None:
                found = _keywords[text] = Keyword(text)
                _latest.append(found)
    return found


def symbol(text: str) -> Symbol:
    """The interned symbol with this text and no metadata."""
    found = _symbols.get(text)
    if found is None:
        with _lock:
            found = _symbols.get(text)
            if found is None:
                found = _symbols[text] = Symbol(text)
    return found


class Char:
    """One character; never equal to the string of it. Make it with `char`."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Char and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value) ^ 0x436861

    def __repr__(self) -> str:
        return f"Char({self.value!r})"


def char(value: str) -> Char:
    """The character value of a string of length one; those below U+0100 are shared."""
    found = _chars.get(value)
    if found is None:
        found = Char(value)
        if value < "\u0100":
            found = _chars.setdefault(value, found)
    return found


class BigInt:
    """An integer that was made without the 64-bit bound (`1N`); equal to the plain one of its value."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if type(other) is BigInt:
            return other.value == self.value
        return type(other) is int and other == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"{self.value}N"


class Dec:
    """A decimal that keeps its scale (`1.50M`); `1.0M` and `1.00M` are equal, as numbers are compared."""

    __slots__ = ("value",)

    def __init__(self, value: decimal.Decimal) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Dec and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value) ^ 0x446563

    def __repr__(self) -> str:
        return f"{self.value}M"


class Uuid:
    """A UUID by its canonical lower-case text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return type(other) is Uuid and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text) ^ 0x557569

    def __repr__(self) -> str:
        return f'#uuid "{self.text}"'


class Instant:
    """A point of time in UTC, in microseconds since 1970."""

    __slots__ = ("micros",)

    def __init__(self, micros: int) -> None:
        self.micros = micros

    def __eq__(self, other: object) -> bool:
        return type(other) is Instant and other.micros == self.micros

    def __hash__(self) -> int:
        return hash(self.micros) ^ 0x496E73

    def __repr__(self) -> str:
        return f"Instant({self.micros})"


class Bytes:
    """An octet string, as the decoding helpers return it; printed in base64, compared by content."""

    __slots__ = ("value",)

    def __init__(self, value: bytes) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is Bytes and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)


class JavaValue:
    """A value of one of Java's classes: it has a text, perhaps an order, and lives inside a function only.

    Its subclasses have the short names of Java's classes and are equal, and hashed, by what they hold.
    """

    __slots__ = ()

    package: ClassVar[str] = "java.time"

    def text(self) -> str:
        """What `str` gives."""
        raise NotImplementedError

    def order(self, other: Value) -> int | None:
        """Java's `compareTo` with another of the class; None where the class has no order."""
        return None


class ExInfo:
    """An exception as a value: class name as Java spells it, message, data (a Map or nil), cause."""

    __slots__ = ("cause", "cls", "data", "message")

    def __init__(
        self,
        message: str | None,
        data: Value = None,
        cause: Value = None,
        cls: str = "clojure.lang.ExceptionInfo",
    ) -> None:
        self.message = message
        self.data = data
        self.cause = cause
        self.cls = cls

    def __repr__(self) -> str:
        return f"ExInfo({self.message!r}, {self.data!r}, {self.cls})"


class Reduced:
    """What `reduced` wraps, to end a reduction early."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value


class Function:
    """A callable value. `call` takes the arguments; `low` and `high` bound their number.

    A function of the library is compared by identity too: the run hands out one object a name.
    """

    __slots__ = ("call", "high", "low", "meta", "name")

    def __init__(
        self, name: str, call: Callable[..., Value], low: int, high: int, meta: Value = None
    ) -> None:
        self.name = name
        self.call = call
        self.low = low
        self.high = high
        self.meta = meta

    def __repr__(self) -> str:
        return f"#<fn {self.name}>"


class Collection:
    """Base of vectors, lists, seqs, maps and sets; equality and hash are Clojure's.

    No `ABC`: `isinstance` asks about this class everywhere, and would run Python code for it each time.
    """

    __slots__ = ()

    kind: ClassVar[str] = ""  # "sequential", "map" or "set": what may be equal to what
    meta: Value

    def __iter__(self) -> Iterator[Value]:
        raise NotImplementedError

    def equiv(self, other: Value, meter: Meter, depth: int) -> bool:
        """Whether `other`, of the same kind, holds equal elements."""
        raise NotImplementedError

    def hashed(self, depth: int) -> int:
        """A hash that agrees with `equiv`."""
        raise NotImplementedError
