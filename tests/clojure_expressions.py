"""Made-up expressions of the supported subset, from a seed and the grammar in clojure_grammar.txt."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gitflow_runner.lang.reader import read_all
from gitflow_runner.lang.source import Source

_HOLE = re.compile(r"\{([*>=]?)([a-z0-9]+)(?::([a-z0-9]+))?\}")
_MAX_SIZE: Final = 1_500  # characters
_TOP: Final = (
    *("any", "int", "num", "bool", "str", "vec", "ints", "list", "map", "set", "strs", "maps", "kws"),
    "misuse",
)

Scope = tuple[tuple[str, str], ...]  # (name, type), the newest first


@dataclass
class _Type:
    leaves: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


def grammar() -> dict[str, _Type]:
    """The types of the grammar with their leaves and rules."""
    found: dict[str, _Type] = {}
    for line in Path(__file__).with_name("clojure_grammar.txt").read_text().splitlines():
        if not line or line.startswith(";"):
            continue
        if not line.startswith(" "):
            found[line] = current = _Type()
        elif line.startswith("  = "):
            text = line[4:]
            current.leaves += [text[form.start : form.end] for form in read_all(Source(text))]
        else:
            current.rules.append(line.strip())
    return found


class Expressions:
    """Endless expressions; the same for the same seed.

    `odd` is the share of holes filled with another type, so that what is thrown is compared as well.
    """

    def __init__(self, seed: int, odd: float = 0.01) -> None:
        self._odd = odd
        self._random = random.Random(seed)
        self._types = grammar()
        self._names = list(self._types)
        self._count = 0

    def take(self, number: int) -> list[str]:
        """That many more."""
        return [self._next() for _ in range(number)]

    def _next(self) -> str:
        while True:
            self._count = 0
            text = self._of(self._random.choice(_TOP), self._random.randint(1, 4), ())
            if len(text) <= _MAX_SIZE:
                return text

    def _of(self, name: str, depth: int, scope: Scope) -> str:
        if self._random.random() < self._odd:
            name = self._random.choice(self._names)
        known = [word for word, its in scope if its == name]
        if known and self._random.random() < 0.6:
            return known[0] if self._random.random() < 0.5 else self._random.choice(known)
        kind = self._types[name]
        if kind.leaves and (depth <= 0 or not kind.rules or self._random.random() < 0.15):
            return self._random.choice(kind.leaves)
        return self._filled(self._random.choice(kind.rules), depth - 1, scope)

    def _filled(self, rule: str, depth: int, scope: Scope) -> str:
        fresh: dict[str, tuple[str, str]] = {}
        text, at = [], 0
        for hole in _HOLE.finditer(rule):
            text.append(rule[at : hole.start()])
            at = hole.end()
            mark, name, kind = hole.groups()
            if mark == "*":
                fresh[name] = (f"{name}{self._count}", kind)
                self._count += 1
                text.append(fresh[name][0])
            elif mark == ">":
                scope = (fresh[name], *scope)
            elif mark == "=":
                text.append(fresh[name][0])
            else:
                text.append(self._of(name, depth, scope))
        return "".join(text) + rule[at:]
