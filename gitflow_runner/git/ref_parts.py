"""What the names of refs are made of, part by part."""

from __future__ import annotations

from typing import NamedTuple


class RunRef(NamedTuple):
    """The parts of a run's ref."""

    slug: str
    run_id: str


class InboxRef(NamedTuple):
    """The parts of an approval's or a callback's ref; `leaf` carries no meaning."""

    run_id: str
    wait: str
    leaf: str


class RequestRef(NamedTuple):
    """The parts of a request's ref; `run_id` is None for a request that starts a run."""

    run_id: str | None
    leaf: str


class GateRef(NamedTuple):
    """The parts of a ref that asks a gate to run; the branch may hold slashes."""

    branch: str
    leaf: str


class RemoteRunRef(NamedTuple):
    """The parts of another clone's run, as fetched here."""

    remote: str
    slug: str
    run_id: str


class PairRef(NamedTuple):
    """The two parts of a slot (slug, digest), trigger (slug, name) or job (type, id)."""

    first: str
    second: str
