"""A text that cannot be read is answered with what to write instead."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.reader import read_all

TEXTS = [
    *(
        "(",
        ")",
        "[)",
        "{:a}",
        "#{1 1}",
        "{:a 1 :a 2}",
        '"abc',
        '#"a',
        "'",
        "@",
        "`",
        "~@",
        "#_",
        "^:a",
        "#",
        "#<x>",
    ),
    *(
        "1a",
        "9" * 6000,
        "\\foo",
        '"\\q"',
        '"\\ud800"',
        "\0",
        ":a/b/c",
        "::k",
        "#::a{}",
        "^1 x",
        "#inst 5",
        '#inst "x"',
    ),
    *('#uuid "x"', "##Foo", "#?(:clj)", "#:a{", "#:a[]", "#=(x)", "#(#())", "[" * 300, " " * 2_500_001),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12])
def test_a_text_that_cannot_be_read_comes_with_a_way_out(text: str) -> None:
    with pytest.raises(LangError) as refused:
        read_all(text)
    assert refused.value.hint
    assert refused.value.at is not None


def test_a_regex_that_is_not_closed_is_called_so() -> None:
    with pytest.raises(LangError) as refused:
        read_all('(re-find #"a b')
    assert (refused.value.code, str(refused.value.at)) == ("clojure_syntax_invalid", "<input>:1:10")
