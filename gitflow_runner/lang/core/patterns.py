"""Regular expressions in `clojure.core`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitflow_runner.lang.collection import Vec
from gitflow_runner.lang.core.table import ctx
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.throwing import bad_cast
from gitflow_runner.lang.values import Value


def program(pattern: Value) -> Any:
    """The compiled form of a regex value."""
    if not isinstance(pattern, Regex):
        raise bad_cast("a regex", pattern)
    return pattern.program


def subject(runtime: Runtime, text: Value) -> str:
    """The text to search, paid for by its length."""
    if text.__class__ is not str:
        raise bad_cast("a string", text)
    runtime.charge(1 + len(text) // 64)
    return str(text)


def found(match: Any) -> Value:
    """What a match gives: the text, or a vector with the groups."""
    if match is None:
        return None
    groups = match.groups()
    return Vec((match.group(), *groups)) if groups else match.group()


def re_pattern(runtime: Runtime, text: Value) -> Regex:
    """`(re-pattern text)`."""
    if isinstance(text, Regex):
        return text
    pattern = Regex(subject(runtime, text))
    _ = pattern.program  # refused here rather than on first use
    return pattern


def re_find(runtime: Runtime, pattern: Value, text: Value) -> Value:
    """`(re-find pattern text)`."""
    return found(program(pattern).search(subject(runtime, text)))


def re_matches(runtime: Runtime, pattern: Value, text: Value) -> Value:
    """`(re-matches pattern text)`."""
    return found(program(pattern).fullmatch(subject(runtime, text)))


def re_seq(runtime: Runtime, pattern: Value, text: Value) -> Value:
    """`(re-seq pattern text)`: nil where nothing matches."""
    matches = _matches(runtime, program(pattern), subject(runtime, text))
    return runtime.sequence(matches).seq()


def _matches(runtime: Runtime, compiled: Any, text: str) -> Iterator[Value]:
    for match in compiled.finditer(text):
        runtime.charge(1)
        yield found(match)


TABLE = ctx(
    ("re-pattern", re_pattern, 1, 1),
    ("re-find", re_find, 2, 2),
    ("re-matches", re_matches, 2, 2),
    ("re-seq", re_seq, 2, 2),
)
