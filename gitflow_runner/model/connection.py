"""Named services, how a flow's slots are bound to them, and where a secret may be sent: values only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from gitflow_runner.errors import UsageError

Environment = Literal["live", "draft"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]{0,31})://(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::([0-9]{1,5}))?/?")
_PORTS: Final[Mapping[str, int]] = {
    "http": 80,
    "https": 443,
    "ssh": 22,
    "postgresql": 5432,
    "postgres": 5432,
    "mysql": 3306,
    "smtp": 25,
    "smtps": 465,
    "redis": 6379,
}
_SAME: Final[Mapping[str, str]] = {"postgres": "postgresql"}  # two spellings of one scheme
ANY_FLOW: Final = "*"

Setting = str | int | float | bool
Settings = Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Connection:
    """One service of `connections.yaml`. `secrets` names the secret of each role, never its value.

    `auth` is the kind of credentials (`none` where there are none to add), `settings` everything else that
    was said of the service, keys as written.
    """

    name: str
    type: str
    base_url: str | None = None
    auth: str = "none"
    secrets: Mapping[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=dict)
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a slot stands for: a connection, or for a `:secret` slot the name of a secret."""

    connection: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """One configured target of a flow: its bindings by slot, and what its setup form was filled in with."""

    id: str
    flow: str
    bindings: Mapping[str, Binding] = field(default_factory=dict)
    activation: Mapping[str, object] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Permit:
    """One line of a secret's allow-list: this flow, in this environment, may send it to this origin."""

    flow: str  # a slug, or `*`
    environment: Environment
    origin: str  # scheme://host:port

    def covers(self, flow: str, environment: Environment) -> bool:
        """Whether a run of that flow in that environment is meant."""
        return self.environment == environment and self.flow in (ANY_FLOW, flow)


def is_connection_name(text: str) -> bool:
    """Whether `text` may name a connection or an installation."""
    return _NAME.fullmatch(text) is not None


def is_secret_name(text: str) -> bool:
    """Whether `text` may name a secret."""
    return _SECRET.fullmatch(text) is not None


def origin_of(text: str) -> str:
    """`scheme://host:port` in the one spelling that is compared; the port of a known scheme may be left out.

    Raises `UsageError` (`origin.malformed`): no path, no wildcard, no name or password.
    """
    match = _ORIGIN.fullmatch(text.strip().lower())
    port = None if match is None else int(match[3]) if match[3] else _PORTS.get(match[1])
    if match is None or port is None or not 0 < port < 65_536:
        raise UsageError(
            "origin.malformed",
            f"{text[:100]!r} is not scheme://host:port",
            hint="such as https://api.example.com or postgresql://db.example.com:5432",
        )
    return f"{_SAME.get(match[1], match[1])}://{match[2]}:{port}"
