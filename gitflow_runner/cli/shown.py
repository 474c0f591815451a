"""Runs, waits and decisions as data for the envelope and as lines for people."""

from __future__ import annotations

from datetime import UTC, datetime

from gitflow_runner.cli.output import Output
from gitflow_runner.git.refs import run_ref
from gitflow_runner.model.duration import show_duration
from gitflow_runner.model.failure import Failure
from gitflow_runner.model.run import OpenWaitState, Run
from gitflow_runner.runner.slots import Queued
from gitflow_runner.runner.views import RunView, StepView, preview

_MARKS = {
    "succeeded": "ok",
    "approved": "ok",
    "answered": "ok",
    "failed": "bad",
    "rejected": "bad",
    "damaged": "bad",
    "expired": "bad",
    "timed-out": "bad",
    "terminated": "bad",
    "untrusted_run": "bad",
    "running": "run",
    "retrying": "run",
    "queued": "todo",
    "waiting": "wait",
    "sleeping": "wait",
    "paused": "wait",
    "unknown outcome": "warn",
    "cancelled": "skip",
    "skipped": "skip",
}


def iso(ms: int | None) -> str | None:
    """A time as ISO 8601 in UTC."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1_000:03d}Z"


def mark(out: Output, status: str) -> str:
    """The glyph of a status."""
    return out.mark(_MARKS.get(status, "todo"))


def short(run: str, slug: str) -> str:
    """How screens name a run: the flow and the last six."""
    return f"{slug}/{run[-6:]}"


def failure_data(failure: Failure | None) -> dict[str, object] | None:
    """A failure for the envelope."""
    if failure is None:
        return None
    data: dict[str, object] = {"code": failure.code, "message": failure.message}
    data |= {"step": failure.step} if failure.step else {}
    if failure.line is not None:
        data |= {"file": failure.file, "line": failure.line, "col": failure.col}
    return data


def wait_data(state: OpenWaitState) -> dict[str, object]:
    """An open wait for the envelope, with the stable names of `trust.md` 9."""
    wait = state.wait
    counted = [seen for seen in state.seen if seen.reason is None]
    return {
        "id": wait.identity,
        "wait": wait.folder,
        "kind": wait.wait,
        "title": wait.title,
        "state": "open",
        "need": wait.need,
        "have": len(counted),
        "role": wait.role,
        "any_role": list(wait.any_role),
        "human": wait.human,
        "excluded": list(wait.excluded),
        "actions": list(wait.actions),
        "opened": iso(state.opened_at),
        "deadline": iso(wait.deadline),
        "payload": wait.payload.removeprefix("sha256:")[:7],
        "payload_digest": wait.payload,
        "policy_commit": wait.policy,
        "keys": list(wait.keys),
        "required": list(wait.required),
        "approvals": [
            {
                "oid": seen.oid,
                "principal": seen.principal,
                "fingerprint": seen.fingerprint,
                "decision": seen.decision,
                "seen_at": iso(seen.seen_at),
                "counted": seen.reason is None,
                "reason": seen.reason,
            }
            for seen in state.seen
        ],
        "refused_count": len(state.seen) - len(counted),
        "change": change_data(state),
    }


def change_data(state: OpenWaitState) -> dict[str, object] | None:
    """The change that an open wait proposes, for the envelope; None if it proposes nothing."""
    proposal, change, seen = state.wait.proposal, state.change, state.standing
    if proposal is None:
        return None
    return {
        "branch": proposal.branch,
        "target": proposal.target,
        "head": proposal.head,
        "files": [file.path for file in proposal.files],
        "forge": None if change is None else change.forge,
        "number": None if change is None else change.number,
        "url": None if change is None else change.url,
        "standing": "not opened" if change is None else "open" if seen is None else seen.standing,
        "reason": None if seen is None else seen.reason,
        "notes": [] if seen is None else list(seen.notes),
    }


_NEXT = {
    "not opened": "the next look opens it: gfr worker --once",
    "open": "review and merge it as it stands, or decide by a signature",
    "closed": "reopen it, or decide by a signature",
    "merged": "people who count are missing: a signed approval adds one",
    "merged_with_changes": "other content was merged: reject, so that the flow proposes anew",
    "merged_elsewhere": "nobody is proven to have merged it: decide by a signature",
    "unproven": "see what gfr doctor says of the forge, or decide by a signature",
}


def change_lines(state: OpenWaitState) -> list[str]:
    """What a person must know of the change that an open wait proposes, and what to do next."""
    data = change_data(state)
    if data is None:
        return []
    standing = str(data["standing"])
    where = data["url"] or f"branch {data['branch']} into {data['target']}"
    why = f" ({data['reason']})" if data["reason"] else ""
    lines = [f"    change: {where}  {standing.replace('_', ' ')}{why}", f"    next: {_NEXT[standing]}"]
    notes = [] if state.standing is None else state.standing.notes
    return [*lines, *(f"      not counted: {note}" for note in notes[:5])]


def step_data(step: StepView) -> dict[str, object]:
    """A step for the envelope."""
    text, cut = preview(step.output)
    data: dict[str, object] = {
        "id": step.identity,
        "folder": step.folder,
        "type": step.type,
        "status": step.status,
        "attempt": step.attempt,
        "started": iso(step.started),
        "ended": iso(step.ended),
        "took_ms": step.took_ms,
    }
    if step.output is not None:
        data["output"] = {"preview": text, "truncated": cut, "sha256": step.output.digest}
    if step.failure is not None and step.status in ("failed", "retrying", "skipped"):
        data["error"] = failure_data(step.failure)
    if step.by:
        data["by"] = list(step.by)
    return data


def run_data(view: RunView) -> dict[str, object]:
    """A whole run for the envelope."""
    run = view.run
    text, cut = preview(view.output, 64 * 1024)
    data = summary_data(run, view.at.ref, view.at.tip, view.at.remote, view.queued)
    data["steps"] = [step_data(step) for step in view.steps]
    data["branches"] = [
        {"id": b.identity, "label": b.label, "choice": b.choice, "taken": b.taken} for b in view.branches
    ]
    data["refused"] = [
        {"oid": r.oid, "wait": r.folder, "principal": r.principal, "reason": r.reason} for r in view.refused
    ]
    data["requests"] = [
        {"oid": r.oid, "act": r.act, "principal": r.principal, "reason": r.reason, "note": r.note}
        for r in view.requests
    ]
    if view.output is not None:
        data["output"] = {"preview": text, "truncated": cut, "sha256": view.output.digest}
    if view.findings:
        data["recorded_status"] = data["status"]
        data["status"] = "untrusted_run"
        data["findings"] = [{"code": f.code, "commit": f.commit, "message": f.message} for f in view.findings]
    return data


def summary_data(
    run: Run, ref: str, head: str, remote: str | None = None, queued: Queued | None = None
) -> dict[str, object]:
    """A run's own fields for the envelope."""
    return {
        "run": run.run,
        "flow": run.slug,
        "status": run.status,
        "release": run.label,
        "ref": ref,
        "head": head,
        "remote": remote,
        "started": iso(run.started),
        "ended": iso(run.ended),
        "seq": run.seq,
        "starter": run.starter,
        "waits": [wait_data(state) for state in run.waits],
        "timers": [{"id": t.identity, "until": iso(t.until)} for t in run.timers],
        "unknown": [s.identity for s in run.steps if s.unknown],
        "failure": failure_data(run.failure),
        "concurrency": concurrency_data(run, queued),
    }


