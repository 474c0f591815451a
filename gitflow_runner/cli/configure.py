"""Flows set up by commands, whether one is, and what would set it up."""

from __future__ import annotations

import click

from gitflow_runner.cli.asking import asked_pairs
from gitflow_runner.cli.options import may_ask, shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.model.connection import Environment
from gitflow_runner.model.pin import DraftSource
from gitflow_runner.runner.code import resolve_code
from gitflow_runner.runner.configure import configure as set_up
from gitflow_runner.runner.inputs import option_text
from gitflow_runner.runner.readiness import Missing, not_ready

REF = click.option("--ref", default="draft", show_default=True, help="draft, live, v<N> or a branch.")
INSTALLATION = click.option("--installation", metavar="ID", help="Another target than the flow's own.")


class Targets(click.Group):
    """A group in which what is no command is a flow: `gfr configure SLUG` sets it up."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["set", *args]
        return super().resolve_command(ctx, args)


@click.group(name="configure", cls=Targets)
def configure() -> None:
    """Set a flow up for this repository, and say what it lacks before it can run.

    Example: gfr configure order-sync --set shop.conn=north --set activation.region=EU
    """


@configure.command(name="set")
@click.argument("slug")
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="PLACE=VALUE",
    help="slot.conn=NAME, slot.secret=NAME, activation.FIELD=VALUE, enabled=BOOLEAN; no VALUE takes it out.",
)
@INSTALLATION
@shared
def set_(out: Output, slug: str, pairs: tuple[str, ...], installation: str | None) -> int:
    """Set SLUG up: `gfr configure SLUG` is the same. All else of the installation's file stays as it is.

    Without --set, what is missing is asked for at a terminal; elsewhere it is listed, with exit 1.
    """
    session = Session(out)
    runtime = session.service.runtime
    if not pairs:
        missing, _ = _missing(session, slug, "draft", installation)
        if missing and may_ask() and out.mode != "json":
            pairs = tuple(asked_pairs(missing))
        if not pairs:
            return _tell(out, "gfr/configure.check/1", slug, missing, "draft")
    wrote = set_up(runtime, slug, installation, pairs)
    missing = _missing(session, slug, "draft", installation)[0] if wrote.enabled else ()
    done = [f"{out.mark('ok')} {place} in {wrote.file}" for place in wrote.changed]
    out.result(
        "gfr/configure.set/1",
        {
            "flow": slug,
            "installation": wrote.installation,
            "file": wrote.file,
            "changed": list(wrote.changed),
            "ready": wrote.enabled and not missing,
            "missing": [_data(each) for each in missing],
        },
        text=[*(done or [f"{out.mark('ok')} nothing had to be changed"]), *_lines(out, missing)],
        rows=[(wrote.file, place) for place in wrote.changed],
        ids=[wrote.installation],
        follow=[each.suggestion for each in missing[:3]]
        or [f"gfr run {slug}" + (f" --installation {installation}" if installation else "")],
    )
    return 0


@configure.command(name="check")
@click.argument("slug")
@REF
@INSTALLATION
@shared
def check(out: Output, slug: str, ref: str, installation: str | None) -> int:
    """Check that SLUG has its connections, setup and secrets. Exit 1 if something is missing.

    Example: gfr configure check order-sync --ref live
    """
    return _tell(out, "gfr/configure.check/1", slug, *_missing(Session(out), slug, ref, installation))


@configure.command(name="suggest")
@click.argument("slug")
@REF
@INSTALLATION
@shared
def suggest(out: Output, slug: str, ref: str, installation: str | None) -> int:
    """Print, one a line, what would give SLUG all that it lacks. Exit 1 if something is missing."""
    missing, environment = _missing(Session(out), slug, ref, installation)
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
    session: Session, slug: str, ref: str, installation: str | None
) -> tuple[tuple[Missing, ...], Environment]:
    runtime = session.service.runtime
    code = resolve_code(runtime, slug, ref, installation)
    environment: Environment = "draft" if isinstance(code.source, DraftSource) else "live"
    return not_ready(code.flow, code.configured, runtime.secrets, environment), environment


def _tell(out: Output, schema: str, slug: str, missing: tuple[Missing, ...], environment: Environment) -> int:
    text = _lines(out, missing)
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


def _lines(out: Output, missing: tuple[Missing, ...]) -> list[str]:
    text = []
    for each in missing:
        text += [f"{out.mark('bad')} {each.message}", f"    fix: {each.suggestion}"]
    return text


def _data(each: Missing) -> dict[str, object]:
    data: dict[str, object] = {
        "kind": each.kind,
        "name": each.name,
        "message": each.message,
        "fix": each.suggestion,
    }
    if each.choices:
        data["choices"] = list(each.choices)
    if each.field is not None:
        data["field"] = {
            "type": each.field.type,
            "label": each.field.label,
            "description": each.field.description,
            "multiple": each.field.multiple,
            "options": [option_text(option) for option in each.field.options],
        }
    return data
