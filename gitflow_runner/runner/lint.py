"""Lint as every face runs it: over the work tree's flows, with the step types that are installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import list_flows
from gitflow_runner.catalog.sources import FLOWS_DIR, CommitTexts, Texts, WorkTreeTexts
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import NotFoundError
from gitflow_runner.git.refs import HEAD
from gitflow_runner.runner.runtime import Runtime


def flow_texts(runtime: Runtime) -> Texts:
    """The flows of the work tree, or of HEAD in a bare repository."""
    if runtime.repository.work_dir is not None:
        return WorkTreeTexts(runtime.repository.work_dir)
    tip = runtime.repository.resolve(runtime.repository.head or HEAD)
    if tip is None:
        raise NotFoundError("branch.unknown", "this repository has no commit yet")
    return CommitTexts(runtime.repository, tip)


def lint_slug(runtime: Runtime, slug: str) -> tuple[Diagnostic, ...]:
    """All findings about one flow."""
    return lint(flow_texts(runtime), slug, runtime.specs, HOST_NAMES)


def lint_all(runtime: Runtime) -> Iterator[tuple[str, tuple[Diagnostic, ...]]]:
    """All findings about every flow, in the order of their slugs."""
    texts = flow_texts(runtime)
    for slug in list_flows(texts):
        yield slug, lint(texts, slug, runtime.specs, HOST_NAMES)


def slug_of(argument: str) -> str:
    """A slug from what was typed: itself, or the path of a flow's file."""
    path = Path(argument)
    return path.stem if path.suffix == ".edn" else argument.removeprefix(f"{FLOWS_DIR}/")
