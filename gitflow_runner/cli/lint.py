"""Flows checked: findings for people, for other tools, and mended where the remedy is certain."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from gitflow_runner import __version__
from gitflow_runner.catalog.diagnostic import Diagnostic, frame
from gitflow_runner.catalog.report import github_lines, sarif
from gitflow_runner.catalog.sources import FLOWS_DIR, Texts
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import GitflowError
from gitflow_runner.runner.lint import fix_slug, flow_texts, lint_slug, slug_of, slugs
from gitflow_runner.runner.runtime import Runtime


@click.command(name="lint")
@click.argument("names", nargs=-1, metavar="[SLUG|PATH]...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github", "sarif"]), default="text", help="How."
)
@click.option("--fix", is_flag=True, help="Mend what has one certain remedy, then check.")
@shared
def lint(out: Output, names: tuple[str, ...], form: str, fix: bool) -> int:
    """Check flows: all of them, or those named. Exit 1 if there is an error."""
    if form != "text":
        out.mode = "json" if form == "json" else "rows"
    runtime = Session(out).service.runtime
    wanted = [slug_of(name) for name in names] or list(slugs(runtime))
    fixed = [path for slug in wanted for path in fix_slug(runtime, slug)] if fix else []
    items = [found for slug in wanted for found in lint_slug(runtime, slug)]
    if form == "github":
        out.result("gfr/lint/1", {}, text=github_lines(items), ids=_codes(items))
    elif form == "sarif":
        document = json.dumps(sarif(items, __version__), ensure_ascii=False, indent=2)
        out.result("gfr/lint/1", {}, text=document.split("\n"))
    else:
        _tell(out, runtime, wanted, items, fixed)
    return 1 if any(each.is_error for each in items) else 0


def _tell(
    out: Output, runtime: Runtime, wanted: Sequence[str], items: Sequence[Diagnostic], fixed: Sequence[str]
) -> None:
    texts = flow_texts(runtime)
    sources = {file: _source(texts, file) for file in dict.fromkeys(each.file for each in items)}
    errors = [each for each in items if each.is_error]
    lines = [f"{out.mark('ok')} fixed {path}" for path in fixed]
    lines += [line for each in items for line in frame(sources[each.file], each).split("\n")]
    if errors:
        files = {each.file for each in errors}
        lines.append(f"{len(errors)} errors in {len(files)} of {len(wanted)} flows")
    else:
        warnings = f", {len(items)} warnings" if items else ""
        lines.append(f"{out.mark('ok')} no errors in {len(wanted)} flows{warnings}")
    out.result(
        "gfr/lint/1",
        {
            "valid": not errors,
            "flows": list(wanted),
            "items": [each.as_json() for each in items],
            "fixed": list(fixed),
        },
        text=lines,
        rows=[[each.line_text()] for each in items],
        ids=_codes(items),
    )


def _codes(items: Sequence[Diagnostic]) -> list[str]:
    return sorted({each.code for each in items})


def _source(texts: Texts, file: str | None) -> str:
    """The text that a finding is shown with; none where the finding is that the file is not read."""
    name = (file or "").removeprefix(f"{FLOWS_DIR}/")
    try:
        data = texts.read(name) if name else None
    except GitflowError:
        return ""
    return data.decode("utf-8", "replace") if data is not None else ""
