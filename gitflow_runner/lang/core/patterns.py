"""Regular expressions in `clojure.core`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitflow_runner.lang.collection import MISSING, Vec
from gitflow_runner.lang.core.table import ctx, plain
from gitflow_runner.lang.fuel import Runtime
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.throwing import bad_cast, thrown
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


class Matcher:
    """`re-matcher`: a search that goes on where the last match ended. It never leaves its function."""

    __slots__ = ("at", "match", "program", "text")

    def __init__(self, compiled: Any, text: str) -> None:
        self.program = compiled
        self.text = text
        self.at = 0
        self.match: Any = None

    def find(self) -> Value:
        """The next match."""
        if self.at > len(self.text):
            self.match = None
            return None
        self.match = self.program.search(self.text, self.at)
        if self.match is not None:
            start, end = self.match.span()
            self.at = end if end > start else end + 1
        return found(self.match)

    def group(self, number: int, default: Value) -> Value:
        """A group of the last match, by number; `nth` of a matcher."""
        if default is not MISSING and not 0 <= number <= self.program.groups:
            return default
        if self.match is None:
            raise thrown("IllegalStateException", "No match found")
        if not 0 <= number <= self.program.groups:
            raise thrown("IndexOutOfBoundsException", f"No group {number}")
        return self.match.group(number)


def re_matcher(runtime: Runtime, pattern: Value, text: Value) -> Matcher:
    """`(re-matcher pattern text)`."""
    return Matcher(program(pattern), subject(runtime, text))


def re_groups(matcher: Value) -> Value:
    """`(re-groups matcher)`: of the last match."""
    if not isinstance(matcher, Matcher):
        raise bad_cast("a matcher", matcher)
    if matcher.match is None:
        raise thrown("IllegalStateException", "No match found")
    return found(matcher.match)


def re_find(runtime: Runtime, pattern: Value, text: Value = MISSING) -> Value:
    """`(re-find pattern text)`, `(re-find matcher)`."""
    if text is MISSING:
        if not isinstance(pattern, Matcher):
            raise bad_cast("a matcher", pattern)
        runtime.charge(1 + (len(pattern.text) - pattern.at) // 64)
        return pattern.find()
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
    ("re-find", re_find, 1, 2),
    ("re-matcher", re_matcher, 2, 2),
    ("re-matches", re_matches, 2, 2),
    ("re-seq", re_seq, 2, 2),
) | plain(("re-groups", re_groups, 1, 1))
