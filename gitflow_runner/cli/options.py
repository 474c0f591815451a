"""What every command accepts, and how a command gets its `Output` and its `Service`."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from gitflow_runner.cli.output import Output


def shared(function: Callable[..., int | None]) -> Callable[..., int]:
    """Give a command the common flags; the function is called with `out` first."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON envelope, on failure too.")
    @click.option("--plain", is_flag=True, help="Print tab-separated rows even on a terminal.")
    @click.option("--color", "colour", type=click.Choice(["auto", "always", "never"]), default="auto")
    @click.option("-q", "--quiet", is_flag=True, help="Print ids only.")
    @functools.wraps(function)
    def wrapped(*, as_json: bool, plain: bool, colour: str, quiet: bool, **given: object) -> int:
        out = Output.choose(
            as_json=as_json,
            plain=plain,
            colour=None if colour == "auto" else colour,
            quiet=quiet,
            environment=os.environ,
            stdout=sys.stdout,
            stderr=sys.stderr,
        )
        spoken = click.get_current_context().find_object(list)
        if spoken is not None:
            spoken.append(out)  # an error is told in the way, and with the masks, of the command that met it
        return function(out, **given) or 0

    return wrapped


def may_ask() -> bool:
    """Whether a person can be asked: both ends are terminals and nothing says otherwise."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def here() -> Path:
    """The directory that the command works in."""
    return Path.cwd()
