"""The sources of secrets in the order in which they are asked, each imported when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final, cast

from gitflow_runner.connections.base import Keeper, Source
from gitflow_runner.connections.environment import EnvironmentSource
from gitflow_runner.connections.kept import KeptSource
from gitflow_runner.errors import UsageError
from gitflow_runner.plugins import made

GROUP: Final = "gitflow_runner.secrets"
KEEPERS: Final = ("file", "keyring")


def _installed() -> Iterable[EntryPoint]:
    return entry_points(group=GROUP)


@dataclass(frozen=True)
class Place:
    """What the built-in sources need of the machine and of this clone."""

    variables: Mapping[str, str]
    dotenv: Path | None  # the work tree's; None in a bare repository
    seen_by_git: Callable[[], str | None]  # in words, what Git knows of that file
    read: Callable[[str], bytes | None]  # the kept values of a store
    write: Callable[[str, bytes], None]
    home: str  # the ledger's id
    age_file: Callable[[], bytes | None]  # as the protected branch holds it
    age_identity: Path | None
    installed: Callable[[], Iterable[EntryPoint]] = _installed


def cheap_sources(place: Place) -> Sequence[Source]:
    """Those that cost next to nothing to ask."""
    return tuple(_cheap(place))


def all_sources(place: Place) -> Sequence[Source]:
    """Environment, `.env`, this clone's file, keyring, commands, the age file, then installed kinds.

    Raises `UsageError` (`secret.plugin`) for an installed kind that is no source.
    """
    return (*_cheap(place), *_dear(place), *_plugins(place))


def keeper(place: Place, kind: str) -> Keeper:
    """Where values are put: `file` or `keyring`; `UsageError` (`secret.no_keyring`)."""
    return _keyring(place) if kind == "keyring" else KeptSource(place.read, place.write)


def _cheap(place: Place) -> Iterator[Source]:
    yield EnvironmentSource(place.variables)
    if place.dotenv is not None and place.dotenv.is_file():
        from gitflow_runner.connections.dotenv import DotenvSource

        yield DotenvSource(place.dotenv, place.seen_by_git)
    yield KeptSource(place.read, place.write)


def program(place: Place) -> Source:
    """What runs the commands that print secrets."""
    from gitflow_runner.connections.program import ProgramSource

    return ProgramSource(place.variables)


def _dear(place: Place) -> Iterator[Source]:
    if find_spec("keyring") is not None:
        yield _keyring(place)
    yield program(place)
    if place.age_identity is not None:
        if find_spec("pyrage") is None:
            raise UsageError(
                "secret.age",
                "gitflow.ageIdentity is set, and pyrage is not installed",
                fix=("pip install pyrage",),
            )
        from gitflow_runner.connections.agefile import AgeSource

        yield AgeSource(place.age_file, place.age_identity)


def _keyring(place: Place) -> Keeper:
    if find_spec("keyring") is None:
        raise UsageError("secret.no_keyring", "keyring is not installed", fix=("pip install keyring",))
    from gitflow_runner.connections.keychain import KeyringSource

    return KeyringSource(place.home)


def _plugins(place: Place) -> Iterator[Source]:
    for entry in place.installed():
        source = made(entry)
        if not all(hasattr(source, part) for part in ("name", "cheap", "separate", "find")):
            raise UsageError("secret.plugin", f"{entry.value} is no source of secrets")
        yield cast(Source, source)
