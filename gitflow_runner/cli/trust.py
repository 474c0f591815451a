"""The root that this clone trusts the policy from, and checkpoints of what stands."""

from __future__ import annotations

import click

from gitflow_runner.cli.moments import show_moment
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.runner.checkpoints import pin_checkpoint, sign_checkpoint
from gitflow_runner.runner.setup import pin_policy


@click.group(name="trust")
def trust() -> None:
    """Pin the root of the policy that this clone trusts, and prove that what it was shown is fresh."""


@trust.command(name="pin")
@click.argument("digest")
@shared
def pin(out: Output, digest: str) -> None:
    """Trust the policy from the version with this DIGEST (sha256:<hex>) on.

    Whoever made the policy tells you the digest; `gfr init` and `gfr policy show` print it.
    """
    runtime = Session(out).service.runtime
    found = pin_policy(runtime, digest)
    out.result(
        "gfr/trust.pin/1",
        {"digest": digest, "version": found.version},
        text=[f"{out.mark('ok')} trusts {digest}; version {found.version} is in force"],
        ids=[digest],
        follow=["gfr trust fresh", "gfr policy show", "gfr waits"],
    )


@trust.command(name="checkpoint")
@shared
def checkpoint(out: Output) -> None:
    """Sign what stands on the policy's and the live refs now, for clones that begin.

    Whoever may promote may sign one; it proves for a day that a clone was not shown an old state.
    """
    oid, refs = sign_checkpoint(Session(out, fresh=True).service.runtime)
    out.result(
        "gfr/trust.checkpoint/1",
        {"checkpoint": oid, "refs": dict(sorted(refs.items()))},
        text=[f"{out.mark('ok')} signed {oid}: {len(refs)} refs", "  in the new clone: gfr trust fresh"],
        rows=[(oid, name, tip) for name, tip in sorted(refs.items())],
        ids=[oid],
    )


@trust.command(name="fresh")
@shared
def fresh(out: Output) -> None:
    """Hold what this clone was shown against the newest checkpoint; until then it is freshness_unproven."""
    found = pin_checkpoint(Session(out).service.runtime)
    out.result(
        "gfr/trust.fresh/1",
        {"by": found.principal, "signed": show_moment(found.at), "refs": dict(sorted(found.refs.items()))},
        text=[f"{out.mark('ok')} {found.principal} saw nothing newer at {show_moment(found.at)}"],
        rows=[(found.principal, name, tip) for name, tip in sorted(found.refs.items())],
        ids=[found.principal],
    )
