"""Where the parts of a bracket stand: how far in a line of it begins, and where it may be broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gitflow_runner.lang.tokentree import Node

# Forms with a body: how many parts come before it. The body is indented by two.
_BODIES = {
    **dict.fromkeys(("do", "try", "finally", "comment", "cond"), 0),
    **dict.fromkeys(
        (
            *("let", "let*", "loop", "for", "doseq", "dotimes", "when", "when-not", "when-let", "when-some"),
            *("when-first", "if", "if-not", "if-let", "if-some", "case", "cond->", "cond->>", "letfn"),
        ),
        1,
    ),
    **dict.fromkeys(("catch", "condp", "as->"), 2),
}
_FUNCTIONS = frozenset(("fn", "fn*", "defn", "defn-", "defmacro"))
_BINDINGS = frozenset(
    (
        "let",
        "let*",
        "loop",
        "for",
        "doseq",
        "dotimes",
        "when-let",
        "when-some",
        "when-first",
        "if-let",
        "if-some",
    )
)
_CLAUSES = frozenset(("cond", "case", "condp", "cond->", "cond->>"))
_CONSTANTS = frozenset(("nil", "true", "false"))
Sort = Literal["data", "pairs", "call", "body", "function"]


@dataclass(frozen=True, slots=True)
class Manner:
    """How one bracket is laid out; `before` is the number of parts in front of its body."""

    sort: Sort
    before: int = 0
    clauses: bool = False  # the body comes in pairs
    inside: Literal["", "bindings", "specs"] = ""  # what the vector among its parts holds

    def indent(self, number: int, opener: int, inner: int, argument: int | None) -> int:
        """The column of form `number` (the head is 0) where it begins a line.

        `opener` is the column of the bracket, `inner` the one after it, `argument` that of the first
        argument if it stands on the head's line.
        """
        if number == 0 or self.sort in ("data", "pairs"):
            return inner
        if self.sort == "call" or (self.sort == "body" and self.before == 0 and argument is not None):
            return inner if argument is None else argument
        return opener + (4 if self.sort == "body" and number <= self.before else 2)

    def may_break(self, number: int) -> bool:
        """Whether a line may be broken before form `number`."""
        match self.sort:
            case "data":
                return number > 0
            case "pairs":
                return number > 0 and number % 2 == 0
            case "call":
                return number > 1
            case _:
                body = number - self.before - 1
                return body >= 0 and not (self.clauses and body % 2)

    @property
    def breaks_all(self) -> bool:
        """Whether all its parts go onto lines of their own once one has to."""
        return self.sort not in ("data", "call")


DATA = Manner("data")
PAIRS = Manner("pairs")
SPEC = Manner("function", 1)


def manner(node: Node, holder: Manner | None) -> Manner:
    """How a bracket is laid out that stands directly in another one of the manner `holder`."""
    if node.text[-1] == "{":
        return DATA if node.text == "#{" else PAIRS
    if node.text.startswith("#?"):
        return PAIRS
    if node.text == "[":
        return PAIRS if holder is not None and holder.inside == "bindings" else _vector(holder)
    head = node.head
    if holder is not None and holder.inside == "specs" and holder.sort == "data":
        return SPEC
    if head is None or not _is_name(head):
        return DATA
    name = head.text.removeprefix("clojure.core/")
    if name in _FUNCTIONS:
        return Manner("function", _parameters(node))
    if name in _BODIES:
        inside: Literal["", "bindings", "specs"] = (
            "bindings" if name in _BINDINGS else "specs" if name == "letfn" else ""
        )
        return Manner("body", _BODIES[name], name in _CLAUSES, inside)
    return Manner("call")


def _vector(holder: Manner | None) -> Manner:
    # The functions of a letfn lie in a vector: those lists are laid out as fns are.
    if holder is not None and holder.inside == "specs":
        return Manner("data", inside="specs")
    return DATA


def _is_name(head: Node) -> bool:
    text = head.text
    if head.kind != "atom" or text[0] in '"\\#%0123456789' or text in _CONSTANTS:
        return False
    return not (text[0] in "+-" and text[1:2].isdigit())


def _parameters(node: Node) -> int:
    """The number of the parameter vector among the forms; 0 where each arity has its own list."""
    forms = [child for child in node.children if not child.is_aside]
    for number, form in enumerate(forms):
        while form.kind == "prefix" and form.children:
            form = form.children[-1]
        if form.kind == "bracket" and form.text == "[":
            return number
    return 0
