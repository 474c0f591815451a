"""SQL as far as the runner reads it: which `?` is a parameter, and how a statement begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitflow_runner.databases.statement import (
    MYSQL,
    POSTGRES,
    SQLITE,
    Dialect,
    check_single,
    first_word,
    with_placeholders,
)
from gitflow_runner.errors import StepError

DIALECTS = {"sqlite": SQLITE, "postgres": POSTGRES, "mysql": MYSQL}


def numbered(sql: str, dialect: Dialect = POSTGRES) -> str:
    """The statement with as many parameters as it has."""
    for count in range(20):
        try:
            return with_placeholders(sql, count, dialect, lambda number: f"${number}")
        except StepError as error:
            if error.code != "db.params":
                raise
    raise AssertionError("too many placeholders")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT ?, ?", "SELECT $1, $2"),
        ("a ?? b ? c", "a ? b $1 c"),
        ("'?' ?", "'?' $1"),
        ("'it''s ?' ?", "'it''s ?' $1"),
        ('"a?" `b?` ?', '"a?" `b?` $1'),
        ("-- ?\n?", "-- ?\n$1"),
        ("-- ? to the end", "-- ? to the end"),
        ("/* ? */ ?", "/* ? */ $1"),
        ("/* /* ? */ ? */ ?", "/* /* ? */ ? */ $1"),
        ("$$ ? $$ ?", "$$ ? $$ $1"),
        ("$a$ ? $$ ? $a$ ?", "$a$ ? $$ ? $a$ $1"),
        ("a$b$ ? c$b$", "a$b$ $1 c$b$"),
        (r"E'\'?' ?", r"E'\'?' $1"),
        (r"'\' ?", r"'\' $1"),
        (r"name'\' ?", r"name'\' $1"),
        ("100 % ?", "100 % $1"),
    ],
)
def test_only_code_holds_parameters(sql: str, told: str) -> None:
    assert numbered(sql) == told


def test_dialects_differ() -> None:
    assert numbered("/* /* */ ? */", SQLITE) == "/* /* */ $1 */"
    assert numbered("$$ ? $$", SQLITE) == "$$ $1 $$"
    assert numbered(r"'\'?' ?", MYSQL) == r"'\'?' $1"
    assert numbered("# ?\n?", MYSQL) == "# ?\n$1"
    assert numbered("# ?\n?", POSTGRES) == "# $1\n$2"


@pytest.mark.parametrize("sql", ["'open", '"open', "/* open", "$a$ open $$", "/* /* */", r"E'\'"])
def test_text_that_ends_open_is_refused(sql: str) -> None:
    with pytest.raises(StepError) as caught:
        numbered(sql)
    assert caught.value.code == "db.statement"


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT 1;", "SELECT ';' ; -- ; and\n", "/* ; */ SELECT 1 ;; "])
def test_one_statement_passes(sql: str) -> None:
    check_single(sql, MYSQL)


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1;/* */DROP TABLE a", "SELECT '\\';' ; x"])
def test_two_statements_are_refused(sql: str) -> None:
    with pytest.raises(StepError) as caught:
        check_single(sql, MYSQL)
    assert caught.value.code == "db.statement"


def test_a_statement_has_a_size() -> None:
    with pytest.raises(StepError) as caught:
        numbered("x" * 100_001)
    assert caught.value.code == "db.statement"


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT 1", "select"),
        ("  ((SELECT 1))", "select"),
        ("-- DELETE\n/* DROP */ Update t", "update"),
        ("/**/delete from t", "delete"),
        ("", ""),
        ("'select'", ""),
        ("; select", ""),
    ],
)
def test_the_first_word_is_found(sql: str, word: str) -> None:
    assert first_word(sql, POSTGRES) == word


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
@given(text=st.text(alphabet="?'\"`-/*$aE\\#\n %", max_size=40))
def test_any_text_is_taken_apart_or_refused(dialect: Dialect, text: str) -> None:
    refused = False
    try:
        told = with_placeholders(text, 0, dialect, lambda number: "!")
    except StepError as error:
        refused, told = True, ""
        known = ("db.statement", "db.params")
        if error.code not in known:
            raise
    assert refused or len(told) <= len(text)
