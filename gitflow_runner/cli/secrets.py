"""Secrets kept, allowed to be sent, listed, tried, forgotten; a value is never on the command line."""

from __future__ import annotations

import sys

import click

from gitflow_runner.cli.moments import show_moment
from gitflow_runner.cli.options import may_ask, shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.connections.records import Record
from gitflow_runner.errors import UsageError
from gitflow_runner.model.connection import Environment
from gitflow_runner.model.secret import MAX_BYTES
from gitflow_runner.runner.secret_cases import (
    Listed,
    Wanted,
    allow_secret,
    known,
    list_secrets,
    set_secret,
    try_secret,
)

ORIGINS = click.option(
    "--for", "origins", multiple=True, metavar="ORIGIN", help="Where it may be sent: https://host[:port]."
)
FLOWS = click.option("--flow", "flows", multiple=True, metavar="SLUG", help="Only for this flow; repeatable.")
DRAFT = click.option("--draft", is_flag=True, help="Of draft runs, which have a store of their own.")


@click.group(name="secrets")
def secrets() -> None:
    """Keep secrets outside of Git, and say where each may be sent."""


@secrets.command(name="set")
@click.argument("name")
@click.argument("value", nargs=-1, metavar="")
@ORIGINS
@FLOWS
@DRAFT
@click.option("--from-cmd", metavar="COMMAND", help="A program that prints it, run whenever it is needed.")
@click.option("--keyring", is_flag=True, help="Keep it in the system's keyring instead of this clone's file.")
@shared
def set_(
    out: Output,
    name: str,
    value: tuple[str, ...],
    origins: tuple[str, ...],
    flows: tuple[str, ...],
    draft: bool,
    from_cmd: str | None,
    keyring: bool,
) -> None:
    """Keep the value of NAME: asked for, or read from standard input.

    Example: gfr secrets set SHOP_TOKEN --for https://api.shop.example < token.txt
    """
    if value:
        # Not repeated: it may be the value, which by now stands in the shell's history.
        raise UsageError(
            "secret.on_argv",
            "a value is never given on the command line, where every process can see it",
            hint="if that was the value, change it where it came from",
            fix=(f"gfr secrets set {name} --for https://HOST",),
        )
    runtime = Session(out).service.runtime
    store: Environment = "draft" if draft else "live"
    record = set_secret(
        runtime,
        name,
        store,
        Wanted(origins, flows, store),
        value=lambda: _asked(name),
        command=from_cmd,
        kind="keyring" if keyring else "file",
    )
    _tell(out, record, "gfr/secrets.set/1", "is kept" if from_cmd is None else f"comes from {from_cmd}")


@secrets.command(name="allow")
@click.argument("name")
@ORIGINS
@FLOWS
@DRAFT
@click.option("--remove", is_flag=True, help="Take these lines away instead.")
@shared
def allow(
    out: Output, name: str, origins: tuple[str, ...], flows: tuple[str, ...], draft: bool, remove: bool
) -> None:
    """Let NAME be sent to more places, or to fewer. Its value may come from the environment.

    Example: gfr secrets allow SHOP_TOKEN --for https://api.shop.example --flow order-sync
    """
    runtime = Session(out).service.runtime
    if not origins:
        raise UsageError(
            "secret.nowhere",
            "say where it may be sent",
            fix=(f"gfr secrets allow {name} --for https://HOST",),
        )
    wanted = Wanted(origins, flows, "draft" if draft else "live")
    record = allow_secret(runtime, name, wanted, take_away=remove)
    _tell(
        out, record, "gfr/secrets.allow/1", "may be sent to fewer places" if remove else "may be sent there"
    )


