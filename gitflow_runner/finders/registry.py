"""The finders by name: a module of this package, or an installed plug-in, imported when named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import gitflow_runner.finders
from gitflow_runner.errors import StepError
from gitflow_runner.finders.base import Finder
from gitflow_runner.plugins import made, names_in, part_of

GROUP = "gitflow_runner.search"
SHARED = frozenset({"base", "registry"})


def _installed(name: str) -> Iterable[EntryPoint]:
    return entry_points(group=GROUP, name=name)


def finder(name: str, installed: Callable[[str], Iterable[EntryPoint]] = _installed) -> Finder:
    """The finder of that name; `StepError` (`search.engine`, `search.plugin`)."""
    if name in built_in():
        return cast(Finder, part_of(gitflow_runner.finders, name, "FINDER"))
    candidates = list(installed(name))
    if not candidates:
        known = ", ".join(built_in())
        raise StepError("search.engine", f"there is no engine {name[:64]!r}", hint=f"known: {known}")
    found = made(candidates[0])
    if len(candidates) > 1 or not all(hasattr(found, part) for part in ("request", "hits", "advice")):
        raise StepError("search.plugin", f"{candidates[0].value} does not offer one engine {name!r}")
    return cast(Finder, found)


def built_in() -> tuple[str, ...]:
    """The names of the finders in this package, in order; nothing is imported."""
    return names_in(gitflow_runner.finders, SHARED)
