"""The version, for whoever asks before anything else: nothing of the runner is loaded."""

from __future__ import annotations

import click

from gitflow_runner import __version__
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output


@click.command(name="version")
@shared
def version(out: Output) -> None:
    """Print the version."""
    out.result("gfr/version/1", {"version": __version__}, text=[__version__], ids=[__version__])