def concurrency_data(run: Run, queued: Queued | None) -> dict[str, object] | None:
    """What was decided when the run was asked for, and where it stands while it queues."""
    admission = run.admission
    if admission is None:
        return None
    data: dict[str, object] = {
        "decision": admission.decision,
        "key": admission.key,
        "slot": admission.slot,
        "version": admission.version,
        "behind": list(admission.behind),
    }
    if queued is not None:
        data |= {"place": queued.place, "ahead": list(queued.ahead), "problem": queued.problem}
    return data


def queue_line(run: Run, queued: Queued) -> str:
    """Where a queued run stands, for people."""
    if queued.problem is not None:
        return f"the slot is not believed: {queued.problem}"
    if queued.place == 0:
        return "its turn has come"
    ahead = ", ".join(short(each, run.slug) for each in queued.ahead[:3])
    more = f" and {len(queued.ahead) - 3} more" if len(queued.ahead) > 3 else ""
    place = "told to end" if queued.place is None else f"place {queued.place}"
    return f"{place}, after {ahead}{more}"


def run_lines(out: Output, view: RunView, now: int, *, steps: bool = True) -> list[str]:
    """The screen of a run; without `steps` where they were shown while they happened."""
    run = view.run
    status = run.status if view.trusted else "untrusted_run"
    started_by = f" by {run.starter}" if run.starter else " (start not signed)"
    lasted = show_duration(max(0, (run.ended or now) - run.started))
    lines = [
        f"{mark(out, status)} {short(run.run, run.slug)}  {status}   {run.label}{started_by} · {lasted}",
        f"{view.at.ref}  head {view.at.tip[:7]}  {run.seq} events",
    ]
    lines += [
        f"  {out.mark('bad')} {found.code}  {(found.commit or '')[:7]}  {found.message}"
        for found in view.findings[:5]
    ]
    width = max((len(step.identity) for step in view.steps), default=0)
    if steps:
        for number, step in enumerate((*view.steps, None)):
            lines += [f"  {b.label}  {b.choice}" for b in view.branches if b.after == number]
            lines += [] if step is None else [step_line(out, step, width)]
    if run.failure is not None:
        at = f" ({run.failure.file}:{run.failure.line}:{run.failure.col})" if run.failure.line else ""
        lines.append(f"failed: {run.failure.message} ({run.failure.code}){at}")
    if view.output is not None:
        text, cut = preview(view.output, 400)
        lines.append(f"result: {text}{' …' if cut else ''}")
    if view.queued is not None:
        lines.append(f"  {out.mark('todo')} queued: {queue_line(run, view.queued)}")
    for state in run.waits:
        lines += wait_lines(out, state, now)
    for item in view.refused:
        who = item.principal or "unknown"
        lines.append(f"  {out.mark('bad')} refused {item.oid[:7]} on {item.folder}: {item.reason} ({who})")
    return lines


