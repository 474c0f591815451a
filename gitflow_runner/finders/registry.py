"""The finders by name: a module of this package, or an installed plug-in, imported when named."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import gitflow_runner.finders
from gitflow_runner.errors import StepError
from gitflow_runner.finders.base import Finder

GROUP = "gitflow_runner.search"
SHARED = frozenset({"base", "registry"})


def _installed(name: str) -> Iterable[EntryPoint]:
    return entry_points(group=GROUP, name=name)


def finder(name: str, installed: Callable[[str], Iterable[EntryPoint]] = _installed) -> Finder:
    """The finder of that name; `StepError` (`search.engine`, `search.plugin`)."""
    if name in built_in():
        module = importlib.import_module(f"gitflow_runner.finders.{name}")
        return cast(Finder, module.FINDER)  # the contract suite holds every module to it
    candidates = list(installed(name))
    if not candidates:
        known = ", ".join(built_in())
        raise StepError("search.engine", f"there is no engine {name[:64]!r}", hint=f"known: {known}")
    loaded = candidates[0].load()
    found = loaded() if isinstance(loaded, type) else loaded
    if len(candidates) > 1 or not all(hasattr(found, part) for part in ("request", "hits", "advice")):
        raise StepError("search.plugin", f"{candidates[0].value} does not offer one engine {name!r}")
    return cast(Finder, found)


def built_in() -> tuple[str, ...]:
    """The names of the finders in this package, in order; nothing is imported."""
    found = (module.name for module in pkgutil.iter_modules(gitflow_runner.finders.__path__))
    return tuple(sorted(name for name in found if name not in SHARED))
