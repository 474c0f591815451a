"""Connections put into the work tree's file and taken out of it; what can be inferred is not asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, get_args
from urllib.parse import urlsplit

from gitflow_runner.catalog.loader import list_flows, load
from gitflow_runner.catalog.sources import WorkTreeTexts
from gitflow_runner.connections.document import Document
from gitflow_runner.connections.file import AUTH, PATH, ROLES, AuthKind, parse_connections, url_origin
from gitflow_runner.connections.yamledit import Plain, with_entry, without_entry
from gitflow_runner.errors import ConflictError, GitflowError
from gitflow_runner.lang.collection import Map
from gitflow_runner.lang.values import Keyword, keyword
from gitflow_runner.model.connection import Connection, Environment, is_connection_name
from gitflow_runner.runner.configured import reader_of_work_tree, write_in_work_tree
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.usages import Usage, known_connection, users_of, work_dir_of

SECTION: Final = "connections"
_TYPES: Final[Mapping[str, str]] = {
    "http": "http-api",
    "https": "http-api",
    "postgres": "database",
    "postgresql": "database",
    "mysql": "database",
    "smtp": "email",
    "smtps": "email",
    "ssh": "ssh",
}
# What an auth's own settings say of its kind, where nobody names the kind.
_TELLING: Final[Mapping[str, str]] = {
    "username": "basic",
    "header": "api-key",
    "prefix": "api-key",
    "query": "api-key",
    "token-url": "oauth",
    "client-id": "oauth",
    "region": "aws-sigv4",
    "service": "aws-sigv4",
}


_SERVERS: Final = ("database", "email")
_BACKENDS: Final[Mapping[str, str]] = {"postgres": "postgres", "postgresql": "postgres", "mysql": "mysql"}


@dataclass(frozen=True, slots=True)
class Wish:
    """A connection as somebody asked for it.

    `secrets` are names, each alone or as `role=name`; `settings` are `key=value` pairs, a key with `auth.`
    or `headers.` in front belongs to those.
    """

    name: str
    type: str | None = None
    base_url: str | None = None
    auth: str | None = None
    secrets: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """What stands in the file now, and whether it had to be written."""

    connection: Connection
    changed: bool
    lacking: tuple[str, ...]  # commands that keep the secrets which no run could open yet


def create_connection(runtime: Runtime, wish: Wish, *, replace: bool = False) -> Created:
    """Write the connection; one that is there already, word for word, is left as it is.

    Raises `UsageError` (`connections.*`: `connections.file`), and `ConflictError` (`connection.exists`)
    where another of that name is there and nobody said to replace it.
    """
    work_dir = work_dir_of(runtime)
    before = reader_of_work_tree(work_dir)(PATH)
    document = Document(PATH, "connections")
    if not is_connection_name(wish.name):
        hint = "a letter, then letters, digits, `_` or `-`"
        raise document.error("name", f"{wish.name[:80]!r} cannot name a connection", hint)
    there = parse_connections(before).get(wish.name)
    entry = _entry(wish, _hints(runtime, wish.name), document)
    # Alone first, so that nothing is said of the file that is not about this entry.
    alone = parse_connections(with_entry(document, None, (SECTION, wish.name), entry))[wish.name]
    if there is not None and there != alone and not replace:
        raise ConflictError(
            "connection.exists",
            f"{PATH} has another connection {wish.name}",
            hint="replace it on purpose, or take another name",
            fix=(f"gfr connections show {wish.name}", f"gfr connections create {wish.name} … --replace"),
        )
    if there != alone:
        after = with_entry(document, before, (SECTION, wish.name), entry)
        parse_connections(after)
        write_in_work_tree(work_dir, PATH, after)
    return Created(alone, there != alone, tuple(_lacking(runtime, alone)))


def remove_connection(runtime: Runtime, name: str) -> Connection:
    """Take the connection out of the file; `ConflictError` (`connection.in_use`) with all who use it."""
    work_dir = work_dir_of(runtime)
    before = reader_of_work_tree(work_dir)(PATH)
    found = known_connection(parse_connections(before), name)
    users = users_of(runtime, name)
    if users:
        flows = ", ".join(dict.fromkeys(user.flow for user in users))
        raise ConflictError(
            "connection.in_use",
            f"{name} is used {len(users)} time(s), by {flows}",
            hint="bind those slots to another connection first; open runs have to end",
            fix=(f"gfr connections usages {name}",),
            details={"users": [_user(user) for user in users]},
        )
    write_in_work_tree(work_dir, PATH, without_entry(Document(PATH, "connections"), before, (SECTION, name)))
    return found


def _user(user: Usage) -> dict[str, object]:
    return {"flow": user.flow, "slot": user.slot, "installation": user.installation, "run": user.run}


def _lacking(runtime: Runtime, connection: Connection) -> Iterator[str]:
    goal = "https://HOST" if connection.base_url is None else url_origin(connection.base_url)
    for name in dict.fromkeys(connection.secrets.values()):
        if not any(runtime.secrets.is_known(each, name) for each in get_args(Environment)):
            yield f"gfr secrets set {name} --for {goal}"


def _entry(wish: Wish, hints: Mapping[str, str], document: Document) -> dict[str, Plain]:
    """The connection's lines, in the order in which people write them."""
    auth, headers, own = _settings(wish, document)
    base_url = wish.base_url or hints.get("base-url")
    kind = wish.type or hints.get("type") or _TYPES.get(urlsplit(base_url or "").scheme.lower())
    if kind is None:
        raise document.error(
            "missing",
            f"nothing says what kind of service {wish.name} is",
            f"give --base-url, or --type with one of {', '.join(ROLES)}",
        )
    if kind == "http-api" and base_url is None and "provider" not in own:
        raise document.error("missing", f"{wish.name} needs a place", "give --base-url https://HOST")
    if kind in _SERVERS and base_url is not None:
        base_url, place = _server(wish, kind, base_url, document)
        own = place | own
    entry: dict[str, Plain] = {"type": kind, "base-url": base_url}
    way = wish.auth or _way(kind, auth, wish, hints)
    if way is not None:
        entry["auth"] = {"type": way, **_named(wish, AUTH.get(way), document), **auth}
    elif wish.secrets:
        entry["secrets"] = _roles(wish, ROLES.get(kind, ()), document)
    entry |= {"headers": headers or None, **own, "description": wish.description}
    return {key: value for key, value in entry.items() if value is not None}


