"""The `:search` step: targets, order, bounds, and what comes from the web."""

from __future__ import annotations

import json

import pytest

from gitflow_runner.lang.values import Value
from gitflow_runner.steps import search
from gitflow_runner.steps.base import HttpConnection
from gitflow_runner.steps.memory import MemoryConnections, MemorySearch
from gitflow_runner.steps.searching import SearchHit
from tests.step_context import THREE, World, answer, at, failure, run, text

URI = "res://sha256/" + "a" * 64
OWN = MemorySearch(
    {
        "runs": [
            SearchHit(f"run-{n}", f"hello {n}", "a greeting", 1.0 / n, {"flow": "hello"}) for n in (1, 2, 3)
        ],
        "resources": [
            SearchHit(URI, URI, "hello value", 2.0),
            SearchHit(URI[:-1] + "b", "hello", "other", 1.0),
        ],
        "flows": [],
        "connections": [],
    },
    {URI: "hello value, whole"},
)
PLACE = "https://search.example/search"


def asked(config: str, world: World | None = None) -> Value:
    return run(search.STEP, config, (world or World()).context(search=OWN, connections=CONNECTIONS))


CONNECTIONS = MemoryConnections({"web": HttpConnection("https://search.example")})


def web(*rows: object, status: int = 200, **headers: str) -> World:
    return World(
        {PLACE: answer(status, json.dumps({"results": rows}).encode(), "application/json", **headers)}
    )


def test_every_target_gives_its_hits_by_rank() -> None:
    result = asked('{:query " hello " :limit 2}')
    assert [(at(hit, "target").text, at(hit, "rank"), at(hit, "id")) for hit in at(result, "hits")] == [
        ("resources", 1, URI), ("resources", 2, URI[:-1] + "b"), ("runs", 1, "run-1"), ("runs", 2, "run-2"),
    ]  # fmt: skip
    assert (at(result, "count"), text(at(result, "truncated"))) == (4, "[:runs]")
    assert at(at(result, "hits").nth(2), "flow") == "hello"


def test_stored_values_come_with_their_texts() -> None:
    first, second = at(asked('{:query "hello" :targets [:resources]}'), "hits")
    assert (at(first, "content"), at(second, "content")) == ("hello value, whole", None)
    cut = asked('{:query "hello" :targets [:resources] :hydrate {:max-chars 5}}')
    assert at(at(cut, "hits").nth(0), "content") == "hello"
    bare = asked('{:query "hello" :targets [:resources] :hydrate {:enabled false}}')
    assert at(at(bare, "hits").nth(0), "content") is None


def test_code_is_searched_as_git_grep_does() -> None:
    (hit,) = at(asked('{:query "A =" :targets [:code] :code {:paths ["src"]}}'), "hits")
    assert text(hit) == (
        '{:target :code, :rank 1, :id "src/a.py:1", :title "src/a.py", :snippet "a = 2", :path "src/a.py",'
        f' :line 1, :commit "{THREE}"}}'
    )
    assert at(asked('{:query "A =" :targets [:code] :code {:ignore-case false}}'), "count") == 0
    assert at(asked('{:query "a = [0-9]" :targets [:code] :code {:regex true :ref "v1"}}'), "count") == 1


def test_pages_of_the_web_are_asked_for_and_cleaned() -> None:
    world = web(
        {"url": "https://a.example/x", "title": " A\n\u202epage ", "content": "y" * 900, "score": 3.5,
         "publishedDate": "2026-11-01"},
        {"url": "javascript:alert(1)", "title": "no"},
        {"url": "https://a.example/x", "title": "again"},
        {"url": "https://b.example/" + "z" * 2_000, "title": "too long"},
        {"url": "https://c.example", "title": "C"},
    )  # fmt: skip
    result = asked(
        '{:query "a b&c" :targets [:web] :connection :web'
        ' :web {:language "en" :categories ["it"] :time-range :week :safe-search 1 :page 2}}',
        world,
    )
    first, second = at(result, "hits")
    assert (at(first, "title"), len(at(first, "snippet")), at(first, "published")) == (
        "A page",
        500,
        "2026-11-01",
    )
    assert (at(first, "score"), at(first, "rank"), at(second, "url")) == (3.5, 1, "https://c.example")
    assert world.http.requests[0].url == (
        f"{PLACE}?q=a+b%26c&format=json&pageno=2&language=en&categories=it&time_range=week&safesearch=1"
    )


@pytest.mark.parametrize(
    ("status", "retryable", "hint"),
    [(403, False, "search.formats"), (429, True, ""), (503, True, ""), (404, False, "")],
)
def test_an_engine_that_refuses_is_told(status: int, retryable: bool, hint: str) -> None:
    world = web(status=status, retry_after="7")
    error = failure(
        search.STEP, '{:query "x" :targets [:web] :connection :web}', world.context(connections=CONNECTIONS)
    )
    assert (error.code, error.retryable, hint in (error.hint or "")) == ("search.status", retryable, True)
    assert (error.details["status"], error.retry_after_ms) == (status, 7_000)


@pytest.mark.parametrize("body", [b"<html>", b"[", b'{"results": 7}', b"[" * 100_000])
def test_an_answer_that_is_none_is_told(body: bytes) -> None:
    world = World({PLACE: answer(200, body, "application/json")})
    context = world.context(connections=CONNECTIONS)
    assert (
        failure(search.STEP, '{:query "x" :targets [:web] :connection :web}', context).code
        == "search.malformed"
    )


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ("{}", "missing_config_key"),
        ('{:query "  "}', "search.query"),
        ('{:query "x" :targets [:mail]}', "search.target"),
        ('{:query "x" :targets []}', "search.target"),
        ('{:query "x" :targets [:runs :runs]}', "search.target"),
        ('{:query "x" :limit 21}', "config_type"),
        ('{:query "x" :targets [:web]}', "search.connection"),
        ('{:query "x" :targets [:web] :connection :gone}', "connection.unbound"),
        ('{:query "x" :targets [:web] :connection :web :web {:engine :gone}}', "search.engine"),
        ('{:query "x" :targets [:web] :connection :web :web {:time-range :ever}}', "config_choice"),
        ('{:query "x" :targets [:code] :code {:ref "gone"}}', "git.unknown_revision"),
        ('{:query "a\\nb" :targets [:code]}', "search.query"),
        ('{:query "x" :hydrate {:top-k 11}}', "config_type"),
    ],
)
def test_a_wrong_question_is_told(config: str, code: str) -> None:
    context = World().context(search=OWN, connections=CONNECTIONS)
    assert failure(search.STEP, config, context).code == code


def test_a_target_that_nobody_answers_for_fails() -> None:
    assert failure(search.STEP, '{:query "x"}', World().context(search=None)).code == "search.unavailable"
