"""Starting, following, showing and verifying runs."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.progress import Progress, event_data
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.shown import (
    iso,
    mark,
    next_commands,
    queue_line,
    run_data,
    run_lines,
    short,
    summary_data,
)
from gitflow_runner.cli.waits import question_lines, show_wait
from gitflow_runner.errors import UsageError
from gitflow_runner.ledger.chain import read_history, read_run
from gitflow_runner.model.event import Recorded
from gitflow_runner.model.ids import RunId
from gitflow_runner.model.run import EXIT_CODES, Run
from gitflow_runner.runner.drive import Stood
from gitflow_runner.runner.inputs import parse_input_file, parse_pairs
from gitflow_runner.runner.verify import REMARKS

_POLL_S = 0.2  # another process drives the run, and nothing tells whoever only looks


@click.command(name="run")
@click.argument("slug")
@click.option(
    "-i", "--input", "pairs", multiple=True, metavar="NAME=VALUE", help="One input; may be repeated."
)
@click.option(
    "--input-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="JSON or EDN."
)
@click.option(
    "--ref", default="draft", show_default=True, help="draft, live, v<N>, a release tag or a branch."
)
@click.option("--installation", metavar="ID", help="Another target than the flow's own.")
@click.option("--watch", is_flag=True, help="With --json: one event a line while they happen.")
@shared
def run(
    out: Output,
    slug: str,
    pairs: tuple[str, ...],
    input_file: Path | None,
    ref: str,
    installation: str | None,
    watch: bool,
) -> int:
    """Start a run of SLUG and drive it to its end or its first wait.

    The first line on stdout is the run's id, alone. Exit 7 means that the run waits for a person, or queues
    until other runs of the flow have ended.

    Example: gfr run hello -i who=Ada
    """
    stream = watch and out.mode == "json"
    told_events = Progress(out, stream=stream) if stream or out.mode != "json" else None
    session = Session(out, told_events)
    given = parse_input_file(input_file.read_bytes(), str(input_file)) if input_file else {}
    given |= parse_pairs(pairs)
    started: list[RunId] = []

    def told(run_id: RunId, changed: tuple[str, ...]) -> None:
        started.append(run_id)
        if stream:
            out.jsonl({"event": "start", "run": run_id})
        elif out.mode == "json":
            out.note(run_id)
        else:
            out.line(run_id)
            out.stdout.flush()
        if changed:
            out.warn(f"run of uncommitted files: {', '.join(changed)}")

    stood = session.drive(lambda: session.service.start(slug, ref, given, installation, told=told))
    if stream:
        code = 130 if stood.stopped else EXIT_CODES[stood.run.status]
        out.jsonl({"event": "end", "run": stood.run.run, "status": stood.run.status, "exit": code})
        return code
    return _finish(session, stood)


def _finish(session: Session, stood: Stood) -> int:
    out, run_state = session.out, stood.run
    view = session.service.show(run_state.run)
    code = EXIT_CODES[run_state.status]
    follow = next_commands(run_state)
    if stood.stopped:
        out.note(f"{short(run_state.run, run_state.slug)} is {run_state.status}; nothing drives it now")
        follow = ["gfr worker", f"gfr show {run_state.run}"]
        code = 130
    now = session.service.runtime.clock.now_ms()
    out.result(
        "gfr/run/1",
        run_data(view),
        text=run_lines(out, view, now, steps=False),
        rows=[(step.identity, step.type, step.status, step.took_ms) for step in view.steps],
        follow=follow,
    )
    if out.mode == "rows" and run_state.waits:
        for line in question_lines(session, run_state):
            out.note(line)
    return code


@click.command(name="watch")
@click.argument("run_name", metavar="RUN")
@click.option("--after", default=0, help="Begin after the event of this number.")
@click.option("--timeout", type=float, default=None, help="Seconds; exit 8 if the run still goes on then.")
@shared
def watch(out: Output, run_name: str, after: int, timeout: float | None) -> int:
    """Follow a run until it ends or waits, one line a change.

    With --json, one event a line; the last one is {"event": "end"}.
    """
    session = Session(out, fresh=True)
    reader = session.service.runtime.repository
    deadline = None if timeout is None else time.monotonic() + timeout
    seen = after
    while True:
        at = session.service.find(run_name)
        state = read_run(reader, at.tip)
        if state.seq > seen:
            for recorded in read_history(reader, at.tip):
                if recorded.seq > seen:
                    _tell_event(out, state, recorded)
            seen = state.seq
        code = EXIT_CODES[state.status]
        late = deadline is not None and time.monotonic() > deadline
        if state.status not in ("running", "queued") or late:
            if out.mode == "json":
                out.jsonl({"event": "end", "run": state.run, "status": state.status, "exit": code})
            else:
                out.note(f"{short(state.run, state.slug)} is {state.status}")
            return code
        time.sleep(_POLL_S)


def _tell_event(out: Output, state: Run, recorded: Recorded) -> None:
    data = event_data(recorded)
    if out.mode == "json":
        out.jsonl(data | {"run": state.run})
    else:
        name = short(state.run, state.slug)
        out.line(f"{data['at']} {name} {data.get('step', 'run')} {data['event']}")


@click.command(name="show")
@click.argument("run_name", metavar="RUN")
@click.argument("wait_name", metavar="[WAIT]", required=False)
@shared
def show(out: Output, run_name: str, wait_name: str | None) -> None:
    """Show RUN, or exactly what one of its open waits asks people to sign.

    Examples: gfr show 7k3m5q · gfr show 7k3m5q 00002-ask
    """
    session = Session(out, fresh=True)
    now = session.service.runtime.clock.now_ms()
    view = session.service.show(run_name)
    if wait_name is not None:
        show_wait(session, run_name, wait_name, view.findings)
        return
    out.result(
        "gfr/run.show/1",
        run_data(view),
        text=run_lines(out, view, now),
        rows=[
            ("run", view.run.run),
            ("flow", view.run.slug),
            ("status", view.run.status if view.trusted else "untrusted_run"),
            ("release", view.run.label),
            ("head", view.at.tip),
            *[(s.identity, s.type, s.status, s.attempt, s.took_ms) for s in view.steps],
        ],
        ids=[view.run.run],
        follow=next_commands(view.run),
    )


@click.group(name="runs")
def runs() -> None:
    """List runs, or verify them from Git alone."""


@runs.command(name="ls")
@click.option("--flow", default=None, help="Only runs of this flow.")
@click.option("--status", default=None, help="Only runs in this status.")
@click.option("-L", "--limit", default=20, show_default=True, help="At most so many.")
@shared
def list_(out: Output, flow: str | None, status: str | None, limit: int) -> None:
    """List the newest runs."""
    session = Session(out, fresh=True)
    if limit < 1:
        raise UsageError("usage.limit", "--limit is a number from 1")
    found = session.service.runs(slug=flow, limit=max(limit, 1000) if status else limit)
    kept = [item for item in found if status is None or _status(item.state) == status][:limit]
    items: list[dict[str, object]] = []
    rows: list[tuple[object, ...]] = []
    lines: list[str] = []
    for item in kept:
        state = item.state
        if state is None:
            problem = item.problem.message if item.problem else "unreadable"
            items.append({"run": item.at.run, "flow": item.at.slug, "status": "damaged", "problem": problem})
            rows.append((item.at.run, item.at.slug, "damaged", "", "", problem))
            lines.append(f"{mark(out, 'damaged')} {item.at.run}  {item.at.slug}  damaged  {problem}")
            continue
        step = state.waits[0].wait.folder if state.waits else (state.steps[0].folder if state.steps else "")
        shown = state.status if session.service.is_trusted(item.at) else "untrusted_run"
        queued = session.service.queued(item.at, state)
        data = summary_data(state, item.at.ref, item.at.tip, item.at.remote, queued)
        items.append(data | {"status": shown})
        step = queue_line(state, queued) if queued is not None else step
        rows.append((state.run, state.slug, shown, step, state.label, iso(state.started)))
        status_cell = f"{mark(out, shown)} {state.run}  {state.slug:<20} {shown:<10}"
        lines.append(f"{status_cell} {step:<24} {state.label}")
    out.result(
        "gfr/runs.ls/1",
        {"items": items, "cursor": None, "total": len(kept)},
        text=lines or ["no run yet"],
        rows=rows,
        ids=[item.at.run for item in kept],
        follow=[] if kept else ["gfr flows ls", "gfr run <slug>"],
    )


def _status(state: Run | None) -> str:
    return "damaged" if state is None else state.status


@runs.command(name="verify")
@click.argument("run_name", metavar="RUN")
@shared
def verify(out: Output, run_name: str) -> int:
    """Prove RUN again from Git alone: chain, events, values, signatures and approvals."""
    session = Session(out, fresh=True)
    at, findings = session.service.verify(run_name)
    items = [{"code": f.code, "commit": f.commit, "message": f.message} for f in findings]
    remarks = [f for f in findings if f.code in REMARKS]
    verdict = "ok" if len(remarks) == len(findings) else "failed"
    if any(f.code == "incomplete" for f in findings):
        verdict = "incomplete"
    glyph = out.mark("ok" if verdict == "ok" else "bad")
    text = [f"{glyph} {short(at.run, at.slug)}  {verdict}"]
    text += [f"  {f.code}  {(f.commit or '')[:7]}  {f.message}" for f in findings]
    out.result(
        "gfr/runs.verify/1",
        {"run": at.run, "flow": at.slug, "head": at.tip, "verdict": verdict, "findings": items},
        text=text,
        rows=[(verdict, at.run), *[(f.code, f.commit or "", f.message) for f in findings]],
        ids=[at.run],
    )
    return 0 if verdict == "ok" else 1
