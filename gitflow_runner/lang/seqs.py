"""Lists and lazy sequences, and the walk over anything that can be a sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from gitflow_runner.lang.collection import Map, MapEntry, Sequential, Set, Vec
from gitflow_runner.lang.equality import MAX_ELEMENTS, check_count
from gitflow_runner.lang.throwing import kind_of, thrown, too_large
from gitflow_runner.lang.values import Collection, Value, char


class Seq(Sequential):
    """What has a first element and a rest."""

    __slots__ = ()

    def seq(self) -> Seq | None:
        """This sequence, realised far enough to know that it is not empty; else None."""
        raise NotImplementedError

    def first(self) -> Value:
        """The first element of what `seq` returned."""
        raise NotImplementedError

    def rest(self) -> Seq:
        """What follows the first element of what `seq` returned; may be empty."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Value]:
        return walk(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(islice(self, 20))!r})"


class List(Seq):
    """A list. The elements lie in reverse, so that `conj` and `rest` cost O(1); shared as `Vec` shares."""

    __slots__ = ("items", "meta", "size")

    def __init__(
        self, items: tuple[Value, ...] | list[Value] = (), size: int = -1, meta: Value = None
    ) -> None:
        self.items = items  # reversed
        self.size = len(items) if size < 0 else size
        self.meta = meta

    def __iter__(self) -> Iterator[Value]:
        return iter(self.items[self.size - 1 :: -1]) if self.size else iter(())

    def __len__(self) -> int:
        return self.size

    def seq(self) -> Seq | None:
        return self if self.size else None

    def first(self) -> Value:
        return self.items[self.size - 1]

    def rest(self) -> Seq:
        return List(self.items, self.size - 1) if self.size > 1 else EMPTY_LIST

    def conj(self, item: Value) -> List:
        """A list with `item` in front."""
        size = self.size
        check_count(size + 1)
        items = self.items
        if items.__class__ is not list or len(items) != size:
            items = list(islice(items, size))
        items.append(item)
        if items[size] is not item:  # another thread was first, and its version owns the list now
            items = [*islice(items, size), item]
        return List(items, size + 1, self.meta)


EMPTY_LIST: Final = List()


def list_of(items: Iterable[Value], meta: Value = None) -> List:
    """A list of elements, given in order."""
    found = tuple(items)[::-1]
    return EMPTY_LIST if not found and meta is None else List(found, -1, meta)


class ArraySeq(Seq):
    """A sequence over the tail of a tuple, list or range that nobody changes below `end`."""

    __slots__ = ("end", "items", "meta", "start")

    def __init__(
        self,
        items: tuple[Value, ...] | list[Value] | range,
        start: int = 0,
        end: int = -1,
        meta: Value = None,
    ) -> None:
        self.items = items
        self.start = start
        self.end = len(items) if end < 0 else end
        self.meta = meta

    def __iter__(self) -> Iterator[Value]:
        if self.start == 0 and self.end == len(self.items) and self.items.__class__ is not list:
            return iter(self.items)
        if self.start > 64:
            return iter(self.items[self.start : self.end])
        return islice(self.items, self.start, self.end)

    def __len__(self) -> int:
        return self.end - self.start

    def seq(self) -> Seq | None:
        return self if self.start < self.end else None

    def first(self) -> Value:
        return self.items[self.start]

    def rest(self) -> Seq:
        if self.start + 1 >= self.end:
            return EMPTY_LIST
        return ArraySeq(self.items, self.start + 1, self.end)


class Cons(Seq):
    """An element in front of another sequence, which may be lazy."""

    __slots__ = ("head", "meta", "tail")

    def __init__(self, head: Value, tail: Value, meta: Value = None) -> None:
        self.head = head
        self.tail = tail  # anything seqable
        self.meta = meta

    def seq(self) -> Seq | None:
        return self

    def first(self) -> Value:
        return self.head

    def rest(self) -> Seq:
        return as_seq(self.tail)


class LazySeq(Seq):
    """A sequence that a thunk makes when it is first looked at; a thunk that throws is asked again."""

    __slots__ = ("inner", "meta", "thunk")

    def __init__(self, thunk: Callable[[], Value] | None, meta: Value = None) -> None:
        self.thunk = thunk
        self.inner: Seq | None = None
        self.meta = meta

    def realised(self) -> Seq | None:
        """The sequence behind this one and behind further lazy ones."""
        if self.thunk is not None:
            passed = [self]
            value = self.thunk()
            while value.__class__ is LazySeq and value.thunk is not None:
                passed.append(value)
                value = value.thunk()
            inner = seq(value)
            for lazy_seq in passed:
                lazy_seq.inner, lazy_seq.thunk = inner, None
        return self.inner

    def seq(self) -> Seq | None:
        return self.realised()

    def first(self) -> Value:
        inner = self.realised()
        return None if inner is None else inner.first()

    def rest(self) -> Seq:
        inner = self.realised()
        return EMPTY_LIST if inner is None else inner.rest()


