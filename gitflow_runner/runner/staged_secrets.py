"""Whether what a commit is about to hold has the value of a known secret in it, whatever the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.git.program import GitProgram

MAX_BYTES: Final = 16 * 1024 * 1024  # of one file; a longer one is looked at as far as that


def staged_secrets(git: GitProgram, redactor: Redactor) -> Iterator[tuple[str, int]]:
    """(path, line) of the first place in each staged file; `git` works in the work tree."""
    options = ("--cached", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--diff-filter=d")
    listed = git.attempt("diff", *options).stdout.decode("utf-8", "surrogateescape")
    for path in listed.split("\0"):
        if not path:
            continue
        found = git.attempt("cat-file", "blob", f":{path}")
        data = found.stdout[:MAX_BYTES] if found.code == 0 else b""
        if redactor.holds(data) or redactor.holds(path.encode("utf-8", "surrogateescape")):
            lines = (n for n, line in enumerate(data.split(b"\n"), 1) if redactor.holds(line))
            yield path, next(lines, 1)
