"""No text whatever makes the language crash, hang or answer without a code."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.flow_mutations import FlowDamage
from tests.language_trials import READING, TRIALS, fault
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


@pytest.mark.parametrize("seed", range(40))
def test_a_flow_with_moved_forms_gets_coded_answers(seed: int) -> None:
    assert fault(FlowDamage(seed).next(), READING) is None


@pytest.mark.soak
def test_damaged_texts_get_coded_answers_in_time(soak: Soak) -> None:
    soak.figure("damaged texts", tried(soak, Damage(soak.seed), TRIALS))


@pytest.mark.soak
def test_flows_with_moved_forms_get_coded_answers_in_time(soak: Soak) -> None:
    soak.figure("flows with moved forms", tried(soak, FlowDamage(soak.seed), READING))


def tried(soak: Soak, texts: Damage | FlowDamage, trials: Sequence[Callable[[str], None]]) -> int:
    """How many texts were tried; one that fails is kept for the unit tests."""
    number, begun = 0, time.process_time()
    for _ in soak.rounds():
        text = texts.next()
        found = fault(text, trials)
        if found is not None:
            raw = text.encode("utf-8", "surrogatepass")
            kept = CORPUS / f"{sha256(raw).hexdigest()[:12]}.txt"
            kept.write_bytes(raw)
            pytest.fail(f"{found}; the text is kept as {kept}, where a unit test finds it")
        number += 1
    soak.figure("seconds of CPU", round(time.process_time() - begun))
    return number
