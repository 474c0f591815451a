"""Text to forms: Clojure's syntax with spans, read with a stack of our own and no recursion."""

from __future__ import annotations

import re

from gitflow_runner.errors import LangError
from gitflow_runner.lang import literals
from gitflow_runner.lang.build import CLOSERS, FormBuilder, Frame
from gitflow_runner.lang.forms import Atom, Form
from gitflow_runner.lang.regex import Regex
from gitflow_runner.lang.source import Part, Source
from gitflow_runner.lang.values import Value, symbol

MAX_TEXT = 2_500_000  # characters, with includes; the loader holds single files to less
MAX_DEPTH = 200
MAX_FORMS = 200_000

_REST = r"[^\s,()\[\]{}\"\\;@^`~]*"
TOKEN = re.compile(
    r"(?P<skip>[\s,]+|;[^\n]*|\#![^\n]*)"
    rf"|(?P<name>[^\s,()\[\]{{}}\"\\;@^`~\#'%:0-9+-]{_REST})"
    rf"|(?P<keyword>:{_REST})"
    r"|(?P<open>[(\[{])"
    r"|(?P<close>[)\]}])"
    r'|(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")'
    rf"|(?P<sign>[0-9+-]{_REST})"
    rf"|(?P<percent>%{_REST})"
    r"|(?P<mark>'|`|~@|~|@|\^)"
    rf"|(?P<char>\\.{_REST})"
    rf"|(?P<dispatch>\#(?:\?@?\(|[({{_'^=<]|\"[^\"\\]*(?:\\.[^\"\\]*)*\"|\#{_REST}|:{_REST}[\s,]*{{|[^\W\d]{_REST})?)",
    re.S,
)
_MARKS = {"'": "quote", "`": "syntax-quote", "~": "unquote", "~@": "unquote-splicing", "@": "deref"}
_CONSTANTS: dict[str, Value] = {"nil": None, "true": True, "false": False}


