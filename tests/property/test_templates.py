"""Laws of templates: text without tags is itself, any text is read or told, data stays data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import Vec, map_of
from gitflow_runner.lang.template import parse
from gitflow_runner.lang.values import keyword

TAGS = [
    "#if x",
    "/if",
    "else",
    "#each xs",
    "/each",
    "x",
    "truncate x",
    "length=2",
    "@index",
    "../",
    "this.",
    "1.5",
]
SIGNS = ["{{", "}}", "{{{", "}}}", " ", "~", "\\", '"', "(", ")", "[", "]", "!--", "--", "\n", "é"]
PIECES = st.sampled_from([*TAGS, *SIGNS])
DATA = map_of([(keyword("x"), "value"), (keyword("xs"), Vec((1, 2)))])


@given(st.text().filter(lambda text: "{{" not in text))
def test_a_text_without_tags_is_itself(text: str) -> None:
    assert parse(text).render(DATA) == text


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_text_is_rendered_or_refused_with_a_place(text: str) -> None:
    refusal: LangError | None = None
    try:
        template = parse(text)
        assert template.render(DATA) == template.render(DATA)
    except LangError as error:
        refusal = error
    if refusal is not None and refusal.code != "template.value":
        assert refusal.code == "template.syntax"
        assert refusal.at is not None
        assert refusal.at.line is not None


@given(st.text())
def test_data_is_put_in_as_it_is(text: str) -> None:
    assert parse("[{{x}}]").render(map_of([(keyword("x"), text)])) == f"[{text}]"
