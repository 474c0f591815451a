"""The entry of every hook that judges: `python -m gitflow_runner.hooks HOOK ARGUMENTS`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gitflow_runner.errors import GitflowError
from gitflow_runner.hooks.registry import find_judge
from gitflow_runner.runner.hook_call import HookCall, Judgement, told

_MOST = 20  # what more there is to say is only counted
_READS = ("pre-push", "pre-receive", "gates")


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge and exit: 0 lets Git go on, 1 stops it."""
    hook, *rest = (list(sys.argv[1:] if arguments is None else arguments)) or [""]
    try:
        given = sys.stdin.buffer.read() if hook in _READS else b""
        call = HookCall(Path.cwd(), dict(os.environ), tuple(rest), given)
        judgement = find_judge(hook)(call)
    except GitflowError as error:
        judgement = Judgement((told(hook, error),))
    sys.stderr.write("".join(_lines(judgement)))
    sys.exit(1 if judgement.refusals else 0)


def _lines(judgement: Judgement) -> list[str]:
    lines = [f"gfr: note: {text}\n" for text in judgement.remarks[:_MOST]]
    lines += [f"gfr: {text}\n" for text in judgement.refusals[:_MOST]]
    left = len(judgement.refusals) - _MOST
    return [*lines, f"gfr: and {left} more\n"] if left > 0 else lines


if __name__ == "__main__":
    main()
