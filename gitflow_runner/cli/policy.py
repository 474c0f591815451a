"""The policy: who may do what, why somebody may not, and whether its text can work."""

from __future__ import annotations

import os
from pathlib import Path

import click

from gitflow_runner.cli.moments import show_moment
from gitflow_runner.cli.options import here, shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.policy_change import (
    apply,
    proposal_data,
    proposal_lines,
    propose,
    short_digest,
    sign,
)
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.verify import run_batch
from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.runner.clock import SystemClock
from gitflow_runner.runner.explain import Explained, explain_wait
from gitflow_runner.runner.freshness import heard_at
from gitflow_runner.runner.gpg_home import GpgHomes
from gitflow_runner.runner.policy_change import open_proposals
from gitflow_runner.trust.eligible import Eligible
from gitflow_runner.trust.policy_review import review
from gitflow_runner.trust.policy_text import POLICY_FILE, parse_policy


@click.group(name="policy")
def policy() -> None:
    """Show, check and change who may do what."""


@click.command(name="show")
@shared
def show_policy(out: Output) -> None:
    """Show who may do what, by the policy in force."""
    runtime = Session(out, fresh=True).service.runtime
    found = runtime.policies.require()
    chain = runtime.policies.chain()
    tip = chain.tip.oid if chain is not None else None
    proposals = open_proposals(runtime)
    heard = heard_at(runtime.local) if runtime.remote is not None else None
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
        "max_age_s": found.max_age_s,
        "heard": None if heard is None else show_moment(heard),
        "proposals": [proposal_data(p) for p in proposals],
    }
    text += [line for p in proposals for line in proposal_lines(p)]
    follow = [f"gfr policy sign {short_digest(proposals[0])}"] if proposals else ["gfr policy propose"]
    out.result("gfr/policy.show/1", data, text=text, ids=[found.digest], follow=follow)


@click.command(name="check")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@shared
def check(out: Output, file: Path | None) -> None:
    """Read a policy's text and say what is wrong with it, and where. Exit 2 if it cannot be read.

    Without FILE it is the draft in this work tree. Remarks are no errors: it may be meant so.
    """
    path = file or here() / POLICY_FILE
    shown = str(file) if file is not None else POLICY_FILE
    if not path.is_file():
        raise NotFoundError("policy.no_draft", f"there is no {POLICY_FILE} here", fix=("gfr init",))
    found = parse_policy(path.read_bytes(), file=shown, open_gpg=GpgHomes(os.environ).open)
    remarks = review(found, now=SystemClock().now_ms(), file=shown)
    text = [f"{out.mark('warn')} {r.at}: {r.message}  ({r.code})" for r in remarks]
    text.append(
        f"{out.mark('ok')} version {found.version}, {len(found.people)} people, {len(found.rules)} rules, "
        f"{found.digest}"
    )
    out.result(
        "gfr/policy.check/1",
        {
            "version": found.version,
            "digest": found.digest,
            "people": len(found.people),
            "rules": len(found.rules),
            "remarks": [{"code": r.code, "message": r.message, "at": r.at.as_json()} for r in remarks],
        },
        text=text,
        rows=[(str(r.at), r.code, r.message) for r in remarks],
        ids=[found.digest],
        follow=["gfr policy propose"] if file is None else [],
    )


@click.command(name="explain")
@click.argument("run_name", metavar="RUN")
@click.argument("wait_name", metavar="[WAIT]", required=False)
@shared
def explain(out: Output, run_name: str, wait_name: str | None) -> None:
    """Say for each person why a decision on this wait would count, or would not."""
    found = explain_wait(Session(out, fresh=True).service.runtime, run_name, wait_name)
    wait, run = found.question.state.wait, found.question.run
    may = [p for p in found.people if p.reason is None]
    text = [f"{wait.folder} of {run.run}: {_asks(found)}"]
    text += [_line(out, person, found) for person in found.people]
    out.result(
        "gfr/policy.explain/1",
        {
            "run": run.run,
            "flow": run.slug,
            "wait": wait.folder,
            "pinned": {"version": found.pinned.version, "commit": wait.policy},
            "newest": {"version": found.newest.version},
            "need": found.terms.need if found.terms is not None else wait.need,
            "roles": sorted(found.terms.roles) if found.terms is not None else [],
            "human": found.terms.human if found.terms is not None else wait.human,
            "excluded": sorted(found.terms.excluded) if found.terms is not None else [],
            "proofs": sorted(found.terms.proofs) if found.terms is not None else [],
            "deadline": show_moment(found.deadline),
            "refusal": found.refusal or None,
            "decided": dict(found.decided),
            "people": [
                {
                    "principal": p.principal,
                    "kind": p.kind,
                    "roles": list(p.roles),
                    "accepted": p.reason is None,
                    "reason": p.reason,
                    "detail": p.detail,
                    "fingerprint": p.fingerprint,
                }
                for p in found.people
            ],
        },
        text=text,
        rows=[
            (p.principal, p.kind, "accept" if p.reason is None else "refuse", p.reason) for p in found.people
        ],
        ids=[p.principal for p in may],
        follow=[f"gfr approve {run.run} {wait.folder}"] if may else ["gfr policy show"],
    )


def _asks(found: Explained) -> str:
    if found.terms is None:
        return found.refusal
    terms = found.terms
    who = f"{terms.need} of role {' and '.join(sorted(terms.roles))}"
    without = f", not {', '.join(sorted(terms.excluded))}" if terms.excluded else ""
    return f"{who}{', humans only' if terms.human else ''}{without}, by {' or '.join(sorted(terms.proofs))}"


def _line(out: Output, person: Eligible, found: Explained) -> str:
    said = dict(found.decided).get(person.principal)
    more = f"  (decided: {said})" if said else ""
    if person.reason is None:
        return f"  {out.mark('ok')} {person.principal}  would count  {person.fingerprint}{more}"
    return f"  {out.mark('bad')} {person.principal}  {person.reason}: {person.detail}{more}"


@click.command(name="judge")
@click.option("--batch", is_flag=True, help="Answer rows of JSON from stdin, one line each.")
@shared
def judge(out: Output, batch: bool) -> int:
    """Say what would come of approvals, row by row; the rows bring wait, policy and approvals along."""
    if not batch:
        raise UsageError(
            "usage.batch",
            "judge reads rows of JSON from stdin, with --batch",
            hint="for an open wait of a run there is explain",
            fix=("gfr policy explain RUN",),
        )
    return run_batch("judge")


for command in (show_policy, check, explain, judge, propose, sign, apply):
    policy.add_command(command)
