"""What a code means, and what to do next."""

from __future__ import annotations

import click

from gitflow_runner.catalog.explain import explain as find
from gitflow_runner.catalog.explain import explanations
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output


@click.command(name="explain")
@click.argument("code", required=False)
@shared
def explain(out: Output, code: str | None) -> None:
    """Say what the CODE of an error or a finding means and what to do; without one, list all.

    Example: gfr explain unbound_symbol
    """
    found = find(code) if code is not None else explanations()
    items = [
        {"code": each.code, "severity": each.severity, "text": each.text, "next": each.next} for each in found
    ]
    lines = [f"{each.code} ({each.severity})\n    {each.text}\n    next: {each.next}" for each in found]
    out.result(
        "gfr/explain/1",
        {"items": items, "cursor": None, "total": len(items)},
        text=[line for each in lines for line in each.split("\n")],
        rows=[(each.code, each.severity, each.text, each.next) for each in found],
        ids=[each.code for each in found],
    )
