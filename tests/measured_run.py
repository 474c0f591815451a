"""One run in a process of its own that tells what memory it took; its arguments are a folder and a slug."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.service import Service
from gitflow_runner.runner.stack import on_big_stack


def _memory(what: str) -> int:
    """Bytes; not by getrusage, whose peak is at least that of the process that started this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def main(folder: str, slug: str) -> None:
    """Print `{run status start peak}`; in bytes; `start` is when all is loaded and no run begun."""
    service = Service(compose(Path(folder)))
    start = _memory("VmRSS")
    stood = on_big_stack(lambda: service.start(slug, "draft", {}, told=lambda *_: None), lambda: None)
    peak = _memory("VmHWM")
    told = {"run": stood.run.run, "status": stood.run.status, "start": start, "peak": peak}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
