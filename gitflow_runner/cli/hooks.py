"""Git's hooks of this repository: laid, shown and taken away."""

from __future__ import annotations

import sys

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.runner.hook_files import Hook, Hooks, hooks_status, install_hooks, uninstall_hooks


@click.group(name="hooks")
def hooks() -> None:
    """Install Git hooks beside what is there, show them, or take them away."""


@hooks.command(name="install")
@shared
def install(out: Output) -> None:
    """Lay the hooks of this repository; run it again after an update.

    A hook that is there keeps running. Where husky, lefthook or pre-commit look after hooks, their files
    are left alone and the lines to add are printed. A bare repository gets the hooks of a server.
    """
    _tell(out, install_hooks(Session(out).service.runtime, sys.executable), "gfr/hooks.install/1")


@hooks.command(name="status")
@shared
def status(out: Output) -> int:
    """Show how every hook stands. Exit 1 if one is missing or outdated."""
    found = hooks_status(Session(out).service.runtime, sys.executable)
    _tell(out, found, "gfr/hooks.status/1")
    return 0 if found.complete else 1


@hooks.command(name="uninstall")
@shared
def uninstall(out: Output) -> None:
    """Take our hooks away; what was there before is put back as it was."""
    gone = uninstall_hooks(Session(out).service.runtime)
    out.result(
        "gfr/hooks.uninstall/1",
        {"removed": list(gone)},
        text=[f"{out.mark('ok')} took away {', '.join(gone)}"] if gone else ["no hooks of ours are here"],
        rows=[(name,) for name in gone],
        ids=list(gone),
    )


def _tell(out: Output, found: Hooks, schema: str) -> None:
    text = [_line(out, hook) for hook in found.items]
    for hook in found.items:
        if hook.snippet is not None and hook.manager is not None:
            text += ["", f"for {hook.manager.name}:", *(f"  {line}" for line in hook.snippet.split("\n"))]
    out.result(
        schema,
        {
            "complete": found.complete,
            "folder": str(found.folder),
            "items": [_data(hook) for hook in found.items],
            "git_packs_refs": found.packs_refs,
        },
        text=text,
        rows=[(h.name, h.state, h.manager.name if h.manager else "") for h in found.items],
        ids=[hook.name for hook in found.items],
        follow=[] if found.complete else ["gfr hooks install" if _lacking(found) else "gfr hooks status"],
    )


def _lacking(found: Hooks) -> bool:
    return found.packs_refs or any(hook.state in ("absent", "outdated") for hook in found.items)


def _line(out: Output, hook: Hook) -> str:
    mark = out.mark("ok" if hook.state == "installed" else "warn")
    return f"{mark} {hook.name:<22} {hook.state}" + (f" ({hook.manager.name})" if hook.manager else "")


def _data(hook: Hook) -> dict[str, object]:
    return {
        "hook": hook.name,
        "state": hook.state,
        "path": str(hook.path),
        "manager": hook.manager.name if hook.manager else None,
        "snippet": hook.snippet,
    }
