"""The policy in force, and the root that this clone trusts it from."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.runner.setup import apply_draft, pin_policy


@click.group(name="policy")
def policy() -> None:
    """Show the policy in force, or put its draft into force."""


@policy.command(name="show")
@shared
def show_policy(out: Output) -> None:
    """Show who may do what, by the policy in force."""
    runtime = Session(out, fresh=True).service.runtime
    found = runtime.policies.require()
    chain = runtime.policies.chain()
    tip = chain.tip.oid if chain is not None else None
    people = [
        {
            "name": person.name,
            "kind": person.kind,
            "roles": sorted(person.roles),
            "can": sorted(person.can),
            "flows": list(person.flows),
            "keys": [key.key.fingerprint for key in person.keys],
        }
        for person in found.people.values()
    ]
    rules = [
        {
            "flow": rule.flow,
            "wait": rule.wait,
            "need": rule.need,
            "role": rule.role,
            "human": rule.human,
            "not": sorted(rule.excluded),
            "drafts": rule.drafts,
        }
        for rule in found.rules
    ]
    text = [f"policy version {found.version}  {tip}  {found.digest}"]
    for person in found.people.values():
        rights = ", ".join(sorted(person.roles)) or ", ".join(sorted(person.can)) or "nothing"
        text.append(f"  {person.name}  {person.kind}  {rights}  {person.keys[0].key.fingerprint}")
    for rule in found.rules:
        without = f", not {', '.join(sorted(rule.excluded))}" if rule.excluded else ""
        drafts = "  (drafts too)" if rule.drafts else ""
        text.append(f"  waits of {rule.flow} {rule.wait or '*'}: {rule.need} of {rule.role}{without}{drafts}")
    data: dict[str, object] = {
        "version": found.version,
        "commit": tip,
        "digest": found.digest,
        "people": people,
        "rules": rules,
        "protected_branch": found.protected_branch,
    }
    out.result("gfr/policy.show/1", data, text=text, ids=[found.digest], follow=["gfr policy apply"])


@policy.command(name="apply")
@shared
def apply_policy(out: Output) -> None:
    """Put .breyta/policy.edn into force as the next version, signed by you."""
    runtime = Session(out, fresh=True).service.runtime
    applied, oid = apply_draft(runtime)
    out.result(
        "gfr/policy.apply/1",
        {"version": applied.version, "commit": oid, "digest": applied.digest},
        text=[f"{out.mark('ok')} policy version {applied.version} is in force ({oid[:7]}, {applied.digest})"],
        rows=[(applied.version, oid, applied.digest)],
        ids=[oid],
        follow=["gfr policy show"],
    )


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
