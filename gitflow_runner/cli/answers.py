"""`gfr waits complete`: the answer of an agent or a person to a wait for an event."""

from __future__ import annotations

from pathlib import Path

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.shown import next_commands, run_data, run_lines
from gitflow_runner.errors import GitflowError, UsageError
from gitflow_runner.runner.completing import address, complete, kept_hours

_FILES = (".json", ".edn")


@click.command(name="complete")
@click.argument("run_name", metavar="RUN")
@click.argument("wait_name", metavar="[WAIT]", required=False)
@click.option("--payload", default=None, metavar="JSON", help="The answer, a map.")
@click.option(
    "--payload-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The answer in a .json or .edn file of at most 1 MB.",
)
@click.option("--key", default=None, help="The wait's key; the wait may still be to come.")
@shared
def complete_(
    out: Output,
    run_name: str,
    wait_name: str | None,
    payload: str | None,
    payload_file: Path | None,
    key: str | None,
) -> int:
    """Answer a wait for an event of RUN; the first good answer resolves it.

    Signed by your key, which the wait has to name by its :roles. A wait for people takes decisions only.

    Example: gfr waits complete 7k3m5q scan --payload '{"status": "clean"}'
    """
    name, content = _content(payload, payload_file)
    if key is not None and wait_name is not None:
        raise UsageError("usage.wait", "give the wait's name or its --key, not both")
    session = Session(out, fresh=True)
    to = address(session.service.runtime, run_name, wait_name, key)
    signed = complete(session.service.runtime, to, name, content)
    out.note(f"signed {signed.oid[:7]} on {signed.ref} as {signed.principal}")
    data: dict[str, object] = {
        "answer": signed.oid,
        "ref": signed.ref,
        "principal": signed.principal,
        "wait": None if to.wait is None else to.wait.folder,
        "key": to.key,
    }
    if to.wait is None:
        out.note(f"no wait has the key {to.key} yet; the answer is kept for it {kept_hours()} h at most")
    try:
        elsewhere = to.at.remote is not None or not session.owns(to.at.run)
        stood = None if elsewhere else session.drive(lambda: session.service.drive(to.at))
    except GitflowError as error:
        if error.code not in ("lease.run_held", "run.foreign"):
            raise
        stood = None
    if stood is None:
        out.result("gfr/waits.complete/1", data | {"run": to.at.run}, text=[signed.oid], ids=[signed.oid])
        return 0
    view = session.service.show(to.at.run)
    now = session.service.runtime.clock.now_ms()
    out.result(
        "gfr/waits.complete/1",
        data | run_data(view),
        text=run_lines(out, view, now),
        rows=[(signed.oid, to.at.run, stood.run.status)],
        ids=[signed.oid],
        follow=next_commands(stood.run),
    )
    return 0


def _content(payload: str | None, file: Path | None) -> tuple[str, bytes]:
    if (payload is None) == (file is None):
        raise UsageError("usage.answer", "give one of --payload and --payload-file")
    if file is None:
        return "answer.json", (payload or "").encode("utf-8", "surrogateescape")
    if file.suffix not in _FILES:
        raise UsageError("usage.answer", f"{file.name[:80]} is neither a .json nor an .edn file")
    with file.open("rb") as opened:
        return f"answer{file.suffix}", opened.read(1024 * 1024 + 1)
