"""The `Connections` port of one run: slots to services, secrets opened for where they may be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

from gitflow_runner.connections.file import AUTH, headers_of, unknown_choice
from gitflow_runner.errors import GitflowError, StepError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Keyword, keyword
from gitflow_runner.model.connection import Connection, Environment
from gitflow_runner.model.flow import Requirement
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.credentials import Credentials, http_connection
from gitflow_runner.runner.opener import Opener
from gitflow_runner.runner.secrets import Secrets
from gitflow_runner.steps.auth import NOT_RENEWED
from gitflow_runner.steps.base import HttpConnection, Renewal, Service

_SAME = {"llm-provider": "http-api"}  # the older name of one type


class RunConnections:
    """What one run may reach; every answer is checked against the allow-lists anew."""

    def __init__(
        self,
        slug: str,
        requires: Sequence[Requirement],
        configured: Configured,
        environment: Environment,
        secrets: Secrets,
        trusted: Callable[[], None] = lambda: None,
        hide: Callable[[str], None] = lambda value: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        """`trusted` raises where this code may have no connections (an unsigned draft)."""
        self._slug = slug
        self._configured = configured
        self._opener = Opener(secrets, slug, environment)
        self._trusted = trusted
        self._hide = hide
        self._say = say
        self._slots = {r.slot: r for r in requires if r.slot is not None}

    def named(self, name: str) -> HttpConnection:
        """The connection of a slot, or of that name; `StepError` (`connection.*`, `secret.*`)."""
        connection = self._connection(name)
        if not _takes_requests(connection):
            _refuse(f"connection {connection.name} is a {connection.type}, not a service for requests")
        return _for_requests(connection, self._opener.connection(connection))

    def inline(self, auth: Mapping[str, object]) -> HttpConnection:
        """A step's own `:auth`; its `:secret-ref` is a slot of type `:secret`, or a secret's name."""
        kind = _text(auth.get("type"))
        known = AUTH.get(kind)
        if known is None:
            raise StepError(
                "config_choice", f":auth has the unknown type {kind[:40]!r}", hint="known: " + ", ".join(AUTH)
            )
        names = {role: _text(auth[role]) for role in (*known.needs, *known.may) if auth.get(role) is not None}
        if auth.get("secret-ref") is not None:
            names[(*known.needs, *known.may, "secret")[0]] = _text(auth["secret-ref"])
        lacking = [role for role in known.needs if role not in names]
        if lacking:
            raise StepError("missing_config_key", f":auth of type :{kind} needs :secret-ref")
        settings = {key: _setting(auth[key]) for key in sorted(known.settings) if auth.get(key) is not None}
        problem = unknown_choice(settings)
        if problem is not None:
            raise StepError("config_choice", f":auth: {problem}")
        self._check_trust()
        kept = {role: self._secret_name(name) for role, name in names.items()}
        return http_connection(None, (), Credentials(kind, settings, *self._opener.named(kept, kind), kept))

    def service(self, name: str) -> Service:
        """The slot's service with its secrets opened; `StepError` (`connection.*`, `secret.*`)."""
        connection = self._connection(name)
        found = self._opener.connection(connection)
        settings: dict[str, object] = dict(connection.settings)
        settings["auth"] = connection.auth
        if connection.base_url is not None:
            settings["base-url"] = connection.base_url
        http = _for_requests(connection, found) if _takes_requests(connection) else None
        return Service(connection.name, connection.type, settings, found.secrets, found.origins, http)

    @contextmanager
    def renewing(self, name: str) -> Iterator[Renewal]:
        """The secret while it is renewed; what cannot be kept is told to whoever watches, too."""
        with self._opener.renewing(name) as renewal:
            yield _Told(renewal, name, self._say)

    def hide(self, value: str) -> None:
        """Mask this value from now on, wherever the run is recorded."""
        self._hide(value)

    def _connection(self, name: str) -> Connection:
        binding = self._configured.binding(name)
        connection = self._configured.connections.get((binding.connection if binding else None) or "")
        if connection is None:
            wanted = f" (bound to {binding.connection})" if binding and binding.connection else ""
            raise StepError(
                "connection.unbound",
                f"no connection is bound to :{name[:64]}{wanted}",
                hint=f"gfr configure suggest {self._slug}",
            )
        slot = self._slots.get(name)
        if slot is not None and slot.type is not None:
            wanted, given = (_SAME.get(kind, kind) for kind in (slot.type, connection.type))
            if wanted != given:
                _refuse(f"slot :{name} takes a {wanted}, and {connection.name} is a {given}")
        self._check_trust()
        return connection

    def _secret_name(self, text: str) -> str:
        slot = self._slots.get(text)
        if slot is None or slot.type != "secret":
            return text
        binding = self._configured.installation.bindings.get(text)
        if binding is not None and binding.secret is not None:
            return binding.secret
        named = slot.settings.get(keyword("secret-ref")) if isinstance(slot.settings, Map) else None
        return text if named is None else _text(named)

    def _check_trust(self) -> None:
        try:
            self._trusted()
        except GitflowError as error:
            raise StepError(error.code, error.message, hint=error.hint) from None


class _Told:
    """A renewal that says aloud what could not be kept: the old value may be good for nothing now."""

    def __init__(self, renewal: Renewal, name: str, say: Callable[[str], None]) -> None:
        self._renewal = renewal
        self._name = name
        self._say = say

    @property
    def value(self) -> str:
        return self._renewal.value

    def keep(self, value: str) -> str | None:
        problem = self._renewal.keep(value)
        if problem is not None:
            self._say(
                f"{NOT_RENEWED}: the service gave a new {self._name}, and {problem}; "
                f"it holds for this process only: gfr secrets set {self._name}"
            )
        return problem


def _takes_requests(connection: Connection) -> bool:
    return _SAME.get(connection.type, connection.type) == "http-api"


def _for_requests(connection: Connection, found: Credentials) -> HttpConnection:
    return http_connection(connection.base_url, headers_of(connection.settings), found)


def _refuse(message: str) -> NoReturn:
    raise StepError("connection.refused", message)


def _text(value: object) -> str:
    return value.text if isinstance(value, Keyword) else str(value)


def _setting(value: object) -> str | int | float | bool:
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Keyword):
        return value.text
    try:
        return " ".join(_text(item) for item in value)  # type: ignore[attr-defined]  # whatever cannot be walked is told
    except TypeError:
        raise StepError("config_type", ":auth is made of texts, numbers and lists of texts") from None