class Source:
    """Elements pulled from an iterator once and kept; then, if there is a `tail`, that goes on."""

    __slots__ = ("buffer", "failure", "iterator", "tail")

    def __init__(self, iterator: Iterator[Value], tail: Value = None) -> None:
        self.buffer: list[Value] = []
        self.iterator: Iterator[Value] | None = iterator
        self.failure: Exception | None = None
        self.tail = tail

    def fill(self, index: int) -> bool:
        """Whether there is an element at `index`, pulling up to it."""
        buffer = self.buffer
        while len(buffer) <= index:
            if self.iterator is None:
                if self.failure is not None:
                    raise self.failure
                return False
            try:
                buffer.append(next(self.iterator))
            except StopIteration:
                self.iterator = None
            except Exception as failure:  # a generator that raised is spent: tell the same again
                self.iterator, self.failure = None, failure
            if len(buffer) > MAX_ELEMENTS:
                raise too_large(f"a sequence was realised beyond {MAX_ELEMENTS:,} elements")
        return True


class IterSeq(Seq):
    """A position in a source."""

    __slots__ = ("meta", "offset", "source")

    def __init__(self, source: Source, offset: int = 0, meta: Value = None) -> None:
        self.source = source
        self.offset = offset
        self.meta = meta

    def seq(self) -> Seq | None:
        if self.source.fill(self.offset):
            return self
        return seq(self.source.tail)

    def first(self) -> Value:
        if self.source.fill(self.offset):
            return self.source.buffer[self.offset]
        return first(self.source.tail)

    def rest(self) -> Seq:
        return IterSeq(self.source, self.offset + 1)

    def drain(self) -> Iterator[Value]:
        """The elements from here to the end of the source, without its tail."""
        source, index = self.source, self.offset
        buffer = source.buffer
        while True:
            if index < len(buffer) or source.fill(index):
                yield buffer[index]
                index += 1
            else:
                return


def lazy(iterator: Iterator[Value], tail: Value = None) -> IterSeq:
    """A lazy sequence over an iterator, followed by a seqable `tail`."""
    return IterSeq(Source(iterator, tail))


def walk(value: Value) -> Iterator[Value]:
    """The elements of a seqable value, following chains of lazy sequences without recursion."""
    while True:
        kind = value.__class__
        if kind is Cons:
            yield value.head
            value = value.tail
        elif kind is LazySeq:
            value = value.realised()
        elif kind is IterSeq:
            yield from value.drain()
            value = value.source.tail
        else:
            yield from elements(value)
            return


def elements(value: Value) -> Iterator[Value]:
    """An iterator over anything seqable; an exception for anything else."""
    if isinstance(value, Collection):
        return iter(value)
    if value is None:
        return iter(())
    if value.__class__ is str:
        return map(char, value)
    raise thrown("IllegalArgumentException", f"{kind_of(value)} cannot be walked as a sequence")


def seq(value: Value) -> Seq | None:
    """`(seq value)`: a sequence with at least one element, or None."""
    if isinstance(value, Seq):
        return value.seq()
    if isinstance(value, Vec):
        return ArraySeq(value.items, 0, value.size) if value.size else None
    if isinstance(value, Map | Set):
        return sequence_over(iter(value), len(value.d))
    if value is None:
        return None
    if value.__class__ is str:
        return sequence_over(map(char, value), len(value))
    raise thrown("IllegalArgumentException", f"{kind_of(value)} cannot be walked as a sequence")


def sequence_over(items: Iterator[Value], count: int) -> Seq | None:
    """A sequence of so many elements, made at once only if they are few: making one costs next to nothing."""
    if count == 0:
        return None
    return ArraySeq(tuple(items)) if count <= 64 else lazy(items)


def as_seq(value: Value) -> Seq:
    """A sequence over a seqable value that may be empty and is not realised."""
    if isinstance(value, Seq):
        return value
    found = seq(value)
    return EMPTY_LIST if found is None else found


def first(value: Value) -> Value:
    """`(first value)`."""
    if value.__class__ is Vec or value.__class__ is MapEntry:
        return value.items[0] if value.size else None
    if isinstance(value, Map | Set):
        return next(iter(value), None)
    found = seq(value)
    return None if found is None else found.first()


def rest(value: Value) -> Seq:
    """`(rest value)`."""
    found = seq(value)
    return EMPTY_LIST if found is None else found.rest()


def counted(value: Value) -> int | None:
    """The number of elements where it is known without walking; None for lazy sequences."""
    if value is None:
        return 0
    if isinstance(value, Vec | List | Map | Set | ArraySeq) or value.__class__ is str:
        return len(value)
    return None


def key_value(item: Value) -> tuple[Value, Value]:
    """Key and value of what is put into a map: an entry or a vector of two."""
    if isinstance(item, Vec):
        if item.size != 2:
            raise thrown("IllegalArgumentException", "Vector arg to map conj must be a pair")
        return item.items[0], item.items[1]
    raise thrown("ClassCastException", f"{kind_of(item)} cannot be used as a map entry")
