"""Connections of the work tree: listed, shown, and who uses each."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.model.connection import Connection
from gitflow_runner.runner.usages import Usage, one_connection, usages, work_tree_connections


@click.group(name="connections")
def connections() -> None:
    """List the named services of .breyta/connections.yaml, show one, or who uses it."""


@connections.command(name="ls")
@shared
def ls(out: Output) -> None:
    """List the connections with their type, place and kind of auth."""
    runtime = Session(out).service.runtime
    found = tuple(work_tree_connections(runtime).values())
    used = usages(runtime)
    items = [_data(each, used) for each in found]
    out.result(
        "gfr/connections.ls/1",
        {"items": items, "cursor": None, "total": len(items)},
        text=[f"{c.name:<20} {c.type:<12} {c.auth:<10} {c.base_url or ''}" for c in found]
        or ["there are no connections; they are written into .breyta/connections.yaml"],
        rows=[(c.name, c.type, c.auth, c.base_url) for c in found],
        ids=[c.name for c in found],
        follow=[f"gfr connections show {found[0].name}"] if found else ["gfr secrets ls"],
    )


@connections.command(name="show")
@click.argument("name")
@shared
def show(out: Output, name: str) -> None:
    """Show one connection: settings, the names of its secrets, and who uses it."""
    runtime = Session(out).service.runtime
    found = one_connection(runtime, name)
    used = usages(runtime)
    text = [f"{found.name}  {found.type}  {found.base_url or ''}"]
    text += [f"  {found.description}"] if found.description else []
    text += [f"  {key}: {value}" for key, value in (("auth", found.auth), *found.settings.items())]
    text += [f"  {role}: the secret {secret}" for role, secret in found.secrets.items()]
    text += _lines(used, name)
    out.result(
        "gfr/connections.show/1",
        _data(found, used),
        text=text,
        rows=[(found.name, found.type, found.auth, found.base_url)],
        ids=[found.name],
        follow=[f"gfr secrets test {secret}" for secret in dict.fromkeys(found.secrets.values())],
    )


@connections.command(name="usages")
@click.argument("name")
@shared
def usages_(out: Output, name: str) -> None:
    """Show which flows use NAME, through which slot and installation."""
    runtime = Session(out).service.runtime
    one_connection(runtime, name)
    used = [each for each in usages(runtime) if each.connection == name]
    out.result(
        "gfr/connections.usages/1",
        {"connection": name, "items": [_usage(each) for each in used], "total": len(used)},
        text=_lines(tuple(used), name) or [f"nothing uses {name}"],
        rows=[(each.flow, each.slot, each.installation) for each in used],
        ids=[each.flow for each in used],
        follow=[f"gfr configure check {used[0].flow}"] if used else ["gfr connections ls"],
    )


def _lines(used: tuple[Usage, ...], name: str) -> list[str]:
    return [f"  {u.flow} :{u.slot} (installation {u.installation})" for u in used if u.connection == name]


def _usage(each: Usage) -> dict[str, object]:
    return {"flow": each.flow, "slot": each.slot, "installation": each.installation}


def _data(each: Connection, used: tuple[Usage, ...]) -> dict[str, object]:
    return {
        "name": each.name,
        "type": each.type,
        "base_url": each.base_url,
        "auth": each.auth,
        "secrets": dict(each.secrets),
        "settings": dict(each.settings),
        "description": each.description,
        "usages": [_usage(u) for u in used if u.connection == each.name],
    }
