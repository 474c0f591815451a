"""The form of a commit message that makes a statement, checked before the commit is made."""

from __future__ import annotations

import re

from gitflow_runner.errors import RefusedError, TransientError
from gitflow_runner.git.child import Limits, run_child
from gitflow_runner.runner.hook_call import HookCall, Judgement, told
from gitflow_runner.trust.statement import parse_any

_SCISSORS = re.compile(rb"^. -{24} >8 -{24}\n.*", re.MULTILINE | re.DOTALL)
# What only a statement carries; a turn's or a release's trailers may be quoted in any commit.
_STATING = re.compile(rb"^gitflow-(statement|decision|act|nonce|policy-digest)[ \t]*:", re.I | re.MULTILINE)


def check_message(call: HookCall) -> Judgement:
    """Refuse a message that looks like a statement and would not count as one."""
    with (call.folder / call.arguments[0]).open("rb") as file:
        message = _cleaned(call, file.read(1024 * 1024))
    if _STATING.search(message) is None:
        return Judgement()
    try:
        parse_any(message)
    except RefusedError as refusal:
        hint = (
            "a statement's trailers stand together as the last paragraph, each once; `gfr show <run> <wait>` "
            "prints the whole message"
        )
        return Judgement((told("commit message", refusal) + f"\n  hint: {hint}",))
    return Judgement()


def _cleaned(call: HookCall, message: bytes) -> bytes:
    """The message as Git will keep it: no diff under the scissors, no comments."""
    kept = _SCISSORS.sub(b"", message)
    program = ["git", "stripspace", "--strip-comments"]
    done = run_child(program, call.folder, call.environment, kept, Limits(), interactive=False)
    if done.code != 0:
        raise TransientError("git.command_failed", f"git stripspace ended with {done.code}")
    return done.stdout
