"""Whether what a commit is about to hold has a secret in it, a known one or what is written like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from gitflow_runner.connections.lookalike import holds_token
from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.git.program import GitProgram

STAGED: Final = "secret.staged"
LOOKALIKE: Final = "secret.lookalike"
MAX_BYTES: Final = 16 * 1024 * 1024  # of one file; a longer one is looked at as far as that


@dataclass(frozen=True, slots=True)
class Found:
    """The first place in a staged file; `known` for the value of a secret, else it only looks like one."""

    path: str
    line: int
    known: bool


def staged_secrets(git: GitProgram, redactor: Redactor) -> Iterator[Found]:
    """At most one place a file; `git` works in the work tree."""
    options = ("--cached", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--diff-filter=d")
    listed = git.attempt("diff", *options).stdout.decode("utf-8", "surrogateescape")
    for path in listed.split("\0"):
        if not path:
            continue
        found = git.attempt("cat-file", "blob", f":{path}")
        data = found.stdout[:MAX_BYTES] if found.code == 0 else b""
        if redactor.holds(data) or redactor.holds(path.encode("utf-8", "surrogateescape")):
            yield Found(path, _first_line(data, redactor.holds) or 1, True)
        elif holds_token(data):
            yield Found(path, _first_line(data, holds_token) or 1, False)


def _first_line(data: bytes, holds: Callable[[bytes], bool]) -> int | None:
    return next((number for number, line in enumerate(data.split(b"\n"), 1) if holds(line)), None)
