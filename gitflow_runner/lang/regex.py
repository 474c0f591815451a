"""Regular expressions as Clojure writes them, run in linear time by RE2."""

from __future__ import annotations

from typing import Any

import re2

from gitflow_runner.errors import LangError

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_UNSUPPORTED = {
    "(?=": "lookahead",
    "(?!": "lookahead",
    "(?<=": "lookbehind",
    "(?<!": "lookbehind",
    "(?>": "atomic groups",
}
_POSSESSIVE = ("++", "*+", "?+", "}+")


class Regex:
    """A pattern; compiled on first use, equal only to itself."""

    __slots__ = ("_program", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        self._program: Any = None

    @property
    def program(self) -> Any:
        """The compiled pattern; a `LangError` `regex_unsupported` where RE2 cannot do it."""
        if self._program is None:
            self._program = compiled(self.source)
        return self._program

    def __repr__(self) -> str:
        return f'#"{self.source}"'


def compiled(source: str) -> Any:
    """Compile a pattern, having refused what RE2 lacks or would understand differently from Java."""
    _scan(source)
    try:
        return re2.compile(source, _OPTIONS)
    except re2.error as error:
        raise unsupported(source, error.args[0].decode("utf-8", "replace")) from None


def unsupported(source: str, why: str) -> LangError:
    """The error for a pattern that is not run here."""
    return LangError(
        "regex_unsupported",
        f'the pattern #"{source[:80]}" cannot be used: {why}',
        hint="patterns run in linear time: no lookaround, backreferences, possessive or atomic groups",
    )


def _scan(source: str) -> None:
    at, in_class = 0, False
    while at < len(source):
        here = source[at]
        if here == "\\":
            following = source[at + 1 : at + 2]
            if following == "Q":
                end = source.find("\\E", at + 2)
                at = len(source) if end < 0 else end + 2
                continue
            if not in_class and following.isdigit() and following != "0":
                raise unsupported(source, "backreferences are not supported")
            at += 2
            continue
        if in_class:
            if here == "]":
                in_class = False
            elif here == "[":
                raise unsupported(source, "a class inside a class is not supported; escape the bracket")
            elif source.startswith("&&", at):
                raise unsupported(source, "intersections (&&) in a class are not supported")
        elif here == "[":
            in_class = True
            at += 2 if source[at + 1 : at + 2] == "^" else 1
            if source[at : at + 1] == "]":  # a bracket that comes first is one of the members
                at += 1
            continue
        else:
            _refuse_construct(source, at)
        at += 1


def _refuse_construct(source: str, at: int) -> None:
    for text, name in _UNSUPPORTED.items():
        if source.startswith(text, at):
            raise unsupported(source, f"{name} ({text}) is not supported")
    if source[at : at + 2] in _POSSESSIVE and at > 0:
        raise unsupported(source, "possessive quantifiers are not supported")
