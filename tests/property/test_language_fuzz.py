"""No text whatever makes the language crash, hang or answer without a code."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.language_trials import fault
from tests.mutations import Damage
from tests.soak import Soak

CORPUS = Path(__file__).parent.parent / "corpus"
SYNTAX = st.text(alphabet="()[]{}#_'^~@?!:;\"\\ \n,%&=|/.-+*<>ab019eMN\x00é😀", max_size=40)
WORDS = st.lists(
    st.sampled_from(
        [
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "#{",
            "#(",
            "'",
            "`",
            "~",
            "~@",
            "@",
            "^",
            "#_",
            "#'",
            "%",
            "%&",
            "&",
            "nil",
            "1",
            "1.5",
            ":a",
            '"s"',
            "\\a",
            "x",
            "let",
            "fn",
            "if",
            "loop",
            "recur",
            "try",
            "catch",
            "Exception",
            "throw",
            "do",
            "for",
            "case",
            "cond",
            "->",
            "->>",
            "reduce",
            "map",
            "range",
            "str",
            "inc",
            "apply",
            "quote",
            "letfn",
            "finally",
        ]
    ),
    max_size=30,
).map(" ".join)


@given(st.text(max_size=40) | SYNTAX | WORDS)
def test_any_text_gets_a_coded_answer_in_time(text: str) -> None:
    assert fault(text) is None


@pytest.mark.soak
def test_damaged_texts_get_coded_answers_in_time(soak: Soak) -> None:
    damage = Damage(seed=1)
    tried = 0
    for _ in soak.rounds():
        text = damage.next()
        found = fault(text)
        if found is not None:
            raw = text.encode("utf-8", "surrogatepass")
            kept = CORPUS / f"{sha256(raw).hexdigest()[:12]}.txt"
            kept.write_bytes(raw)
            pytest.fail(f"{found}; the text is kept as {kept}, where a unit test finds it")
        tried += 1
    soak.figure("damaged texts", tried)
