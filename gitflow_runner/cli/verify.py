"""Whether a signature on a commit or tag is good, whose it is, and why not."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from gitflow_runner.cli.moments import read_moment, show_moment
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import UsageError
from gitflow_runner.runner.batches import answers, open_batch
from gitflow_runner.runner.clock import SystemClock, SystemJitter
from gitflow_runner.runner.verdicts import Judged, judge_named
from gitflow_runner.trust.policy_text import parse_policy

REFUSED = 4


@click.command(name="verify")
@click.argument("objects", metavar="OBJECT...", nargs=-1)
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    help="Judge by this policy's text, not by the one in force.",
)
@click.option("--first-seen", metavar="TIME", default=None, help="When it was first seen (default: now).")
@click.option("--batch", is_flag=True, help="Answer rows of JSON from stdin, one line each.")
@shared
def verify(
    out: Output, objects: tuple[str, ...], policy_file: Path | None, first_seen: str | None, batch: bool
) -> int:
    """Judge the signatures of commits and tags. Exit 4 if one is refused.

    Example: gfr verify HEAD flow/hello/v1
    """
    if batch:
        if objects or policy_file or first_seen:
            raise UsageError("usage.batch", "with --batch everything stands in the rows on stdin")
        return run_batch("verify")
    if not objects:
        raise UsageError("usage.verify", "name at least one commit or tag", fix=("gfr verify HEAD",))
    runtime = Session(out).service.runtime
    if policy_file is None:
        policy = runtime.policies.require()
    else:
        policy = parse_policy(policy_file.read_bytes(), file=str(policy_file), open_gpg=runtime.open_gpg)
    seen = None if first_seen is None else read_moment(first_seen, runtime.clock.now_ms())
    judged = [
        judge_named(runtime, name, policy.keyring, max_skew=policy.skew_ms, first_seen=seen)
        for name in objects
    ]
    refused = [one for one in judged if not one.verdict.accepted]
    out.result(
        "gfr/verify/1",
        {"policy_version": policy.version, "items": [_data(one) for one in judged]},
        text=[line for one in judged for line in _lines(out, one)],
        rows=[
            (o.oid, o.verdict.verdict, o.verdict.reason, o.verdict.principal, o.verdict.fingerprint)
            for o in judged
        ],
        ids=[one.oid for one in judged if one.verdict.accepted],
        follow=["gfr policy show"] if refused else [],
    )
    return REFUSED if refused else 0


def run_batch(what: str) -> int:
    """Answer the rows on stdin until it ends; `what` is the method of the batch."""
    with open_batch(os.environ, SystemClock(), SystemJitter()) as batch:
        answer = batch.verify if what == "verify" else batch.judge
        for found in answers(sys.stdin.buffer, answer):
            sys.stdout.write(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
            # Whoever asks row by row waits for this line before the next one.
            sys.stdout.flush()
    return 0


def _data(one: Judged) -> dict[str, object]:
    found = one.verdict
    return {
        "named": one.named,
        "oid": one.oid,
        "kind": one.kind,
        "ref": one.ref,
        "first_seen": show_moment(one.first_seen),
        "verdict": found.verdict,
        "reason": found.reason,
        "principal": found.principal,
        "fingerprint": found.fingerprint,
        "detail": found.detail,
    }


def _lines(out: Output, one: Judged) -> list[str]:
    found = one.verdict
    mark = out.mark("ok" if found.accepted else "bad")
    whose = f"{found.principal}  {found.fingerprint}" if found.accepted else f"{found.reason}"
    lines = [f"{mark} {found.verdict}  {one.kind} {one.oid}  {whose}"]
    if not found.accepted:
        lines.append(f"    {found.detail}")
    if found.reason == "clock_skew":
        lines.append(f"    judged as first seen at {show_moment(one.first_seen)}; say --first-seen TIME")
    return lines
