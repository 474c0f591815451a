"""The connections of the work tree, and which flows use each through which slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.catalog.installations import FOLDER
from gitflow_runner.catalog.loader import list_flows, load
from gitflow_runner.catalog.sources import WorkTreeTexts
from gitflow_runner.connections.file import PATH, parse_connections
from gitflow_runner.errors import GitflowError, NotFoundError, UsageError
from gitflow_runner.model.connection import Connection
from gitflow_runner.runner.configured import configured, reader_of_work_tree
from gitflow_runner.runner.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Usage:
    """One slot of one flow that a connection serves, and the installation that says so."""

    connection: str
    flow: str
    slot: str
    installation: str


def work_tree_connections(runtime: Runtime) -> Mapping[str, Connection]:
    """The connections as the work tree has them; `UsageError` (`draft.bare`, `connections.*`)."""
    return parse_connections(reader_of_work_tree(_work_dir(runtime))(PATH))


def one_connection(runtime: Runtime, name: str) -> Connection:
    """One of them; `NotFoundError` (`connection.unknown`)."""
    found = work_tree_connections(runtime)
    if name not in found:
        known = ", ".join(found) or "none"
        raise NotFoundError(
            "connection.unknown",
            f"{PATH} has no connection {name[:64]!r}",
            hint=f"there: {known}",
            fix=("gfr connections ls",),
        )
    return found[name]


def usages(runtime: Runtime) -> tuple[Usage, ...]:
    """Every use, by flow and installation; a flow or an installation that cannot be read uses nothing."""
    work_dir = _work_dir(runtime)
    texts, read = WorkTreeTexts(work_dir), reader_of_work_tree(work_dir)
    found: list[Usage] = []
    for slug in list_flows(texts):
        for id in dict.fromkeys((None, *_installations(work_dir))):
            try:
                flow, target = load(texts, slug), configured(read, slug, id, None)
            except GitflowError:
                continue
            for each in flow.requires:
                binding = None if each.slot is None else target.binding(each.slot)
                if each.slot is not None and binding is not None and binding.connection is not None:
                    found.append(Usage(binding.connection, slug, each.slot, target.installation.id))
    return tuple(dict.fromkeys(found))


def _installations(work_dir: Path) -> Iterator[str]:
    folder = work_dir / FOLDER
    if folder.is_dir() and not folder.is_symlink():
        yield from sorted(path.stem for path in folder.glob("*.yaml"))


def _work_dir(runtime: Runtime) -> Path:
    work_dir = runtime.repository.work_dir
    if work_dir is None:
        raise UsageError("draft.bare", "a bare repository has no work tree to look at connections in")
    return work_dir
