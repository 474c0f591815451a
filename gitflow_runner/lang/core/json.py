"""`json/parse` and `json/write-str`: JSON text to values and back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction

from gitflow_runner.lang.access import lookup
from gitflow_runner.lang.collection import Boxed, Map, Set, Vec, map_of
from gitflow_runner.lang.core.patterns import subject
from gitflow_runner.lang.core.table import ctx
from gitflow_runner.lang.equality import MAX_DEPTH, check_string, too_deep
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.instants import iso_text
from gitflow_runner.lang.literals import integer
from gitflow_runner.lang.numbers import as_float
from gitflow_runner.lang.numbertext import double_text, number_text
from gitflow_runner.lang.seqs import Seq
from gitflow_runner.lang.throwing import bad_cast, illegal, thrown
from gitflow_runner.lang.values import BigInt, Char, Dec, Instant, Keyword, Symbol, Uuid, Value, keyword

# Keys that read well as keywords become keywords; all others stay strings, found by either spelling.
_SAFE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def decode(text: str, *, keywords: bool = False, loose: bool = True) -> Value:
    """A JSON text as a value; maps are loose. A `ValueError` for what is no JSON.

    With `keywords`, keys made of letters, digits, `_` and `-` become keywords.
    """
    _check_depth(text)

    def pairs(items: list[tuple[str, Value]]) -> Map:
        d = {(keyword(key) if keywords and _SAFE_KEY.match(key) else key): value for key, value in items}
        return Map(d, loose=loose)

    found = json.loads(text, object_pairs_hook=pairs, parse_int=_integer, parse_constant=_refuse)
    return _vectors(found)


def _integer(text: str) -> Value:
    if len(text) > 1300:
        raise ValueError("the number is too long")
    return integer(int(text))


def _refuse(text: str) -> Value:
    raise ValueError(f"{text} is no JSON")


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)


def _check_depth(text: str) -> None:
    """Refuse deep nesting before the decoder recurses into it."""
    depth = 0
    for here in re.sub(r"[^\[\]{}]+", "", _STRING.sub("", text)):
        depth += 1 if here in "[{" else -1
        if depth > MAX_DEPTH:
            raise too_deep()


def _vectors(value: Value) -> Value:
    if value.__class__ is list:
        return Vec(tuple([_vectors(item) for item in value]))
    if value.__class__ is Map:
        return Map({key: _vectors(item) for key, item in value.d.items()}, loose=value.loose)
    return value


def encode(value: Value, depth: int = 0) -> str:
    """The JSON text of a value; keywords and symbols become strings."""
    kind = value.__class__
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is str:
        return _quoted(value)
    if kind is int or kind is BigInt or kind is Dec:
        return number_text(value)
    if kind is float:
        return _number(value)
    if kind is Keyword or kind is Symbol:
        return _quoted(value.text)
    if depth > MAX_DEPTH:
        raise too_deep()
    if isinstance(value, Map):
        pairs = [f"{_quoted(_key(key))}:{encode(item, depth + 1)}" for key, item in value.d.items()]
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, Vec | Set | Seq):
        return "[" + ",".join([encode(item, depth + 1) for item in value]) + "]"
    if kind is Char or kind is Uuid:
        return _quoted(value.value if kind is Char else value.text)
    if kind is Instant:
        return _quoted(iso_text(value))
    if kind is Fraction:
        return _number(as_float(value))
    raise bad_cast("a JSON value", value)


def _number(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise illegal(f"JSON error: cannot write {double_text(value)}")
    return double_text(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _key(key: Value) -> str:
    if key.__class__ is Boxed:
        key = key.value
    kind = key.__class__
    if kind is str:
        return str(key)
    if kind is Keyword or kind is Symbol or kind is Uuid:
        return str(key.text)
    if key is None:
        raise illegal("JSON object keys cannot be nil")
    return str(json.loads(encode(key))) if kind in (Char, Instant) else encode(key)


def parse(runtime: Runtime, text: Value, *options: Value) -> Value:
    """`(json/parse text)`: safe keys as keywords. `{:keywords false}` leaves all keys strings.

    The options of the usual libraries are understood too: `true`, a function of the key, or `:key-fn f`.
    """
    key_fn = _option(options, "key-fn")
    keywords = key_fn is None and _option(options, "keywords") is not False
    body = subject(runtime, text)
    runtime.charge(len(body) // 16)
    try:
        found = decode(body, keywords=keywords)
    except ValueError as error:
        raise thrown("IllegalArgumentException", f"JSON error: {error}") from None
    if key_fn is None:
        return found
    return _with_keys(found, runtime.caller(key_fn, 1))


def _option(options: tuple[Value, ...], name: str) -> Value:
    """A setting given as a map, as `:name value`, or, for a `key-fn`, as the only option."""
    if len(options) == 1:
        (only,) = options
        if isinstance(only, Map):
            return lookup(only, keyword(name))
        return only if name == "key-fn" and only.__class__ is not bool and only is not None else None
    if len(options) % 2:
        raise illegal("the options of json are a map, or pairs of a keyword and a value")
    return next((v for k, v in zip(options[::2], options[1::2], strict=True) if k is keyword(name)), None)


def _with_keys(value: Value, rename: Callable[[Value], Value]) -> Value:
    if value.__class__ is Vec:
        return Vec(tuple([_with_keys(item, rename) for item in value]))
    if value.__class__ is Map:
        return map_of([(rename(key), _with_keys(item, rename)) for key, item in value.d.items()])
    return value


def write_str(runtime: Runtime, value: Value, *options: Value) -> str:
    """`(json/write-str value)`; options are taken as for `parse`, and change nothing."""
    _option(options, "indent")
    text = encode(value)
    check_string(len(text))
    runtime.charge(len(text) // 64)
    return text


TABLE = ctx(
    ("json/parse", parse, 1, 9),
    ("json/parse-string", parse, 1, 9),
    ("json/read-str", parse, 1, 9),
    ("json/write-str", write_str, 1, 9),
    ("json/generate-string", write_str, 1, 9),
)
