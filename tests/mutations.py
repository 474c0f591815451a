"""Texts made by damaging the texts of this repository: flows, lint cases, templates, expressions."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from tests.clojure_expressions import Expressions

_ROOT = Path(__file__).parent.parent
_FOLDERS: Final = ("tests/golden", "templates", ".breyta/flows", "tests/corpus")
_PIECES: Final = (
    *"()[]{}\"\\;'`~@^#%&,:/.0-\x00\ufeff\u2028\ud800😀é\t\r\n\x7f",
    *[
        "#{",
        "#(",
        "#_",
        "#'",
        "#?(",
        "#?@(",
        '#"',
        "~@",
        "^{",
        "##",
        "#:a{",
        "#::{",
        "::",
        "#=",
        "#!",
        "\\u",
        "\\o",
        '"\\u12"',
        '"\\777"',
        "\\newline",
    ],
    *[
        "nil",
        "true",
        "##NaN",
        "1/0",
        "1e9999M",
        "36rZZ",
        "0x",
        "2r2",
        "-0.0",
        "1N",
        "017",
        "08",
        "{:a}",
        "#{1~1}",
        "{:a~1~:a~2}",
    ],
    *(
        "9" * 6000,
        "(" * 300,
        "[" * 150,
        "'" * 300,
        "#_" * 100,
        "^:a " * 200,
        "{:a " * 100,
        "#(" * 3,
        "`~" * 100,
    ),
    *"""
    (fn [x]
    (let [a
    (loop [] (recur))
    (recur 1)
    (iterate inc 1)
    (apply + (range))
    (try (throw (ex-info
    (catch Exception e
    (format "%999999999d" 1)
    (re-find #"(a+)+$" "aaaa")
    (str/join (repeat 1e9 "a"))
    (apply str (cycle [1]))
    (reduce * (range 1N 5000N))
    (flow/step :http :a {:url
    (flow/poll :x
    (flow/input)
    #flow/include "a.edn"
    :functions [
    :flow '
    """.strip().splitlines(),
)
_MOST: Final = 20_000  # characters


def texts() -> list[str]:
    """The texts to start from, in the order of their paths."""
    found = [path for folder in _FOLDERS for path in sorted((_ROOT / folder).rglob("*")) if path.is_file()]
    return [path.read_bytes().decode("utf-8", "replace")[:_MOST] for path in found]


class Damage:
    """Endless damaged texts; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._expressions = Expressions(seed)
        self._texts = texts()

    def next(self) -> str:
        """One more text."""
        rnd = self._random
        text = self._expressions.take(1)[0] if rnd.random() < 0.5 else rnd.choice(self._texts)
        for _ in range(rnd.choice((0, 1, 1, 2, 3, 8, 30))):
            text = self._damaged(text)[:_MOST]
        return text

    def _damaged(self, text: str) -> str:
        rnd = self._random
        start = rnd.randint(0, len(text))
        end = min(len(text), start + rnd.choice((0, 1, 1, 2, 5, 20, 200)))
        match rnd.randrange(7):
            case 0:
                return text[:start] + text[end:]
            case 1:
                return text[:start] + text[start:end] * rnd.choice((2, 3, 50)) + text[end:]
            case 2:
                other = rnd.choice(self._texts)
                at = rnd.randint(0, len(other))
                return text[:start] + other[at : at + rnd.choice((3, 30, 300))] + text[end:]
            case 3:
                return text[:start] + self._expressions.take(1)[0] + text[end:]
            case 4:
                return (
                    text[:start] + chr(rnd.choice((rnd.randrange(128), rnd.randrange(0xD7FF)))) + text[end:]
                )
            case 5:
                return text[:start]
            case _:
                piece: str = rnd.choice(_PIECES)
                return text[:start] + piece + text[end:]
