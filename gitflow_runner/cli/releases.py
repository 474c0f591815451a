"""Releases and live: signed by people, never by a runner or an agent."""

from __future__ import annotations

from pathlib import Path

import click

from gitflow_runner.cli.changes import change_data, change_lines
from gitflow_runner.cli.moments import show_moment
from gitflow_runner.cli.options import may_ask, shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import UsageError
from gitflow_runner.git.refs import TAGS, release_tag
from gitflow_runner.runner.compare import (
    BUMPS,
    Compared,
    VersionView,
    before_promotion,
    compare,
    next_label,
    since_last,
)
from gitflow_runner.runner.compare import versions as list_views
from gitflow_runner.runner.lint import lint_slug
from gitflow_runner.runner.releases import Made, make_promotion, make_release
from gitflow_runner.trust.statement import PromotionAction

_LOOKED_AT = 1_000  # runs, to say which of them a promotion leaves where they are


@click.command(name="release")
@click.argument("slug")
@click.option("-m", "--message", default=None, help="Release notes.")
@click.option("-F", "--file", "notes_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--bump", type=click.Choice(BUMPS), default=None, help="Label it X.Y.Z, counted on from the last."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def release(
    out: Output, slug: str, message: str | None, notes_file: Path | None, bump: str | None, yes: bool
) -> int:
    """Sign the next release of SLUG: an immutable tag on the commit of a clean work tree.

    It is known by its number vN; a label is for people.

    Example: gfr release hello -m "first" --yes
    """
    session = Session(out, fresh=True)
    errors = [d for d in lint_slug(session.service.runtime, slug) if d.is_error]
    if errors:
        first = errors[0]
        raise UsageError(
            "release.lint",
            f"{slug} has {len(errors)} lint errors; the first: {first.message} ({first.code})",
            fix=(f"gfr lint {slug}",),
        )
    runtime = session.service.runtime
    notes = notes_file.read_text("utf-8") if notes_file is not None else (message or "")
    if bump is not None:
        notes = f"{next_label(runtime, slug, bump)}\n\n{notes}".strip()
    since = since_last(runtime, slug)
    head = [f"since {since.before}:", *(f"  {line}" for line in change_lines(since.changes))] if since else []
    if not yes:
        for line in head:
            out.note(line)
    _ask(f"Release {slug}?", yes, f"gfr release {slug} --yes")
    made = make_release(runtime, slug, notes=notes)
    tag = made.ref.removeprefix(TAGS)
    changes = [change_data(c) for c in since.changes] if since is not None else []
    out.result(
        "gfr/release/1",
        {
            "flow": slug,
            "version": made.version,
            "tag": tag,
            "tag_oid": made.oid,
            "commit": made.commit,
            "tests": made.tests,
            "since": since.before if since is not None else None,
            "changes": changes,
            "notes": notes,
        },
        text=[
            *(head if yes else []),
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
    """Move live of SLUG to a release (the newest if none is named); runs in flight stay on theirs."""
    session = Session(out, fresh=True)
    number = _number(version)
    moved = before_promotion(session.service.runtime, slug, number)
    if moved is not None and not yes:
        for line in (f"{moved.before} → {moved.after}:", *change_lines(moved.changes)):
            out.note(line)
    _ask(f"Promote {slug} {version or 'to its newest release'}?", yes, f"gfr promote {slug} --yes")
    return _moved(out, session, slug, number, "promote", reason, moved)


@click.command(name="rollback")
@click.argument("slug")
@click.option("--reason", default=None, help="Why; it goes into the signed promotion.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def rollback(out: Output, slug: str, reason: str | None, yes: bool) -> int:
    """Move live of SLUG back to the release that was live before."""
    _ask(f"Roll {slug} back?", yes, f"gfr rollback {slug} --yes")
    return _moved(out, Session(out, fresh=True), slug, None, "rollback", reason, None)


@click.command(name="retire")
@click.argument("slug")
@click.option("--reason", default=None, help="Why; it goes into the signed promotion.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def retire(out: Output, slug: str, reason: str | None, yes: bool) -> int:
    """Take SLUG out of use: no release of it is live until one is promoted again."""
    _ask(f"Retire {slug}?", yes, f"gfr retire {slug} --yes")
    session = Session(out, fresh=True)
    made = make_promotion(session.service.runtime, slug, None, "retire", reason=reason)
    if made.have < made.need:
        return _consented(out, slug, "retire", made)
    out.result(
        "gfr/retire/1",
        {"flow": slug, "action": "retire", "live": None, "before": made.before, "promotion": made.oid},
        text=[f"{out.mark('ok')} {slug} is retired; v{made.before} was live"],
        rows=[(slug, "retire", f"v{made.before}", "", made.oid)],
        ids=[made.oid],
        follow=[f"gfr promote {slug} v{made.before}", f"gfr versions {slug}"],
    )
    return 0


@click.command(name="versions")
@click.argument("slug")
@shared
def versions(out: Output, slug: str) -> int:
    """List the releases of SLUG: who signed each, whether it still verifies, and which one is live."""
    found = list_views(Session(out, fresh=True).service.runtime, slug)
    out.result(
        "gfr/versions/1",
        {"flow": slug, "items": [_version_data(v) for v in found], "cursor": None, "total": len(found)},
        text=[line for v in reversed(found) for line in _version_lines(out, v)],
        rows=[(v.tag.removeprefix(TAGS), v.oid, v.principal, v.problem or "ok", v.live) for v in found],
        ids=[v.tag.removeprefix(TAGS) for v in found],
        follow=[f"gfr diff {slug} v{found[-2].number}..v{found[-1].number}"] if len(found) > 1 else [],
    )
    return 0


def _version_data(view: VersionView) -> dict[str, object]:
    return {
        "version": view.number,
        "tag": view.tag.removeprefix(TAGS),
        "tag_oid": view.oid,
        "commit": view.commit,
        "principal": view.principal,
        "released": None if view.released_at is None else show_moment(view.released_at),
        "first_seen": None if view.first_seen is None else show_moment(view.first_seen),
        "live": view.live,
        "notes": view.notes,
        "problem": view.problem,
        "detail": view.detail,
    }


def _version_lines(out: Output, view: VersionView) -> list[str]:
    mark = out.mark("ok" if view.problem is None else "bad")
    when = "" if view.released_at is None else show_moment(view.released_at)
    said = view.principal if view.problem is None else f"{view.problem}: {view.detail}"
    live = "  live" if view.live else ""
    first = view.notes.splitlines()[:1]
    return [f"{mark} v{view.number}{live}  {when}  {said}", *(f"    {line}" for line in first)]


@click.command(name="diff")
@click.argument("slug")
@click.argument("sides", required=False, metavar="[A..B]")
@click.option("--stat", is_flag=True, help="Leave the sources out.")
@shared
def diff(out: Output, slug: str, sides: str | None, stat: bool) -> int:
    """Show what changes between two states of SLUG: steps, functions, requirements, then the sources.

    A and B are draft, live, vN or a branch; without them it is what is live against the draft.

    Example: gfr diff hello v2..v3
    """
    found = compare(Session(out).service.runtime, slug, sides)
    lines = change_lines(found.changes)
    out.result(
        "gfr/diff/1",
        {
            "flow": slug,
            "before": found.before,
            "after": found.after,
            "changes": [change_data(c) for c in found.changes],
            "source": [] if stat else list(found.source),
        },
        text=[f"{slug}  {found.before} → {found.after}", *lines, *([] if stat else ["", *found.source])],
        rows=[(c.kind, c.part, c.name) for c in found.changes],
        ids=[f"{c.part}/{c.name}" for c in found.changes],
    )
    return 0


def _moved(
    out: Output,
    session: Session,
    slug: str,
    version: int | None,
    action: PromotionAction,
    reason: str | None,
    moved: Compared | None,
) -> int:
    made: Made = make_promotion(session.service.runtime, slug, version, action, reason=reason)
    if made.have < made.need:
        return _consented(out, slug, action, made)
    before = f"v{made.before}" if made.before is not None else "nothing"
    undo = f"gfr rollback {slug}" if action == "promote" and made.before else f"gfr promote {slug}"
    old = release_tag(slug, made.before).removeprefix(TAGS) if made.before is not None else None
    runs = [item.state for item in session.service.runs(slug=slug, limit=_LOOKED_AT)]
    staying = sum(1 for run in runs if run is not None and not run.is_over and run.label == old)
    stay = f"  {staying} in flight stay on {before}" if staying else ""
    out.result(
        "gfr/promote/1",
        {
            "flow": slug,
            "action": action,
            "live": made.version,
            "before": made.before,
            "promotion": made.oid,
            "in_flight": staying,
            "have": made.have,
            "need": made.need,
            "changes": [change_data(c) for c in moved.changes] if moved is not None else [],
        },
        text=[f"{out.mark('ok')} live {slug}  {before} → v{made.version}{stay}"],
        rows=[(slug, action, before, f"v{made.version}", made.oid)],
        ids=[made.oid],
        follow=[f"gfr run {slug} --ref live", undo],
    )
    return 0


def _consented(out: Output, slug: str, action: PromotionAction, made: Made) -> int:
    """What one of several people signed; live stays where it is until the others give the same command."""
    before = f"v{made.before}" if made.before is not None else "nothing"
    command = f"gfr promote {slug} v{made.version}" if action == "promote" else f"gfr {action} {slug}"
    out.result(
        "gfr/promote/1",
        {
            "flow": slug,
            "action": action,
            "live": made.before,
            "before": made.before,
            "consent": made.oid,
            "ref": made.ref,
            "have": made.have,
            "need": made.need,
        },
        text=[
            f"{out.mark('ok')} signed {action} {slug} v{made.version}: {made.have} of {made.need}",
            f"  live {slug} is still {before}; the others give the same command",
        ],
        rows=[(slug, action, before, "", made.oid)],
        ids=[made.oid],
        follow=[command],
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
