"""Lint as every face runs it: over the work tree's flows, with the step types that are installed."""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.catalog.diagnostic import Diagnostic
from gitflow_runner.catalog.edits import FIXABLE, edited_files, fixes
from gitflow_runner.catalog.lint.rule import Subject
from gitflow_runner.catalog.linter import lint
from gitflow_runner.catalog.loader import list_flows, read_closure
from gitflow_runner.catalog.sources import FLOWS_DIR, CommitTexts, Texts, WorkTreeTexts
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.git.refs import HEAD
from gitflow_runner.runner.local import write_whole
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


def slugs(runtime: Runtime) -> tuple[str, ...]:
    """The slugs of all flows, sorted."""
    return list_flows(flow_texts(runtime))


def fix_slug(runtime: Runtime, slug: str) -> tuple[str, ...]:
    """Mend in the work tree what has one certain remedy; the paths of the files that changed.

    A flow that cannot be read is left as it is: lint says why. Raises `UsageError` (`draft.bare`).
    """
    work_dir = runtime.repository.work_dir
    if work_dir is None:
        raise UsageError("draft.bare", "a bare repository has no work tree to mend files in")
    texts = WorkTreeTexts(work_dir)
    found = lint(texts, slug, runtime.specs, HOST_NAMES)
    if not any(each.code in FIXABLE for each in found):
        return ()
    expanded = read_closure(texts, slug)
    changed = edited_files(expanded, fixes(Subject(slug, expanded, runtime.specs, HOST_NAMES), found))
    for path, text in changed.items():
        write_whole(work_dir / FLOWS_DIR / path, text.encode())
    return tuple(f"{FLOWS_DIR}/{path}" for path in changed)


def slug_of(argument: str) -> str:
    """A slug from what was typed: itself, or the path of a flow's file."""
    path = Path(argument)
    return path.stem if path.suffix == ".edn" else argument.removeprefix(f"{FLOWS_DIR}/")
