"""What a value is, and whether values are equal."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from gitflow_runner.lang.access import can_call
from gitflow_runner.lang.collection import Map, MapEntry, Sequential, Set, TaggedLiteral, Vec
from gitflow_runner.lang.compare import compare
from gitflow_runner.lang.core.table import MANY, ctx, plain
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.ordered import SortedMap, SortedSet
from gitflow_runner.lang.seqs import ArraySeq, List, Seq, seq
from gitflow_runner.lang.throwing import illegal
from gitflow_runner.lang.values import (
    BigInt,
    Bytes,
    Char,
    Collection,
    Dec,
    Function,
    Instant,
    Keyword,
    Reduced,
    Symbol,
    Uuid,
    Value,
)


def equals(runtime: Runtime, *args: Value) -> bool:
    """`(= a b ...)`."""
    return all(equal(a, b, runtime) for a, b in pairwise(args))


def differs(runtime: Runtime, *args: Value) -> bool:
    """`(not= a b ...)`."""
    return not equals(runtime, *args)


def identical(a: Value, b: Value) -> bool:
    """`(identical? a b)`: the same value where identity has no meaning here."""
    if isinstance(a, Collection) or isinstance(b, Collection):
        return a is b
    return a.__class__ is b.__class__ and bool(a == b)


def boolean(value: Value) -> bool:
    """`(boolean value)`."""
    return value is not None and value is not False


def _of(*kinds: type) -> Callable[[Value], bool]:
    wanted = frozenset(kinds)
    return lambda value: value.__class__ in wanted


def _like(*kinds: type) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, kinds)


def _int_where(test: Callable[[int], bool]) -> Callable[[Value], bool]:
    return lambda value: value.__class__ is int and test(value)


def _named(kind: type | None, qualified: bool | None) -> Callable[[Value], bool]:
    def test(value: Value) -> bool:
        if value.__class__ not in ((Keyword, Symbol) if kind is None else (kind,)):
            return False
        return qualified is None or (value.ns is not None) is qualified

    return test


def is_empty(value: Value) -> bool:
    """`(empty? value)`."""
    return seq(value) is None


def not_empty(value: Value) -> Value:
    """`(not-empty value)`."""
    return None if seq(value) is None else value


def seqable(value: Value) -> bool:
    """`(seqable? value)`."""
    return value is None or value.__class__ is str or isinstance(value, Collection)


def parse_boolean(text: Value) -> bool | None:
    """`(parse-boolean text)`."""
    if text.__class__ is not str:
        raise illegal("Expected string")
    return {"true": True, "false": False}.get(text)


_NUMBER = (int, BigInt, float, Fraction, Dec)

TABLE = plain(
    ("identical?", identical, 2, 2),
    ("compare", compare, 2, 2),
    ("boolean", boolean, 1, 1),
    ("not", lambda value: value is None or value is False, 1, 1),
    ("nil?", lambda value: value is None, 1, 1),
    ("some?", lambda value: value is not None, 1, 1),
    ("true?", lambda value: value is True, 1, 1),
    ("false?", lambda value: value is False, 1, 1),
    ("any?", lambda value: True, 1, 1),
    ("boolean?", _of(bool), 1, 1),
    ("number?", _of(*_NUMBER), 1, 1),
    ("integer?", _of(int, BigInt), 1, 1),
    ("int?", _of(int), 1, 1),
    ("pos-int?", _int_where(lambda value: value > 0), 1, 1),
    ("neg-int?", _int_where(lambda value: value < 0), 1, 1),
    ("nat-int?", _int_where(lambda value: value >= 0), 1, 1),
    ("float?", _of(float), 1, 1),
    ("double?", _of(float), 1, 1),
    ("ratio?", _of(Fraction), 1, 1),
    ("decimal?", _of(Dec), 1, 1),
    ("rational?", _of(int, BigInt, Fraction, Dec), 1, 1),
    ("char?", _of(Char), 1, 1),
    ("string?", _of(str), 1, 1),
    ("keyword?", _named(Keyword, None), 1, 1),
    ("simple-keyword?", _named(Keyword, False), 1, 1),
    ("qualified-keyword?", _named(Keyword, True), 1, 1),
    ("symbol?", _named(Symbol, None), 1, 1),
    ("simple-symbol?", _named(Symbol, False), 1, 1),
    ("qualified-symbol?", _named(Symbol, True), 1, 1),
    ("ident?", _named(None, None), 1, 1),
    ("simple-ident?", _named(None, False), 1, 1),
    ("qualified-ident?", _named(None, True), 1, 1),
    ("uuid?", _of(Uuid), 1, 1),
    ("inst?", _of(Instant), 1, 1),
    ("bytes?", _of(Bytes), 1, 1),
    ("tagged-literal?", _of(TaggedLiteral), 1, 1),
    ("fn?", _of(Function), 1, 1),
    ("ifn?", can_call, 1, 1),
    ("list?", _of(List), 1, 1),
    ("vector?", _like(Vec), 1, 1),
    ("map?", _like(Map), 1, 1),
    ("set?", _like(Set), 1, 1),
    ("seq?", _like(Seq), 1, 1),
    ("coll?", _like(Collection), 1, 1),
    ("sequential?", _like(Sequential), 1, 1),
    ("associative?", _like(Map, Vec), 1, 1),
    ("counted?", _like(Map, Vec, Set, List, ArraySeq), 1, 1),
    ("indexed?", _like(Vec), 1, 1),
    ("reversible?", _like(Vec, SortedMap, SortedSet), 1, 1),
    ("sorted?", _like(SortedMap, SortedSet), 1, 1),
    ("map-entry?", _like(MapEntry), 1, 1),
    ("seqable?", seqable, 1, 1),
    ("empty?", is_empty, 1, 1),
    ("not-empty", not_empty, 1, 1),
    ("reduced?", _of(Reduced), 1, 1),
    ("parse-boolean", parse_boolean, 1, 1),
) | ctx(
    ("=", equals, 1, MANY),
    ("not=", differs, 1, MANY),
)
