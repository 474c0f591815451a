"""The list of intended differences from Clojure, as docs/clojure-differences.md gives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import LangError
from gitflow_runner.lang.data import read_data
from gitflow_runner.lang.printer import canonical, readable
from gitflow_runner.lang.session import evaluate
from gitflow_runner.lang.throwing import FlowThrow
from tests.clojure_oracle import Answer

PAGE = Path(__file__).parent.parent / "docs/clojure-differences.md"
_LINE = re.compile(r"^- ([a-zA-Z]+): (`+) ?(.*?) ?\2$", re.MULTILINE)
_PARTS = ("expression", "Clojure", "here")


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry: its name, patterns for expression and answers, what has to be the same, an example."""

    name: str
    patterns: tuple[re.Pattern[str], ...]
    same: str | None
    example: str

    def covers(self, expression: str, theirs: Answer, ours: Answer) -> bool:
        """Whether this entry excuses these answers."""
        texts = (expression, str(theirs), str(ours))
        return all(pattern.search(text) for pattern, text in zip(self.patterns, texts, strict=True)) and (
            self.same is None or _SAME[self.same](theirs.text) == _SAME[self.same](ours.text)
        )


def _digits(text: str) -> str:
    """Runs of many digits cut to fourteen."""
    return re.sub(r"\d[\d.]{8,}(E-?\d+)?", lambda found: f"{float(found[0]):.12e}", text)


_SAME: dict[str, Callable[[str], object]] = {
    "characters": sorted,
    "digits": _digits,
    "outside texts": lambda text: re.sub(r'"(\\.|[^"\\])*"', '""', text),
}


def differences() -> tuple[Difference, ...]:
    """All entries of the page."""
    found = []
    for part in PAGE.read_text().split("\n### ")[1:]:
        name, _, body = part.partition("\n")
        lines = {key: text for key, _, text in _LINE.findall(body)}
        patterns = tuple([re.compile(lines.get(key, ""), re.DOTALL) for key in _PARTS])
        found.append(Difference(name, patterns, lines.get("same"), lines["example"]))
    return tuple(found)


def answer(expression: str) -> Answer:
    """What we say to an expression."""
    try:
        return Answer("value", readable(evaluate(expression)))
    except FlowThrow as thrown:
        return Answer("throws", thrown.info.cls, thrown.info.message or "")
    except LangError as error:
        return Answer("refused", error.code, error.message)


def agree(theirs: Answer, ours: Answer) -> bool:
    """Whether two answers say the same; the order of maps and sets is left open."""
    if theirs.kind != "value" or ours.kind != "value":
        return theirs.kind != "value" and ours.kind != "value"
    if theirs.text == ours.text:
        return True
    try:
        return canonical(read_data(theirs.text)) == canonical(read_data(ours.text))
    except LangError:
        return False
