"""`.breyta/installations/<id>.yaml`: one configured target of a flow, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gitflow_runner.connections.document import Document, Section, is_plain
from gitflow_runner.connections.lookalike import looks_secret
from gitflow_runner.model.connection import Binding, Installation, is_connection_name, is_secret_name

FOLDER: Final = ".breyta/installations"
KEYS: Final = frozenset(
    {"flow", "enabled", "bindings", "activation", "description", "release", "schedules", "inputs"}
)


def installation_path(id: str) -> str:
    """Where the installation of that id lies."""
    return f"{FOLDER}/{id}.yaml"


def parse_installation(data: bytes | None, id: str) -> Installation:
    """The installation; one without bindings for a file that is not there, and for the flow of its name.

    Raises `UsageError`: `installation.unreadable`, `.unknown_key`, `.type`, `.missing`, `.binding`,
    `.secret_value`.
    """
    if data is None:
        return Installation(id, id)
    top = Document(installation_path(id), "installation").read(data, KEYS)
    bindings = top.section("bindings")
    activation = top.section("activation")
    for key, value in activation.values.items():
        _check_value(activation, key, value)
    return Installation(
        id,
        top.text("flow") or id,
        {slot: _binding(bindings, slot) for slot in bindings.values},
        dict(activation.values),
        top.flag("enabled", True),
    )


def _binding(given: Section, slot: str) -> Binding:
    value = given.values[slot]
    if not is_connection_name(slot):
        raise given.error("binding", f"{slot[:60]!r} cannot be a slot")
    if isinstance(value, str):
        value = {"connection": value}
        bound = Binding(connection=value["connection"])
    else:
        inner = given.section(slot, frozenset({"connection", "secret"}))
        bound = Binding(inner.text("connection"), inner.text("secret"))
    if (bound.connection is None) == (bound.secret is None):
        raise given.error("binding", f"slot {slot} is bound to either a connection or a secret")
    name = bound.connection or bound.secret or ""
    if looks_secret(name) or not (is_connection_name(name) or (bound.secret and is_secret_name(name))):
        raise given.error("secret_value", f"slot {slot} is bound by a name, and this does not look like one")
    return bound


def _check_value(given: Section, key: str, value: object) -> None:
    if not is_connection_name(key) or not is_plain(value):
        raise given.error("type", f"{given.name}: {key[:60]} is not made of texts, numbers, lists and maps")
    for text in _texts(value):
        if looks_secret(text):
            raise given.error(
                "secret_value",
                f"{given.name}: the value of {key} looks like a secret, which is given by its name only",
                "keep it with `gfr secrets set NAME` and write the name here",
            )


def _texts(value: object) -> tuple[str, ...]:
    match value:
        case str():
            return (value,)
        case list():
            return tuple(text for item in value for text in _texts(item))
        case Mapping():
            return tuple(text for item in value.values() for text in _texts(item))
        case _:
            return ()
