"""Changing the policy: proposing its draft, signing what others propose, putting it into force."""

from __future__ import annotations

import difflib

import click

from gitflow_runner.cli.options import may_ask, shared
from gitflow_runner.cli.output import Output, printable
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import UsageError
from gitflow_runner.runner.policy_change import Proposal, apply_change, consent_to, find_proposal
from gitflow_runner.runner.policy_change import propose as propose_draft
from gitflow_runner.runner.runtime import Runtime

_SHORT = 12
_LINES = 200


def short_digest(proposal: Proposal) -> str:
    """The first digits of a proposal's digest, enough to name it in a command."""
    return proposal.policy.digest.removeprefix("sha256:")[:_SHORT]


def proposal_data(proposal: Proposal) -> dict[str, object]:
    """A proposal with who signed it and who of them counts."""
    return {
        "version": proposal.policy.version,
        "digest": proposal.policy.digest,
        "need": proposal.need,
        "have": len(proposal.by),
        "by": list(proposal.by),
        "consents": [
            {
                "oid": c.oid,
                "principal": c.principal,
                "fingerprint": c.fingerprint,
                "counted": c.reason is None,
                "reason": c.reason,
            }
            for c in proposal.consents
        ],
    }


def proposal_lines(proposal: Proposal) -> list[str]:
    """The same for people."""
    signed = ", ".join(proposal.by) or "nobody who counts"
    head = f"proposed: version {proposal.policy.version}  {proposal.policy.digest}"
    return [head, f"  signed by {signed}  ({len(proposal.by)} of {proposal.need})"]


@click.command(name="propose")
@shared
def propose(out: Output) -> None:
    """Sign .breyta/policy.edn as the next version, for others to sign too."""
    runtime = Session(out, fresh=True).service.runtime
    _told(out, "gfr/policy.propose/1", propose_draft(runtime))


@click.command(name="sign")
@click.argument("digest", required=False)
@click.option("--yes", is_flag=True, help="Do not ask (needs DIGEST).")
@shared
def sign(out: Output, digest: str | None, yes: bool) -> None:
    """Show what a proposal changes and sign it; DIGEST names it, or its first digits.

    Example: gfr policy sign 9f2c1d4b --yes
    """
    runtime = Session(out, fresh=True).service.runtime
    proposal = find_proposal(runtime, digest)
    shown = short_digest(proposal)
    if not (yes and digest is not None):
        if not may_ask() or out.mode == "json":
            raise UsageError(
                "policy.unseen",
                "to sign without a terminal, name the digest of what you saw",
                fix=(f"gfr policy sign {shown} --yes",),
                details={"digest": proposal.policy.digest, "diff": "\n".join(_diff(runtime, proposal))},
            )
        out.note(f"You sign version {proposal.policy.version} of the policy ({shown}):")
        for line in _diff(runtime, proposal)[:_LINES]:
            out.note(printable(line))
        if not click.confirm("Sign?", default=False, err=True):
            raise UsageError("usage.declined", "nothing was signed")
    _told(out, "gfr/policy.sign/1", consent_to(runtime, proposal.policy.text))


@click.command(name="apply")
@click.argument("digest", required=False)
@shared
def apply(out: Output, digest: str | None) -> None:
    """Put the draft, or the proposal with this DIGEST, into force; what others signed is taken along."""
    runtime = Session(out, fresh=True).service.runtime
    applied, oid = apply_change(runtime, digest)
    chain = runtime.policies.chain()
    by = list(chain.tip.by) if chain is not None else []
    out.result(
        "gfr/policy.apply/1",
        {"version": applied.version, "commit": oid, "digest": applied.digest, "by": by},
        text=[f"{out.mark('ok')} policy version {applied.version} is in force ({oid[:7]}, {applied.digest})"],
        rows=[(applied.version, oid, applied.digest)],
        ids=[oid],
        follow=["gfr policy show"],
    )


def _told(out: Output, schema: str, proposal: Proposal) -> None:
    digest = proposal.policy.digest
    enough = len(proposal.by) >= proposal.need
    verb = "apply" if enough else "sign"
    out.result(
        schema,
        proposal_data(proposal),
        text=[f"{out.mark('ok')} signed", *proposal_lines(proposal)],
        rows=[(proposal.policy.version, digest, len(proposal.by), proposal.need)],
        ids=[digest],
        follow=[f"gfr policy {verb} {short_digest(proposal)}"],
    )


def _diff(runtime: Runtime, proposal: Proposal) -> list[str]:
    newest = runtime.policies.newest()
    before = newest.text.decode().splitlines() if newest is not None else []
    after = proposal.policy.text.decode().splitlines()
    return list(difflib.unified_diff(before, after, "in force", "proposed", lineterm=""))
