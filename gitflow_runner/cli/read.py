"""Code of the language read for editors: forms and their spans, as JSON."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.errors import GitflowError, NotFoundError
from gitflow_runner.lang.outline import outline
from gitflow_runner.lang.source import MAX_FILE_BYTES, too_large_file
from gitflow_runner.runner.stack import on_big_stack


@click.command(name="read")
@click.argument("file")
@shared
def read(out: Output, file: str) -> int:
    """Print the forms of FILE (`-` is stdin) as JSON with their spans; always one envelope.

    Example: gfr read .breyta/flows/hello.edn
    """
    out.mode = "json"
    try:
        data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1) if file == "-" else _file_bytes(Path(file))
        if len(data) > MAX_FILE_BYTES:
            raise too_large_file(file)
        forms = on_big_stack(lambda: outline(data, None if file == "-" else file))
    except GitflowError as error:
        out.error(error)
        return error.exit_code
    out.result("gfr/read/1", {"file": file, "forms": forms})
    return 0


def _file_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise NotFoundError("file.unreadable", f"{path} cannot be read: {error.strerror}") from None
