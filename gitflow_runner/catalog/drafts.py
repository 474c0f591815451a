"""A flow that is not released: taken from a work tree or a branch, and made fit to be pinned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.catalog.closure import closure_blobs, pinned_files
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import FLOWS_DIR, CommitTexts, WorkTreeTexts
from gitflow_runner.errors import NotFoundError
from gitflow_runner.git.objects import BLOB_MODE, EXEC_MODE, Oid
from gitflow_runner.git.refs import HEAD, HEADS, branch_ref
from gitflow_runner.git.repository import Repository
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.pin import DraftSource, PinnedFile


@dataclass(frozen=True, slots=True)
class Draft:
    """A flow with all that its pin names; `changed` are the closure's files that no commit holds."""

    flow: Flow
    source: DraftSource
    files: tuple[PinnedFile, ...]
    changed: tuple[str, ...] = ()


def work_tree_draft(repository: Repository, work_dir: Path, slug: str) -> Draft:
    """The flow as it stands in the work tree.

    If every file of its closure is the one in the commit that the work tree is on, the draft is that
    commit's; otherwise it is dirty, and the blobs are written so that the run can pin them. Errors as
    `loader.load`.
    """
    flow = load(WorkTreeTexts(work_dir), slug)
    head = repository.head
    commit = repository.resolve(head or HEAD)
    tree = None if commit is None else repository.commit(commit).tree
    files = pinned_files(flow.files)
    changed = tuple(file.path for file in files if tree is None or not _committed(repository, tree, file))
    missing = [raw for raw in closure_blobs(flow.files) if not repository.contains(raw.oid)]
    if missing:
        repository.write(missing)
    branch = None if head is None else head.removeprefix(HEADS)
    return Draft(flow, DraftSource(branch, commit, dirty=bool(changed)), files, changed)


def branch_draft(repository: Repository, branch: str, slug: str) -> Draft:
    """The flow at the tip of a branch; `NotFoundError` (`branch.unknown`) if there is no such branch."""
    tip = repository.resolve(branch_ref(branch))
    if tip is None:
        raise NotFoundError("branch.unknown", f"there is no branch {branch!r}", fix=("git branch --list",))
    flow = load(CommitTexts(repository, tip), slug)
    return Draft(flow, DraftSource(branch, tip, dirty=False), pinned_files(flow.files))


def _committed(repository: Repository, tree: Oid, file: PinnedFile) -> bool:
    entry = repository.entry(tree, f"{FLOWS_DIR}/{file.path}")
    return entry is not None and entry.oid == file.blob and entry.mode in (BLOB_MODE, EXEC_MODE)
