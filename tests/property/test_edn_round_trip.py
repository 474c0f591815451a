"""What is written reads back the same, in the same order, and means the same to another reader."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import edn_format
from hypothesis import given, settings
from hypothesis import strategies as st

from gitflow_runner.lang.collection import Map, Set, TaggedLiteral, Vec, map_of, set_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.printer import canonical, pretty, write
from gitflow_runner.lang.seqs import list_of
from gitflow_runner.lang.values import BigInt, Bytes, Char, Dec, Instant, Uuid, Value, keyword, symbol

_names = st.from_regex(r"[a-z][a-z0-9_*!?+-]{0,8}(/[a-z][a-z0-9-]{0,5})?", fullmatch=True)
_words = _names.filter(lambda text: text not in ("nil", "true", "false"))
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_common = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | _text
    | _words.map(keyword)
)
_special = (
    _words.map(symbol)
    | st.integers(-(2**200), 2**200).map(BigInt)
    | st.fractions().filter(lambda ratio: ratio.denominator > 1)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4).map(Dec)
    | st.characters(exclude_categories=["Cs"]).map(Char)
    | st.uuids().map(lambda value: Uuid(str(value)))
    | st.integers(0, 4 * 10**15).map(Instant)
    | st.binary(max_size=8).map(Bytes)
)


def _collections(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    items = st.lists(inner, max_size=5)
    return (
        items.map(lambda found: Vec(tuple(found)))
        | items.map(list_of)
        | items.map(set_of)
        | st.lists(st.tuples(inner, inner), max_size=5).map(map_of)
        | st.tuples(_words.map(lambda name: symbol("x" + name)), inner).map(lambda pair: TaggedLiteral(*pair))
    )


_data = st.recursive(_common | _special, _collections, max_leaves=20)
_plain = st.recursive(
    _common,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda found: Vec(tuple(found)))
        | st.lists(st.tuples(_text | _words.map(keyword), inner), max_size=4).map(map_of)
    ),
    max_leaves=12,
)


@given(_data)
def test_reading_back_gives_the_same_value_in_the_same_order(value: Value) -> None:
    text = write(value)
    back = read_data(text)
    assert equal(back, value)
    assert write(back) == text


@given(_data)
def test_the_laid_out_form_is_the_same_value(value: Value) -> None:
    assert equal(read_data(pretty(value, 20)), value)


@given(st.lists(st.tuples(_words.map(keyword), _plain), unique_by=lambda pair: pair[0].text), st.randoms())
def test_the_canonical_form_forgets_the_order_of_entries(
    pairs: list[tuple[Value, Value]], rnd: object
) -> None:
    shuffled = list(reversed(pairs))
    assert canonical(map_of(pairs)) == canonical(map_of(shuffled))


@settings(deadline=None)
@given(_plain)
def test_another_reader_understands_plain_data_alike(value: Value) -> None:
    assert _alike(value, edn_format.loads(write(value)))


def _alike(mine: Value, theirs: object) -> bool:
    if isinstance(mine, Map):
        pairs = dict(theirs.items())  # type: ignore[attr-defined]
        return len(pairs) == len(mine) and all(
            any(_alike(key, other) and _alike(item, pairs[other]) for other in pairs)
            for key, item in mine.items()
        )
    if isinstance(mine, Vec):
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))  # type: ignore[arg-type,call-overload]
    if isinstance(theirs, edn_format.Keyword):
        return mine is keyword(str(theirs)[1:])
    return type(mine) is type(theirs) and mine == theirs


def test_order_and_text_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "from gitflow_runner.lang.data import read_data\n"
        "from gitflow_runner.lang.printer import canonical, write\n"
        'v = read_data(\'{:z 1 "y" #{:c "b" 3 2.0 true [1]} x {1 2, 1.0 3}}\')\n'
        "print(write(v), canonical(v), write(v.assoc('k', 1).dissoc([1])))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "77")
    }
    assert len(outputs) == 1
    assert ':z 1, "y" #{:c "b" 3 2.0 true [1]}, x {1 2, 1.0 3}}' in outputs.pop()


def test_kinds_that_python_mixes_up_stay_apart() -> None:
    value = read_data("{1 :int, 1.0 :double, true :bool, 1.0M :decimal, 1/2 :ratio, 0.5 :half}")
    assert isinstance(value, Map)
    assert len(value) == 6
    assert value.get(True) is keyword("bool")
    assert value.get(1.0) is keyword("double")
    assert value.get(BigInt(1)) is keyword("int")
    assert value.get(Dec(Decimal("1.00"))) is keyword("decimal")
    assert value.get(Fraction(1, 2)) is keyword("ratio")
    assert isinstance(read_data("#{1 1.0 true}"), Set)
