"""Layout changes blank space only: the same data, the same tokens, and itself when laid out again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.errors import LangError
from gitflow_runner.lang.forms import value_of
from gitflow_runner.lang.layout import laid_out
from gitflow_runner.lang.printer import readable
from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.tokentree import tokens
from tests.soak import Soak

ATOMS = st.sampled_from(
    (
        *(
            "a",
            "let",
            "if",
            "fn",
            "cond",
            "case",
            "letfn",
            "->",
            ":k",
            ":a/b",
            "1",
            "-2.5",
            "1/3",
            "nil",
            "true",
        ),
        *(
            '"s"',
            '"two\n  lines "',
            '"\\"q\\""',
            "\\a",
            "\\newline",
            "\\(",
            '#"a+ "',
            "##Inf",
            "%",
            "flow/step",
        ),
        *("a-very-long-symbol-that-takes-some-room", '"a text that is long enough to matter here"'),
    )
)
BLANKS = st.sampled_from(
    ("", " ", "  ", "\n", "\n\n\n", ",", ", ", " ,\n", "\t", "\r\n", " ; note\n", ";;x;\n\n", "\n ; y  \n ")
)
PREFIXES = st.sampled_from(
    ("'", "`", "~", "~@", "@", "#'", "^:m ", "^{:label 1} ", "#_", "#_ #_ 1 ", "#my/tag ")
)
BRACKETS = st.sampled_from(
    (("(", ")"), ("[", "]"), ("{", "}"), ("#{", "}"), ("#?(:clj ", ")"), ("#:n{", "}"))
)


@st.composite
def bracketed(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    opener, closer = draw(BRACKETS)
    items = draw(st.lists(inner, max_size=6))
    return opener + "".join(draw(BLANKS) + item + " " for item in items) + draw(BLANKS) + closer


@st.composite
def prefixed(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    return draw(PREFIXES) + draw(BLANKS) + draw(inner)


FORMS = st.recursive(ATOMS, lambda inner: st.one_of(bracketed(inner), prefixed(inner)), max_leaves=40)


@st.composite
def texts(draw: st.DrawFn) -> str:
    forms = draw(st.lists(FORMS, max_size=3))
    return draw(BLANKS) + "".join(form + " " + draw(BLANKS) for form in forms)


def refused(act: Callable[[], object]) -> tuple[str, str] | None:
    try:
        act()
    except LangError as error:
        return error.code, str(error.at)
    return None


def data(text: str) -> list[str]:
    return [readable(value_of(form)) for form in read_all(text)]


@given(texts(), st.sampled_from((20, 40, 110)))
def test_layout_keeps_data_and_tokens_and_is_its_own_layout(text: str, width: int) -> None:
    try:
        before = data(text)
    except LangError:
        return
    result = laid_out(text, width=width)
    assert data(result) == before
    assert list(tokens(result)) == list(tokens(text))
    assert laid_out(result, width=width) == result


@given(st.text(alphabet="()[]{}#_'^~@?!:;\"\\ \n,ab1%/-.", max_size=30))
def test_any_text_is_refused_as_the_reader_does_or_laid_out(text: str) -> None:
    refusal = refused(lambda: read_all(text))
    if refusal is not None:
        assert refused(lambda: laid_out(text)) == refusal
        return
    result = laid_out(text, width=12)
    assert laid_out(result, width=12) == result
    assert data(result) == data(text)


@pytest.mark.soak
def test_layout_holds_for_as_long_as_there_is_time(soak: Soak) -> None:
    texts_seen = 0
    for _ in soak.rounds():
        test_layout_keeps_data_and_tokens_and_is_its_own_layout()
        test_any_text_is_refused_as_the_reader_does_or_laid_out()
        texts_seen += 200
    soak.figure("texts", texts_seen)
