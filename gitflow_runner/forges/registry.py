"""The forges by kind: a module of this package, or an installed plug-in, imported when named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import gitflow_runner.forges
from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.forges.base import Forge
from gitflow_runner.plugins import made, names_in, part_of

GROUP = "gitflow_runner.forges"
SHARED = frozenset({"api", "base", "registry"})


def _installed(name: str) -> Iterable[EntryPoint]:
    return entry_points(group=GROUP, name=name)


def forge(kind: str, installed: Callable[[str], Iterable[EntryPoint]] = _installed) -> Forge:
    """The forge of that kind; `NotFoundError` (`forge.unknown_kind`), `UsageError` (`forge.plugin`)."""
    if kind in built_in():
        return cast(Forge, part_of(gitflow_runner.forges, kind, "FORGE"))
    candidates = list(installed(kind))
    if not candidates:
        known = ", ".join(built_in())
        raise NotFoundError(
            "forge.unknown_kind", f"there is no forge of the kind {kind[:64]!r}", hint=f"known: {known}"
        )
    found = made(candidates[0])
    if len(candidates) > 1 or not all(hasattr(found, name) for name in ("tells", "find", "open", "look")):
        raise UsageError("forge.plugin", f"{candidates[0].value} does not offer one forge {kind!r}")
    return cast(Forge, found)


def built_in() -> tuple[str, ...]:
    """The kinds in this package, in order; nothing is imported."""
    return names_in(gitflow_runner.forges, SHARED)
