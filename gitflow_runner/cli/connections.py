"""Connections of the work tree: listed, shown, made, tried, taken away, and who uses each."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.connections.file import AUTH, PATH, ROLES
from gitflow_runner.errors import UsageError
from gitflow_runner.model.connection import Connection
from gitflow_runner.runner.connection_edit import Wish, create_connection, remove_connection
from gitflow_runner.runner.probe import Asking, Probed, Stage, probe_all
from gitflow_runner.runner.usages import Usage, one_connection, usages, users_of, work_tree_connections


@click.group(name="connections")
def connections() -> None:
    """Write, try and list the named services of .breyta/connections.yaml; see who uses each."""


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
    """Show which flows use NAME, through which slot and installation, and in which open runs."""
    runtime = Session(out).service.runtime
    one_connection(runtime, name)
    used = users_of(runtime, name)
    out.result(
        "gfr/connections.usages/1",
        {"connection": name, "items": [_usage(each) for each in used], "total": len(used)},
        text=_lines(used, name) or [f"nothing uses {name}"],
        rows=[(each.flow, each.slot, each.installation, each.run) for each in used],
        ids=[each.flow for each in used],
        follow=[f"gfr configure check {used[0].flow}"] if used else ["gfr connections ls"],
    )


@connections.command(name="create")
@click.argument("name")
@click.option("--base-url", metavar="URL", help="Where the service is; its scheme tells the type.")
@click.option("--type", "kind", type=click.Choice(list(ROLES)), help="What the URL does not tell.")
@click.option("--auth", type=click.Choice(list(AUTH)), help="How to prove who asks; often told by the rest.")
@click.option(
    "--secret", "secrets", multiple=True, metavar="[ROLE=]NAME", help="The NAME of a secret, never its value."
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting; auth.KEY and headers.NAME, too."
)
@click.option("--description", metavar="TEXT")
@click.option("--replace", is_flag=True, help="Change the connection that has this name.")
@shared
def create(
    out: Output,
    name: str,
    base_url: str | None,
    kind: str | None,
    auth: str | None,
    secrets: tuple[str, ...],
    settings: tuple[str, ...],
    description: str | None,
    replace: bool,
) -> None:
    """Write the connection NAME into .breyta/connections.yaml; all else of the file stays as it is.

    Type and auth come from a flow's slot of that name, the URL and the settings, where nobody names them.

    Example: gfr connections create shop --base-url https://api.shop.example --secret SHOP_TOKEN
    """
    wish = Wish(name, kind, base_url, auth, secrets, settings, description)
    made = create_connection(Session(out).service.runtime, wish, replace=replace)
    found = made.connection
    done = "is written" if made.changed else "was there already"
    out.result(
        "gfr/connections.create/1",
        {**_data(found, ()), "changed": made.changed, "file": PATH, "lacking": list(made.lacking)},
        text=[f"{out.mark('ok')} {name} {done}: {found.type} {found.base_url or ''} {found.auth}".rstrip()],
        rows=[(found.name, found.type, found.auth, found.base_url)],
        ids=[found.name],
        follow=[*made.lacking, f"gfr connections test {name}"],
    )


@connections.command(name="test")
@click.argument("names", metavar="[NAME]…", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Try all of them.")
@click.option(
    "--live", is_flag=True, help="As live runs have them: the protected branch's, with its secrets."
)
@click.option("--path", metavar="PATH", help="What to GET below the base URL of an HTTP service.")
@shared
def test(out: Output, names: tuple[str, ...], every: bool, live: bool, path: str | None) -> int:
    """Try NAME for real: open its secrets, reach the service, prove who asks. Exit 1 if a stage fails.

    As drafts have it unless --live: the work tree's file, the secrets of drafts. Databases are asked
    `select 1`, mail servers are greeted, models are asked for their list, HTTP services for one GET.
    """
    runtime = Session(out).service.runtime
    if bool(names) == every:
        raise UsageError("usage.connections", "name connections, or --all", fix=("gfr connections ls",))
    found = probe_all(runtime, names, Asking("live" if live else "draft", path))
    text = []
    for each in found:
        text += [f"{each.connection} ({each.environment})"]
        text += [line for stage in each.stages for line in _stage(out, stage)]
    failed = [stage for each in found for stage in each.stages if stage.state == "failed"]
    out.result(
        "gfr/connections.test/1",
        {"items": [_probed(each) for each in found], "ok": not failed, "total": len(found)},
        text=text or ["there are no connections to try"],
        rows=[(p.connection, s.name, s.state, s.code, s.message) for p in found for s in p.stages],
        ids=[each.connection for each in found if each.ok],
        follow=list(dict.fromkeys(fix for stage in failed for fix in stage.fix)) or ["gfr connections ls"],
    )
    return 1 if failed else 0


@connections.command(name="rm")
@click.argument("name")
@shared
def rm(out: Output, name: str) -> None:
    """Take NAME out of .breyta/connections.yaml; refused while a flow, an installation or a run uses it."""
    gone = remove_connection(Session(out).service.runtime, name)
    kept = list(dict.fromkeys(gone.secrets.values()))
    out.result(
        "gfr/connections.rm/1",
        {"name": name, "file": PATH, "secrets": kept},
        text=[f"{out.mark('ok')} {name} is gone" + (f"; kept: {', '.join(kept)}" if kept else "")],
        rows=[(name,)],
        ids=[name],
        follow=[f"gfr secrets rm {secret}" for secret in kept] or ["gfr connections ls"],
    )


def _lines(used: tuple[Usage, ...], name: str) -> list[str]:
    return [
        f"  {u.flow} :{u.slot} ({f'run {u.run}' if u.run else f'installation {u.installation}'})"
        for u in used
        if u.connection == name
    ]


def _usage(each: Usage) -> dict[str, object]:
    return {"flow": each.flow, "slot": each.slot, "installation": each.installation, "run": each.run}


def _stage(out: Output, stage: Stage) -> list[str]:
    mark = {"ok": "ok", "failed": "bad", "unproven": "warn", "skipped": "skip"}[stage.state]
    code = f"  ({stage.code})" if stage.code else ""
    lines = [f"  {out.mark(mark)} {stage.name:<8} {stage.message}{code}"]
    return lines + [f"      fix: {fix}" for fix in stage.fix]


def _probed(each: Probed) -> dict[str, object]:
    return {
        "name": each.connection,
        "environment": each.environment,
        "ok": each.ok,
        "stages": [
            {
                "stage": stage.name,
                "state": stage.state,
                "message": stage.message,
                "code": stage.code,
                "fix": list(stage.fix),
                "took_ms": stage.took_ms,
            }
            for stage in each.stages
        ],
    }


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
