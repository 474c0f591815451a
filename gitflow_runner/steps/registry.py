"""The step types by name: a module of this package, or an installed plug-in, imported when named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import cast

import gitflow_runner.steps
from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.model.spec import Spec
from gitflow_runner.plugins import made, names_in, part_of
from gitflow_runner.steps.base import Step

GROUP = "gitflow_runner.steps"

SHARED = frozenset(
    {
        "answering",
        "asking",
        "auth",
        "base",
        "bodies",
        "changeset",
        "config",
        "edits",
        "expect",
        "files_changing",
        "files_publishing",
        "files_reading",
        "keyvalue",
        "memory",
        "memory_trees",
        "modelcall",
        "persist",
        "propose",
        "registry",
        "rendering",
        "request",
        "response",
        "results",
        "searching",
        "tabular",
        "tokens",
        "tree_archive",
        "tree_view",
        "trees",
        "web_search",
    }
)
"""The modules of this package that are no step type; every other one holds its own in `STEP`."""

ALIASES = {"code": "function"}  # the name of an earlier generation of the language

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _installed(name: str) -> Iterable[EntryPoint]:
    return entry_points(group=GROUP, name=name)


class Steps:
    """The step types of one runner; each is imported at most once."""

    def __init__(self, installed: Callable[[str], Iterable[EntryPoint]] = _installed) -> None:
        """`installed` finds the plug-ins of one name only, since looking at all of them is slow."""
        self._installed = installed
        self._loaded: dict[str, Step] = {}

    def get(self, name: str) -> Step:
        """The step type; `NotFoundError` (`step.unknown_type`), `UsageError` (`step.plugin`)."""
        name = ALIASES.get(name, name)
        found = self._loaded.get(name)
        if found is None:
            found = self._loaded[name] = self._load(name)
        return found

    def spec(self, name: str) -> Spec:
        """The step type's spec; the same errors."""
        return self.get(name).spec

    def knows(self, name: str) -> bool:
        """Whether `get` would find it, without importing anything."""
        name = ALIASES.get(name, name)
        return name in self._loaded or name in built_in() or any(True for _ in self._installed(name))

    def _load(self, name: str) -> Step:
        if _NAME.fullmatch(name) and name in built_in():
            return cast(Step, part_of(gitflow_runner.steps, name, "STEP"))
        candidates = list(self._installed(name))
        if not candidates:
            near = get_close_matches(name, built_in(), n=2)
            hint = "did you mean " + " or ".join(f":{other}" for other in near) + "?" if near else None
            raise NotFoundError("step.unknown_type", f"there is no step type :{name[:64]}", hint=hint)
        if len(candidates) > 1:
            raise UsageError(
                "step.plugin", f"{len(candidates)} installed plug-ins offer the step type :{name}"
            )
        step = made(candidates[0])
        if not isinstance(getattr(step, "spec", None), Spec) or step.spec.type != name:
            raise UsageError("step.plugin", f"{candidates[0].value} is not a step type :{name}")
        return cast(Step, step)


class BuiltInSpecs(Mapping[str, Spec]):
    """The specs of the step types in this package by name; a step type is imported when it is asked for."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._names = built_in()

    def __getitem__(self, name: str) -> Spec:
        if name not in self._names:
            raise KeyError(name)
        return self._steps.spec(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def built_in() -> tuple[str, ...]:
    """The names of the step types in this package, in order; nothing is imported."""
    return names_in(gitflow_runner.steps, SHARED)
