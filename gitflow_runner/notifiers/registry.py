"""The notifiers by name: a module of this package, or an installed plug-in, imported when named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import gitflow_runner.notifiers
from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.model.spec import Spec
from gitflow_runner.notifiers.base import Notifier
from gitflow_runner.plugins import made, names_in, part_of

GROUP = "gitflow_runner.notifiers"
SHARED = frozenset({"base", "registry"})


def _installed(name: str) -> Iterable[EntryPoint]:
    return entry_points(group=GROUP, name=name)


class Notifiers:
    """The notifiers of one runner; each is imported at most once."""

    def __init__(self, installed: Callable[[str], Iterable[EntryPoint]] = _installed) -> None:
        self._installed = installed
        self._loaded: dict[str, Notifier] = {}

    def get(self, name: str) -> Notifier:
        """The notifier; `NotFoundError` (`notify.unknown_channel`), `UsageError` (`notify.plugin`)."""
        found = self._loaded.get(name)
        if found is None:
            found = self._loaded[name] = self._load(name)
        return found

    def _load(self, name: str) -> Notifier:
        if name in built_in():
            return cast(Notifier, part_of(gitflow_runner.notifiers, name, "NOTIFIER"))
        candidates = list(self._installed(name))
        if not candidates:
            known = ", ".join(built_in())
            raise NotFoundError(
                "notify.unknown_channel", f"there is no notifier {name[:64]!r}", hint=f"known: {known}"
            )
        notifier = made(candidates[0])
        if len(candidates) > 1 or not isinstance(getattr(notifier, "spec", None), Spec):
            raise UsageError("notify.plugin", f"{candidates[0].value} does not offer one notifier {name!r}")
        return cast(Notifier, notifier)


def built_in() -> tuple[str, ...]:
    """The names of the notifiers in this package, in order; nothing is imported."""
    return names_in(gitflow_runner.notifiers, SHARED)
