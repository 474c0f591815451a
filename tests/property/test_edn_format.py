"""Plain data means the same to edn-format, an independent reader and writer, in both directions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import edn_format
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.lang.collection import Vec, map_of, set_of
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.equality import equal
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.printer import pretty, write
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.seqs import list_of
from gitflow_runner.lang.values import INT_MAX, INT_MIN, BigInt, Dec, Uuid, Value, keyword, symbol

NAMES = st.from_regex(r"[a-z][a-z0-9_*!?+-]{0,8}(/[a-z][a-z0-9-]{0,5})?", fullmatch=True).filter(
    lambda text: text not in ("nil", "true", "false")
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Python takes 1, 1.0 and True for one key, and so does edn-format: the only numbers among keys are integers.
KEYS = TEXT | NAMES.map(edn_format.Keyword) | NAMES.map(edn_format.Symbol) | st.integers()
ATOMS = (
    KEYS
    | st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.decimals(-(10**9), 10**9, places=3)  # edn-format rounds to 28 digits
    | st.fractions().filter(lambda ratio: ratio.denominator > 1)
    | st.uuids()
)
PLAIN = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.frozensets(KEYS, max_size=5)
        | st.dictionaries(KEYS, inner, max_size=5)
    ),
    max_leaves=20,
)


def ours(value: object) -> Value:
    """What edn-format reads or writes, as a value of the language."""
    match value:
        case edn_format.Keyword():
            return keyword(str(value)[1:])
        case edn_format.Symbol():
            return symbol(str(value))
        case bool() | None | float() | Fraction():
            return value
        case int():
            return value if INT_MIN <= value <= INT_MAX else BigInt(value)
        case str():
            return str(value)
        case Decimal():
            return Dec(value)
        case UUID():
            return Uuid(str(value))
        case tuple():
            return list_of([ours(item) for item in value])
        case frozenset() | set():
            return set_of([ours(item) for item in value])
    if hasattr(value, "items"):
        return map_of([(ours(key), ours(item)) for key, item in value.items()])
    return Vec(tuple([ours(item) for item in value]))  # type: ignore[attr-defined]


@given(PLAIN)
def test_what_edn_format_writes_is_read_alike(value: object) -> None:
    text = edn_format.dumps(value)
    assert equal(read_data(text), ours(value))
    assert equal(value_of(read_one(text)), ours(value))


@given(PLAIN)
def test_what_is_written_edn_format_reads_alike(value: object) -> None:
    for text in (write(ours(value)), pretty(ours(value), 20)):
        assert equal(ours(edn_format.loads(text)), ours(value))
