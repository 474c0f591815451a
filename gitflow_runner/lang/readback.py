"""What reading a value's text gives, without the text: for the plain values that most data is made of."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.lang.collection import Map, Vec
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.values import INT_MAX, INT_MIN, Keyword, Value

MOST = 1_000  # values; above that the text bounds what is spent
DEEPEST = 20
_LONGEST = 10_000  # characters of one string


@dataclass(frozen=True, slots=True)
class Written:
    """A value as `read_data(text, loose=True)` gives it, with that text, so that nobody does either again."""

    value: Value
    text: str


class _Unusual(Exception):
    """Only the printer and the reader can say."""


def read_back(value: Value) -> Value:
    """As `read_data(write(value), loose=True)`.

    `LookupError` for what is large, or not made of maps, vectors, strings, whole numbers, keywords,
    booleans and nil: ask the printer and the reader then.
    """
    try:
        return _Copy().of(value, 0)
    except _Unusual:
        raise LookupError("not a plain value") from None


def read_again(value: Value, text: str) -> Value:
    """As `read_data(text, loose=True)`, where `text` is what `write(value)` gave."""
    try:
        return read_back(value)
    except LookupError:
        return read_data(text, loose=True)


class _Copy:
    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST

    def of(self, value: Value, depth: int) -> Value:
        self.left -= 1
        if self.left < 0 or depth > DEEPEST:
            raise _Unusual
        kind = value.__class__
        if kind is str:
            if len(value) > _LONGEST or not value.isascii():
                raise _Unusual
            return value
        if kind is Keyword:
            if not value.readable:
                raise _Unusual
            return value
        if kind is int:
            if not INT_MIN <= value <= INT_MAX:
                raise _Unusual
            return value
        if value is None or kind is bool:
            return value
        if kind is Map:
            return Map({self._key(k): self.of(v, depth + 1) for k, v in value.d.items()}, loose=True)
        if kind is Vec:
            return Vec(tuple([self.of(item, depth + 1) for item in value]))
        raise _Unusual

    def _key(self, key: Value) -> Value:
        if (key.__class__ is Keyword and key.readable) or (key.__class__ is str and key.isascii()):
            return key
        raise _Unusual
