"""Edits by spans: what is not meant stays byte for byte."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import LangError
from gitflow_runner.lang.editing import (
    add_entry,
    applied,
    at_path,
    insert_before,
    remove_entry,
    replace,
    set_entry,
)
from gitflow_runner.lang.forms import Form, MapForm, VectorForm
from gitflow_runner.lang.reader import read_one
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.values import keyword

TEXT = """;; top
{:a  1,  ; one
 :b {:c [10 20   30]}   #_ gone
 ;; last
 :d "x"}\r
"""


def read(text: str) -> tuple[Source, MapForm]:
    source = Source(text, "a.edn")
    form = read_one(source)
    assert isinstance(form, MapForm)
    return source, form


def below(form: Form, *path: object) -> Form:
    return at_path(form, tuple(keyword(step) if isinstance(step, str) else step for step in path))


def test_a_value_is_replaced_and_nothing_else() -> None:
    source, form = read(TEXT)
    assert applied(source, [replace(below(form, "b", "c", 1), "99")]) == TEXT.replace("20", "99")


def test_several_edits_are_made_at_once() -> None:
    source, form = read(TEXT)
    edits = [replace(below(form, "d"), ":y"), insert_before(below(form, "b"), "'")]
    assert applied(source, edits) == TEXT.replace(":b {", ":b '{").replace('"x"', ":y")


def test_a_known_key_is_given_another_value() -> None:
    source, form = read(TEXT)
    assert applied(source, [set_entry(form, keyword("a"), "2")]) == TEXT.replace("{:a  1", "{:a  2")


def test_a_new_key_is_aligned_with_the_others() -> None:
    source, form = read(TEXT)
    assert applied(source, [set_entry(form, keyword("e"), "[]")]) == TEXT.replace('"x"}', '"x"\n :e []}')


@pytest.mark.parametrize(
    ("before", "after"), [("{}", "{:k 1}"), ("{:a 1}", "{:a 1 :k 1}"), ("{ }", "{ :k 1}")]
)
def test_a_short_map_stays_on_its_line(before: str, after: str) -> None:
    source, form = read(before)
    assert applied(source, [add_entry(form, ":k 1")]) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{:a 1, :k 2 :b 3}", "{:a 1 :b 3}"),
        ("{:k 2 :b 3}", "{:b 3}"),
        ("{:a 1 ; note\n :k 2\n :b 3}", "{:a 1 ; note\n :b 3}"),
        ("{:k 2}", "{}"),
    ],
)
def test_an_entry_is_taken_out_and_comments_stay(before: str, after: str) -> None:
    source, form = read(before)
    edit = remove_entry(form, keyword("k"))
    assert edit is not None
    assert applied(source, [edit]) == after


def test_what_is_not_there_is_not_taken_out() -> None:
    assert remove_entry(read("{:a 1}")[1], keyword("k")) is None


def test_overlapping_edits_are_refused() -> None:
    source, form = read(TEXT)
    with pytest.raises(LangError) as refused:
        applied(source, [replace(below(form, "b"), "1"), replace(below(form, "b", "c"), "2")])
    assert refused.value.code == "edit_overlap"


def test_an_edit_that_would_leave_an_unreadable_file_is_refused() -> None:
    source, form = read(TEXT)
    with pytest.raises(LangError) as refused:
        applied(source, [replace(below(form, "d"), "(")])
    assert refused.value.code == "clojure_delimiters_invalid"


def test_a_path_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(LangError) as refused:
        below(read(TEXT)[1], "b", "z")
    assert refused.value.code == "edit_path"


@pytest.mark.parametrize(
    ("text", "result"),
    [("{:d(f)}", "{:d '(f)}"), ("{:d (f)}", "{:d '(f)}"), ("[(f)]", "['(f)]"), ("(f)", "'(f)")],
)
def test_what_is_put_before_a_form_stays_apart_from_the_token_before(text: str, result: str) -> None:
    source = Source(text)
    form = read_one(source)
    inner = form.items[-1] if isinstance(form, MapForm | VectorForm) else form
    assert applied(source, [insert_before(inner, "'")]) == result
