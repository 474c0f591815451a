"""The text of a template read into its tree: a subset of Handlebars, with the place of whatever is wrong.

Blocks are `if`, `unless`, `each` and `with`; `{{x}}`, `{{{x}}}` and `{{&x}}` mean the same, since nothing
is escaped. White space stays as written, save where a `~` at a tag's brace takes it away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gitflow_runner.errors import LangError
from gitflow_runner.lang.literals import number
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.template_nodes import Block, Call, Constant, Expression, Node, Path, Put, Text
from gitflow_runner.lang.values import Value

MAX_TEXT: Final = 1_000_000  # characters of one template
MAX_DEPTH: Final = 32  # of blocks, and of expressions, in each other

BLOCKS: Final = ("if", "unless", "each", "with")

HELPERS: Final[Mapping[str, tuple[int, int, frozenset[str]]]] = {
    "truncate": (1, 2, frozenset({"length", "suffix"})),
    "json": (1, 1, frozenset({"pretty"})),
    "length": (1, 1, frozenset()),
    "join": (1, 2, frozenset({"separator"})),
    "first": (1, 1, frozenset()),
    "last": (1, 1, frozenset()),
    "default": (2, 2, frozenset()),
}
"""Each helper with the fewest and the most of its arguments, and its named ones."""

_NAME = r"[^\s!\"#%&'()*+,./;<=>@\[\\\]^`{|}~]+"
_PATH = re.compile(
    rf"@?(?:\.\./)*(?:\.\.|\.(?![\w/])|(?:\./)?(?:{_NAME}|\[[^\]]*\])(?:[./](?:{_NAME}|\[[^\]]*\]))*)"
)
_STEP = re.compile(rf"({_NAME})|\[([^\]]*)\]")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?![^\s(){}=~])")
_HASH = re.compile(rf"({_NAME})=")
_SPACE = re.compile(r"\s*")
_WORD = re.compile(rf"{_NAME}")
_CONSTANTS: Final[Mapping[str, Value]] = {
    "true": True,
    "false": False,
    "nil": None,
    "null": None,
    "undefined": None,
}
_DATA = ("index", "key", "first", "last", "root")


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag as scanned; `end` is where the text goes on, `word` a block's name or nothing."""

    start: int
    end: int
    sigil: str  # "#", "/", "else" or nothing
    word: str
    expression: Expression | None
    strips_before: bool
    strips_after: bool

    @property
    def is_else(self) -> bool:
        """Whether it begins the other branch, with a condition of its own or without."""
        return self.sigil == "else"

    @property
    def shown(self) -> str:
        """The tag as messages name it."""
        return (
            f"{{{{{self.sigil} {self.word}".rstrip() + "}}"
            if self.is_else
            else f"{{{{{self.sigil}{self.word}}}}}"
        )


def parse_template(source: Source) -> tuple[Node, ...]:
    """The nodes of a template; `LangError` (`template.syntax`, `template.too_large`) with the place."""
    if len(source.text) > MAX_TEXT:
        raise LangError("template.too_large", f"a template has at most {MAX_TEXT} characters")
    return _Parser(source).whole()


