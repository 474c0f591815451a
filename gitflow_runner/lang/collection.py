"""Vectors, lists, maps and sets: persistent by copying or sharing, always in insertion order.

Python takes 1, 1.0 and True for one key and Clojure does not, so keys are stored encoded: floats and
booleans in a `Boxed`, all others as they are. A collection is never changed once it was handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import ClassVar, Final

from gitflow_runner.lang.equality import MAX_ELEMENTS, check_count, equal, hash_value
from gitflow_runner.lang.throwing import out_of_bounds, thrown
from gitflow_runner.lang.values import BigInt, Collection, Keyword, Meter, Symbol, Value, keyword

MISSING: Final[Value] = object()
_BOXED = frozenset((bool, float))
_INTERCHANGEABLE = frozenset((bool, float, int, str, Keyword, Symbol, type(None)))  # with whatever is equal


class Boxed:
    """A float or boolean as a key."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if type(other) is not Boxed:
            return False
        return type(other.value) is type(self.value) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)


def encode(key: Value) -> Value:
    """The dictionary key that stands for a value."""
    return Boxed(key) if key.__class__ in _BOXED else key


def decode(key: Value) -> Value:
    """The value that a dictionary key stands for."""
    return key.value if key.__class__ is Boxed else key


def own_key(collection: Map | Set, key: Value) -> Value:
    """The key that a collection holds, given one that is equal to it: metadata and scale may differ."""
    if key.__class__ in _INTERCHANGEABLE:
        return key
    try:
        own = collection.own
    except AttributeError:  # asked for the first time
        own = collection.own = {each: each for each in collection.d}
    return own.get(key, key)


class TaggedLiteral:
    """`#tag form` with a tag that nobody here interprets."""

    __slots__ = ("form", "tag")

    def __init__(self, tag: Symbol, form: Value) -> None:
        self.tag = tag
        self.form = form

    def __eq__(self, other: object) -> bool:
        return type(other) is TaggedLiteral and other.tag == self.tag and equal(other.form, self.form)

    def __hash__(self) -> int:
        return hash((self.tag, hash_value(self.form)))

    def __repr__(self) -> str:
        return f"#{self.tag} {self.form!r}"


class Sequential(Collection):
    """Anything ordered: equal to whatever else is ordered and has equal elements."""

    __slots__ = ()
    kind: ClassVar[str] = "sequential"

    def equiv(self, other: Value, meter: Meter, depth: int) -> bool:
        theirs = iter(other)
        for mine in self:
            meter.charge(1)
            their = next(theirs, MISSING)
            if their is MISSING or not equal(mine, their, meter, depth):
                return False
        return next(theirs, MISSING) is MISSING

    def hashed(self, depth: int) -> int:
        return hash(tuple([hash_value(item, depth) for item in self]))

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __hash__(self) -> int:
        return hash_value(self)


