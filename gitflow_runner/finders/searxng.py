"""SearXNG and whatever speaks its JSON: an engine that a team can run by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitflow_runner.finders.base import Hit, Question, Request, malformed

_FACTS = {"publishedDate": "published", "engine": "engine", "category": "category"}
_MOST = 1e12  # of a score; what is no number at all is not below it


class Searxng:
    """Asked by `GET /search?format=json`."""

    def request(self, question: Question) -> Request:
        """The one request of a question."""
        query = [("q", question.text), ("format", "json"), ("pageno", str(question.page))]
        if question.language is not None:
            query.append(("language", question.language))
        if question.categories:
            query.append(("categories", ",".join(question.categories)))
        if question.time_range is not None:
            query.append(("time_range", question.time_range))
        if question.safe is not None:
            query.append(("safesearch", str(question.safe)))
        return Request("search", tuple(query))

    def hits(self, document: object) -> Sequence[Hit]:
        """The hits in the engine's own order, which mixes what many engines say; one without URL is none."""
        rows = document.get("results") if isinstance(document, Mapping) else None
        if not isinstance(rows, list):
            raise malformed("there are no results in it")
        return [_hit(row) for row in rows if isinstance(row, Mapping) and isinstance(row.get("url"), str)]

    def advice(self, status: int) -> str | None:
        """403 is what an instance says whose settings do not allow JSON."""
        if status == 403:
            return "let the instance answer in JSON: search.formats in its settings.yml"
        return None


FINDER = Searxng()


def _hit(row: Mapping[str, object]) -> Hit:
    score = row.get("score")
    counts = isinstance(score, int | float) and not isinstance(score, bool) and abs(score) < _MOST
    facts = {name: row[key] for key, name in _FACTS.items() if isinstance(row.get(key), str)}
    return Hit(
        str(row["url"]),
        _text(row.get("title")),
        _text(row.get("content")),
        float(str(score)) if counts else None,
        {name: str(value) for name, value in facts.items()},
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
