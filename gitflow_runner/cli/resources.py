"""Stored values: list, show, fetch, search, and take away what nobody needs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.shown import short
from gitflow_runner.errors import UsageError
from gitflow_runner.git.disk_errors import from_os_error
from gitflow_runner.model.resource import named_digest, resource_uri
from gitflow_runner.runner.resources import (
    PREVIEW,
    Resource,
    beginning,
    find_resource,
    list_resources,
    remove_resources,
    resource_chunks,
    search_resources,
)


@click.group(name="resources")
def resources() -> None:
    """List and fetch stored values; take away those that nobody needs."""


def _data(resource: Resource) -> dict[str, object]:
    return {
        "uri": resource_uri(resource.sha256),
        "sha256": resource.sha256,
        "size": resource.size,
        "media_type": resource.media_type,
        "place": resource.place,
        "runs": [at.run for at in resource.runs],
    }


def _row(resource: Resource) -> tuple[object, ...]:
    runs = ",".join(short(at.run, at.slug) for at in resource.runs[:3])
    return (resource.sha256, resource.size, resource.media_type or "", resource.place, runs)


def _line(resource: Resource) -> str:
    sha256, size, media, place, runs = _row(resource)
    return f"{str(sha256)[:12]}  {size:>12}  {place:<7}  {media:<28}  {runs}"


@resources.command(name="ls")
@click.argument("run_name", metavar="[RUN]", required=False)
@click.option("-L", "--limit", default=50, show_default=True, help="Look at so many of the newest runs.")
@shared
def list_(out: Output, run_name: str | None, limit: int) -> None:
    """List the stored values of RUN, or of the newest runs."""
    if limit < 1:
        raise UsageError("usage.limit", "--limit is a number from 1")
    found = list_resources(Session(out, fresh=True).service.runtime, run=run_name, limit=limit)
    out.result(
        "gfr/resources.ls/1",
        {"items": [_data(resource) for resource in found], "cursor": None, "total": len(found)},
        text=[_line(resource) for resource in found] or ["no stored value"],
        rows=[_row(resource) for resource in found],
        ids=[resource_uri(resource.sha256) for resource in found],
        follow=[f"gfr resources show {found[0].sha256[:12]}"] if found else [],
    )


@resources.command(name="show")
@click.argument("name", metavar="RESOURCE")
@shared
def show(out: Output, name: str) -> None:
    """Show what RESOURCE is, who has it, and how it begins."""
    runtime = Session(out, fresh=True).service.runtime
    resource = find_resource(runtime, name)
    preview = None
    if resource.place != "missing":
        shown = beginning(runtime, resource, PREVIEW + 4).decode("utf-8", "ignore")[:PREVIEW]
        preview = None if "\0" in shown else shown
    out.result(
        "gfr/resources.show/1",
        _data(resource) | {"preview": preview, "whole": resource.size <= len((preview or "").encode())},
        text=[_line(resource), "", *(preview.splitlines() if preview is not None else ["(not a text)"])],
        rows=[_row(resource)],
        ids=[resource_uri(resource.sha256)],
        follow=[f"gfr resources get {resource.sha256[:12]} -o FILE"],
    )


@resources.command(name="get")
@click.argument("name", metavar="RESOURCE")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path, dir_okay=False), help="A new file.")
@shared
def get(out: Output, name: str, target: Path | None) -> None:
    """Write RESOURCE to a file, or to stdout where that is no terminal; its digest is checked."""
    runtime = Session(out, fresh=True).service.runtime
    if target is None and (out.mode == "json" or sys.stdout.isatty()):
        raise UsageError("usage.output", "say where to: -o FILE", fix=(f"gfr resources get {name} -o FILE",))
    resource = find_resource(runtime, name)
    if target is None:
        for chunk in resource_chunks(runtime, resource):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    try:
        with target.open("xb") as file:
            for chunk in resource_chunks(runtime, resource):
                file.write(chunk)
    except FileExistsError:
        raise UsageError("usage.output", f"{target} is there already", hint="name a new file") from None
    except OSError as error:
        target.unlink(missing_ok=True)
        raise from_os_error(error, f"writing {target}") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    out.result(
        "gfr/resources.get/1",
        _data(resource) | {"file": str(target)},
        text=[f"{resource.size} bytes in {target}"],
        rows=[(resource.sha256, resource.size, str(target))],
        ids=[str(target)],
    )


@resources.command(name="search")
@click.argument("text")
@click.option("--run", "run_name", default=None, help="Only values of this run.")
@click.option("-L", "--limit", default=50, show_default=True, help="Look at so many of the newest runs.")
@shared
def search(out: Output, text: str, run_name: str | None, limit: int) -> None:
    """List the values that hold TEXT, case left aside; of a large one only the beginning is looked at."""
    runtime = Session(out, fresh=True).service.runtime
    found = list(search_resources(runtime, text, run=run_name, limit=limit))
    out.result(
        "gfr/resources.search/1",
        {"items": [_data(resource) | {"line": line} for resource, line in found], "total": len(found)},
        text=[f"{resource.sha256[:12]}  {line}" for resource, line in found] or ["nothing found"],
        rows=[(resource.sha256, line) for resource, line in found],
        ids=[resource_uri(resource.sha256) for resource, _ in found],
    )


@resources.command(name="rm")
@click.argument("names", metavar="[RESOURCE]...", nargs=-1)
@click.option("--unused", is_flag=True, help="All that no ref names and that is older than a week.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@shared
def remove(out: Output, names: tuple[str, ...], unused: bool, dry_run: bool) -> None:
    """Move values that lie beside Git into the trash, where reading finds them for another week.

    A value goes only once it is a week old and no run, archive or other ref names it.
    """
    runtime = Session(out).service.runtime
    if unused == bool(names):
        raise UsageError("usage.resources", "name values by their full digests, or all with --unused")
    digests = [named_digest(name) or name for name in names]
    if any(len(digest) != 64 for digest in digests):
        raise UsageError("res.malformed", "a value to remove is named by its full digest")
    done = remove_resources(runtime, digests, dry_run=dry_run)
    size = sum(size for _, size in done.taken)
    verb = "would go" if dry_run else "went into the trash"
    out.result(
        "gfr/resources.rm/1",
        {
            "dry_run": dry_run,
            "taken": [{"sha256": sha256, "size": size} for sha256, size in done.taken],
            "bytes": size,
            "emptied": done.emptied,
            "kept": done.kept,
        },
        text=[
            f"{len(done.taken)} values of {size} bytes {verb}",
            f"{done.emptied} leave the trash for good, {done.kept} stay",
        ],
        rows=[(sha256, size) for sha256, size in done.taken],
        ids=[sha256 for sha256, _ in done.taken],
    )
