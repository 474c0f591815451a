"""The root that this clone trusts the policy from."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.runner.setup import pin_policy


@click.group(name="trust")
def trust() -> None:
    """Pin the root of the policy that this clone trusts."""


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
        follow=["gfr policy show", "gfr waits"],
    )
