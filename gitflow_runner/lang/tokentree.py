"""A text as a tree of its tokens, comments and discards among them: what layout needs and data does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from gitflow_runner.lang.reader import TOKEN

DISCARD = "#_"
_META = ("^", "#^")
_HASH_PREFIXES = ("#_", "#'", "#^")


@dataclass(slots=True)
class Gap:
    """The blank space before a token: how many line ends, how wide on its last line, a comma in it."""

    newlines: int = 0
    spaces: int = 0
    comma: bool = False

    def add(self, blank: str) -> None:
        """Take more blank text."""
        ends = blank.count("\n")
        self.newlines += ends
        self.spaces = len(blank) - blank.rfind("\n") - 1 if ends else self.spaces + len(blank)
        self.comma = self.comma or "," in blank


@dataclass(slots=True)
class Node:
    """A token; a bracket or prefix (`'`, `^`, `#_`, a tag) holds what belongs to it.

    `gaps[i]` stands before `children[i]`; `forms` counts the children that are neither comment nor discard.
    """

    kind: Literal["root", "atom", "comment", "prefix", "bracket"]
    text: str
    closer: str = ""
    children: list[Node] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    forms: int = 0

    @property
    def is_aside(self) -> bool:
        """Whether the reader leaves it out: a comment, or a discard."""
        return self.kind == "comment" or (self.kind == "prefix" and self.text == DISCARD)

    @property
    def is_composite(self) -> bool:
        """Whether it is a bracket, perhaps behind prefixes."""
        node = self
        while node.kind == "prefix" and node.children:
            node = node.children[-1]
        return node.kind == "bracket"

    @property
    def head(self) -> Node | None:
        """The first form inside."""
        return next((child for child in self.children if not child.is_aside), None)


def token_tree(text: str) -> Node:
    """The tree of a text that the reader accepts; of any other text the result means nothing."""
    root = Node("root", "")
    stack, gap = [root], Gap()
    for found in TOKEN.finditer(text):
        kind, token = found.lastgroup, found.group()
        if kind == "skip" and token[0] not in ";#":
            gap.add(token)
            continue
        if kind == "close":
            while len(stack) > 1 and stack.pop().kind != "bracket":
                pass
            _completed(stack)
        else:
            node = _node(kind, token)
            stack[-1].children.append(node)
            stack[-1].gaps.append(gap)
            if node.kind in ("bracket", "prefix"):
                stack.append(node)
            elif node.kind == "atom":
                _completed(stack)
        gap = Gap()
    return root


def tokens(text: str) -> Iterator[str]:
    """All tokens but blank space, comments without the space that ends them."""
    for found in TOKEN.finditer(text):
        if found.lastgroup != "skip":
            yield found.group()
        elif found.group()[0] in ";#":
            yield found.group().rstrip()


def _node(kind: str | None, token: str) -> Node:
    if kind == "skip":
        return Node("comment", token.rstrip())
    if kind == "mark" or token in _HASH_PREFIXES or (kind == "dispatch" and token[1].isalpha()):
        return Node("prefix", token)
    if kind == "open" or (kind == "dispatch" and token[-1] in "({" and token[1] != '"'):
        return Node("bracket", token, {"(": ")", "[": "]", "{": "}"}[token[-1]])
    return Node("atom", token)


def _completed(stack: list[Node]) -> None:
    """A form is complete: its holder has one more, and a prefix that has all it needs is complete with it."""
    while True:
        holder = stack[-1]
        holder.forms += 1
        if holder.kind != "prefix" or holder.forms < (2 if holder.text in _META else 1):
            return
        stack.pop()
        if holder.text == DISCARD:
            return
