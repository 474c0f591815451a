"""Which use case judges for which hook; it is imported when the hook is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gitflow_runner.errors import UsageError
from gitflow_runner.runner.hook_call import HookCall, Judgement

Judge = Callable[[HookCall], Judgement]

# hook: (module below gitflow_runner.runner, function). The other hooks are sh alone.
JUDGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pre-commit": ("staged", "check_staged"),
        "commit-msg": ("message_form", "check_message"),
        "pre-push": ("leaving", "check_leaving"),
        "pre-receive": ("receive", "judge_push"),
        "gates": ("gate_hook", "judge_gates"),  # the other half of pre-receive
    }
)


def find_judge(hook: str) -> Judge:
    """The use case of that hook; `UsageError` (`hooks.unknown`)."""
    found = JUDGES.get(hook)
    if found is None:
        raise UsageError("hooks.unknown", f"{hook[:40]!r} is none of {', '.join(JUDGES)}")
    judge: Judge = getattr(importlib.import_module(f"gitflow_runner.runner.{found[0]}"), found[1])
    return judge
