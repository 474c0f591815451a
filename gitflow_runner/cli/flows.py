"""Flows: listed, taken over from a file, and brought to the newest spelling."""

from __future__ import annotations

from pathlib import Path

import click

from gitflow_runner.catalog.importer import import_file
from gitflow_runner.catalog.loader import list_flows, load, read_closure, root_path
from gitflow_runner.catalog.migrate import migrate
from gitflow_runner.catalog.releases import list_versions
from gitflow_runner.catalog.sources import FLOWS_DIR, WorkTreeTexts
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import ConflictError, GitflowError, UsageError
from gitflow_runner.runner.lint import flow_texts
from gitflow_runner.runner.local import write_whole


@click.group(name="flows")
def flows() -> None:
    """List flows, import a file, or migrate one to the newest spelling."""


@flows.command(name="ls")
@shared
def list_(out: Output) -> None:
    """List the flows of the work tree with their releases."""
    session = Session(out)
    runtime = session.service.runtime
    texts = flow_texts(runtime)
    items: list[dict[str, object]] = []
    lines: list[str] = []
    for slug in list_flows(texts):
        versions = [version.number for version in list_versions(runtime.repository, slug)]
        name, problem = str(slug), None
        try:
            name = load(texts, slug).name
        except GitflowError as error:
            problem = error.code
        items.append({"flow": slug, "name": name, "releases": versions, "problem": problem})
        released = f"v{versions[-1]}" if versions else "no release"
        sick = f"  {out.mark('bad')} {problem}" if problem else ""
        lines.append(f"{slug:<24} {released:<12} {name}{sick}")
    out.result(
        "gfr/flows.ls/1",
        {"items": items, "cursor": None, "total": len(items)},
        text=lines or ["no flow yet"],
        rows=[(i["flow"], i["name"], i["problem"]) for i in items],
        ids=[str(item["flow"]) for item in items],
        follow=["gfr lint", f"gfr run {items[0]['flow']}"] if items else ["gfr init"],
    )


@flows.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a flow of that name.")
@shared
def import_(out: Output, file: Path, force: bool) -> None:
    """Take over a flow from FILE, with what it includes, as .breyta/flows/<slug>.edn."""
    session = Session(out)
    work_dir = session.service.runtime.repository.work_dir
    if work_dir is None:
        raise UsageError("draft.bare", "a bare repository has no work tree to import into")
    imported = import_file(file)
    targets = [(work_dir / FLOWS_DIR / source.path, source.text) for source in imported.files]
    there = [path for path, text in targets if path.exists() and path.read_text("utf-8") != text]
    if there and not force:
        raise ConflictError(
            "import.exists",
            f"{', '.join(path.name for path in there)} exists already and is different",
            fix=(f"gfr flows import {file} --force",),
        )
    for path, text in targets:
        write_whole(path, text.encode())
    out.result(
        "gfr/flows.import/1",
        {"flow": imported.slug, "files": [source.path for source in imported.files]},
        text=[f"{out.mark('ok')} {imported.path}"],
        rows=[(str(path.relative_to(work_dir)),) for path, _ in targets],
        ids=[imported.slug],
        follow=[f"gfr lint {imported.slug}", f"gfr run {imported.slug}"],
    )


@flows.command(name="migrate")
@click.argument("name", metavar="SLUG|FILE")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if the file would change.")
@shared
def migrate_(out: Output, name: str, check: bool) -> int:
    """Rewrite :triggers to :invocations, :interfaces and :schedules; all else stays as it is.

    Example: gfr flows migrate order-sync
    """
    file = Path(name)
    if not file.is_file():
        work_dir = Session(out).service.runtime.repository.work_dir
        if work_dir is None:
            raise UsageError("draft.bare", "a bare repository has no work tree to migrate in")
        file = work_dir / FLOWS_DIR / root_path(name)
        read_closure(WorkTreeTexts(work_dir), name)
    found = migrate(WorkTreeTexts(file.parent, within=""), file.name)
    changes = found.after != found.before
    if changes and not check:
        file.write_bytes(found.after.encode())
    said = "would change" if check else "rewritten"
    out.result(
        "gfr/flows.migrate/1",
        {"file": str(file), "changes": changes, "written": changes and not check},
        text=[f"{out.mark('ok')} {file}: {said if changes else 'is in the newest spelling'}"],
        rows=[(str(file), said if changes else "unchanged")],
        ids=[str(file)] if changes else [],
        follow=[f"gfr fmt {file}", f"gfr lint {file.stem}"] if changes else [],
    )
    return 1 if changes and check else 0
