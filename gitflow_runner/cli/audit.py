"""Who did what, with its proof, and the proof of everything again."""

from __future__ import annotations

import click

from gitflow_runner.cli.moments import read_moment, show_moment
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.runner.audit import Act, all_acts
from gitflow_runner.runner.compose import second_reader
from gitflow_runner.runner.reprove import REMARKS, Found, Proof, disagreements, reprove
from gitflow_runner.runner.runtime import Runtime


@click.group(name="audit", invoke_without_command=True)
@click.option("--since", metavar="TIME", default=None, help="Only from then on: 2026-11-22, 7d, …")
@click.option("--flow", metavar="SLUG", default=None, help="Only this flow, and the policy.")
@shared
def audit(out: Output, since: str | None, flow: str | None) -> None:
    """List every release, promotion, decision, request and policy change with its signer and verdict."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    runtime = Session(out, fresh=True).service.runtime
    moment = None if since is None else read_moment(since, runtime.clock.now_ms())
    acts = all_acts(runtime, flow=flow, since=moment)
    out.result(
        "gfr/audit.ls/1",
        {"items": [_data(act) for act in acts], "cursor": None, "total": len(acts)},
        text=[_line(out, act) for act in acts] or ["nobody did anything yet"],
        rows=[
            (show_moment(a.at), a.kind, a.action, a.subject, ",".join(a.by), a.verdict, a.reason, a.evidence)
            for a in acts
        ],
        ids=[act.evidence for act in acts],
        follow=["gfr audit verify"],
    )


@audit.command(name="verify")
@click.option("--flow", metavar="SLUG", default=None, help="Only this flow, the policy and the logs.")
@click.option("--one-reader", is_flag=True, help="Leave the second, independent reader out.")
@shared
def verify(out: Output, flow: str | None, one_reader: bool) -> int:
    """Prove all of it again from Git alone, and once more by a reader that shares no code with the first.

    Exit 1 if something does not hold.
    """
    runtime = Session(out, fresh=True).service.runtime
    proof, apart = _prove(runtime, flow, one_reader)
    findings = (*proof.findings, *apart)
    wrong = [f for f in findings if f.code not in REMARKS]
    readers = ["libgit2"] if one_reader else ["libgit2", "dulwich"]
    counted = ", ".join(f"{number} {kind}" for kind, number in proof.counts)
    text = [_found_line(out, found) for found in findings]
    ended = "something does not hold" if wrong else "everything holds"
    text.append(f"{out.mark('bad' if wrong else 'ok')} {ended}: {counted}, read by {' and '.join(readers)}")
    out.result(
        "gfr/audit.verify/1",
        {
            "verdict": "failed" if wrong else "ok",
            "readers": readers,
            "counts": dict(proof.counts),
            "findings": [
                {"ref": f.ref, "code": f.code, "commit": f.commit, "message": f.message} for f in findings
            ],
        },
        text=text,
        rows=[(f.code, f.ref, f.commit, f.message) for f in findings],
        ids=[f.code for f in wrong],
        follow=["gfr audit"] if wrong else [],
    )
    return 1 if wrong else 0


def _prove(runtime: Runtime, flow: str | None, one_reader: bool) -> tuple[Proof, tuple[Found, ...]]:
    if one_reader:
        return reprove(runtime, flow=flow), ()
    with second_reader(runtime) as other:
        first, second = reprove(runtime, flow=flow), reprove(other, flow=flow)
    return first, disagreements(first, second)


def _data(act: Act) -> dict[str, object]:
    return {
        "at": show_moment(act.at),
        "claimed": act.claimed,
        "kind": act.kind,
        "action": act.action,
        "subject": act.subject,
        "flow": act.flow,
        "run": act.run,
        "by": list(act.by),
        "fingerprint": act.fingerprint,
        "verdict": act.verdict,
        "reason": act.reason,
        "evidence": act.evidence,
    }


def _line(out: Output, act: Act) -> str:
    who = ", ".join(act.by) or "nobody who counts"
    why = f"  {act.reason}" if act.reason is not None else ""
    claim = "~" if act.claimed else " "
    mark = out.mark("ok" if act.reason is None else "bad")
    what = f"{act.kind} {act.action}  {act.subject}"
    return f"{mark} {claim}{show_moment(act.at)}  {what}  {who}  {act.evidence[:12]}{why}"


def _found_line(out: Output, found: Found) -> str:
    mark = out.mark("warn" if found.code in REMARKS else "bad")
    return f"{mark} {found.code}  {found.ref}  {found.message}"
