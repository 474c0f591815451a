"""Versions of a collection never see what is done to others, however they share their storage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.lang.collection import Map, Set, Vec
from gitflow_runner.lang.equality import equal, hash_value
from gitflow_runner.lang.ordered import SortedMap, sorted_map
from gitflow_runner.lang.seqs import List, list_of
from gitflow_runner.lang.values import BigInt, Value

_keys = st.integers(0, 5) | st.booleans() | st.sampled_from([0.0, 1.0, 2.0]) | st.text("ab", max_size=2)


def _same(a: object, b: object) -> bool:
    return type(a) is type(b) and a == b


@given(st.lists(st.tuples(st.sampled_from(["conj", "pop", "assoc"]), st.integers(0, 9), st.integers(0, 9))))
def test_vectors_behave_as_copied_lists(steps: list[tuple[str, int, int]]) -> None:
    versions: list[tuple[Vec, list[int]]] = [(Vec(), [])]
    for kind, which, item in steps:
        vector, model = versions[which % len(versions)]
        if kind == "conj":
            versions.append((vector.conj(item), [*model, item]))
        elif kind == "pop" and model:
            versions.append((vector.pop(), model[:-1]))
        elif kind == "assoc" and model:
            at = item % len(model)
            versions.append((vector.assoc(at, item), [*model[:at], item, *model[at + 1 :]]))
    assert [list(vector) for vector, _ in versions] == [model for _, model in versions]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 9))))
def test_lists_behave_as_copied_lists(steps: list[tuple[bool, int, int]]) -> None:
    versions: list[tuple[Value, list[int]]] = [(List(), [])]
    for adds, which, item in steps:
        chain, model = versions[which % len(versions)]
        versions.append((chain.conj(item), [item, *model]) if adds else (chain.rest(), model[1:]))
    assert [list(chain) for chain, _ in versions] == [model for _, model in versions]


@given(st.lists(st.tuples(st.booleans(), _keys, st.integers())))
def test_maps_keep_kinds_of_keys_apart_and_their_order(steps: list[tuple[bool, Value, int]]) -> None:
    found, model = Map(), list[tuple[Value, int]]()
    for sets, key, value in steps:
        if sets:
            found = found.assoc(key, value)
            known = [at for at, (other, _) in enumerate(model) if _same(other, key)]
            if known:
                model[known[0]] = (model[known[0]][0], value)
            else:
                model.append((key, value))
        else:
            found = found.dissoc([key])
            model = [pair for pair in model if not _same(pair[0], key)]
    assert [(type(key), key, value) for key, value in found.items()] == [(type(k), k, v) for k, v in model]


@given(st.dictionaries(st.integers(-20, 20), st.integers()), st.integers(-20, 20))
def test_sorted_maps_are_equal_to_plain_ones_and_in_order(model: dict[int, int], key: int) -> None:
    found: Map = SortedMap()
    for each, value in model.items():
        found = found.assoc(each, value)
    assert list(found.keys()) == sorted(model)
    assert equal(found, Map(dict(model)))
    assert equal(sorted_map(model.items()), found)
    assert found.get(key, "none") == model.get(key, "none")
    assert list(found.dissoc([key]).keys()) == sorted(set(model) - {key})


@given(st.lists(_keys, max_size=6))
def test_equal_values_have_equal_hashes_whatever_holds_them(items: list[Value]) -> None:
    vector, chain = Vec(tuple(items)), list_of(items)
    assert equal(vector, chain)
    assert hash_value(vector) == hash_value(chain)
    assert Set({vector: None}).has(chain)
    big = Vec(tuple([BigInt(item) if type(item) is int else item for item in items]))
    assert equal(vector, big)
    assert hash_value(vector) == hash_value(big)