@secrets.command(name="ls")
@shared
def ls(out: Output) -> None:
    """List the secrets by name: where each is, where it may go, when it was used. Values are never shown."""
    items = list_secrets(Session(out).service.runtime)
    lines = []
    for item in items:
        used = "never used" if item.last_used is None else f"used {show_moment(item.last_used)}"
        where = item.source or (item.problem.code if item.problem is not None else "not found")
        lines.append(f"{item.record.name:<24} {item.record.store:<6} {where:<12} {used}")
        lines += [f"    {p.flow} ({p.environment}) to {p.origin}" for p in item.record.permits]
    out.result(
        "gfr/secrets.ls/1",
        {"items": [_data(item) for item in items], "cursor": None, "total": len(items)},
        text=lines or ["no secrets are known here"],
        rows=[(i.record.name, i.record.store, i.source, i.last_used) for i in items],
        ids=[item.record.name for item in items],
        follow=[f"gfr secrets test {items[0].record.name}"]
        if items
        else ["gfr secrets set NAME --for https://HOST"],
    )


@secrets.command(name="rm")
@click.argument("name")
@DRAFT
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def rm(out: Output, name: str, draft: bool, yes: bool) -> None:
    """Forget NAME with its allow-list. What the environment or a program holds stays there."""
    runtime = Session(out).service.runtime
    store: Environment = "draft" if draft else "live"
    record = known(runtime, name, store)
    if not yes:
        if not may_ask() or out.mode == "json":
            raise UsageError(
                "usage.confirm",
                f"this forgets {name} and needs --yes here",
                fix=(f"gfr secrets rm {name} --yes",),
            )
        if not click.confirm(f"Forget the {store} secret {name}?", default=False, err=True):
            raise UsageError("usage.declined", "nothing was changed")
    emptied = runtime.secrets.remove(record)
    out.result(
        "gfr/secrets.rm/1",
        {"name": name, "store": store, "emptied": emptied},
        text=[f"{out.mark('ok')} {name} is forgotten"],
        rows=[(name, store)],
        ids=[name],
        follow=["gfr secrets ls"],
    )


@secrets.command(name="test")
@click.argument("name")
@DRAFT
@shared
def test(out: Output, name: str, draft: bool) -> None:
    """Open NAME as a run would and say where it was found; its value is not shown."""
    store: Environment = "draft" if draft else "live"
    record, source, length = try_secret(Session(out).service.runtime, name, store)
    out.result(
        "gfr/secrets.test/1",
        {"name": record.name, "store": store, "source": source, "length": length},
        text=[f"{out.mark('ok')} {record.name} was found in {source}: {length} characters"],
        rows=[(record.name, store, source, length)],
        ids=[record.name],
        follow=["gfr connections ls"],
    )


def _asked(name: str) -> str:
    if may_ask():
        found: str = click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True)
        return found
    if sys.stdin.isatty():
        raise UsageError(
            "secret.no_value",
            f"nobody can be asked for the value of {name} here",
            hint="give it on standard input",
            fix=(f"gfr secrets set {name} < FILE",),
        )
    text = sys.stdin.read(MAX_BYTES + 2)
    return text.removesuffix("\n").removesuffix("\r")


def _tell(out: Output, record: Record, schema: str, done: str) -> None:
    text = [f"{out.mark('ok')} {record.name} ({record.store}) {done}"]
    text += [f"    {p.flow} ({p.environment}) to {p.origin}" for p in record.permits]
    draft = " --draft" if record.store == "draft" else ""
    out.result(
        schema,
        {"name": record.name, "store": record.store, "allow": _permits(record)},
        text=text,
        rows=[(record.name, p.flow, p.environment, p.origin) for p in record.permits],
        ids=[record.name],
        follow=[f"gfr secrets test {record.name}{draft}", "gfr connections ls"],
    )


def _permits(record: Record) -> list[dict[str, object]]:
    return [{"flow": p.flow, "environment": p.environment, "origin": p.origin} for p in record.permits]


def _data(item: Listed) -> dict[str, object]:
    return {
        "name": item.record.name,
        "store": item.record.store,
        "source": item.source,
        "problem": None if item.problem is None else item.problem.code,
        "allow": _permits(item.record),
        "command": list(item.record.command) or None,
        "set_at": item.record.set_at,
        "last_used": item.last_used,
    }
