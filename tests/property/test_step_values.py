"""JSON and compressed bodies come out as they went in, however they are cut."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.net.inflate import decoder_for
from gitflow_runner.schemas.jsontext import read_json, write_json

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(PLAIN)
def test_json_is_read_and_written_back(plain: object) -> None:
    assert json.loads(write_json(read_json(json.dumps(plain)))) == plain


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
    ],
    ids=["gzip", "zlib", "raw"],
)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_compressed_body_is_unpacked_however_it_arrives(
    name: str, pack: Callable[[bytes], bytes], data: bytes, cuts: list[int]
) -> None:
    packed = pack(data)
    ends = sorted({0, len(packed), *(cut for cut in cuts if cut < len(packed))})
    decoder = decoder_for(name)
    room = len(data)
    pieces = []
    for start, end in pairwise(ends):
        piece = b"".join(decoder.feed(packed[start:end], room))
        room -= len(piece)
        pieces.append(piece)
    decoder.finish()
    assert b"".join(pieces) == data