def _server(wish: Wish, kind: str, url: str, document: Document) -> tuple[str | None, dict[str, Plain]]:
    """What the URL of a database or a mail server says, as the settings that their drivers read."""
    try:
        parts = urlsplit(url)
        port, password = parts.port, parts.password
    except ValueError:
        raise document.error("url", f"the URL of {wish.name} cannot be read") from None
    if password is not None:
        raise document.error(
            "secret_value",
            f"the URL of {wish.name} carries a password",
            "if it was the real one, change it; keep it with `gfr secrets set NAME` and give --secret NAME",
        )
    place: dict[str, Plain] = {"host": parts.hostname, "port": port}
    if kind == "email":
        place |= {"username": parts.username, "security": "tls" if parts.scheme == "smtps" else None}
        return None, place
    name = parts.path.strip("/") or None
    place |= {"user": parts.username, "database": name, "backend": _BACKENDS.get(parts.scheme)}
    bare = f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")
    return bare, place


def _way(kind: str, auth: Mapping[str, Plain], wish: Wish, hints: Mapping[str, str]) -> str | None:
    """The kind of auth that nobody named: by its settings, by the flow's slot, by a secret for an API."""
    told = next((_TELLING[key] for key in auth if key in _TELLING), None)
    bare = kind == "http-api" and wish.secrets
    return told or hints.get("auth") or ("bearer" if bare else None)


def _named(wish: Wish, kind: AuthKind | None, document: Document) -> dict[str, Plain]:
    """The secrets of an auth; the one that it needs is named after the connection where nobody names it."""
    if kind is None:
        return {}
    roles = (*kind.needs, *kind.may)
    if not wish.secrets and kind.needs:
        name = f"{wish.name}_{kind.needs[0]}".upper().replace("-", "_")
        return {"secret": name}
    found = _roles(wish, roles, document)
    only = [*found] == [*roles[:1]]
    return {"secret": found[roles[0]]} if only else {"secrets": found} if found else {}


def _roles(wish: Wish, roles: tuple[str, ...], document: Document) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for text in wish.secrets:
        role, equals, name = text.partition("=")
        if not equals:
            role, name = (roles[0] if roles else ""), text
        if role not in roles:
            # What was given is not repeated: it may be a value.
            known = ", ".join(roles) or "none"
            raise document.error("secret_role", f"{wish.name} has no such secret", f"its secrets: {known}")
        found[role] = name
    return found


def _settings(wish: Wish, document: Document) -> tuple[dict[str, Plain], dict[str, Plain], dict[str, Plain]]:
    """Settings of the auth, headers, and the connection's own."""
    auth: dict[str, Plain] = {}
    headers: dict[str, Plain] = {}
    own: dict[str, Plain] = {}
    for pair in wish.settings:
        key, equals, text = pair.partition("=")
        place, dot, name = key.partition(".")
        if not equals or (not name and dot) or not key:
            raise document.error("malformed", "a setting is not key=value", "such as --set auth.username=ann")
        match place if dot else "":
            case "auth":
                auth[name] = _scalar(text)
            case "headers":
                headers[name] = text
            case "":
                own[key] = _scalar(text)
            case _:
                raise document.error(
                    "malformed", f"{key[:60]!r} is no setting", "auth.KEY, headers.NAME or KEY"
                )
    return auth, headers, own


def _scalar(text: str) -> Plain:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def _hints(runtime: Runtime, name: str) -> Mapping[str, str]:
    """What the first flow with a slot of that name says of it."""
    texts = WorkTreeTexts(work_dir_of(runtime))
    for slug in list_flows(texts):
        try:
            requires = load(texts, slug).requires
        except GitflowError:
            continue
        for each in requires:
            if each.slot == name and each.kind == "connection" and each.type in ROLES:
                return {"type": str(each.type), **dict(_said(each.settings))}
    return {}


def _said(settings: object) -> Iterator[tuple[str, str]]:
    if not isinstance(settings, Map):
        return
    base = settings.get(keyword("base-url"))
    if isinstance(base, str):
        yield "base-url", base
    auth = settings.get(keyword("auth"))
    kind = auth.get(keyword("type")) if isinstance(auth, Map) else None
    if isinstance(kind, Keyword) and kind.text in AUTH and kind.text != "none":
        yield "auth", kind.text
