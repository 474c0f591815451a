"""Whether a flow has what it requires: slots that are bound, a setup filled in, secrets that may be sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from gitflow_runner.connections.file import url_origin
from gitflow_runner.errors import GitflowError, UsageError
from gitflow_runner.model.connection import Connection, Environment
from gitflow_runner.model.flow import Flow, InputField, Requirement
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.inputs import setup_fields
from gitflow_runner.runner.secrets import Secrets

# Served by the runner itself where nothing is bound.
_BUILT_IN: Final = ("kv-store", "blob-storage")

Kind = Literal["connection", "secret", "setup"]


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that a run would lack: what it is, what is wrong, and the command that mends it.

    `field` is what a setup form asks for, `choices` are the connections that would do for a slot.
    """

    kind: Kind
    name: str
    message: str
    suggestion: str
    field: InputField | None = None
    choices: tuple[str, ...] = ()


def unbound(flow: Flow, configured: Configured) -> tuple[Missing, ...]:
    """The required slots that lead nowhere, and the setup fields without a value: what the files lack."""
    return (*_slots(flow, configured), *_setup(flow, configured))


def not_ready(
    flow: Flow, configured: Configured, secrets: Secrets, environment: Environment
) -> tuple[Missing, ...]:
    """All that, and the secrets that this clone does not know or may not send where they have to go."""
    return (*unbound(flow, configured), *_secrets(flow, configured, secrets, environment))


def require_ready(flow: Flow, missing: tuple[Missing, ...], act: str) -> None:
    """Refuse `act` while something is missing: `UsageError` (`configure.missing`, details `missing`)."""
    if missing:
        raise UsageError(
            "configure.missing",
            f"{flow.slug} lacks {len(missing)} thing(s) for {act}: {missing[0].message}",
            hint=missing[0].suggestion,
            fix=(f"gfr configure check {flow.slug}",),
            details={"missing": [{"kind": m.kind, "name": m.name, "message": m.message} for m in missing]},
        )


def _required(flow: Flow) -> Iterator[tuple[str, Requirement]]:
    for each in flow.requires:
        if each.kind == "connection" and each.slot is not None and each.type not in _BUILT_IN:
            yield each.slot, each


def _slots(flow: Flow, configured: Configured) -> Iterator[Missing]:
    bound = configured.bound(flow)
    for slot, each in _required(flow):
        if slot in bound or each.optional or each.type == "secret":
            continue
        like = tuple(c.name for c in configured.connections.values() if c.type == each.type)
        if like:
            suggestion = _set(flow, configured, f"{slot}.conn={like[0]}")
        else:
            place = "--base-url https://HOST" if each.type == "http-api" else f"--type {each.type}"
            suggestion = f"gfr connections create {slot} {place}"
        message = f"slot :{slot} ({each.type}) is not bound"
        yield Missing("connection", slot, message, suggestion, choices=like)


def _setup(flow: Flow, configured: Configured) -> Iterator[Missing]:
    filled = configured.installation.activation
    for field in setup_fields(flow):
        if field.required and field.default is None and filled.get(field.name) is None:
            message = f"setup field {field.name} ({field.type}) has no value"
            suggestion = _set(flow, configured, f"activation.{field.name}=VALUE")
            yield Missing("setup", field.name, message, suggestion, field)


def _set(flow: Flow, configured: Configured, pair: str) -> str:
    id = configured.installation.id
    target = f" --installation {id}" if id not in ("", flow.slug) else ""
    return f"gfr configure {flow.slug}{target} --set {pair}"


def _secrets(
    flow: Flow, configured: Configured, secrets: Secrets, environment: Environment
) -> Iterator[Missing]:
    find = partial(_origins, secrets, flow, environment)
    draft = " --draft" if environment == "draft" else ""
    for slot, each in _required(flow):
        binding = configured.binding(slot)
        connection = configured.connections.get((binding.connection if binding else None) or "")
        if each.optional or connection is None:
            continue
        for name in dict.fromkeys(connection.secrets.values()):
            origins, origin = find(name), _goal(connection)
            verb = "set" if origins is None else "allow"
            if origins is None:
                message = (
                    f"{environment} runs have no secret {name}, which connection {connection.name} needs"
                )
            elif origin is not None and origin not in origins:
                message = f"{name} may not be sent to {origin} by {environment} runs of {flow.slug}"
            else:
                continue
            goal = origin or "ORIGIN"
            yield Missing("secret", name, message, f"gfr secrets {verb} {name} --for {goal}{draft}")


def _goal(connection: Connection) -> str | None:
    return None if connection.base_url is None else url_origin(connection.base_url)


def _origins(secrets: Secrets, flow: Flow, environment: Environment, name: str) -> tuple[str, ...] | None:
    try:
        return secrets.record(name, environment).origins(flow.slug, environment)
    except GitflowError:
        return None
