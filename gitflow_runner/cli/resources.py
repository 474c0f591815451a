"""Stored values and tables: list, show, fetch, search, and take away what nobody needs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.shown import short
from gitflow_runner.cli.tables import (
    show_table,
    table_data,
    table_line,
    table_row,
    table_text,
    tell_removed,
)
from gitflow_runner.errors import UsageError
from gitflow_runner.git.disk_errors import from_os_error
from gitflow_runner.model.resource import named_digest, named_table, resource_uri, table_uri
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
from gitflow_runner.runner.tables import all_tables, find_table, remove_table, search_tables
from gitflow_runner.tables.text import FORMATS


@click.group(name="resources")
def resources() -> None:
    """List and fetch stored values and tables; take away values that nobody needs."""


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
    """List the stored values of RUN, or of the newest runs and all tables."""
    if limit < 1:
        raise UsageError("usage.limit", "--limit is a number from 1")
    runtime = Session(out, fresh=True).service.runtime
    found = list_resources(runtime, run=run_name, limit=limit)
    tables = all_tables(runtime) if run_name is None else ()
    items = [*map(table_data, tables), *map(_data, found)]
    ids = [*(table_uri(stored.name) for stored in tables), *(resource_uri(each.sha256) for each in found)]
    out.result(
        "gfr/resources.ls/1",
        {"items": items, "cursor": None, "total": len(items)},
        text=[*map(table_line, tables), *map(_line, found)] or ["no stored value"],
        rows=[*map(table_row, tables), *map(_row, found)],
        ids=ids,
        follow=[f"gfr resources show {ids[0]}"] if ids else [],
    )


@resources.command(name="show")
@click.argument("name", metavar="RESOURCE")
@shared
def show(out: Output, name: str) -> None:
    """Show what RESOURCE is, who has it, and how it begins; of a table the columns and the first rows."""
    runtime = Session(out, fresh=True).service.runtime
    table = named_table(name)
    if table is not None:
        show_table(out, find_table(runtime, table))
        return
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
@click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], help="Of a table.")
@shared
def get(out: Output, name: str, target: Path | None, form: str) -> None:
    """Write RESOURCE to a file, or to stdout where that is no terminal; its digest is checked.

    A table is written as CSV, or as JSON.
    """
    runtime = Session(out, fresh=True).service.runtime
    if target is None and (out.mode == "json" or sys.stdout.isatty()):
        raise UsageError("usage.output", "say where to: -o FILE", fix=(f"gfr resources get {name} -o FILE",))
    named = named_table(name)
    if named is not None:
        stored = find_table(runtime, named)
        assert stored.table is not None, "a table that was found"
        text = table_text(stored.table, form)
        if _write((text,), target):
            _told(out, table_data(stored), stored.name, len(text), str(target))
        return
    resource = find_resource(runtime, name)
    if _write(resource_chunks(runtime, resource), target):
        _told(out, _data(resource), resource.sha256, resource.size, str(target))


def _told(out: Output, data: dict[str, object], name: str, size: int, target: str) -> None:
    out.result(
        "gfr/resources.get/1",
        data | {"file": target},
        text=[f"{size} bytes in {target}"],
        rows=[(name, size, target)],
        ids=[target],
    )


def _write(chunks: Iterable[bytes], target: Path | None) -> bool:
    """Write to a new file that is whole or not there, or to stdout; whether a file was written."""
    if target is None:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return False
    try:
        with target.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
    except FileExistsError:
        raise UsageError("usage.output", f"{target} is there already", hint="name a new file") from None
    except OSError as error:
        target.unlink(missing_ok=True)
        raise from_os_error(error, f"writing {target}") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


@resources.command(name="search")
@click.argument("text")
@click.option("--run", "run_name", default=None, help="Only values of this run.")
@click.option("-L", "--limit", default=50, show_default=True, help="Look at so many of the newest runs.")
@shared
def search(out: Output, text: str, run_name: str | None, limit: int) -> None:
    """List the tables and values that hold TEXT, case left aside; of a large value only the beginning."""
    runtime = Session(out, fresh=True).service.runtime
    tables = list(search_tables(runtime, text)) if run_name is None else []
    found = list(search_resources(runtime, text, run=run_name, limit=limit))
    items = [table_data(stored) | {"line": line} for stored, line in tables]
    items += [_data(resource) | {"line": line} for resource, line in found]
    rows = [(table_uri(stored.name), line) for stored, line in tables]
    rows += [(resource.sha256, line) for resource, line in found]
    out.result(
        "gfr/resources.search/1",
        {"items": items, "total": len(items)},
        text=[*(f"{name if ':' in name else name[:12]}  {line}" for name, line in rows)] or ["nothing found"],
        rows=rows,
        ids=[str(item["uri"]) for item in items],
    )


@resources.command(name="rm")
@click.argument("names", metavar="[RESOURCE]...", nargs=-1)
@click.option("--unused", is_flag=True, help="All that no ref names and that is older than a week.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@shared
def remove(out: Output, names: tuple[str, ...], unused: bool, dry_run: bool) -> None:
    """Move values that lie beside Git into the trash, where reading finds them for another week.

    A value goes only once it is a week old and no run, archive or other ref names it. A table, named alone,
    goes with all its revisions; what is said then brings it back until Git collects them.
    """
    runtime = Session(out).service.runtime
    if unused == bool(names):
        raise UsageError("usage.resources", "name values by their full digests, or all with --unused")
    table = named_table(names[0]) if len(names) == 1 else None
    if table is not None:
        tell_removed(out, table, remove_table(runtime, table, dry_run=dry_run), dry_run=dry_run)
        return
    digests = [named_digest(name) or name for name in names]
    if any(len(digest) != 64 for digest in digests):
        raise UsageError("res.malformed", "a value to remove is named by its full digest, a table alone")
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
