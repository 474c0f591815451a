"""Driving and recovering the open runs of this clone."""

from __future__ import annotations

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.shown import iso, mark, short
from gitflow_runner.runner.worker import Worked, work, work_once


@click.command(name="worker")
@click.option("--once", is_flag=True, help="Drive every open run as far as is due now, then leave.")
@shared
def worker(out: Output, once: bool) -> int:
    """Drive and recover the open runs of this clone.

    Without --once it stays: it looks for decisions, ends sleeps and waits, and goes on with what is due.
    """
    session = Session(out)
    runtime = session.service.runtime
    if not once:
        session.drive(lambda: work(runtime, lambda worked: _tell(out, worked)))
        return 130 if session.interrupted else 0
    found: list[Worked] = session.drive(lambda: list(work_once(runtime)))
    problems = [w for w in found if w.problem is not None and w.problem.code != "lease.run_held"]
    out.result(
        "gfr/worker/1",
        {"items": [_data(worked) for worked in found]},
        text=[_line(out, worked) for worked in found] or ["no open run"],
        rows=[(w.run, w.slug, _state(w), w.problem.code if w.problem else "") for w in found],
        ids=[worked.run for worked in found],
    )
    if session.interrupted:
        return 130
    return problems[0].problem.exit_code if problems and problems[0].problem is not None else 0


def _tell(out: Output, worked: Worked) -> None:
    if out.mode == "json":
        out.jsonl({"event": "run"} | _data(worked))
    else:
        out.line(_line(out, worked))


def _state(worked: Worked) -> str:
    if worked.problem is not None:
        return "held" if worked.problem.code == "lease.run_held" else worked.problem.code
    if worked.mended:
        return "mended"
    return worked.stood.run.status if worked.stood is not None else "left"


def _data(worked: Worked) -> dict[str, object]:
    data: dict[str, object] = {"run": worked.run, "flow": worked.slug, "status": _state(worked)}
    if worked.problem is not None:
        data["problem"] = {"code": worked.problem.code, "message": worked.problem.message}
        data["fix"] = list(worked.problem.fix)
    if worked.stood is not None:
        data["due"] = iso(worked.stood.due)
        if worked.stood.doubt is not None:
            data["problem"] = {"code": "clock_suspect", "message": worked.stood.doubt}
            data["fix"] = ["timedatectl status", "gfr worker"]
    return data


def _line(out: Output, worked: Worked) -> str:
    state = _state(worked)
    name = short(worked.run, worked.slug or "?")
    detail = f"  {worked.problem.message}" if worked.problem is not None else ""
    if worked.stood is not None and worked.stood.doubt is not None:
        detail = f"  clock_suspect: {worked.stood.doubt}"
    due = iso(worked.stood.due) if worked.stood is not None and worked.stood.due is not None else None
    return f"{mark(out, state)} {name}  {state}{f'  next at {due}' if due else ''}{detail}"
