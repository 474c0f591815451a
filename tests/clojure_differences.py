"""The list of intended differences from Clojure, as docs/clojure-differences.md gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import LangError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import canonical, readable
from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.session import evaluate
from gitflow_runner.lang.throwing import FlowThrow
from tests.clojure_oracle import Answer

PAGE = Path(__file__).parent.parent / "docs/clojure-differences.md"
_LINE = re.compile(r"^- ([a-zA-Z]+): (`+) ?(.*?) ?\2$", re.MULTILINE)
_PARTS = ("expression", "Clojure", "here")


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry: patterns for expression and answers, what has to be the same, an example.

    `instead` are names of Clojure with the definitions that would make them mean what they mean here,
    `both` such with definitions that would make them mean one thing on both sides.
    """

    name: str
    patterns: tuple[re.Pattern[str], ...]
    same: str | None
    instead: str | None
    both: str | None
    example: str

    def covers(self, expression: str, theirs: Answer, ours: Answer, asked: Callable[[str], Answer]) -> bool:
        """Whether this entry excuses these answers; `asked` is Clojure."""
        left = self.without(expression, theirs, ours, asked)
        return left is not None and (agree(*left[1:]) or not self.redefines)

    @property
    def redefines(self) -> bool:
        """Whether the difference can be taken out by other definitions."""
        return self.instead is not None or self.both is not None

    def without(
        self, expression: str, theirs: Answer, ours: Answer, asked: Callable[[str], Answer]
    ) -> tuple[str, Answer, Answer] | None:
        """The expression and the answers without this entry's difference; None if it does not apply."""
        texts = (expression, str(theirs), str(ours))
        if not all(pattern.search(text) for pattern, text in zip(self.patterns, texts, strict=True)):
            return None
        if self.same is not None and _SAME[self.same](theirs.text) != _SAME[self.same](ours.text):
            return None
        if self.both is not None:
            again = _redefined(expression, self.both)
            return again, asked(again), answer(again)
        if self.instead is not None:
            again = _redefined(expression, self.instead)
            return again, asked(again), ours
        return expression, theirs, ours


def excused(
    listed: Sequence[Difference],
    expression: str,
    theirs: Answer,
    ours: Answer,
    asked: Callable[[str], Answer],
) -> bool:
    """Whether a difference is on the list, or is two that are."""
    if any(each.covers(expression, theirs, ours, asked) for each in listed):
        return True
    for each in listed:
        left = each.without(expression, theirs, ours, asked) if each.redefines else None
        if left is not None and any(other.covers(*left, asked) for other in listed if other is not each):
            return True
    return False


def _redefined(expression: str, definitions: str) -> str:
    """The expression with those definitions around it; names that no `let` can bind are written anew."""
    forms = read_all(definitions)
    texts = [definitions[form.start : form.end] for form in forms]
    bound = []
    for name, definition in zip(texts[::2], texts[1::2], strict=True):
        local = re.sub(r"[/.]", "-", name) if re.search(r"\w[/.]|^\.", name) else name
        if local != name:
            expression = re.sub(rf"(?<![\w/.]){re.escape(name)}(?![\w/])", local, expression)
        bound += [local, definition]
    return f"(let [{' '.join(bound)}] {expression})"


def _digits(text: str) -> str:
    """Fractions rounded to thirteen digits."""
    return re.sub(r"\d+\.\d+(E-?\d+)?", lambda found: f"{float(found[0]):.12e}", text)


_NAMESPACE = re.compile(
    r"(?<![\w./-])(oracle\.user|clojure\.(core|string|set|walk|edn|math)|str|set|walk|edn|math)/|__\d+__auto__"
)
_SAME: dict[str, Callable[[str], object]] = {
    "characters": sorted,
    "digits": _digits,
    "names without namespaces": lambda text: sorted(_NAMESPACE.sub("", text)),
}


def differences() -> tuple[Difference, ...]:
    """All entries of the page."""
    found = []
    for part in PAGE.read_text().split("\n### ")[1:]:
        name, _, body = part.partition("\n")
        lines = {key: text for key, _, text in _LINE.findall(body)}
        patterns = tuple([re.compile(lines.get(key, ""), re.DOTALL) for key in _PARTS])
        found.append(
            Difference(
                name, patterns, lines.get("same"), lines.get("instead"), lines.get("both"), lines["example"]
            )
        )
    return tuple(found)


def answer(expression: str) -> Answer:
    """What we say to an expression."""
    try:
        return Answer("value", readable(evaluate(expression)))
    except FlowThrow as thrown:
        return Answer("throws", thrown.info.cls, thrown.info.message or "")
    except LangError as error:
        return Answer("refused", error.code, error.message)


_FAMILIES = {
    "ArityException": "arity",
    "IndexOutOfBoundsException": "index",
    "StringIndexOutOfBoundsException": "index",
    "ArithmeticException": "arithmetic",
    "NumberFormatException": "text",
    "AssertionError": "assertion",
    "ExceptionInfo": "ex-info",
}


def _family(cls: str) -> str:
    """What tells exceptions apart that a flow may catch; the others say that an argument is of no use."""
    return _FAMILIES.get(cls.rpartition(".")[2], "misuse")


def agree(theirs: Answer, ours: Answer) -> bool:
    """Whether two answers say the same; the order of maps and sets is left open."""
    if theirs.kind == "throws" and ours.kind == "throws":
        return _family(theirs.text) == _family(ours.text)
    if theirs.kind != "value" or ours.kind != "value":
        return theirs.kind != "value" and ours.kind != "value"
    if theirs.text == ours.text:
        return True
    try:
        return canonical(read_data(theirs.text)) == canonical(read_data(ours.text))
    except LangError:
        return False
