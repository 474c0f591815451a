"""What a run was configured with: settings, connections and one installation, from where they may be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gitflow_runner.catalog.installations import installation_path, parse_installation
from gitflow_runner.connections.file import PATH as CONNECTIONS
from gitflow_runner.connections.file import parse_connections
from gitflow_runner.errors import NotFoundError, RefusedError, UsageError
from gitflow_runner.git.objects import Oid, blob
from gitflow_runner.git.repository import Repository
from gitflow_runner.model.connection import Binding, Connection, Installation
from gitflow_runner.model.flow import Flow
from gitflow_runner.model.pin import Configuration
from gitflow_runner.runner.local import write_whole
from gitflow_runner.runner.settings import PATH as CONFIG
from gitflow_runner.runner.settings import Settings, parse_settings

MAX_BYTES: Final = 1 << 20

_DEFAULTS: Final = Settings()
_NOWHERE: Final = Installation("", "")

Read = Callable[[str], bytes | None]  # a path of the repository -> the file's bytes


@dataclass(frozen=True, slots=True)
class Configured:
    """The three files as they were read; `files` are their copies for the run's own tree."""

    settings: Settings = _DEFAULTS
    connections: Mapping[str, Connection] = field(default_factory=dict)
    installation: Installation = _NOWHERE
    pinned: Configuration | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    def binding(self, slot: str) -> Binding | None:
        """What the slot is bound to; without a line of its own, to the connection of its name."""
        found = self.installation.bindings.get(slot)
        if found is None and slot in self.connections:
            return Binding(connection=slot)
        return found

    def bound(self, flow: Flow) -> frozenset[str]:
        """The flow's slots that are bound to something that is there."""
        return frozenset(r.slot for r in flow.requires if r.slot is not None and self._is_bound(r.slot))

    def _is_bound(self, slot: str) -> bool:
        found = self.binding(slot)
        return found is not None and (found.secret is not None or found.connection in self.connections)


def configured(read: Read, slug: str, installation: str | None, commit: str | None) -> Configured:
    """The configuration of a run of `slug`, for the installation of that id (None: the flow's own).

    Raises `UsageError` (`config.*`, `connections.*`, `installation.*`), `NotFoundError`
    (`installation.unknown`) and `RefusedError` (`installation.disabled`).
    """
    id = installation or slug
    data = {
        "config.yaml": read(CONFIG),
        "connections.yaml": read(CONNECTIONS),
        "installation.yaml": read(installation_path(id)),
    }
    target = parse_installation(data["installation.yaml"], id)
    if installation is not None and data["installation.yaml"] is None:
        raise NotFoundError(
            "installation.unknown",
            f"there is no {installation_path(id)} where this run takes its configuration from",
            hint="it is written there by its first setting",
            fix=(f"gfr configure {slug} --installation {id} --set SLOT.conn=NAME",),
        )
    if target.flow != slug:
        raise UsageError("installation.flow", f"installation {id} is one of {target.flow}, not of {slug}")
    if not target.enabled:
        raise RefusedError(
            "installation.disabled", f"installation {id} is switched off", hint=installation_path(id)
        )
    return Configured(
        parse_settings(data["config.yaml"]),
        parse_connections(data["connections.yaml"]),
        target,
        Configuration(id, commit, *(None if d is None else blob(d).oid for d in data.values())),
        {f"settings/{name}": content for name, content in data.items() if content is not None},
    )


def pinned_configuration(repository: Repository, slug: str, pin: Configuration) -> Configured:
    """The configuration of a recorded run, by the blobs that its pin names."""

    def content(oid: str | None) -> bytes | None:
        return None if oid is None else repository.blob(Oid(oid))

    return Configured(
        parse_settings(content(pin.config)),
        parse_connections(content(pin.connections)),
        parse_installation(content(pin.installation), pin.id),
        pin,
    )


def reader_of_commit(repository: Repository, commit: str | None) -> Read:
    """Reads files as a commit holds them; without a commit there are none."""
    if commit is None:
        return lambda path: None
    tree = repository.commit(Oid(commit)).tree

    def read(path: str) -> bytes | None:
        entry = repository.entry(tree, path)
        return None if entry is None or entry.is_tree else repository.blob(entry.oid)

    return read


def reader_of_work_tree(work_dir: Path) -> Read:
    """Reads files as they lie in the work tree; a link is not followed."""

    def read(path: str) -> bytes | None:
        file = work_dir / path
        if not file.is_file() or any((work_dir / part).is_symlink() for part in _folders(path)):
            return None
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES)

    return read


def write_in_work_tree(work_dir: Path, path: str, data: bytes) -> None:
    """Write such a file; `UsageError` (`config.link`) where a link would lead it elsewhere."""
    if any((work_dir / part).is_symlink() for part in _folders(path)):
        raise UsageError(
            "config.link", f"{path} is, or lies behind, a symbolic link", hint="change it by hand"
        )
    write_whole(work_dir / path, data)


def _folders(path: str) -> tuple[str, ...]:
    parts = path.split("/")
    return tuple("/".join(parts[: end + 1]) for end in range(len(parts)))
