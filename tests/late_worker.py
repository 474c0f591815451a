"""A worker process that looks once, by its own clock: `python -m tests.late_worker REPOSITORY MILLIS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gitflow_runner.runner.clock import ManualClock
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.worker import Worked, work_once


def _state(worked: Worked) -> str | None:
    if worked.problem is not None:
        return worked.problem.code
    return worked.stood.run.status if worked.stood is not None else None


if __name__ == "__main__":
    runtime = compose(Path(sys.argv[1]), clock=ManualClock(int(sys.argv[2])))
    done = on_big_stack(lambda: tuple(work_once(runtime)), lambda: None)
    sys.stdout.write(json.dumps({worked.run: _state(worked) for worked in done}) + "\n")
