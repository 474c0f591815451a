"""Kinds of which there is one a module, here or installed: how they are listed, imported and made."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any


def names_in(package: ModuleType, shared: frozenset[str]) -> tuple[str, ...]:
    """The names of the package's modules in order, those that they `shared` left out; imports nothing."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name for name in found if name not in shared))


def part_of(package: ModuleType, name: str, attribute: str) -> Any:
    """What the package's module of that name offers under `attribute`: the contract suites hold it there."""
    return getattr(importlib.import_module(f"{package.__name__}.{name}"), attribute)


def made(entry: EntryPoint) -> Any:
    """What an installed entry point names, made if that is a class; nobody has held it to anything yet."""
    loaded = entry.load()
    return loaded() if isinstance(loaded, type) else loaded
