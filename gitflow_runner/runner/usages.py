"""The connections of the work tree, and which flows use each through which slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.catalog.installations import FOLDER, installation_path, parse_installation
from gitflow_runner.catalog.loader import list_flows, load
from gitflow_runner.catalog.sources import WorkTreeTexts
from gitflow_runner.connections.file import PATH, parse_connections
from gitflow_runner.errors import GitflowError, NotFoundError, UsageError
from gitflow_runner.git.refs import LIVE, parse_live_ref, run_ref
from gitflow_runner.ledger.lease import standings
from gitflow_runner.model.connection import ANY_FLOW, Connection
from gitflow_runner.model.flow import Flow
from gitflow_runner.runner.code import pinned_code, resolve_code
from gitflow_runner.runner.configured import Configured, configured, reader_of_work_tree
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import PATH as CONFIG
from gitflow_runner.runner.settings import work_tree_settings
from gitflow_runner.runner.verify import pin_of


@dataclass(frozen=True, slots=True)
class Usage:
    """One slot of one flow that a connection serves, by an installation, or in an open run."""

    connection: str
    flow: str
    slot: str
    installation: str
    run: str | None = None


def work_tree_connections(runtime: Runtime) -> Mapping[str, Connection]:
    """The connections as the work tree has them; `UsageError` (`draft.bare`, `connections.*`)."""
    return parse_connections(reader_of_work_tree(work_dir_of(runtime))(PATH))


def one_connection(runtime: Runtime, name: str) -> Connection:
    """One of them; `NotFoundError` (`connection.unknown`)."""
    return known_connection(work_tree_connections(runtime), name)


def known_connection(found: Mapping[str, Connection], name: str) -> Connection:
    """One of these; the same error."""
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
    work_dir = work_dir_of(runtime)
    texts, read = WorkTreeTexts(work_dir), reader_of_work_tree(work_dir)
    found: list[Usage] = []
    for slug in list_flows(texts):
        for id in dict.fromkeys((None, *_installations(work_dir))):
            try:
                flow, target = load(texts, slug), configured(read, slug, id, None)
            except GitflowError:
                continue
            for slot, connection in _served(flow, target):
                found.append(Usage(connection, slug, slot, target.installation.id))
    return tuple(dict.fromkeys(found))


def users_of(runtime: Runtime, name: str) -> tuple[Usage, ...]:
    """Everybody who uses one connection.

    Flows as they are drafted and as they are live, open runs, installations of flows that cannot be read,
    and forge and bucket of the configuration, as the slots `forge` and `resources` of no flow in particular.
    """
    found = [each for each in usages(runtime) if each.connection == name]
    work_dir = work_dir_of(runtime)
    settings = work_tree_settings(work_dir)
    if settings.forge is not None and settings.forge.connection == name:
        found.append(Usage(name, ANY_FLOW, "forge", CONFIG))
    if settings.resources is not None and settings.resources.connection == name:
        found.append(Usage(name, ANY_FLOW, "resources", CONFIG))
    read = reader_of_work_tree(work_dir)
    for id in _installations(work_dir):
        target = parse_installation(read(installation_path(id)), id)
        bound = [slot for slot, binding in target.bindings.items() if binding.connection == name]
        found += [Usage(name, target.flow, slot, id) for slot in bound]
    return tuple(dict.fromkeys((*found, *_by_live(runtime, name), *_in_runs(runtime, name))))


def _by_live(runtime: Runtime, name: str) -> Iterator[Usage]:
    """Uses by what runs as live now, whatever has become of its draft."""
    for ref, _ in runtime.repository.refs(LIVE):
        slug = parse_live_ref(ref)
        for id in (None, *_installations(work_dir_of(runtime))):
            try:
                code = resolve_code(runtime, slug or "", "live", id)
            except GitflowError:
                continue  # retired, not to be trusted, or an installation of another flow
            for slot, connection in _served(code.flow, code.configured):
                if connection == name:
                    yield Usage(name, code.flow.slug, slot, code.configured.installation.id)


def _in_runs(runtime: Runtime, name: str) -> Iterator[Usage]:
    for standing in standings(runtime.repository):
        try:
            lease = standing.lease
            tip = None if lease is None else runtime.repository.resolve(run_ref(lease.slug, lease.run))
            if tip is None:
                continue
            code = pinned_code(runtime, pin_of(runtime.repository, tip))
        except GitflowError:
            continue  # such a run does not go on as it is
        for slot, connection in _served(code.flow, code.configured):
            if connection == name:
                yield Usage(name, code.flow.slug, slot, code.configured.installation.id, standing.run)


def _served(flow: Flow, target: Configured) -> Iterator[tuple[str, str]]:
    """The flow's slots with their connections."""
    for each in flow.requires:
        binding = None if each.slot is None else target.binding(each.slot)
        if each.slot is not None and binding is not None and binding.connection is not None:
            yield each.slot, binding.connection


def _installations(work_dir: Path) -> Iterator[str]:
    folder = work_dir / FOLDER
    if folder.is_dir() and not folder.is_symlink():
        yield from sorted(path.stem for path in folder.glob("*.yaml"))


def work_dir_of(runtime: Runtime) -> Path:
    """The work tree; `UsageError` (`draft.bare`)."""
    work_dir = runtime.repository.work_dir
    if work_dir is None:
        raise UsageError("draft.bare", "a bare repository has no work tree to look at connections in")
    return work_dir
