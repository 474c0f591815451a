"""What every way to ask an engine of the web keeps to: those that ship, and a plug-in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.finders.base import Finder, Hit, Question, Request, malformed
from gitflow_runner.finders.registry import GROUP, built_in, finder


class Posted:
    """A plug-in whose engine is asked by POST and answers a bare list."""

    def request(self, question: Question) -> Request:
        return Request("v1/find", json={"text": question.text, "count": question.limit})

    def hits(self, document: object) -> Sequence[Hit]:
        if not isinstance(document, list):
            raise malformed("it is no list")
        return [Hit(str(row["link"]), str(row["name"]), "") for row in document if isinstance(row, dict)]

    def advice(self, status: int) -> str | None:
        return None


def installed(name: str) -> Iterable[EntryPoint]:
    """What an installed package would offer."""
    return [EntryPoint("posted", f"{__name__}:Posted", GROUP)] if name == "posted" else []


EVERY = {name: finder(name) for name in built_in()} | {"posted": finder("posted", installed)}
every = pytest.mark.parametrize("engine", EVERY.values(), ids=EVERY.keys())


@every
def test_a_question_becomes_one_request_below_the_connection(engine: Finder) -> None:
    question = Question(
        'a "b" & c=d', 5, page=2, language="en", categories=("it",), time_range="week", safe=1
    )
    request = engine.request(question)
    assert engine.request(question) == request
    assert not request.path.startswith(("/", "http"))
    assert ".." not in request.path
    sent = json.dumps([request.query, request.json])
    assert json.dumps(question.text)[1:-1] in sent


@every
@pytest.mark.parametrize("document", [None, 7, "x", {}, {"results": 1}, {"error": "no"}])
def test_what_is_no_answer_is_told(engine: Finder, document: object) -> None:
    with pytest.raises(StepError) as caught:
        engine.hits(document)
    assert caught.value.code == "search.malformed"


def test_searxng_tells_what_it_knows() -> None:
    rows = [
        {"url": "https://a.example", "title": "A", "content": "x", "score": 2, "publishedDate": "2026"},
        {"url": 7},
        "row",
        {"url": "https://b.example", "score": float("nan"), "title": None, "engine": ["x"]},
        {"url": "https://c.example", "score": 10**400},
    ]
    assert EVERY["searxng"].hits({"results": rows}) == [
        Hit("https://a.example", "A", "x", 2.0, {"published": "2026"}),
        Hit("https://b.example", "", ""),
        Hit("https://c.example", "", ""),
    ]


def test_an_engine_that_is_not_there_is_told() -> None:
    for name in ("gone", "base", "registry", "../searxng"):
        with pytest.raises(StepError) as caught:
            finder(name, installed)
        assert caught.value.code == "search.engine"
    with pytest.raises(StepError) as caught:
        finder("two", lambda name: [*installed("posted"), *installed("posted")])
    assert caught.value.code == "search.plugin"
