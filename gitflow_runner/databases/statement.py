"""SQL text as far as a runner must understand it: where its parameters are, and how it begins.

Strings, quoted names, comments and dollar quotes are passed over, so that a `?` in them stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gitflow_runner.errors import StepError

MAX_SQL = 100_000  # characters

READING = frozenset({"select", "with", "values", "table", "explain", "show", "describe", "desc", "pragma"})
"""How a statement begins that only reads; the database itself is told to refuse what writes all the same."""

_WORD = re.compile(r"[^\W\d]\w*")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs in the lexis: `$tag$` quotes, backslashes in strings, `#` comments, nested comments."""

    dollar_quotes: bool = False
    backslashes: bool = False
    hash_comments: bool = False
    nested_comments: bool = False


SQLITE = Dialect()
POSTGRES = Dialect(dollar_quotes=True, nested_comments=True)
DUCKDB = Dialect(dollar_quotes=True)
MYSQL = Dialect(backslashes=True, hash_comments=True)


def with_placeholders(sql: str, count: int, dialect: Dialect, mark: Callable[[int], str]) -> str:
    """The statement with `mark(1)`, `mark(2)`… in place of its `?`; `??` stands for the operator `?`.

    `StepError` (`db.params`) unless there are `count` of them, `db.statement` for text that ends open.
    """
    pieces, number = [], 0
    for text, is_code in _pieces(sql, dialect):
        if not is_code:
            pieces.append(text)
            continue
        parts = re.split(r"(\?\??)", text)
        for at, part in enumerate(parts):
            if part == "?":
                number += 1
                parts[at] = mark(number)
            elif part == "??":
                parts[at] = "?"
        pieces += parts
    if number != count:
        raise StepError(
            "db.params",
            f"the statement has {number} placeholders and :params {count} values",
            hint="write ? for each value, ?? for the operator ?",
        )
    return "".join(pieces)


def check_single(sql: str, dialect: Dialect) -> None:
    """`StepError` (`db.statement`) for more than one statement, where the driver would take several."""
    code = "".join(text if is_code else " " for text, is_code in _pieces(sql, dialect))
    if code.rstrip().rstrip(";").count(";"):
        raise StepError("db.statement", "a step sends one statement", hint="give each a step of its own")


def first_word(sql: str, dialect: Dialect) -> str:
    """The word that the statement begins with, in lower case; opening parentheses are passed over."""
    code = "".join(text if is_code else " " for text, is_code in _pieces(sql, dialect))
    found = _WORD.match(code.lstrip(" \t\r\n\f("))
    return found[0].lower() if found else ""


def _pieces(sql: str, dialect: Dialect) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is code: neither quoted nor a comment."""
    if len(sql) > MAX_SQL:
        raise StepError("db.statement", f"a statement has at most {MAX_SQL} characters")
    at = start = 0
    while at < len(sql):
        end = _end(sql, at, dialect)
        if end is None:
            at += 1
            continue
        if start < at:
            yield sql[start:at], True
        yield sql[at:end], False
        at = start = end
    if start < len(sql):
        yield sql[start:], True


def _end(sql: str, at: int, dialect: Dialect) -> int | None:
    """Where what begins at `at` ends, if it is a quotation or a comment."""
    char = sql[at]
    if char in "'\"`":
        escapes = dialect.backslashes or (char == "'" and dialect.dollar_quotes and _is_escaped(sql, at))
        return _quoted(sql, at, char, backslashes=escapes)
    if sql.startswith("--", at) or (char == "#" and dialect.hash_comments):
        end = sql.find("\n", at)
        return len(sql) if end < 0 else end
    if sql.startswith("/*", at):
        return _comment(sql, at, nested=dialect.nested_comments)
    if char == "$" and dialect.dollar_quotes and not (at and (sql[at - 1].isalnum() or sql[at - 1] in "_$")):
        tag = _DOLLAR.match(sql, at)
        if tag is not None:
            end = sql.find(tag[0], tag.end())
            return _closed(end, "dollar quote") + len(tag[0])
    return None


def _is_escaped(sql: str, at: int) -> bool:
    """Whether the quote at `at` belongs to PostgreSQL's `E'…'`."""
    before = sql[at - 1 : at]
    return before in ("e", "E") and not (at > 1 and (sql[at - 2].isalnum() or sql[at - 2] in "_$"))


def _quoted(sql: str, at: int, quote: str, *, backslashes: bool) -> int:
    position = at + 1
    while position < len(sql):
        if backslashes and sql[position] == "\\":
            position += 2
        elif sql[position] != quote:
            position += 1
        elif sql[position + 1 : position + 2] == quote:
            position += 2
        else:
            return position + 1
    return _closed(-1, "quotation")


def _comment(sql: str, at: int, *, nested: bool) -> int:
    depth, position = 1, at + 2
    while depth:
        end = sql.find("*/", position)
        begin = sql.find("/*", position) if nested else -1
        _closed(end, "comment")
        if 0 <= begin < end:
            depth, position = depth + 1, begin + 2
        else:
            depth, position = depth - 1, end + 2
    return position


def _closed(end: int, what: str) -> int:
    if end < 0:
        raise StepError("db.statement", f"a {what} in the statement does not end")
    return end
