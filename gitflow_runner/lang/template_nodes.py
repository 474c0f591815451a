"""The tree of a template: text, values to put into it, and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gitflow_runner.lang.values import Value


@dataclass(frozen=True, slots=True)
class Path:
    """What a name leads to: `up` scopes out, then along `steps`; `data` is `index` of `@index`.

    A `bare` path is searched for in the scopes around as well if its first step is not there.
    """

    start: int
    steps: tuple[str, ...]
    up: int = 0
    data: str | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, number, boolean or nil written in a tag."""

    start: int
    value: Value


@dataclass(frozen=True, slots=True)
class Call:
    """A helper with its arguments."""

    start: int
    helper: str
    arguments: tuple[Expression, ...]
    named: tuple[tuple[str, Expression], ...]


Expression: TypeAlias = Path | Constant | Call


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Put:
    """The text of a value."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Block:
    """`{{#kind subject}}body{{else}}otherwise{{/kind}}`."""

    kind: str
    subject: Expression
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


Node: TypeAlias = Text | Put | Block


def expressions(nodes: tuple[Node, ...], *, always: bool = True) -> Iterator[tuple[Expression, bool]]:
    """Every expression of the tree, and whether its value is put into the text whatever the data are."""
    for node in nodes:
        match node:
            case Put(expression):
                yield from _within(expression, always)
            case Block(_, subject, body, otherwise):
                yield from _within(subject, False)
                yield from expressions(body, always=False)
                yield from expressions(otherwise, always=False)
            case Text():
                pass


def _within(expression: Expression, always: bool) -> Iterator[tuple[Expression, bool]]:
    yield expression, always
    if isinstance(expression, Call):
        # What `default` is handed may be missing: that is what it is for.
        always = always and expression.helper != "default"
        for each in (*expression.arguments, *(value for _, value in expression.named)):
            yield from _within(each, always)
