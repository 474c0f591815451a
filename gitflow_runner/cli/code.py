"""Code of the language evaluated, outside of any flow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import BinaryIO

import click

from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.engine.names import HOST_NAMES
from gitflow_runner.errors import UsageError
from gitflow_runner.lang.batch import ENVIRONMENTS, MAX_LINE, Bench, too_long
from gitflow_runner.lang.fuel import Limits
from gitflow_runner.lang.source import decoded
from gitflow_runner.runner.stack import on_big_stack


@click.command(name="eval")
@click.argument("expression", required=False, metavar="[EXPR]")
@click.option("--env", "environment", type=click.Choice(sorted(ENVIRONMENTS)), default="function")
@click.option("--batch", is_flag=True, help='Read lines like {"expr": "(+ 1 2)"}, answer each with one line.')
@click.option("--fuel", type=click.IntRange(1), default=Limits().fuel, show_default=True, metavar="TICKS")
@shared
def eval_(out: Output, expression: str | None, environment: str, batch: bool, fuel: int) -> int:
    """Evaluate one expression as functions see it, or as a flow's body sees it; `-` reads it from stdin.

    Example: gfr eval '(map inc [1 2 3])'
    """
    bench = Bench(HOST_NAMES, Limits(fuel=fuel))
    if batch:
        if expression is not None:
            raise UsageError("usage.arguments", "--batch reads its expressions from stdin")
        on_big_stack(lambda: _answer_all(bench, sys.stdin.buffer, out))
        return 0
    if expression is None:
        raise UsageError("usage.arguments", "an expression is missing", fix=("gfr eval '(+ 1 2)'",))
    text = _stdin_text() if expression == "-" else expression
    value = on_big_stack(lambda: bench.printed(text, environment))
    out.result("gfr/eval/1", {"value": value, "env": environment}, text=[value], ids=[value])
    return 0


def _answer_all(bench: Bench, stream: BinaryIO, out: Output) -> None:
    for line in _lines(stream):
        answer = bench.answer(line) if len(line) <= MAX_LINE else too_long()
        out.stdout.write(answer + "\n")
        out.stdout.flush()  # the other side may ask its next question only then


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream; one that is too long is cut, but never taken for two."""
    while line := stream.readline(MAX_LINE + 2):
        rest = line
        while len(rest) > MAX_LINE + 1 and not rest.endswith(b"\n"):
            rest = stream.readline(MAX_LINE + 2)
        yield line.removesuffix(b"\n")


def _stdin_text() -> str:
    data = sys.stdin.buffer.read(MAX_LINE + 1)
    if len(data) > MAX_LINE:
        raise UsageError("eval.line_too_long", f"an expression may have {MAX_LINE:,} bytes at most")
    return decoded(data, None)
