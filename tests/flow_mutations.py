"""Flows made of good flows by moving whole forms about: readable still, so that they reach every rule."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

from gitflow_runner.catalog.syntax import everything
from gitflow_runner.errors import LangError
from gitflow_runner.lang.forms import Form
from gitflow_runner.lang.reader import read_all

_ROOT = Path(__file__).parent.parent
_FOLDERS: Final = ("tests/whole_flows", "tests/golden/lint", "templates", ".breyta/flows")
_MOST: Final = 12_000  # characters
_AROUND: Final = (
    "'{}",
    "`{}",
    "~{}",
    "#_{}",
    "#_ {} nil",
    "#?(:clj {})",
    "#?(:cljs {} :default nil)",
    '^{{:label "Really?" :yes "a"}} {}',
    "#my/tag {}",
    "#:a{{:b {}}}",
    "[{}]",
    "{{:a {}}}",
    "#{{{} 1}}",
    "(fn [x] {})",
    "#(do % {})",
    "(let [map {}] (map 1))",
    "(let [{{:keys [a] :or {{a {}}}}} {{}}] a)",
    "(comment {})",
    "(loop [n {}] (recur n))",
    "(for [x {}] (flow/step :sleep :s {{:seconds x}}))",
    "(try {} (catch Exception e e))",
    '"{}"',
    ";; {}\nnil",
)
_LEAVES: Final = (
    *("nil", "true", "-1", "1.5", "1/3", "9999999999N", '""', '"x y"', ":a", ":a/b", "a", "map", "->>"),
    *("[]", "{}", "#{}", "()", '#"("', '"5q"', '"61 * * * *"', '"Mars/Olympus"', "(range)", "(rand)"),
    *(":http", ":no-such", "(flow/step)", "(flow/input 1)", "flow/step", '#inst "2026-13-01"', "\\a"),
)


class FlowDamage:
    """Endless flows in both dialects, one to many forms of each moved; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        found = [path for folder in _FOLDERS for path in sorted((_ROOT / folder).rglob("*.edn"))]
        self._flows = [path.read_text() for path in found]
        self._whole = [path.read_text() for path in found if path.parent.name == "whole_flows"]
        self._forms = [text[form.start : form.end] for text in self._flows for form in _forms(text)]

    def next(self) -> str:
        """One more flow."""
        rnd = self._random
        text = rnd.choice(self._whole if rnd.random() < 0.7 else self._flows)
        for _ in range(rnd.choice((0, 1, 1, 1, 2, 3, 8))):
            forms = _forms(text)
            if not forms or len(text) > _MOST:
                break
            text = self._moved(text, rnd.choice(forms), rnd.choice(forms))
        return text

    def _moved(self, text: str, form: Form, other: Form) -> str:
        rnd = self._random
        own, its = (text[each.start : each.end] for each in (form, other))
        match rnd.randrange(6):
            case 0:
                new = ""
            case 1:
                new = f"{own} {own}"
            case 2:
                new = its
            case 3:
                new = rnd.choice(self._forms)
            case 4:
                new = rnd.choice(_LEAVES)
            case _:
                new = rnd.choice(_AROUND).format(own)
        return text[: form.start] + new + text[form.end :]


def _forms(text: str) -> list[Form]:
    """All forms of a readable text, those inside others too; none of another."""
    try:
        found = [form for root in read_all(text) for form in everything(root)]
    except LangError:
        return []
    return [form for form in found if form.start < form.end]
