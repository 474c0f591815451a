"""Regular expressions as Clojure writes them, run in linear time by RE2."""

from __future__ import annotations

from typing import Any

import re2

from gitflow_runner.errors import LangError

MAX_PATTERN = 65_536  # characters
MAX_GROUPS = 500  # each step of a search may copy the ends of all groups
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
_HEX = frozenset("0123456789abcdefABCDEF")
_NO_LINE_END = "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]"  # what a dot is in Java
_BLANKS = {
    "s": "\\t\\n\\x0b\\f\\r ",
    "h": " \\t\\x{a0}\\x{1680}\\x{180e}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}",
}
_OTHER = {"e": "\\x1b", "R": "(?:\\r\\n|[\\n\\x0b\\f\\r\\x{85}\\x{2028}\\x{2029}])"}
_NAMES = "Lower Upper ASCII Alpha Digit Alnum Punct Graph Print Blank Cntrl Space XDigit"
_POSIX = {name: name.lower() for name in _NAMES.split()}


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
    """Compile a pattern of Java; refuse what RE2 cannot do."""
    if len(source) > MAX_PATTERN:
        raise unsupported(source, f"it is longer than {MAX_PATTERN:,} characters")
    pattern = _translated(source)
    try:
        program = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        raise unsupported(source, error.args[0].decode("utf-8", "replace")) from None
    if program.groups > MAX_GROUPS:
        raise unsupported(source, f"it has more than {MAX_GROUPS} groups")
    return program


def unsupported(source: str, why: str) -> LangError:
    """The error for a pattern that is not run here."""
    return LangError(
        "regex_unsupported",
        f'the pattern #"{source[:80]}" cannot be used: {why}',
        hint="patterns run in linear time: no lookaround, backreferences, possessive or atomic groups",
    )


def _translated(source: str) -> str:
    """The pattern as RE2 writes it, having refused what it lacks or would understand differently."""
    out: list[str] = []
    at, in_class = 0, False
    any_line = "(?s" in source or "(?is" in source or "(?ms" in source
    while at < len(source):
        here = source[at]
        if here == "\\":
            text, at = _escape(source, at, in_class)
            out.append(text)
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
            opening = 2 if source[at + 1 : at + 2] == "^" else 1
            if source[at + opening : at + opening + 1] == "]":  # one that comes first is a member
                opening += 1
            out.append(source[at : at + opening])
            at += opening
            continue
        else:
            _refuse_construct(source, at)
            if here == "." and not any_line:
                here = _NO_LINE_END
        out.append(here)
        at += 1
    return "".join(out)


def _escape(source: str, at: int, in_class: bool) -> tuple[str, int]:
    """What stands for the escape at a place, and where it ends."""
    following = source[at + 1 : at + 2]
    if following == "Q":
        end = source.find("\\E", at + 2)
        end = len(source) if end < 0 else end + 2
        return source[at:end], end
    if not in_class and following.isdigit() and following != "0":
        raise unsupported(source, "backreferences are not supported")
    if following in ("p", "P") and source[at + 2 : at + 3] == "{":
        end = source.find("}", at) + 1 or len(source)
        name = _POSIX.get(source[at + 3 : end - 1])
        if name is None:
            return source[at:end], end
        text = f"[:{'^' if following == 'P' else ''}{name}:]"
        return text if in_class else f"[{text}]", end
    if following == "u":
        code = source[at + 2 : at + 6]
        if len(code) < 4 or not set(code) <= _HEX:
            raise unsupported(source, "\\u wants four hexadecimal digits")
        return f"\\x{{{code}}}", at + 6
    if following in _BLANKS:
        return _BLANKS[following] if in_class else f"[{_BLANKS[following]}]", at + 2
    return _OTHER.get(following, source[at : at + 2]), at + 2


def _refuse_construct(source: str, at: int) -> None:
    for text, name in _UNSUPPORTED.items():
        if source.startswith(text, at):
            raise unsupported(source, f"{name} ({text}) is not supported")
    if source[at : at + 2] in _POSSESSIVE and at > 0:
        raise unsupported(source, "possessive quantifiers are not supported")
