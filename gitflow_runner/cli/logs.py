"""What the attempts of a run logged, once or while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from gitflow_runner.cli.moments import read_moment
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.cli.shown import iso, short
from gitflow_runner.errors import UsageError
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.runner.step_logs import AttemptLog, attempt_logs

_POLL_S = 0.2  # another process drives the run, and nothing tells whoever only looks
CONTEXT = 10  # lines that following begins with


@click.command(name="logs")
@click.argument("run_name", metavar="RUN")
@click.option("--step", default=None, help="Only attempts of this step.")
@click.option("--attempt", type=click.IntRange(1), default=None, help="Only the attempts of this number.")
@click.option("--failed", is_flag=True, help="Only attempts that failed.")
@click.option("--since", default=None, metavar="TIME", help="Only lines from then on; 2h is two hours ago.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends or waits; begins with 10 lines.")
@shared
def logs(
    out: Output,
    run_name: str,
    step: str | None,
    attempt: int | None,
    failed: bool,
    since: str | None,
    follow: bool,
) -> None:
    """Print what the attempts of RUN logged, in the order of its steps; works while it runs.

    Examples: gfr logs 7k3m5q --step fetch --failed · gfr logs 7k3m5q -f
    """
    session = Session(out, fresh=True)
    runtime = session.service.runtime
    moment = None if since is None else read_moment(since, runtime.clock.now_ms())
    if follow and failed:
        raise UsageError("usage.logs", "an attempt has failed once it is over: --failed does not follow")

    def read() -> list[AttemptLog]:
        at = session.service.find(run_name)
        return list(attempt_logs(runtime, at, step=step, attempt=attempt, failed=failed, since=moment))

    if follow:
        _follow(session, run_name, read)
        return
    found = read()
    out.result(
        "gfr/run.logs/1",
        {"items": [_data(log) for log in found]},
        text=[f"{log.name}  {line.text}" for log in found for line in log.lines]
        or ["no attempt of this run logged anything"],
    )


def _data(log: AttemptLog) -> dict[str, object]:
    text = "".join(f"{line.text}\n" for line in log.lines)
    return {"attempt": log.name, "step": log.step, "number": log.attempt, "failed": log.failed, "text": text}


def _follow(session: Session, run_name: str, read: Callable[[], list[AttemptLog]]) -> None:
    out, printed = session.out, dict[str, int]()
    first = True
    while True:
        # The state is read first: what is logged before it was seen to end is printed then.
        state = read_run(session.service.runtime.repository, session.service.find(run_name).tip)
        fresh: list[tuple[AttemptLog, int]] = []
        for log in read():
            fresh += [(log, index) for index in range(printed.get(log.name, 0), len(log.lines))]
            printed[log.name] = len(log.lines)
        for log, index in fresh[-CONTEXT:] if first else fresh:
            line = log.lines[index]
            if out.mode == "json":
                out.jsonl({"attempt": log.name, "step": log.step, "at": iso(line.at), "line": line.text})
            else:
                out.line(f"{log.name}  {line.text}")
        first = False
        if state.status != "running":
            if out.mode == "json":
                out.jsonl({"event": "end", "run": state.run, "status": state.status})
            else:
                out.note(f"{short(state.run, state.slug)} is {state.status}")
            return
        time.sleep(_POLL_S)
