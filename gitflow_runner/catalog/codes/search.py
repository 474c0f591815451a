"""Searching: the index beside Git, and engines of the web."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.catalog.codes.meaning import Meaning

SEARCH: Final[Mapping[str, Meaning]] = {
    "search.busy": Meaning(
        "Another process has been writing the search index for long. The same call may work later.",
        "gfr doctor",
    ),
    "search.connection": Meaning(
        "The web is searched over a connection that the step names, such as a SearXNG instance.",
        "gfr connections ls",
    ),
    "search.damaged": Meaning(
        "The search index could not be read and was thrown away. The next search makes it anew from Git.",
        "gfr doctor",
    ),
    "search.draft": Meaning(
        "A draft whose commit nobody with the role :dev signed does not see what other runs held.",
        "git commit --amend -S",
    ),
    "search.engine": Meaning(
        "There is no engine of that name among those that ship and those that are installed.",
        "gfr lint FLOW",
    ),
    "search.malformed": Meaning(
        "What the engine answered is no list of results in the form that it promises.",
        "gfr logs RUN",
    ),
    "search.plugin": Meaning(
        "A package offers an engine that is none, or two packages offer the same.",
        "gfr doctor",
    ),
    "search.query": Meaning(
        "The query is empty, too long, or has several lines where one is searched for.",
        "gfr lint FLOW",
    ),
    "search.status": Meaning(
        "The engine refused the search. 403 from SearXNG means that its settings do not allow JSON.",
        "gfr logs RUN",
    ),
    "search.target": Meaning(
        "A step searches :resources :flows :runs :connections :code and :web, each once.",
        "gfr lint FLOW",
    ),
    "search.unavailable": Meaning(
        "There is nothing to search where a flow is tried out. Let its tests answer for the step.",
        "gfr test FLOW",
    ),
    "search.unwritable": Meaning(
        "The disk does not take the search index, which lies beside the repository's own files.",
        "df -h .",
    ),
}
