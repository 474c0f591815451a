"""`.breyta/connections.yaml`: named services by type, base URL, kind of auth and the names of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from gitflow_runner.connections.document import Document, Section
from gitflow_runner.connections.lookalike import looks_secret
from gitflow_runner.errors import GitflowError
from gitflow_runner.model.connection import (
    Connection,
    Setting,
    Settings,
    is_connection_name,
    is_secret_name,
    origin_of,
)

PATH: Final = ".breyta/connections.yaml"


@dataclass(frozen=True, slots=True)
class AuthKind:
    """One way to prove who asks: the secrets that it needs and may have, by role, and its settings."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    settings: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()  # of the settings


AUTH: Final[Mapping[str, AuthKind]] = MappingProxyType(
    {
        "none": AuthKind(),
        "api-key": AuthKind(("api-key",), settings=frozenset({"header", "prefix", "query"})),
        "bearer": AuthKind(("token",)),
        "basic": AuthKind(("password",), settings=frozenset({"username"}), required=("username",)),
        "oauth": AuthKind(
            (),
            ("client-secret", "refresh-token", "client-id"),
            frozenset({"grant", "token-url", "client-id", "client-auth", "scopes", "audience", "provider"}),
            ("token-url",),
        ),
        "aws-sigv4": AuthKind(
            ("secret-access-key",),
            ("access-key-id", "session-token"),
            frozenset({"region", "service", "access-key-id"}),
            ("region", "service"),
        ),
        "google-service-account": AuthKind(
            ("service-account",), settings=frozenset({"scopes", "token-url", "audience"})
        ),
    }
)
# Types that are no plain HTTP bring their secrets under `secrets:`, by the roles that they know.
ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "database": ("password", "dsn"),
        "ssh": ("private-key", "passphrase", "password"),
        "email": ("password",),
        "apprise": ("address",),
        "blob-storage": ("access-key-id", "secret-access-key", "session-token"),
        "kv-store": ("password",),
        "llm-provider": ("api-key",),
        "http-api": (),
    }
)
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"client-auth": ("basic", "post")})
_OWN = frozenset({"type", "base-url", "auth", "secrets", "description", "headers"})
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
_VALUES = frozenset(
    {"token", "password", "apikey", "api-key", "private-key", "passphrase", "dsn", "client-secret", "value"}
)


def parse_connections(data: bytes | None, *, file: str = PATH) -> Mapping[str, Connection]:
    """The connections by name, in the order of the file; none for a file that is not there.

    Raises `UsageError`: `connections.unreadable`, `.unknown_key`, `.type`, `.missing`, `.name`, `.auth`,
    `.url`, and `connections.secret_value` for what looks like a secret itself.
    """
    if data is None:
        return {}
    top = Document(file, "connections").read(data, frozenset({"connections"}))
    listed = top.section("connections")
    found: dict[str, Connection] = {}
    for name in listed.values:
        if not is_connection_name(name):
            hint = "a letter, then letters, digits, `_` or `-`"
            raise listed.error("name", f"{name[:80]!r} cannot name a connection", hint)
        found[name] = _connection(name, listed.section(name))
    return found


def _connection(name: str, given: Section) -> Connection:
    kind = given.needed("type")
    if kind not in ROLES:
        raise given.error("type", f"{name} has the unknown type {kind[:40]!r}", "known: " + ", ".join(ROLES))
    auth, names, settings = _auth(name, given)
    for role, secret in _secrets(given, ROLES[kind]).items():
        names[role] = secret
    for key in given.values:
        if key not in _OWN:
            settings[key] = _setting(given, key)
    headers = given.section("headers")
    for key in headers.values:
        if key.lower() in _CREDENTIALS:
            raise _exposed(headers, key, "that header carries a credential")
        settings[f"header:{key}"] = str(_setting(headers, key))
    base_url = given.text("base-url")
    if base_url is not None:
        _check_url(given, base_url)
    return Connection(name, kind, base_url, auth, names, settings, given.text("description"))


