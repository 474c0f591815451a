"""A real Clojure as the judge of what expressions mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.clojure_differences import Difference, agree, answer, differences, excused
from tests.clojure_expressions import Expressions
from tests.clojure_oracle import JARS, Answer, Clojure
from tests.java_answers import java_answers
from tests.soak import Soak
from tests.unit import test_language_edges, test_language_semantics

IN_CI = 3_000
OURS_ALONE = (
    "json/",
    "cheshire.core/",
    "breyta.sandbox/",
    "Exception. ",
)  # what Clojure has not, or has under another name
DIFFERENCES = differences()


@pytest.fixture(scope="module")
def clojure(real_part: Callable[[str], str]) -> Iterator[Clojure]:
    for jar in JARS:
        real_part(str(jar))
    process = Clojure(real_part("java"))
    yield process
    process.close()


def unexplained(clojure: Clojure, expressions: Sequence[str]) -> str:
    """What we answer differently, apart from the differences on the list, for people to read."""
    return differing(clojure, expressions, clojure.answers(expressions))


def differing(clojure: Clojure, expressions: Sequence[str], answers: Sequence[Answer]) -> str:
    """The same where Clojure's answers are known."""
    found = []
    for expression, theirs in zip(expressions, answers, strict=True):
        ours = answer(expression)
        if theirs.is_none or agree(theirs, ours):
            continue
        if not excused(DIFFERENCES, expression, theirs, ours, clojure.answer):
            found.append(f"{expression}\n   Clojure: {theirs}\n   here:    {ours}")
    return "\n".join(found)


def test_made_up_expressions_mean_the_same(clojure: Clojure) -> None:
    assert unexplained(clojure, Expressions(seed=3).take(IN_CI)) == ""


def test_the_examples_of_our_own_tests_mean_the_same(clojure: Clojure) -> None:
    tables = [
        text
        for module in (test_language_semantics, test_language_edges)
        for text, _ in (*module.GIVES, *module.THROWS)
    ]
    assert unexplained(clojure, [text for text in tables if not any(x in text for x in OURS_ALONE)]) == ""


def test_java_answers_what_the_table_says(clojure: Clojure) -> None:
    table = java_answers()
    answers = clojure.answers([expression for expression, _ in table])
    assert len(table) >= 100
    assert [found.text for found in answers] == [answer for _, answer in table]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_every_difference_on_the_list_is_one(clojure: Clojure, difference: Difference) -> None:
    theirs, ours = clojure.answer(difference.example), answer(difference.example)
    assert not agree(theirs, ours)
    assert difference.covers(difference.example, theirs, ours, clojure.answer)


def test_an_endless_expression_does_not_stop_the_ones_after_it(clojure: Clojure) -> None:
    assert clojure.answers(["(loop [] (recur))", "(+ 1 2)"]) == [Answer("late"), Answer("value", "3")]


def test_an_expression_that_takes_all_memory_does_not_stop_the_ones_after_it(clojure: Clojure) -> None:
    greedy = "(loop [x []] (recur (conj x (long-array 10000000))))"
    first, *greedily, last = clojure.answers(["(+ 1 1)", greedy, greedy, "(+ 1 2)"])
    assert (first, last) == (Answer("value", "2"), Answer("value", "3"))
    assert {found.kind for found in greedily} <= {"ended", "late"}  # late where the machine is busy


@pytest.mark.soak
def test_ever_more_expressions_mean_the_same(clojure: Clojure, soak: Soak) -> None:
    if not soak.is_long:
        # How far a short round gets depends on the machine, so it would judge one change by another's luck.
        pytest.skip("seeds nobody has looked at are for `make soak`; the fixed ones are above")
    asked = skipped = 0
    for number in soak.rounds():
        expressions = Expressions(seed=soak.seed + number, odd=0).take(500)
        answers = clojure.answers(expressions)
        assert differing(clojure, expressions, answers) == ""
        asked += len(expressions)
        skipped += sum(each.is_none for each in answers)
    assert skipped < asked / 20
    soak.figure("expressions asked of Clojure", asked)
    soak.figure("of them without end in Clojure, skipped", skipped)