class Reader(FormBuilder):
    """One pass over a source. `forms` holds the top-level forms once `run` has returned."""

    def run(self, most: int | None = None) -> list[Form]:
        """Read everything, or `most` top-level forms; a `LangError` at the first thing that is wrong."""
        text, at, match = self.source.text, 0, TOKEN.match
        if len(text) > MAX_TEXT:
            raise self.error("reader_limit", f"the text has more than {MAX_TEXT:,} characters", 0)
        if not self.data_only and "\0" in text:
            nul = text.index("\0")
            raise self.error("clojure_reader_invalid", "a NUL stands in the text", nul, "write it as \\u0000")
        end = len(text)
        while at < end:
            found = match(text, at)
            if found is None:
                raise self._unreadable(at)
            kind = found.lastgroup
            if kind != "skip":
                self._token(kind, found.group(), at, found.end())
            at = found.end()
            if most is not None and len(self.forms) >= most:
                return self.forms[:most]
        if self.stack:
            raise self._unfinished()
        return self.forms

    def _token(self, kind: str | None, token: str, at: int, end: int) -> None:
        try:
            if kind == "name":
                self._name(token, at, end)
            elif kind == "keyword":
                self.emit(Atom(literals.keyword_of(token), at, end, self.source))
            elif kind == "open":
                self.push(Frame(token, at))
            elif kind == "close":
                self.close(token, at)
            elif kind == "string":
                self.emit(Atom(literals.unescape(token[1:-1]), at, end, self.source))
            elif kind == "sign":
                self._signed(token, at, end)
            elif kind == "char":
                self.emit(Atom(literals.character(token[1:]), at, end, self.source))
            elif kind == "percent":
                self._percent(token, at, end)
            elif kind == "mark":
                self._refuse_in_data(token != "^", token)
                self.push(Frame("^" if token == "^" else _MARKS[token], at))
            else:
                self._dispatch(token, at, end)
        except ValueError as error:
            raise self.error("clojure_reader_invalid", str(error), at) from None

    def _name(self, token: str, at: int, end: int) -> None:
        if token in _CONSTANTS:
            self.emit(Atom(_CONSTANTS[token], at, end, self.source))
            return
        self.emit(Atom(literals.symbol_of(token), at, end, self.source))

    def _signed(self, token: str, at: int, end: int) -> None:
        if token[0].isdigit() or token[1:2].isdigit():
            self.emit(Atom(literals.number(token), at, end, self.source))
        else:
            self._name(token, at, end)

    def _percent(self, token: str, at: int, end: int) -> None:
        frame = next((frame for frame in reversed(self.stack) if frame.kind == "#("), None)
        if frame is None:
            self._name(token, at, end)
            return
        if token == "%":
            token = "%1"
        if token == "%&":
            frame.rest = True
        elif re.fullmatch(r"%[1-9][0-9]?", token):
            frame.params = max(frame.params, int(token[1:]))
        else:
            raise ValueError(f"{token}: an argument of #() is %, %1 to %20, or %&")
        self.emit(Atom(symbol(token), at, end, self.source))

    def _dispatch(self, token: str, at: int, end: int) -> None:
        sort = token[1:2]
        self._refuse_in_data(sort in ("(", "'", "?"), token)
        if sort == '"':
            self.emit(Atom(Regex(token[2:-1]), at, end, self.source))
        elif sort == "#":
            self.emit(Atom(literals.symbolic(token[2:]), at, end, self.source))
        elif sort == "=":
            hint = "write the value itself: nothing is evaluated while reading"
            raise self.error("clojure_reader_eval_disabled", "#= is refused", at, hint)
        elif sort == ":":
            self._namespaced(token, at)
        elif sort in ("{", "(", "_", "'", "^", "?"):
            if sort == "(" and any(frame.kind == "#(" for frame in self.stack):
                raise ValueError("Nested #()s are not allowed")
            self.push(Frame(token, at))
        elif sort.isalpha():
            literals.check_name(token[1:])
            self.push(Frame("tag", at, name=token[1:]))
        elif self.source.text.startswith('#"', at):
            raise self._unreadable(at)
        else:
            raise ValueError(f"No reader macro for {self.source.text[at : at + 2]}")

    def _refuse_in_data(self, is_code: bool, token: str) -> None:
        if self.data_only and is_code:
            raise ValueError(f"{token} is code, and this is read as data")

    def _namespaced(self, token: str, at: int) -> None:
        name = token[2:-1].rstrip(", \t\r\n\f")
        if not name or name.startswith(":"):
            raise ValueError("#:: has no current namespace here; write it out, as in #:my.ns{...}")
        literals.check_name(name)
        self.push(Frame("#:", at, name=name))

    def _unreadable(self, at: int) -> LangError:
        text = self.source.text
        if text[at] == '"' or text.startswith('#"', at):
            what = "a string" if text[at] == '"' else "a regex"
            return self.error("clojure_syntax_invalid", f"{what} that opens here is not closed", at)
        return self.error("clojure_reader_invalid", f"{text[at]!r} cannot stand here", at)

    def _unfinished(self) -> LangError:
        frame = next((f for f in reversed(self.stack) if f.kind in CLOSERS), None)
        end = self.source.place(len(self.source.text))
        if frame is None or self.stack[-1] is not frame:
            last = self.stack[-1]
            return self.error("clojure_reader_invalid", f"nothing follows {last.kind!r}", last.start)
        message = f"{frame.kind} is not closed at the end of the text, {end.line}:{end.col}"
        hint = f"add {CLOSERS[frame.kind]} where the form ends"
        return self.error("clojure_delimiters_invalid", message, frame.start, hint)


def read_all(text: str | Source, *, file: str | None = None) -> list[Form]:
    """All top-level forms of a text."""
    source = text if isinstance(text, Source) else Source(text, file)
    return Reader(source, MAX_DEPTH, MAX_FORMS).run()


def read_one(text: str | Source, *, file: str | None = None) -> Form:
    """The single top-level form of a text; anything more, or nothing, is `clojure_reader_invalid`."""
    source = text if isinstance(text, Source) else Source(text, file)
    forms = read_all(source)
    if not forms:
        raise LangError("clojure_reader_invalid", "there is no form in the text", at=source.place(0))
    if len(forms) > 1:
        message = "unexpected trailing form: a text holds exactly one"
        raise LangError("clojure_reader_invalid", message, at=source.place(forms[1].start))
    return forms[0]


def string_source(atom: Atom) -> Source:
    """The text inside a string literal as a source whose positions lead back into the file."""
    raw = atom.source.text[atom.start + 1 : atom.end - 1]
    inside = atom.start + 1
    parts, shift = [Part(0, atom.source, inside)], 0
    for start, length, meaning in literals.escapes(raw):
        shift += length - len(meaning)
        after = start + length
        parts.append(Part(after - shift, atom.source, inside + after))
    return Source(atom.value, atom.source.file, tuple(parts))
