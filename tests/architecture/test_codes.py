"""Every code with which anything can end is one that `gfr explain` knows, and it explains no other."""

from __future__ import annotations

import re
from collections import Counter

from gitflow_runner.catalog.codes import TABLES
from gitflow_runner.catalog.explain import explanations
from gitflow_runner.catalog.lint.registry import RULES
from tests.architecture.raised_codes import COMPOSED, raised, spelled, texts

HOW = (
    'give each a row in a table of gitflow_runner/catalog/codes/: "the.code": Meaning("What it says and what '
    'causes it.", "the next command")'
)
NEXT = re.compile(r"(GFR_DEBUG=1 )?(gfr|git|pip|ssh-add|df)( |$)")


def test_every_code_in_the_source_is_explained() -> None:
    known = {each.code for each in explanations()}
    families = frozenset(code.partition(".")[0] for code in known if "." in code)
    found = {each for each in (*raised(), *spelled(families)) if "{" not in each.code}
    assert len({each.code for each in found}) > 400
    composed = {code for codes in COMPOSED.values() for code in codes}
    parts = {code.partition(".")[2] for code in composed}
    unknown = sorted(each for each in found if each.code not in known | parts)
    assert unknown == [], HOW
    assert sorted(composed - known) == [], HOW


def test_what_is_put_together_is_listed() -> None:
    found = {
        (each.place.partition("/")[2].partition(":")[0], each.code) for each in raised() if "{" in each.code
    }
    assert found == set(COMPOSED), "spell codes as a whole; else list what they can be in raised_codes.py"


def test_every_explained_code_is_in_the_source() -> None:
    declared = {code.name for rule in RULES for code in rule.codes}
    there = texts()
    assert sorted(each.code for each in explanations() if each.code not in there | declared) == []


def test_a_code_stands_in_one_table() -> None:
    declared = {code.name for rule in RULES for code in rule.codes}
    names = Counter([*declared, *(name for table in TABLES for name in table)])
    assert [name for name, times in names.items() if times > 1] == []
    assert all(list(table) == sorted(table) for table in TABLES)


def test_every_explanation_says_what_and_names_a_next_command() -> None:
    for each in explanations():
        assert each.text.endswith("."), each
        assert len(each.text) > 20, each
        assert NEXT.match(each.next), each
