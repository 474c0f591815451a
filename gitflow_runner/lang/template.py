"""Templates: text with `{{names}}`, blocks and helpers, filled with data by the rules of Handlebars.

Nothing is escaped, what is missing is empty, and a name that the innermost scope does not hold is looked
for in the scopes around it. Work and output are bounded, whatever the template and the data are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from gitflow_runner.errors import LangError
from gitflow_runner.lang.collection import MISSING, Map, Vec
from gitflow_runner.lang.source import Source
from gitflow_runner.lang.template_helpers import call_helper, is_empty, shown
from gitflow_runner.lang.template_nodes import (
    Block,
    Call,
    Constant,
    Expression,
    Node,
    Path,
    Put,
    Text,
    expressions,
)
from gitflow_runner.lang.template_syntax import parse_template
from gitflow_runner.lang.values import Collection, Value, keyword

MAX_OUTPUT: Final = 10_000_000  # characters that one template may become
MAX_WORK: Final = 1_000_000  # nodes that may be written, output counted in pieces of 64 characters
MAX_LIST_STEP: Final = 1_000  # how far a number may lead into a list, which is walked; vectors have no bound


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read; it can be rendered any number of times."""

    nodes: tuple[Node, ...]

    def render(self, data: Value) -> str:
        """The text with the data in it; `LangError` (`template.too_much`, `template.value`)."""
        writer = _Writer()
        root = _Scope(data, None)
        writer.write(self.nodes, root)
        return "".join(writer.parts)

    def needed(self) -> frozenset[str]:
        """The keys of the data without which some place of the text is surely empty."""
        return frozenset(
            path.steps[0]
            for path, always in self._paths()
            if always and path.steps and path.up == 0 and path.data in (None, "root")
        )

    def names(self) -> frozenset[str] | None:
        """Every name that is looked up anywhere; None if the data is used as a whole."""
        paths = [path for path, _ in self._paths()]
        if any(not path.steps and path.data in (None, "root") and path.up == 0 for path in paths):
            return None
        return frozenset(step for path in paths for step in path.steps)

    @property
    def is_filled(self) -> bool:
        """Whether any data comes into the text."""
        return any(not isinstance(node, Text) for node in self.nodes)

    def _paths(self) -> Iterator[tuple[Path, bool]]:
        return ((found, always) for found, always in expressions(self.nodes) if isinstance(found, Path))


def parse(text: str | Source) -> Template:
    """Read a template; `LangError` (`template.syntax`, `template.too_large`) with line and column."""
    return Template(parse_template(Source(text) if isinstance(text, str) else text))


class _Scope:
    """What `this` is, what it lies in, and where an `each` stands."""

    __slots__ = ("around", "first", "index", "key", "last", "this")

    def __init__(self, this: Value, around: _Scope | None) -> None:
        self.this = this
        self.around = around
        self.index: int | None = None
        self.key: Value = None
        self.first = False
        self.last = False


class _Writer:
    """One rendering."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._left = MAX_WORK
        self._room = MAX_OUTPUT

    def write(self, nodes: tuple[Node, ...], scope: _Scope) -> None:
        for node in nodes:
            if node.__class__ is Text:
                self._put(node.text)
            elif node.__class__ is Put:
                self._put(shown(self._value(node.expression, scope)))
            else:
                assert isinstance(node, Block), "there are three kinds of node"
                self._charge(1)
                self._block(node, scope)

    def _put(self, text: str) -> None:
        self._room -= len(text)
        if self._room < 0:
            raise LangError("template.too_much", f"the text would be longer than {MAX_OUTPUT} characters")
        self._charge(1 + len(text) // 64)
        self.parts.append(text)

    def _charge(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise LangError(
                "template.too_much", "the template takes too much work", hint="hand it less data, in pages"
            )

    def _block(self, block: Block, scope: _Scope) -> None:
        subject = self._value(block.subject, scope)
        empty = is_empty(subject)
        match block.kind:
            case "if":
                self.write(block.otherwise if empty else block.body, scope)
            case "unless":
                self.write(block.body if empty else block.otherwise, scope)
            case "with":
                if empty:
                    self.write(block.otherwise, scope)
                else:
                    self.write(block.body, _Scope(subject, scope))
            case _:
                if not isinstance(subject, Collection) or _none(subject):
                    self.write(block.otherwise, scope)
                else:
                    self._each(block.body, subject, scope)

    def _each(self, body: tuple[Node, ...], items: Collection, around: _Scope) -> None:
        pairs = items.items() if isinstance(items, Map) else ((None, item) for item in items)
        for index, ((key, item), last) in enumerate(_with_last(pairs)):
            self._charge(1)
            scope = _Scope(item, around)
            scope.index, scope.first, scope.last = index, index == 0, last
            scope.key = key if isinstance(items, Map) else index
            self.write(body, scope)

    def _value(self, expression: Expression, scope: _Scope) -> Value:
        if expression.__class__ is Path:
            return _lookup(expression, scope)
        match expression:
            case Constant(_, value):
                return value
            case Call(_, helper, arguments, named):
                self._charge(1)
                values = [self._value(each, scope) for each in arguments]
                by_name = {name: self._value(each, scope) for name, each in named}
                return call_helper(helper, values, by_name, self._charge)
        raise AssertionError(expression)


def _none(items: Collection) -> bool:
    return next(iter(items), MISSING) is MISSING


def _with_last(pairs: Iterable[tuple[Value, Value]]) -> Iterator[tuple[tuple[Value, Value], bool]]:
    """Each pair, and whether none comes after it."""
    waiting: tuple[Value, Value] | None = None
    for pair in pairs:
        if waiting is not None:
            yield waiting, False
        waiting = pair
    if waiting is not None:
        yield waiting, True


def _lookup(path: Path, scope: _Scope) -> Value:
    found: _Scope | None = scope
    for _ in range(path.up):
        found = None if found is None else found.around
    if found is None:
        return None
    if path.data is not None:
        return _datum(path, found)
    value = found.this
    steps = path.steps
    if not steps:
        return value
    value = _step(value, steps[0])
    if path.bare:
        while value is MISSING and found.around is not None:
            found = found.around
            value = _step(found.this, steps[0])
    for step in steps[1:]:
        value = _step(value, step)
    return None if value is MISSING else value


def _datum(path: Path, scope: _Scope) -> Value:
    around: _Scope | None = scope
    if path.data == "root":
        while scope.around is not None:
            scope = scope.around
        value = scope.this
        for step in path.steps:
            value = _step(value, step)
        return None if value is MISSING else value
    # A `with` inside an `each` has no place of its own: it has that of the each.
    while around is not None and around.index is None:
        around = around.around
    if around is None:
        return None
    match path.data:
        case "index":
            return around.index
        case "key":
            return around.key
        case "first":
            return around.first
        case _:
            return around.last


def _step(value: Value, name: str) -> Value:
    """The value under a keyword or a text of that name, or at that number; `MISSING` if there is none."""
    if isinstance(value, Map):
        found = value.get(keyword(name), MISSING)
        return found if found is not MISSING else value.get(name, MISSING)
    if isinstance(value, Collection) and value.kind == "sequential":
        at = int(name) if name.isdecimal() and name.isascii() and len(name) < 7 else -1
        if isinstance(value, Vec):
            return value.nth(at, None)
        return next(islice(value, at, None), MISSING) if 0 <= at <= MAX_LIST_STEP else MISSING
    return MISSING
