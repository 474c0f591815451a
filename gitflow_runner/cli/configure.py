"""Whether a flow is set up, and what would set it up."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.model.connection import Environment
from gitflow_runner.model.pin import DraftSource
from gitflow_runner.runner.code import resolve_code
from gitflow_runner.runner.readiness import Missing, not_ready

REF = click.option("--ref", default="draft", show_default=True, help="draft, live, v<N> or a branch.")
INSTALLATION = click.option("--installation", metavar="ID", help="Another target than the flow's own.")


@click.group(name="configure")
def configure() -> None:
    """Say what a flow lacks before it can run, and how to get it."""


@configure.command(name="check")
@click.argument("slug")
@REF
@INSTALLATION
@shared
def check(out: Output, slug: str, ref: str, installation: str | None) -> int:
    """Check that SLUG has its connections, setup and secrets. Exit 1 if something is missing.

    Example: gfr configure check order-sync --ref live
    """
    return _tell(out, "gfr/configure.check/1", slug, *_missing(out, slug, ref, installation))


@configure.command(name="suggest")
@click.argument("slug")
@REF
@INSTALLATION
@shared
def suggest(out: Output, slug: str, ref: str, installation: str | None) -> int:
    """Print, one a line, what would give SLUG all that it lacks. Exit 1 if something is missing."""
    missing, environment = _missing(out, slug, ref, installation)
    out.result(
        "gfr/configure.suggest/1",
        {
            "flow": slug,
            "environment": environment,
            "missing": [_data(each) for each in missing],
            "suggestions": [each.suggestion for each in missing],
        },
        text=[each.suggestion for each in missing] or [f"{out.mark('ok')} {slug} lacks nothing"],
        rows=[(each.suggestion,) for each in missing],
        ids=[each.name for each in missing],
        follow=[f"gfr configure check {slug}"],
    )
    return 1 if missing else 0


def _missing(
    out: Output, slug: str, ref: str, installation: str | None
) -> tuple[tuple[Missing, ...], Environment]:
    runtime = Session(out).service.runtime
    code = resolve_code(runtime, slug, ref, installation)
    environment: Environment = "draft" if isinstance(code.source, DraftSource) else "live"
    return not_ready(code.flow, code.configured, runtime.secrets, environment), environment


def _tell(out: Output, schema: str, slug: str, missing: tuple[Missing, ...], environment: Environment) -> int:
    text = []
    for each in missing:
        text += [f"{out.mark('bad')} {each.message}", f"    fix: {each.suggestion}"]
    out.result(
        schema,
        {
            "flow": slug,
            "environment": environment,
            "ready": not missing,
            "missing": [_data(each) for each in missing],
        },
        text=text or [f"{out.mark('ok')} {slug} has all that {environment} runs need"],
        rows=[(each.kind, each.name, each.message, each.suggestion) for each in missing],
        ids=[each.name for each in missing],
        follow=[f"gfr configure suggest {slug}"] if missing else [f"gfr run {slug}"],
    )
    return 1 if missing else 0


def _data(each: Missing) -> dict[str, object]:
    return {"kind": each.kind, "name": each.name, "message": each.message, "fix": each.suggestion}
