"""Preparing and examining a repository."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import may_ask, shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.runner.doctor import examine
from gitflow_runner.runner.setup import prepare, prepare_runner


@click.command(name="init")
@click.option("--create-key", is_flag=True, help="Make a signing key for this repository alone.")
@click.option("--runner", is_flag=True, help="Make the runner's key alone, as on a server.")
@click.option("--no-commit", is_flag=True, help="Leave the new files uncommitted.")
@shared
def init(out: Output, create_key: bool, runner: bool, no_commit: bool) -> None:
    """Prepare this repository: a first flow, settings, a policy, the runner's key. Nothing is overwritten."""
    session = Session(out)
    runtime = session.service.runtime
    if runtime.person.signer is None and not create_key and not runner and may_ask() and out.mode != "json":
        out.note(f"Approvals and releases are signatures, and {runtime.person.missing}.")
        question = "Make a key without a passphrase for this repository alone?"
        create_key = click.confirm(question, default=True, err=True)
    done = (
        prepare_runner(runtime) if runner else prepare(runtime, create_key=create_key, commit=not no_commit)
    )
    width = max(len(step.path) for step in done.laid)
    text = [f"  {step.verb:<7} {step.path:<{width}}  {step.note}" for step in done.laid]
    if done.commit is not None:
        text.append(f"  commit  {done.commit[:7]}, signed")
    if done.root:
        text.append(f"Other clones trust this policy with: gfr trust pin {done.root}")
    if runner:
        text.append(f"Its line for the policy: {done.runner_key}")
    out.result(
        "gfr/init/1",
        {
            "laid": [{"verb": s.verb, "path": s.path, "note": s.note} for s in done.laid],
            "policy_root": done.root or None,
            "runner_key": done.runner_key,
            "commit": done.commit,
        },
        text=text,
        rows=[(step.verb, step.path) for step in done.laid],
        ids=[done.root or done.runner_key],
        follow=["gfr doctor", "gfr worker" if runner else "gfr run hello -i who=Ada"],
    )


@click.command(name="doctor")
@shared
def doctor(out: Output) -> int:
    """Check Git, signing, trust and sharing; each bad line names its fix. Exit 1 if one is bad."""
    session = Session(out)
    checks = examine(session.service.runtime)
    counts = {health: sum(1 for c in checks if c.health == health) for health in ("ok", "warn", "bad")}
    text = []
    for check in checks:
        text.append(f"{out.mark(check.health)} {check.name:<10} {check.message}")
        text += [f"    fix: {fix}" for fix in check.fix]
    text.append(f"{counts['ok']} ok, {counts['warn']} warnings, {counts['bad']} errors")
    out.result(
        "gfr/doctor/1",
        {
            "healthy": counts["bad"] == 0,
            "items": [
                {"health": c.health, "name": c.name, "message": c.message, "fix": list(c.fix)} for c in checks
            ],
        },
        text=text,
        rows=[(c.health, c.name, c.message, "; ".join(c.fix)) for c in checks],
    )
    return 1 if counts["bad"] else 0
