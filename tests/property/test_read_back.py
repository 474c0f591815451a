"""Reading a value back without its text gives what the text would give, or says that it cannot tell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import Map, Set, Vec, map_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import write
from gitflow_runner.lang.readback import read_back
from gitflow_runner.lang.seqs import list_of
from gitflow_runner.lang.values import Value, keyword

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**65), 2**65),
    st.floats(),
    st.text(),
    st.text('ab "\\\n\x00\x7f'),
    st.sampled_from(["a", "b/c", "no good", "1", "é", "/", ""]).map(keyword),
)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: Vec(tuple(items))),
        st.lists(inner, max_size=3).map(list_of),
        st.lists(inner, max_size=3).map(lambda items: Set(dict.fromkeys([str(i) for i in items]))),
        st.dictionaries(st.sampled_from([keyword("a"), keyword("b"), "a", "x y"]), inner).map(
            lambda found: map_of(found.items())
        ),
    ),
    max_leaves=12,
)


def shape(value: Value) -> object:
    """The value with the classes and the looseness of everything in it."""
    if isinstance(value, Map):
        return ("map", value.loose, [(shape(key), shape(item)) for key, item in value.items()])
    if isinstance(value, Vec):
        return ("vec", [shape(item) for item in value])
    return (type(value).__name__, repr(value))


@given(VALUES)
def test_it_is_what_the_text_gives(value: Value) -> None:
    try:
        found = read_back(value)
    except LookupError:
        return
    assert shape(found) == shape(read_data(write(value), loose=True))


@given(VALUES)
def test_what_cannot_be_written_is_never_answered(value: Value) -> None:
    try:
        write(value)
    except LangError:
        try:
            read_back(value)
        except LookupError:
            return
        raise AssertionError(f"{value!r} has no text") from None


def test_large_and_deep_values_are_left_to_the_text() -> None:
    deep: Value = None
    for _ in range(30):
        deep = Vec((deep,))
    for value in (Vec(tuple(range(2_000))), "a" * 20_000, deep):
        try:
            read_back(value)
        except LookupError:
            continue
        raise AssertionError("it was answered")


def test_plain_data_is_answered() -> None:
    value = read_data('{:n 5, :flow/ctx {:slug "hello", :all [1 true nil "x"]}}')
    assert read_back(value) == value
    assert read_back(value).loose
