"""The web as `:search` asks for it: over a named connection, by an engine's finder, answers cleaned."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, cast

from gitflow_runner.errors import StepError
from gitflow_runner.finders.base import Hit, Question, Request, TimeRange
from gitflow_runner.finders.registry import finder
from gitflow_runner.lang.collection import Map, map_of
from gitflow_runner.lang.values import Collection, Value, keyword
from gitflow_runner.schemas.jsontext import from_plain
from gitflow_runner.steps.base import Context, HttpResponse
from gitflow_runner.steps.config import name_of, text_of, whole_number
from gitflow_runner.steps.request import send
from gitflow_runner.steps.response import retry_after_ms
from gitflow_runner.steps.results import result_map

ENGINE: Final = "searxng"
MAX_ANSWER: Final = 2_000_000  # bytes
MAX_URL: Final = 2_000
MAX_TITLE: Final = 200
MAX_SNIPPET: Final = 500
MAX_FACT: Final = 100
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

_WEB_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f\"<>\\]+", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
_FACT = re.compile(r"[a-z][a-z-]{0,19}")


def found_on_the_web(
    query: str, limit: int, options: Mapping[str, object], connection: Value, context: Context
) -> list[Map]:
    """The pages that the connection's engine names, each once, in its order.

    `StepError` (`search.connection`, `search.engine`, `search.status`, `search.malformed`, `http.*`…).
    """
    if connection is None:
        raise StepError(
            "search.connection", ":web is searched over a :connection", hint="name a slot of :requires"
        )
    engine = finder(text_of(options, "engine") or ENGINE)
    request = engine.request(_question(query, limit, options))
    response = send(_config(request, connection), context)
    if response.status >= 400:
        raise StepError(
            "search.status",
            f"the engine answered {response.status}",
            retryable=response.status in _TRY_AGAIN,
            retry_after_ms=retry_after_ms(response, context.clock.now_ms()),
            data={"status": response.status},
            hint=engine.advice(response.status),
        )
    hits: dict[str, Map] = {}
    for hit in engine.hits(_document(response)):
        if len(hits) < limit and len(hit.url) <= MAX_URL and _WEB_URL.fullmatch(hit.url):
            hits.setdefault(hit.url, _clean(hit))
    return list(hits.values())


def _question(query: str, limit: int, options: Mapping[str, object]) -> Question:
    categories = options.get("categories")
    safe = options.get("safe-search")
    return Question(
        query,
        limit,
        page=whole_number(options, "page", default=1, low=1, high=50),
        language=text_of(options, "language"),
        categories=tuple(name_of(c) for c in categories) if isinstance(categories, Collection) else (),
        time_range=cast("TimeRange | None", _time_range(options)),
        safe=None if safe is None else whole_number(options, "safe-search", default=0, low=0, high=2),
    )


def _time_range(options: Mapping[str, object]) -> str | None:
    value = text_of(options, "time-range")
    if value not in (None, "day", "week", "month", "year"):
        raise StepError("config_choice", ":time-range must be one of :day :week :month :year")
    return value


def _config(request: Request, connection: Value) -> dict[str, object]:
    config: dict[str, object] = {
        "connection": connection,
        "path": request.path,
        "query": map_of([(name, value) for name, value in request.query]),
        "accept": "json",
        "client-opts": map_of([(keyword("max-response-bytes"), MAX_ANSWER)]),
    }
    if request.json is not None:
        config |= {"method": "post", "json": from_plain(request.json)}
    return config


def _document(response: HttpResponse) -> object:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise StepError("search.malformed", "the engine's answer is not JSON") from None


def _clean(hit: Hit) -> Map:
    made = result_map(
        id=hit.url, url=hit.url, title=_line(hit.title, MAX_TITLE), snippet=_line(hit.snippet, MAX_SNIPPET)
    )
    if hit.score is not None:
        made = made.assoc(keyword("score"), hit.score)
    for name, value in sorted(hit.facts.items()):
        if _FACT.fullmatch(name) and not made.has(keyword(name)):
            made = made.assoc(keyword(name), _line(value, MAX_FACT))
    return made


def _line(text: str, most: int) -> str:
    # What a page says of itself may hold marks that turn writing about or hide it from who reads.
    return " ".join(_UNSEEN.sub(" ", text[: 4 * most]).split())[:most]