class _Parser:
    """One pass over the text."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text
        self._at = 0
        self._strip = False  # the tag before took the white space after it

    def whole(self) -> tuple[Node, ...]:
        nodes, tag = self._nodes(0)
        if tag is not None:
            raise self._wrong(tag.start, f"{tag.shown} stands outside of a block")
        return nodes

    def _nodes(self, depth: int) -> tuple[tuple[Node, ...], _Tag | None]:
        """Nodes up to the end, or up to an `{{else}}` or a `{{/…}}`, which is given back."""
        found: list[Node] = []
        while True:
            text, more = self._plain()
            tag = self._tag() if more else None
            if self._strip:
                text = text.lstrip()
            if tag is not None and tag.strips_before:
                text = text.rstrip()
            if text:
                found.append(Text(text))
            if tag is None:
                return tuple(found), None
            self._strip, self._at = tag.strips_after, tag.end
            if tag.sigil == "/" or tag.is_else:
                return tuple(found), tag
            if tag.sigil == "#":
                found.append(self._block(tag, tag.word, tag.word, depth + 1))
            elif tag.expression is not None:
                found.append(Put(tag.expression))

    def _block(self, tag: _Tag, kind: str, closer: str, depth: int) -> Block:
        """The block that `tag` opens; `closer` is the name in the end tag, shared by a chain of else-ifs."""
        if depth > MAX_DEPTH:
            raise self._wrong(tag.start, f"blocks lie in each other more than {MAX_DEPTH} deep")
        assert tag.expression is not None, "a block has a subject"
        body, end = self._nodes(depth)
        otherwise: tuple[Node, ...] = ()
        if end is not None and end.is_else and end.expression is not None:
            inner = self._block(end, end.word, closer, depth + 1)
            return Block(kind, tag.expression, body, (inner,))
        if end is not None and end.is_else:
            otherwise, end = self._nodes(depth)
        if end is None or end.is_else or end.word != closer:
            found = "the end of the text" if end is None else end.shown
            raise self._wrong(
                tag.start if end is None else end.start,
                f"the block {{{{#{closer}}}}} of {self._position(tag.start)} meets {found}",
                f"close it with {{{{/{closer}}}}}",
            )
        return Block(kind, tag.expression, body, otherwise)

    def _plain(self) -> tuple[str, bool]:
        """The text up to the next tag, and whether there is one; `\\{{` stands for braces as they are."""
        kept = []
        while True:
            at = self._text.find("{{", self._at)
            if at < 0:
                kept.append(self._text[self._at :])
                self._at = len(self._text)
                return "".join(kept), False
            before = self._text[self._at : at]
            self._at = at
            if not before.endswith("\\"):
                return "".join((*kept, before)), True
            if before.endswith("\\\\"):
                return "".join((*kept, before[:-1])), True
            kept += [before[:-1], "{{"]
            self._at = at + 2

    def _tag(self) -> _Tag:
        start = self._at
        closer = "}}}" if self._text.startswith("{{{", start) else "}}"
        at = start + len(closer)
        before = self._text.startswith("~", at)
        at += before
        if self._text.startswith("!", at):
            return self._comment(start, at, before)
        sigil = self._text[at : at + 1]
        if sigil in (">", "*"):
            raise self._wrong(start, "templates take in no other templates: there are no partials")
        self._at = self._skipped(at + 1 if sigil in ("#", "/", "^", "&") else at)
        sigil, word, expression = self._inside(start, sigil)
        after = self._text.startswith("~", self._at)
        self._at += after
        if not self._text.startswith(closer, self._at):
            raise self._wrong(start, f"the tag is not closed by {closer}")
        return _Tag(start, self._at + len(closer), sigil, word, expression, before, after)

    def _comment(self, start: int, at: int, before: bool) -> _Tag:
        closer = "--" if self._text.startswith("--", at + 1) else ""
        found = re.compile(closer + r"(~?)\}\}").search(self._text, at + 1 + len(closer))
        if found is None:
            raise self._wrong(start, "the comment is not closed")
        return _Tag(start, found.end(), "", "", None, before, bool(found[1]))

    def _inside(self, start: int, sigil: str) -> tuple[str, str, Expression | None]:
        """Kind, block word and expression of a tag."""
        word = self._word()
        if sigil == "^" and word:
            raise self._wrong(start, "{{^…}} is {{else}} and takes nothing", "use {{#unless …}}")
        if sigil == "^":
            return "else", "", None
        if sigil == "/":
            self._at = self._skipped(self._at + len(word))
            return "/", word, None
        if word == "else" and sigil != "#":
            self._at = self._skipped(self._at + len(word))
            if self._text.startswith(("}}", "~}}"), self._at):
                return "else", "", None
            sigil, word = "else", self._word()
        if sigil not in ("#", "else"):
            return "", "", self._expression(0, called=True)
        if word not in BLOCKS:
            raise self._wrong(
                start,
                f"there is no block {{{{#{word[:40]}}}}}",
                "blocks are " + " ".join(f"{{{{#{name}}}}}" for name in BLOCKS),
            )
        self._at = self._skipped(self._at + len(word))
        return sigil, word, self._expression(0, called=True)

    def _word(self) -> str:
        found = _WORD.match(self._text, self._at)
        return found[0] if found else ""

    def _expression(self, depth: int, *, called: bool) -> Expression:
        """One value; with `called`, a helper may follow with its arguments without parentheses."""
        start = self._at
        if depth > MAX_DEPTH:
            raise self._wrong(start, f"expressions lie in each other more than {MAX_DEPTH} deep")
        if self._text.startswith("(", start):
            self._at = self._skipped(start + 1)
            inner = self._expression(depth + 1, called=True)
            if not self._text.startswith(")", self._at):
                raise self._wrong(start, "the parenthesis is not closed")
            self._at = self._skipped(self._at + 1)
            return inner
        constant = self._constant()
        if constant is not None:
            return constant
        found = _PATH.match(self._text, start)
        if found is None:
            raise self._wrong(start, "a name or a value is missing here")
        self._at = self._skipped(found.end())
        if called and not self._ended():
            return self._call(found[0], start, depth)
        return self._path(found[0], start)

    def _constant(self) -> Constant | None:
        start = self._at
        string = _STRING.match(self._text, start)
        if string is not None:
            self._at = self._skipped(string.end())
            body = string[1] if string[1] is not None else string[2]
            return Constant(start, re.sub(r"\\(.)", r"\1", body, flags=re.DOTALL))
        digits = _NUMBER.match(self._text, start)
        if digits is not None:
            self._at = self._skipped(digits.end())
            return Constant(start, number(digits[0]))
        word = _WORD.match(self._text, start)
        if word is None or word[0] not in _CONSTANTS or self._text.startswith((".", "/"), word.end()):
            return None
        self._at = self._skipped(word.end())
        return Constant(start, _CONSTANTS[word[0]])

    def _call(self, helper: str, start: int, depth: int) -> Call:
        known = HELPERS.get(helper)
        if known is None:
            names = ", ".join(HELPERS)
            raise self._wrong(start, f"there is no helper {helper[:40]!r}", f"helpers are {names}")
        low, high, allowed = known
        arguments: list[Expression] = []
        named: dict[str, Expression] = {}
        while not self._ended():
            at = self._at
            pair = _HASH.match(self._text, at)
            if pair is None:
                if named:
                    raise self._wrong(at, "named arguments come last")
                arguments.append(self._expression(depth + 1, called=False))
                continue
            if pair[1] not in allowed or pair[1] in named:
                raise self._wrong(at, f"{helper} takes no {pair[1][:40]}= here")
            self._at = self._skipped(pair.end())
            named[pair[1]] = self._expression(depth + 1, called=False)
        if not low <= len(arguments) <= high:
            raise self._wrong(start, f"{helper} takes {low if low == high else f'{low} to {high}'} arguments")
        return Call(start, helper, tuple(arguments), tuple(named.items()))

    def _ended(self) -> bool:
        """Whether no further argument follows."""
        return self._at >= len(self._text) or self._text.startswith(("}", "~", ")"), self._at)

    def _path(self, text: str, start: int) -> Path:
        data = text.startswith("@")
        rest = text.removeprefix("@")
        up = 0
        while rest.startswith("../") or rest == "..":
            up += 1
            rest = rest[3:]
        scoped = up > 0 or rest == "." or rest.startswith("./")
        steps = [word or bracket for word, bracket in _STEP.findall(rest)]
        if data:
            if not steps or steps[0] not in _DATA or (len(steps) > 1 and steps[0] not in ("root", "key")):
                names = " ".join(f"@{name}" for name in _DATA)
                raise self._wrong(start, f"there is no {text[:40]}", f"there are {names}")
            return Path(start, tuple(steps[1:]), up, steps[0])
        if steps[:1] == ["this"] and not rest.startswith("["):
            scoped, steps = True, steps[1:]
        return Path(start, tuple(steps), up, bare=not scoped)

    def _skipped(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        assert found is not None, "white space may be empty"
        return found.end()

    def _position(self, at: int) -> str:
        place = self._source.place(at)
        return f"{place.line}:{place.col}"

    def _wrong(self, at: int, message: str, hint: str | None = None) -> LangError:
        return LangError("template.syntax", message, hint=hint, at=self._source.place(at))
