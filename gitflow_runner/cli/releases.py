"""Releases and live: signed by people, never by a runner or an agent."""

from __future__ import annotations

from pathlib import Path

import click

from gitflow_runner.cli.options import may_ask, shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import UsageError
from gitflow_runner.git.refs import TAGS
from gitflow_runner.runner.lint import lint_slug
from gitflow_runner.runner.releases import Made, make_promotion, make_release
from gitflow_runner.trust.statement import PromotionAction


@click.command(name="release")
@click.argument("slug")
@click.option("-m", "--message", default=None, help="Release notes.")
@click.option("-F", "--file", "notes_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def release(out: Output, slug: str, message: str | None, notes_file: Path | None, yes: bool) -> int:
    """Sign the next release of SLUG: an immutable tag on the commit of a clean work tree.

    Example: gfr release hello -m "first" --yes
    """
    session = Session(out, fresh=True)
    errors = [d for d in lint_slug(session.service.runtime, slug) if d.severity == "error"]
    if errors:
        first = errors[0]
        raise UsageError(
            "release.lint",
            f"{slug} has {len(errors)} lint errors; the first: {first.message} ({first.code})",
            fix=(f"gfr lint {slug}",),
        )
    notes = notes_file.read_text("utf-8") if notes_file is not None else (message or "")
    _ask(f"Release {slug}?", yes, f"gfr release {slug} --yes")
    made = make_release(session.service.runtime, slug, notes=notes)
    tag = made.ref.removeprefix(TAGS)
    out.result(
        "gfr/release/1",
        {
            "flow": slug,
            "version": made.version,
            "tag": tag,
            "tag_oid": made.oid,
            "commit": made.commit,
            "tests": made.tests,
        },
        text=[
            *([f"{out.mark('ok')} {made.tests} tests passed"] if made.tests is not None else []),
            f"{out.mark('ok')} signed tag {tag} → {(made.commit or '')[:7]} (immutable)",
        ],
        rows=[(tag, made.oid, made.commit)],
        ids=[tag],
        follow=[f"gfr promote {slug} v{made.version}"],
    )
    return 0


@click.command(name="promote")
@click.argument("slug")
@click.argument("version", required=False, metavar="[vN]")
@click.option("--reason", default=None, help="Why; it goes into the signed promotion.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def promote(out: Output, slug: str, version: str | None, reason: str | None, yes: bool) -> int:
    """Move live of SLUG to a release (the newest if none is named)."""
    _ask(f"Promote {slug} {version or 'to its newest release'}?", yes, f"gfr promote {slug} --yes")
    return _moved(out, slug, _number(version), "promote", reason)


@click.command(name="rollback")
@click.argument("slug")
@click.option("--reason", default=None, help="Why; it goes into the signed promotion.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def rollback(out: Output, slug: str, reason: str | None, yes: bool) -> int:
    """Move live of SLUG back to the release that was live before."""
    _ask(f"Roll {slug} back?", yes, f"gfr rollback {slug} --yes")
    return _moved(out, slug, None, "rollback", reason)


def _moved(out: Output, slug: str, version: int | None, action: PromotionAction, reason: str | None) -> int:
    session = Session(out, fresh=True)
    made: Made = make_promotion(session.service.runtime, slug, version, action, reason=reason)
    before = f"v{made.before}" if made.before is not None else "nothing"
    undo = f"gfr rollback {slug}" if action == "promote" and made.before else f"gfr promote {slug}"
    out.result(
        "gfr/promote/1",
        {"flow": slug, "action": action, "live": made.version, "before": made.before, "promotion": made.oid},
        text=[f"{out.mark('ok')} live {slug}  {before} → v{made.version}"],
        rows=[(slug, action, before, f"v{made.version}", made.oid)],
        ids=[made.oid],
        follow=[f"gfr run {slug} --ref live", undo],
    )
    return 0


def _number(version: str | None) -> int | None:
    if version is None:
        return None
    text = version.rpartition("/")[2].removeprefix("v")
    if not text.isdigit() or text.startswith("0"):
        raise UsageError("release.malformed", f"{version[:60]!r} is no version: write v3")
    return int(text)


def _ask(question: str, yes: bool, command: str) -> None:
    if yes:
        return
    if not may_ask():
        raise UsageError("usage.confirm", "this signs in your name and needs --yes here", fix=(command,))
    if not click.confirm(question, default=False, err=True):
        raise UsageError("usage.declined", "nothing was signed")
