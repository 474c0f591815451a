"""Gates: what they guard, why a push would be refused now, and letting a commit past one by quorum."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import UsageError
from gitflow_runner.git.refs import HEADS
from gitflow_runner.runner.gate_view import Said, explain_move, find_commit, find_tip, list_gates
from gitflow_runner.runner.glass import break_glass


@click.group(name="gates")
def gates() -> None:
    """List gates, explain what they say of a commit, let one past by quorum."""


@gates.command(name="ls")
@shared
def ls(out: Output) -> None:
    """List which refs are guarded by which live flow, and the last runs that were asked for."""
    items = list_gates(Session(out, fresh=True).service.runtime)
    text: list[str] = []
    for gate, runs in items:
        good = "ok" if gate.problem is None else "bad"
        text.append(f"{out.mark(good)} {gate.name} (v{gate.version})  {', '.join(gate.trigger.refs)}")
        text += [f"    {run.message}" for run in runs]
        if gate.problem is not None:
            text.append(f"    {gate.problem.message} ({gate.problem.code})")
    out.result(
        "gfr/gates.ls/1",
        {
            "items": [
                {
                    "gate": gate.name,
                    "flow": gate.slug,
                    "release": f"flow/{gate.slug}/v{gate.version}",
                    "refs": list(gate.trigger.refs),
                    "problem": gate.problem.code if gate.problem is not None else None,
                    "runs": [_said(run) for run in runs],
                }
                for gate, runs in items
            ]
        },
        text=text or ["no live flow guards a ref"],
        rows=[(g.name, ",".join(g.trigger.refs), g.problem.code if g.problem else "") for g, _ in items],
        ids=[gate.name for gate, _ in items],
    )


@gates.command(name="explain")
@click.argument("branch")
@click.argument("commit")
@shared
def explain(out: Output, branch: str, commit: str) -> int:
    """Say what the gates of BRANCH would say to a push of COMMIT now. Exit 1 if it would be refused.

    Passes lie where the gate runs, which is where the branch lies: ask there, or push and read the refusal.
    """
    runtime = Session(out).service.runtime
    new = find_commit(runtime, commit)
    found = explain_move(runtime, _branch(branch), new)
    closed = [said for said in found if not said.passed]
    text = [f"{out.mark('ok' if s.passed else 'bad')} {s.gate}: {s.message} ({s.why})" for s in found]
    follow = list(dict.fromkeys(fix for said in closed for fix in said.fix))
    out.result(
        "gfr/gates.explain/1",
        {"branch": branch, "commit": new, "open": not closed, "items": [_said(said) for said in found]},
        text=text or [f"no live flow guards {branch}"],
        rows=[(s.gate, s.why, s.run, s.message) for s in found],
        ids=[said.why for said in closed],
        follow=follow,
    )
    return 1 if closed else 0


@gates.command(name="break")
@click.argument("branch")
@click.argument("commit")
@click.option(
    "--from", "old", metavar="COMMIT", default=None, help="Where BRANCH stands; by default as here."
)
@click.option("--reason", default="", help="Why the gate has to be passed by (needed).")
@shared
def break_(out: Output, branch: str, commit: str, old: str | None, reason: str) -> None:
    """Sign your consent to let COMMIT into BRANCH past its gates, once; the policy says how many it takes."""
    session = Session(out, fresh=True)
    runtime = session.service.runtime
    new = find_commit(runtime, commit)
    name = _branch(branch)
    if not reason.strip():
        raise UsageError("gate.no_reason", "say why, for others to read", fix=("gfr gates break --help",))
    base = find_commit(runtime, old) if old is not None else find_tip(runtime, name)
    if base == new:
        raise UsageError("gate.no_move", f"{name} stands at {new} already", fix=("gfr gates break --help",))
    ref, oid = break_glass(runtime, name, new, base, reason)
    out.result(
        "gfr/gates.break/1",
        {"branch": name, "old": base, "new": new, "ref": ref, "oid": oid},
        text=[f"{out.mark('ok')} signed {oid[:7]}: {new[:12]} may go into {name} once enough people agree"],
        ids=[oid],
        follow=[f"git push origin {new}:{HEADS}{name}"],
    )


def _branch(typed: str) -> str:
    return typed.removeprefix(HEADS)


def _said(said: Said) -> dict[str, object]:
    return {"gate": said.gate, "why": said.why, "open": said.passed, "run": said.run, "message": said.message}
