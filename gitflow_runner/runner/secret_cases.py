"""Secrets as people look after them: set, allowed, listed, tried and forgotten."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gitflow_runner.connections.records import Record
from gitflow_runner.errors import GitflowError, NotFoundError, UsageError
from gitflow_runner.model.connection import ANY_FLOW, Environment, Permit, origin_of
from gitflow_runner.model.ids import slug
from gitflow_runner.model.secret import Secret
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.secrets import permits


@dataclass(frozen=True, slots=True)
class Listed:
    """One secret without its value: where it was found, or why it was not."""

    record: Record
    source: str | None
    problem: GitflowError | None
    last_used: int | None  # ms


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be allowed: origins by flows, for one environment."""

    origins: tuple[str, ...]
    flows: tuple[str, ...]
    environment: Environment

    @property
    def permits(self) -> tuple[Permit, ...]:
        """The lines of the allow-list; `UsageError` (`origin.malformed`, `slug.malformed`)."""
        flows = [flow if flow == ANY_FLOW else slug(flow) for flow in self.flows or (ANY_FLOW,)]
        return permits(flows, [origin_of(text) for text in self.origins], self.environment)


def set_secret(
    runtime: Runtime,
    name: str,
    store: Environment,
    wanted: Wanted,
    *,
    value: Callable[[], str],
    command: str | None,
    kind: str,
) -> Record:
    """Keep a value under the name, or the command that prints it; `value` is asked once all else is right.

    A secret that is there keeps its allow-list, what is `wanted` is added. Raises `UsageError`
    (`secret.name`, `secret.unfit`, `secret.nowhere`, `secret.command`).
    """
    before = runtime.secrets.records.get((store, name), Record(name, store))
    record = _allowed(before, wanted.permits)
    runtime.secrets.check_name(name)
    if not record.permits:
        draft = " --draft" if store == "draft" else ""
        raise UsageError(
            "secret.nowhere",
            f"nothing says yet where {name} may be sent",
            hint="name every origin, such as https://api.example.com",
            fix=(f"gfr secrets set {name} --for https://HOST{draft}",),
        )
    if command is None:
        runtime.secrets.keep(replace(record, command=()), Secret(value()), kind)
    else:
        record = replace(record, command=_argv(command))
        runtime.secrets.find_by_command(record)
        runtime.secrets.save(record)
    return runtime.secrets.records[store, name]


def allow_secret(runtime: Runtime, name: str, wanted: Wanted, *, take_away: bool) -> Record:
    """Change where a secret may be sent, which makes one of the environment known too.

    `NotFoundError` (`secret.unknown`) if there is nothing to take away. For drafts the draft store's own
    secret is meant, else the live one, which drafts then see.
    """
    records = runtime.secrets.records
    stores: tuple[Environment, ...] = ("draft", "live") if wanted.environment == "draft" else ("live",)
    found = next((records[store, name] for store in stores if (store, name) in records), None)
    if found is None:
        if take_away:
            raise NotFoundError("secret.unknown", f"there is no secret {name[:128]}", fix=("gfr secrets ls",))
        found = Record(name, "live")
    lines = wanted.permits
    if take_away:
        changed = replace(found, permits=tuple(each for each in found.permits if each not in lines))
    else:
        changed = _allowed(found, lines)
    runtime.secrets.save(changed)
    return changed


def list_secrets(runtime: Runtime) -> tuple[Listed, ...]:
    """All secrets by name, live ones first; no source that costs anything is asked."""
    return tuple(_listed(runtime, record) for _, record in sorted(runtime.secrets.records.items()))


def try_secret(runtime: Runtime, name: str, store: Environment) -> tuple[Record, str, int]:
    """Open one: its record, the source that has it, its length in characters; errors as `Secrets.find`."""
    record = known(runtime, name, store)
    secret, source = runtime.secrets.find(record)
    return record, source, len(secret.reveal())


def known(runtime: Runtime, name: str, store: Environment) -> Record:
    """The record of that store; `NotFoundError` (`secret.unknown`)."""
    record = runtime.secrets.records.get((store, name))
    if record is None:
        near = [each for _, each in runtime.secrets.records if each.casefold() == name.casefold()]
        hint = f"did you mean {near[0]}?" if near and near[0] != name else None
        raise NotFoundError(
            "secret.unknown", f"there is no {store} secret {name[:128]}", hint=hint, fix=("gfr secrets ls",)
        )
    return record


def _listed(runtime: Runtime, record: Record) -> Listed:
    used = runtime.secrets.last_used(record)
    try:
        return Listed(record, runtime.secrets.where(record), None, used)
    except GitflowError as error:
        return Listed(record, None, error, used)


def _allowed(record: Record, lines: Sequence[Permit]) -> Record:
    return replace(record, permits=tuple(dict.fromkeys((*record.permits, *lines))))


def _argv(command: str) -> tuple[str, ...]:
    try:
        found = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError("secret.command", f"the command cannot be read: {error}") from None
    if not found:
        raise UsageError("secret.command", "the command is empty", hint="such as 'pass show shop/token'")
    return found
