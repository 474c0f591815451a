"""The `:search` step: runs, flows, stored values, connections, the project's code, and the web."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.errors import StepError
from gitflow_runner.lang.collection import EMPTY_MAP, Map, Vec
from gitflow_runner.lang.values import Collection, Value, keyword
from gitflow_runner.model.spec import Field, Spec
from gitflow_runner.steps.base import Context
from gitflow_runner.steps.config import name_of, plain_config, text_of, whole_number
from gitflow_runner.steps.results import result_map
from gitflow_runner.steps.searching import OWN_TARGETS, Search, SearchHit
from gitflow_runner.steps.tree_view import chosen_paths
from gitflow_runner.steps.trees import Wanted
from gitflow_runner.steps.web_search import found_on_the_web

TARGETS: Final = (*OWN_TARGETS, "code", "web")
MAX_QUERY: Final = 500
MAX_LIMIT: Final = 20
MAX_CHARS: Final = 100_000
SHOWN: Final = 300  # characters of a title or snippet

_HYDRATE = (
    Field("enabled", "boolean", "true if absent"),
    Field("top-k", "integer", "how many values, 5 if absent, at most 10"),
    Field("max-chars", "integer", "of each value, 20000 if absent, at most 100000"),
)
_CODE = (
    Field("ref", "string", "branch, tag or reachable commit; the run's pinned commit if absent"),
    Field("paths", "vector", "only what lies at or below these"),
    Field("regex", "boolean", "the query is an extended regular expression"),
    Field("ignore-case", "boolean", "case does not count; true if absent"),
)
_WEB = (
    Field("engine", "name", "how the connection's service is spoken to; `:searxng` if absent"),
    Field("language", "string", "such as `en`"),
    Field("categories", "vector", "such as `general`, `news`, `it`"),
    Field("time-range", "name", "how old", choices=("day", "week", "month", "year")),
    Field("safe-search", "integer", "0 to 2"),
    Field("page", "integer", "from 1"),
)
_BREYTA = "accepted as Breyta has it; all values lie in one place here, so it chooses nothing"

SPEC = Spec(
    type="search",
    summary="Finds runs, flows, stored values, connections, lines of code and pages of the web.",
    effect="read",
    fields=(
        Field("query", "string", f"words, for `:code` a text; up to {MAX_QUERY} characters", required=True),
        Field(
            "targets",
            "vector",
            "some of `:resources :flows :runs :connections` (the default) `:code :web`",
        ),
        Field("limit", "integer", f"hits of each target, 12 if absent, at most {MAX_LIMIT}"),
        Field("hydrate", "map", "the texts of the stored values that were found", keys=_HYDRATE),
        Field("code", "map", "how `:code` is searched", keys=_CODE),
        Field("web", "map", "how `:web` is searched, over `:connection`", keys=_WEB),
        Field("storage-backend", "name", _BREYTA),
        Field("storage-root", "name", _BREYTA),
        Field("path-prefix", "string", _BREYTA),
    ),
    example='{:query "release notes" :targets [:runs :flows] :limit 5}',
)


class SearchStep:
    """Asks each target in turn; what was found is what stands in the run."""

    spec = SPEC

    def run(self, config: Mapping[str, object], context: Context) -> object:
        """`{:hits […] :count n :truncated [target …]}`; `StepError` (`search.*`, `files.pattern`, `http.*`…).

        A hit has `:target :rank :id :title :snippet`, where they apply `:score :url :path :line`, and what
        is known of it: a run's `:flow` and `:status`, a page's `:published`. Of stored values the first ones
        carry `:content`. Hits come by target, then by rank; equal ones by id. All words must be there.
        """
        if context.cancel.asked():
            raise StepError("step.cancelled", "the step was given up before it began")
        query = (text_of(config, "query") or "").strip()
        if not query or len(query) > MAX_QUERY or "\0" in query:
            raise StepError("search.query", f":query has 1 to {MAX_QUERY} characters that are not all blank")
        limit = whole_number(config, "limit", default=12, low=1, high=MAX_LIMIT)
        hits: list[Map] = []
        more: list[Value] = []
        for target in _targets(config):
            found = _found(target, query, limit + 1, config, context)
            if len(found) > limit:
                more.append(keyword(target))
            hits += [_ranked(target, rank, hit) for rank, hit in enumerate(found[:limit], 1)]
            context.log.line(f"search: {min(len(found), limit)} in {target}")
        return result_map(query=query, hits=Vec(tuple(hits)), count=len(hits), truncated=Vec(tuple(more)))


STEP = SearchStep()


def _targets(config: Mapping[str, object]) -> tuple[str, ...]:
    given = config.get("targets")
    names = tuple(name_of(each) for each in given) if isinstance(given, Collection) else OWN_TARGETS
    for name in names:
        if name not in TARGETS:
            known = " ".join(f":{target}" for target in TARGETS)
            raise StepError("search.target", f"there is no target :{name[:40]}", hint=f"known: {known}")
    if not names or len(set(names)) < len(names):
        raise StepError("search.target", ":targets names at least one target, and each once")
    return names


def _found(target: str, query: str, limit: int, config: Mapping[str, object], context: Context) -> list[Map]:
    match target:
        case "code":
            return _code(query, limit, config, context)
        case "web":
            settings = config.get("web")
            options = plain_config(settings) if settings is not None else {}
            return found_on_the_web(query, limit, options, config.get("connection"), context)
        case _:
            search = _search(context)
            found = [_own(each) for each in search.find(target, query, limit, context.cancel)]
            return _hydrated(found, config, search) if target == "resources" else found


def _search(context: Context) -> Search:
    if context.search is None:
        raise StepError("search.unavailable", "there is nothing here that could be searched")
    return context.search


def _own(found: SearchHit) -> Map:
    hit = result_map(
        id=found.name, title=found.title[:SHOWN], snippet=found.snippet[:SHOWN], score=found.score
    )
    for name, value in found.facts.items():
        hit = hit.assoc(keyword(name), value)
    return hit


def _code(query: str, limit: int, config: Mapping[str, object], context: Context) -> list[Map]:
    if context.files is None:
        raise StepError("search.unavailable", "there is no project here")
    given = config.get("code")
    options = plain_config(given) if given is not None else {}
    commit = context.source.resolve(text_of(options, "ref") or "HEAD")
    if "\n" in query:
        raise StepError("search.query", "code is searched for one line")
    wanted = Wanted(
        query,
        regex=options.get("regex") is True,
        ignore_case=options.get("ignore-case") is not False,
        paths=chosen_paths(options),
        limit=limit,
    )
    return [
        result_map(
            id=f"{each.path}:{each.line}",
            title=each.path,
            snippet=each.text.strip()[:SHOWN],
            path=each.path,
            line=each.line,
            commit=commit,
        )
        for each in context.files.search(context.files.tree_of(commit), wanted)
    ]


def _hydrated(found: list[Map], config: Mapping[str, object], search: Search) -> list[Map]:
    given = config.get("hydrate")
    options = plain_config(given) if given is not None else {}
    if options.get("enabled") is False:
        return found
    first = whole_number(options, "top-k", default=5, low=1, high=10)
    most = whole_number(options, "max-chars", default=20_000, low=1, high=MAX_CHARS)
    filled = []
    for rank, hit in enumerate(found):
        text = search.content(str(hit.get(keyword("id"))), most) if rank < first else None
        filled.append(hit if text is None else hit.assoc(keyword("content"), text))
    return filled


def _ranked(target: str, rank: int, hit: Map) -> Map:
    placed = EMPTY_MAP.assoc(keyword("target"), keyword(target)).assoc(keyword("rank"), rank)
    for key, value in hit.items():
        placed = placed.assoc(key, value)
    return placed
