"""What a run's `:search` finds in this clone: the index brought up to the refs, then asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gitflow_runner.errors import GitflowError, NotFoundError, RefusedError, StepError, TransientError
from gitflow_runner.ledger.index import Found, SearchIndex
from gitflow_runner.model.connection import Connection
from gitflow_runner.model.resource import named_digest
from gitflow_runner.runner.indexing import bring_up_to_date, text_of_value
from gitflow_runner.runner.project_files import as_step_error
from gitflow_runner.runner.resources import list_resources
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.steps.base import Cancel
from gitflow_runner.steps.searching import SearchHit

_OF_RUNS = ("runs", "resources")


class LocalSearch:
    """The `Search` port of one run, which does not find itself."""

    def __init__(
        self,
        runtime: Runtime,
        connections: Mapping[str, Connection],
        run: str,
        require_signed: Callable[[], None],
    ) -> None:
        """`require_signed` refuses code that nobody answers for: it does not see what other runs held."""
        self._require_signed = require_signed
        self._runtime = runtime
        self._connections = connections
        self._run = run
        self._index = SearchIndex(runtime.local.root)
        self._holders: dict[str, str] = {}  # of stored values that were found: a run that has it

    def find(self, target: str, text: str, limit: int, cancel: Cancel) -> Sequence[SearchHit]:
        """What has all the words, best first."""
        if target == "connections":
            return self._named(text)[:limit]
        if target in _OF_RUNS:
            self._require_answered_for()
        try:
            found = self._asked(target, text, limit + 1, cancel)
        except TransientError as error:
            if error.code != "search.damaged":
                raise as_step_error(error) from None
            found = self._asked(target, text, limit + 1, cancel)
        except GitflowError as error:
            raise as_step_error(error) from None
        if target == "resources":
            self._holders |= {each.name: each.facts.get("run", "") for each in found}
        return [
            SearchHit(each.name, each.title, each.snippet, each.score, each.facts)
            for each in found
            if each.name != self._run
        ][:limit]

    def _require_answered_for(self) -> None:
        try:
            self._require_signed()
        except RefusedError as error:
            raise StepError(
                "search.draft", "a draft that nobody signed does not see what runs held", hint=error.hint
            ) from None

    def _asked(self, target: str, text: str, limit: int, cancel: Cancel) -> Sequence[Found]:
        bring_up_to_date(self._runtime, self._index, target, cancel, leaving=self._run)
        return self._index.find(target, text, limit)

    def content(self, uri: str, most: int) -> str | None:
        """The beginning of a stored value's text."""
        sha256, run = named_digest(uri), self._holders.get(uri)
        if sha256 is None or run is None:
            return None
        try:
            held = list_resources(self._runtime, run=run, limit=1)
            found = next((each for each in held if each.sha256 == sha256), None)
            text = None if found is None else text_of_value(self._runtime, sha256, found.blob)
        except NotFoundError:
            return None
        except GitflowError as error:
            raise as_step_error(error) from None
        return None if text is None else text[:most]

    def _named(self, text: str) -> list[SearchHit]:
        """Connections by name, type, address and description; what is secret is none of these."""
        words = text.casefold().split()
        found = []
        for name, each in sorted(self._connections.items()):
            about = " ".join(part for part in (each.type, each.base_url, each.description) if part)
            if all(word in f"{name} {about}".casefold() for word in words):
                found.append(SearchHit(name, name, about, 1.0, {"type": each.type}))
        return found
