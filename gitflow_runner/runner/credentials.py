"""Opened credentials put where each kind of auth wants them: in a header, in the query, in a signature."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from gitflow_runner.errors import StepError
from gitflow_runner.model.connection import Settings
from gitflow_runner.steps.base import HttpAuth, HttpConnection


@dataclass(frozen=True, slots=True)
class Credentials:
    """One kind of auth with its opened secrets, and every origin that they may be sent to."""

    kind: str
    settings: Settings
    secrets: Mapping[str, str] = field(repr=False)
    origins: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # what each secret is kept under


def http_connection(
    base_url: str | None, headers: tuple[tuple[str, str], ...], found: Credentials
) -> HttpConnection:
    """The connection for requests; what has to be signed or fetched first is left to whoever sends them.

    Raises `StepError` (`secret.unfit`) for a value that no header can carry.
    """
    added, query, auth = _placed(found)
    for _, value in added:
        if any(mark in value for mark in "\r\n\0"):
            raise StepError("secret.unfit", f"a secret for {found.kind} has a line's end in it")
    return HttpConnection(base_url, (*headers, *added), query, found.origins, auth)


_Placed = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], HttpAuth | None]


def _placed(found: Credentials) -> _Placed:
    settings, secrets = found.settings, found.secrets
    match found.kind:
        case "none":
            return (), (), None
        case "bearer":
            return (("Authorization", f"Bearer {secrets['token']}"),), (), None
        case "basic":
            pair = f"{settings.get('username', '')}:{secrets['password']}"
            return (("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"),), (), None
        case "api-key" if settings.get("query") is not None:
            return (), ((str(settings["query"]), secrets["api-key"]),), None
        case "api-key":
            name = str(settings.get("header") or "X-API-Key")
            prefix = str(settings.get("prefix") or "").strip()
            return ((name, f"{prefix} {secrets['api-key']}".strip()),), (), None
        case _:
            return (), (), HttpAuth(found.kind, settings, secrets, found.names)
