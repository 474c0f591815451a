"""Layout of EDN and Clojure text: indentation and spaces made regular, long lines broken, no more.

Line breaks stay where the author put them. A line that is wider than it may be is broken at its outermost
bracket, again and again until it fits or has nothing left to break; so the result laid out again is itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from gitflow_runner.errors import LangError, Place
from gitflow_runner.lang.indent import DATA, Manner, manner
from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.source import MAX_FILE_BYTES
from gitflow_runner.lang.tokentree import DISCARD, Gap, Node, token_tree, tokens

WIDTH = 110  # columns of a line, the comment at its end not counted
_TIGHT = ("'", "`", "~", "~@", "@", "#'")
_META = ("^", "#^")


def laid_out(text: str, *, file: str | None = None, width: int = WIDTH) -> str:
    """The text in its regular layout; what the reader makes of both is the same.

    Raises what the reader says of a text that cannot be read.
    """
    read_all(text, file=file)
    tree = token_tree(text)
    while True:
        page = _Page(width)
        page.root(tree)
        if not page.break_long_lines():
            break
    result = page.text()
    if len(result.encode("utf-8", "surrogatepass")) > MAX_FILE_BYTES:
        message, hint = (
            "laid out, the text would be larger than a file may be",
            "nest less, or use #flow/include",
        )
        raise LangError("reader_limit", message, hint=hint, at=Place(file=file, line=1, col=1))
    assert list(tokens(result)) == list(tokens(text)), "layout changes blank space only"
    return result


@dataclass(frozen=True, slots=True)
class _Chance:
    """A place where a line may be broken: before the child at `col`, which then is at `indent`."""

    gap: Gap
    holder: Node
    child: Node
    manner: Manner
    depth: int
    col: int
    indent: int


class _Page:
    """One pass over the tree: the text so far, and where its lines could be broken."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.parts: list[str] = []
        self.col = 0
        self.after_comment = False
        self.widths = [0]  # of the lines, without the comments at their ends
        self.chances: list[list[_Chance]] = [[]]

    def text(self) -> str:
        """The whole text, with one line end at its end."""
        joined = "".join(self.parts)
        return joined + "\n" if joined else ""

    def root(self, tree: Node) -> None:
        """Lay out the top level."""
        number = 0
        for child, gap in zip(tree.children, tree.gaps, strict=True):
            if self.parts:
                self._apart(child, gap, 0, blank_lines=True, comma=False)
            self._node(child, None, 0)
            number += 0 if child.is_aside else 1

    def _write(self, text: str) -> None:
        self.parts.append(text)
        *before, last = text.split("\n")
        if before:
            self.widths[-1] = self.col + len(before[0])
            for line in before[1:]:
                self._line(len(line))
            self._line(0)
            self.col = len(last)
        else:
            self.col += len(last)
        self.widths[-1] = self.col

    def _line(self, width: int) -> None:
        self.widths.append(width)
        self.chances.append([])

    def _new_line(self, indent: int, *, blank: bool = False) -> None:
        self.parts.append("\n\n" if blank else "\n")
        self._line(0)
        self.col = 0
        self.after_comment = False
        self._write(" " * indent)

    def _apart(self, child: Node, gap: Gap, indent: int, *, blank_lines: bool, comma: bool) -> None:
        """The blank space before a child: a new line where there was one or has to be, else spaces."""
        if gap.comma and comma and not self.after_comment:
            self._write(",")
        if gap.newlines or self.after_comment:
            self._new_line(indent, blank=blank_lines and gap.newlines > 1)
        elif child.kind == "comment":
            self.parts.append(" " * max(1, gap.spaces))
        else:
            self._write(" ")

    def _node(self, node: Node, holder: Manner | None, depth: int) -> None:
        match node.kind:
            case "comment":
                self.parts.append(node.text)
                self.after_comment = True
            case "prefix":
                self._prefix(node, holder, depth)
            case "bracket":
                self._bracket(node, manner(node, holder), depth)
            case _:
                self._write(node.text)

    def _bracket(self, node: Node, how: Manner, depth: int) -> None:
        self._write(node.text)
        inner, line = self.col, len(self.widths)
        argument: int | None = None
        number = 0
        for index, (child, gap) in enumerate(zip(node.children, node.gaps, strict=True)):
            indent = how.indent(number, inner - 1, inner, argument)
            if index:
                stays = not gap.newlines and not self.after_comment
                self._apart(child, gap, indent, blank_lines=True, comma=True)
                if stays and not child.is_aside and how.may_break(number):
                    chance = _Chance(gap, node, child, how, depth, self.col, indent)
                    self.chances[-1].append(chance)
            if number == 1 and not child.is_aside and len(self.widths) == line:
                argument = self.col
            self._node(child, how, depth + 1)
            number += 0 if child.is_aside else 1
        if self.after_comment:
            self._new_line(how.indent(number, inner - 1, inner, argument))
        self._write(node.closer)

    def _prefix(self, node: Node, holder: Manner | None, depth: int) -> None:
        start = self.col
        self._write(node.text)
        number = 0
        for child, gap in zip(node.children, node.gaps, strict=True):
            if child.kind == "comment" or self.after_comment:
                self._apart(child, gap, start, blank_lines=False, comma=False)
            elif number == 1 and node.text in _META and not child.is_aside:
                stays = not gap.newlines
                self._apart(child, gap, start, blank_lines=False, comma=False)
                if stays:
                    self.chances[-1].append(_Chance(gap, node, child, DATA, depth, self.col, start))
            elif child is not node.children[0] or self._is_set_apart(node, child, gap):
                self._write(" ")
            # What a quote or a discard stands before is laid out as if it were not there.
            self._node(child, holder, depth)
            number += 0 if child.is_aside else 1

    def _is_set_apart(self, node: Node, child: Node, gap: Gap) -> bool:
        if node.text == "~" and child.text == "@":
            return True  # together they would be one token
        if node.text == DISCARD:
            return bool(gap.newlines or gap.spaces)
        return node.text not in (*_TIGHT, *_META)

    def break_long_lines(self) -> bool:
        """Mark in the tree where lines that are too wide are to be broken; False if none can be."""
        done = False
        for width, chances in zip(self.widths, self.chances, strict=True):
            if width > self.width:
                done = self._break(chances, width) or done
        return done

    def _break(self, chances: list[_Chance], width: int) -> bool:
        for _, level in groupby(sorted(chances, key=lambda c: c.depth), key=lambda c: c.depth):
            chosen = [
                chance
                for _, mine in groupby(level, key=lambda c: id(c.holder))
                for chance in self._chosen(list(mine), width)
            ]
            for chance in chosen:
                chance.gap.newlines = 1
            if chosen:
                return True
        return False

    def _chosen(self, mine: list[_Chance], width: int) -> Iterator[_Chance]:
        """Which of one bracket's places on a line to break: all, those before brackets, or as few as do."""
        composite = [chance for chance in mine if chance.child.is_composite]
        if mine[0].manner.breaks_all or mine[0].holder.kind == "prefix":
            yield from mine
        elif composite:
            yield from composite
        else:
            shift = 0
            ends = [chance.col - 1 for chance in mine[1:]] + [width]
            for chance, end in zip(mine, ends, strict=True):
                if end - shift > self.width and chance.col - shift > chance.indent:
                    shift = chance.col - chance.indent
                    yield chance
