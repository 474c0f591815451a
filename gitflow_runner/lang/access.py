"""Looking into values by key or index, and calling what can be called."""

from __future__ import annotations

from collections.abc import Callable

from gitflow_runner.lang.collection import MISSING, Map, Set, TaggedLiteral, Vec, map_of
from gitflow_runner.lang.numbers import EXACT, NUMBERS, index
from gitflow_runner.lang.seqs import ArraySeq, List, Seq, seq, walk
from gitflow_runner.lang.throwing import FlowThrow, bad_cast, kind_of, out_of_bounds, thrown
from gitflow_runner.lang.values import BigInt, Function, Keyword, Symbol, Value, char, keyword

_OF_TAGGED = (keyword("tag"), keyword("form"))


def lookup(target: Value, key: Value, default: Value = None) -> Value:
    """`(get target key default)`."""
    if isinstance(target, Map):
        return target.get(key, default)
    if target is None:
        return default
    if isinstance(target, Vec):
        if key.__class__ is BigInt:
            key = key.value
        if key.__class__ is int:
            return target.items[key] if 0 <= key < target.size else default
        return default
    if isinstance(target, Set):
        found = target.key(key)
        return default if found is MISSING else found
    if target.__class__ is str and key.__class__ in NUMBERS:
        at = index(key)
        return char(target[at]) if 0 <= at < len(target) else default
    if target.__class__ is TaggedLiteral and key in _OF_TAGGED:
        return target.tag if key is _OF_TAGGED[0] else target.form
    return default


def nth(target: Value, at: Value, default: Value = MISSING) -> Value:
    """`(nth target at default)`; without a default an exception outside, save for nil."""
    number = at if at.__class__ is int else index(at)
    if isinstance(target, Vec):
        return target.nth(number, default)
    if target is None:
        return None if default is MISSING else default
    if number < 0 and default is not MISSING:
        return default  # whatever the target is
    if isinstance(target, List | ArraySeq):
        size = len(target)
        if 0 <= number < size:
            if isinstance(target, List):
                return target.items[size - 1 - number]
            return target.items[target.start + number]
        return _absent(number, size, default)
    if target.__class__ is str:
        if 0 <= number < len(target):
            return char(target[number])
        if default is MISSING:
            raise thrown("StringIndexOutOfBoundsException", f"String index out of range: {number}")
        return default
    if isinstance(target, Seq):
        return _nth_walked(target, number, default)
    raise thrown("UnsupportedOperationException", f"nth not supported on {kind_of(target)}")


def _nth_walked(target: Seq, number: int, default: Value) -> Value:
    if number >= 0:
        for at, item in enumerate(walk(target)):
            if at == number:
                return item
    return _absent(number, None, default)


def _absent(number: int, size: int | None, default: Value) -> Value:
    if default is MISSING:
        raise out_of_bounds(number, size)
    return default


def destructured_nth(target: Value, at: int) -> Value:
    """What `[a b]` binds: the element, or nil."""
    if isinstance(target, Vec):
        return target.items[at] if at < target.size else None
    if isinstance(target, Map | Set):
        raise thrown("UnsupportedOperationException", f"nth not supported on {kind_of(target)}")
    return nth(target, at, None)


def rest_from(target: Value, count: int) -> Value:
    """What `& more` binds after `count` elements: a sequence, or nil."""
    if isinstance(target, Vec):
        return ArraySeq(target.items, count, target.size) if count < target.size else None
    found = seq(target)
    while count > 0 and found is not None:
        found = found.rest().seq()
        count -= 1
    return found


def keyword_arguments(target: Value) -> Value:
    """What a map pattern is matched against: a sequence is taken as keys and values, or as one map."""
    if not isinstance(target, Seq):
        return target
    items = list(walk(target))
    if len(items) == 1:
        return items[0]
    trailing = items.pop() if len(items) % 2 else None
    found = map_of(zip(items[::2], items[1::2], strict=True))
    if trailing is None:
        return found
    if not isinstance(trailing, Map):
        raise thrown("IllegalArgumentException", f"No value supplied for key: {trailing}")
    return map_of([*found.items(), *trailing.items()])


def caller_of(value: Value, count: int) -> Callable[..., Value]:
    """As `callable_of`, but what cannot be called is told of only when it is called."""
    try:
        return callable_of(value, count)
    except FlowThrow:
        return lambda *args: callable_of(value, len(args))(*args)


def callable_of(value: Value, count: int) -> Callable[..., Value]:
    """The Python callable behind a value, for so many arguments; an exception if there is none."""
    if value.__class__ is Function:
        if value.low <= count <= value.high:
            return value.call
        raise wrong_arity(value.name, count)
    kind = value.__class__
    if kind is Keyword or kind is Symbol:
        if 1 <= count <= 2:
            return lambda target, default=None: lookup(target, value, default)
        raise wrong_arity(repr(value), count)
    if isinstance(value, Map):
        if 1 <= count <= 2:
            return value.get
        raise wrong_arity("a map", count)
    if isinstance(value, Set):
        if count == 1:
            return lambda item: lookup(value, item)
        raise wrong_arity("a set", count)
    if isinstance(value, Vec):
        if count == 1:
            return lambda at: _vector_call(value, at)
        raise wrong_arity("a vector", count)
    if value is None:
        raise thrown("NullPointerException", "nil cannot be called")
    raise thrown("ClassCastException", f"{kind_of(value)} cannot be called as a function")


def _vector_call(vector: Vec, at: Value) -> Value:
    if at.__class__ not in EXACT:
        raise thrown("IllegalArgumentException", "Key must be integer")
    return vector.nth(index(at))


def can_call(value: Value) -> bool:
    """`(ifn? value)`."""
    return isinstance(value, Function | Keyword | Symbol | Map | Set | Vec)


def wrong_arity(name: str, count: int) -> FlowThrow:
    """The exception for a call with a number of arguments that the function does not take."""
    return thrown("ArityException", f"Wrong number of args ({count}) passed to: {name}")


def need_map(value: Value) -> Map:
    """A map, nil counting as the empty one."""
    if isinstance(value, Map):
        return value
    if value is None:
        return Map()
    raise bad_cast("a map", value)