def step_line(out: Output, step: StepView, width: int) -> str:
    """One step of a run's screen."""
    took = show_duration(step.took_ms) if step.took_ms is not None else ""
    detail = ""
    if step.status in ("failed", "retrying", "skipped") and step.failure is not None:
        detail = f"{step.failure.message} ({step.failure.code})"
    elif step.by:
        detail = f"{step.status} by {', '.join(step.by)}"
    elif step.output is not None:
        text, cut = preview(step.output, 60)
        detail = (text or "").replace("\n", "⏎") + ("…" if cut else "")
    elif step.status not in ("succeeded", "running"):
        detail = step.status
    attempts = f" attempt {step.attempt}" if step.attempt > 1 else ""
    note = f"  [{step.note}]" if step.note else ""
    head = f"{mark(out, step.status)} {step.identity:<{width}}  :{step.type:<9} {took:>8}{attempts}"
    return f"{head}  {detail}{note}".rstrip()


def wait_lines(out: Output, state: OpenWaitState, now: int) -> list[str]:
    """What a person must know of an open wait."""
    wait = state.wait
    have = sum(1 for seen in state.seen if seen.reason is None)
    left = show_duration(max(0, wait.deadline - now))
    needs = f"{have} of {wait.need} of role {wait.role}" if wait.role else f"{have} of {wait.need}"
    needs += f" who hold {' or '.join(wait.any_role)}" if wait.any_role else ""
    barred = f", not {', '.join(wait.excluded)}" if wait.excluded else ""
    return [
        f"{out.mark('wait')} {wait.folder} waits: {wait.title}",
        f"    needs {needs}{barred} · payload {wait.payload.removeprefix('sha256:')[:7]} · expires in {left}",
        *change_lines(state),
    ]


def next_commands(run: Run) -> list[str]:
    """What somebody would do next with this run."""
    if run.status == "succeeded":
        return [f"gfr show {run.run}", f"git log {run_ref(run.slug, run.run)}"]
    if run.status in ("failed", "timed-out"):
        return [f"gfr show {run.run}", f"gfr logs {run.run}"]
    if any(step.unknown for step in run.steps):
        step = next(step for step in run.steps if step.unknown)
        return [f"gfr resolve {run.run} {step.folder} --retry | --done VALUE | --fail"]
    if run.waits:
        wait = run.waits[0].wait
        deciding = [decision_command(action, run.run, wait.folder) for action in wait.actions[:1]]
        if wait.wait == "event" and wait.keys:
            deciding = [f"gfr waits complete {run.run} {wait.folder} --payload JSON"]
        return [f"gfr show {run.run} {wait.folder}", *deciding, f"gfr watch {run.run}"]
    if run.queued and run.admission is not None and run.admission.behind:
        return [f"gfr show {run.admission.behind[0]}", f"gfr watch {run.run}", "gfr worker --once"]
    return [f"gfr show {run.run}", "gfr worker --once"]


def decision_command(decision: str, run: str, folder: str) -> str:
    """The command that signs this decision."""
    if decision in ("approve", "reject"):
        return f"gfr {decision} {run} {folder}"
    return f"gfr approve {run} {folder} --action {decision}"