def _auth(name: str, given: Section) -> tuple[str, dict[str, str], dict[str, Setting]]:
    if "auth" not in given.values:
        return "none", {}, {}
    kinds = frozenset().union(*(kind.settings for kind in AUTH.values()))
    auth = given.section("auth")
    kind = auth.needed("type")
    known = AUTH.get(kind)
    if known is None:
        raise auth.error(
            "auth", f"{name} has the unknown kind of auth {kind[:40]!r}", "known: " + ", ".join(AUTH)
        )
    for key in auth.values:
        if key in _VALUES and key not in known.settings:
            raise _exposed(auth, key, "a secret stands there by its name only")
        if key not in known.settings | {"type", "secret", "secrets"}:
            hint = "known for it: " + ", ".join(sorted((known.settings & kinds) | {"secret", "secrets"}))
            raise auth.error("unknown_key", f"{auth.name}: {kind} has no {key[:60]!r}", hint)
    names = _secrets(auth, (*known.needs, *known.may))
    only = auth.text("secret")
    if only is not None:
        names[(*known.needs, *known.may, "secret")[0]] = _secret_name(auth, "secret", only)
    settings = {key: _setting(auth, key) for key in auth.values if key in known.settings}
    problem = unknown_choice(settings)
    if problem is not None:
        raise auth.error("choice", f"{auth.name}: {problem}")
    lacking = [role for role in known.needs if role not in names]
    lacking += [key for key in known.required if key not in settings]
    if lacking:
        raise auth.error("missing", f"{auth.name}: {kind} needs {', '.join(lacking)}")
    return kind, names, settings


def unknown_choice(settings: Settings) -> str | None:
    """Which setting of an auth has a value that it cannot have, in words; None if none has."""
    for key, choices in _CHOICES.items():
        if key in settings and settings[key] not in choices:
            return f"{key} is {' or '.join(choices)}"
    return None


def _secrets(given: Section, roles: tuple[str, ...]) -> dict[str, str]:
    listed = given.section("secrets", frozenset(roles))
    return {role: _secret_name(listed, role, listed.needed(role)) for role in listed.values}


def _secret_name(given: Section, key: str, text: str) -> str:
    why = looks_secret(text)
    if why is not None or not is_secret_name(text):
        raise _exposed(given, key, why or "it cannot be the name of a secret")
    return text


def _setting(given: Section, key: str) -> Setting:
    value = given.values[key]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = " ".join(value)
    if not isinstance(value, str | int | float | bool):
        raise given.error("type", f"{given.name}: {key} is neither a text, a number nor a list of texts")
    why = looks_secret(str(value))
    if why is not None or (key in _VALUES and isinstance(value, str)):
        raise _exposed(given, key, why or "a secret stands there by its name only")
    return value


def _check_url(given: Section, url: str) -> None:
    if looks_secret(url):
        raise _exposed(given, "base-url", "the URL carries a secret")
    try:
        split = urlsplit(url)
        origin_of(f"{split.scheme}://{split.netloc}")
    except (GitflowError, ValueError):
        raise given.error(
            "url", f"{given.name}: {url[:100]!r} is no base URL", "write https://host/path"
        ) from None


def _exposed(given: Section, key: str, why: str) -> GitflowError:
    return given.error(
        "secret_value",
        f"{given.name}: the value of {key} does not belong into this file: {why}",
        "keep the value with `gfr secrets set NAME` and write the name here",
    )


def url_origin(url: str) -> str:
    """The origin of a base URL that was read from here."""
    split = urlsplit(url)
    return origin_of(f"{split.scheme}://{split.netloc}")


def headers_of(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The fixed request headers of a connection."""
    return tuple((k.removeprefix("header:"), str(v)) for k, v in settings.items() if k.startswith("header:"))