class Vec(Sequential):
    """A vector. Backed by a tuple, or by a list that newer versions may share and grow.

    A list is only ever appended to, by the version that ends where the list ends, so `conj` on the
    newest version costs O(1). Literals and decoded data have a tuple.
    """

    __slots__ = ("_hash", "items", "meta", "size")

    def __init__(
        self, items: tuple[Value, ...] | list[Value] = (), size: int = -1, meta: Value = None
    ) -> None:
        self.items = items
        self.size = len(items) if size < 0 else size
        self.meta = meta
        self._hash: int | None = None

    def __iter__(self) -> Iterator[Value]:
        items = self.items
        if items.__class__ is tuple and self.size == len(items):
            return iter(items)
        return islice(items, self.size)

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"Vec({list(self)!r})"

    def hashed(self, depth: int) -> int:
        if self._hash is None:
            self._hash = Sequential.hashed(self, depth)
        return self._hash

    def grown(self, item: Value) -> Vec | None:
        """A vector with `item` at the end, if none of the elements has to be copied for it."""
        items, size = self.items, self.size
        if items.__class__ is not list or len(items) != size:
            return None
        if size >= MAX_ELEMENTS:
            check_count(size + 1)
        items.append(item)
        if items[size] is not item:  # another thread was first, and its version owns the list now
            return None
        return Vec(items, size + 1, self.meta)

    def conj(self, item: Value) -> Vec:
        """A vector with `item` at the end."""
        grown = self.grown(item)
        if grown is None:
            size = self.size
            check_count(size + 1)
            grown = Vec([*islice(self.items, size), item], size + 1, self.meta)
        return grown

    def assoc(self, index: Value, item: Value) -> Vec:
        """A vector with another element at `index`, which may be one past the end."""
        if index.__class__ is BigInt:
            index = index.value
        if index.__class__ is not int:
            raise thrown("IllegalArgumentException", "Key must be integer")
        size = self.size
        if index == size:
            return self.conj(item)
        if not 0 <= index < size:
            raise out_of_bounds(index, size)
        items = list(islice(self.items, size))
        items[index] = item
        return Vec(items, size, self.meta)

    def pop(self) -> Vec:
        """A vector without the last element."""
        if self.size == 0:
            raise thrown("IllegalStateException", "Can't pop empty vector")
        return Vec(self.items, self.size - 1, self.meta)

    def nth(self, index: int, default: Value = MISSING) -> Value:
        """The element at `index`; the default, or an exception, outside."""
        if 0 <= index < self.size:
            return self.items[index]
        if default is MISSING:
            raise out_of_bounds(index, self.size)
        return default

    def slice(self, start: int, end: int) -> tuple[Value, ...]:
        """The elements from `start` up to `end`, both within bounds."""
        return tuple(self.items[start:end])


class MapEntry(Vec):
    """A key and its value, which is a vector of two to everything but `key` and `val`."""

    __slots__ = ()


def entry(key: Value, value: Value) -> MapEntry:
    """The entry of a map."""
    return MapEntry((key, value), 2)


class Map(Collection):
    """A map in insertion order. In a `loose` one a keyword also finds the string of its name.

    Loose maps come from decoded JSON; the mark stays with maps that are made from a loose one.
    """

    __slots__ = ("_hash", "d", "loose", "meta", "own")
    kind: ClassVar[str] = "map"
    own: dict[Value, Value]  # made by `own_key`

    def __init__(
        self, d: dict[Value, Value] | None = None, *, meta: Value = None, loose: bool = False
    ) -> None:
        self.d: dict[Value, Value] = {} if d is None else d  # encoded keys; not changed from here on
        self.meta = meta
        self.loose = loose
        self._hash: int | None = None

    def __len__(self) -> int:
        return len(self.d)

    def __iter__(self) -> Iterator[MapEntry]:
        for key, value in self.d.items():
            yield MapEntry((key.value if key.__class__ is Boxed else key, value), 2)

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __hash__(self) -> int:
        return hash_value(self)

    def __repr__(self) -> str:
        return f"Map({ {decode(key): value for key, value in self.d.items()}!r})"

    def equiv(self, other: Value, meter: Meter, depth: int) -> bool:
        if len(self) != len(other):
            return False
        meter.charge(len(self))
        for key, value in self.d.items():
            their = other.d.get(key, MISSING)
            if their is MISSING or not equal(value, their, meter, depth):
                return False
        return True

    def hashed(self, depth: int) -> int:
        if self._hash is None:
            self._hash = hash(
                sum(hash((hash_value(key, depth), hash_value(item, depth))) for key, item in self.d.items())
            )
        return self._hash

    def like(self, d: dict[Value, Value]) -> Map:
        """A map of the same sort, metadata and looseness with other entries."""
        return Map(d, meta=self.meta, loose=self.loose)

    def empty(self) -> Map:
        """The empty map of this sort."""
        return Map(meta=self.meta)

    def get(self, key: Value, default: Value = None) -> Value:
        """The value under a key."""
        found = self.d.get(Boxed(key) if key.__class__ in _BOXED else key, MISSING)
        if found is MISSING:
            return self.loosely(key, default) if self.loose else default
        return found

    def loosely(self, key: Value, default: Value) -> Value:
        """The value under the other spelling of a key that is not there: `:n` for "n" and back."""
        if key.__class__ is Keyword:
            return self.d.get(key.text, default)
        if key.__class__ is str:
            return self.d.get(keyword(key), default)
        return default

    def has(self, key: Value) -> bool:
        """Whether `get` would find something."""
        return self.get(key, MISSING) is not MISSING

    def key(self, key: Value) -> Value:
        """The key of this map that equals the given one; MISSING if there is none."""
        return own_key(self, key) if self.has(key) else MISSING

    def assoc(self, key: Value, value: Value) -> Map:
        """A map with one entry set."""
        d = self.d.copy()
        d[Boxed(key) if key.__class__ in _BOXED else key] = value
        return Map(d, meta=self.meta, loose=self.loose)

    def dissoc(self, keys: Iterable[Value]) -> Map:
        """A map without some keys."""
        d = self.d.copy()
        for key in keys:
            d.pop(encode(key), None)
        return self.like(d)

    def keys(self) -> tuple[Value, ...]:
        """All keys in order."""
        return tuple([decode(key) for key in self.d])

    def vals(self) -> tuple[Value, ...]:
        """All values in order."""
        return tuple(self.d.values())

    def items(self) -> Iterator[tuple[Value, Value]]:
        """Pairs of key and value, without making entries of them."""
        for key, value in self.d.items():
            yield (key.value if key.__class__ is Boxed else key), value


