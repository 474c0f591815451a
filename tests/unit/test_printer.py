"""What is written as data can be read back, and what could not be is refused."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import canonical, readable, write
from gitflow_runner.lang.session import evaluate


@pytest.mark.parametrize(
    "code",
    ["(char 55296)", "(str \\a (char 57343))", "{(str (char 55296)) 1}", '(re-pattern "a\\"b")', "inc"],
)
def test_a_value_that_could_not_be_read_back_is_not_written(code: str) -> None:
    value = evaluate(code)
    for printed in (write, canonical):
        with pytest.raises(LangError) as caught:
            printed(value)
        assert caught.value.code == "not_data"
    assert readable(value) != ""


@pytest.mark.parametrize(
    "code",
    [
        "'(a #(inc %))",
        "'#(+ %1 %2 %&)",
        '#"a\\"b"',
        '#"\\\\"',
        '"😀"',
        "(char 233)",
        "'[% %1 a%]",
        '#"[\\"]"',
    ],
)
def test_code_and_patterns_are_data_too(code: str) -> None:
    text = write(evaluate(code))
    assert write(read_data(text)) == text