class Set(Collection):
    """A set in insertion order."""

    __slots__ = ("_hash", "d", "meta", "own")
    kind: ClassVar[str] = "set"
    own: dict[Value, Value]  # made by `own_key`

    def __init__(self, d: dict[Value, None] | None = None, *, meta: Value = None) -> None:
        self.d: dict[Value, None] = {} if d is None else d  # encoded; not changed from here on
        self.meta = meta
        self._hash: int | None = None

    def __len__(self) -> int:
        return len(self.d)

    def __iter__(self) -> Iterator[Value]:
        return map(decode, self.d)

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __hash__(self) -> int:
        return hash_value(self)

    def __repr__(self) -> str:
        return f"Set({list(self)!r})"

    def equiv(self, other: Value, meter: Meter, depth: int) -> bool:
        if len(self) != len(other):
            return False
        meter.charge(len(self))
        return all(key in other.d for key in self.d)

    def hashed(self, depth: int) -> int:
        if self._hash is None:
            self._hash = hash((1, sum(hash_value(item, depth) for item in self.d)))
        return self._hash

    def like(self, items: Iterable[Value]) -> Set:
        """A set of the same sort and metadata with other elements."""
        return Set({encode(item): None for item in items}, meta=self.meta)

    def has(self, item: Value) -> bool:
        """Whether the element is in the set."""
        return encode(item) in self.d

    def key(self, item: Value) -> Value:
        """The element of this set that equals the given one; MISSING if there is none."""
        return own_key(self, item) if encode(item) in self.d else MISSING

    def conj(self, item: Value) -> Set:
        """A set with one more element."""
        key = encode(item)
        if key in self.d:
            return self
        check_count(len(self.d) + 1)
        d = self.d.copy()
        d[key] = None
        return Set(d, meta=self.meta)

    def disj(self, items: Iterable[Value]) -> Set:
        """A set without some elements."""
        d = self.d.copy()
        for item in items:
            d.pop(encode(item), None)
        return Set(d, meta=self.meta)


def map_of(pairs: Iterable[tuple[Value, Value]], *, loose: bool = False) -> Map:
    """A map of pairs, the last of equal keys winning."""
    return Map({encode(key): value for key, value in pairs}, loose=loose)


def set_of(items: Iterable[Value]) -> Set:
    """A set of elements."""
    return Set({encode(item): None for item in items})


EMPTY_VEC: Final = Vec()
EMPTY_MAP: Final = Map()
EMPTY_SET: Final = Set()
