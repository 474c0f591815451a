"""Files laid out regularly: written, checked, or shown as a difference."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path

import click

from gitflow_runner.cli.options import here, shared
from gitflow_runner.cli.output import Output, error_envelope
from gitflow_runner.runner.layout import LaidOut, layout_of, wanted_files
from gitflow_runner.runner.stack import leave, on_big_stack


@click.command(name="fmt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a file would change.")
@click.option(
    "--diff", "differ", is_flag=True, help="Change nothing; print what would change, exit as --check."
)
@shared
def fmt(out: Output, paths: Sequence[Path], check: bool, differ: bool) -> int:
    """Lay out flow files: those named, all below a folder, or all of .breyta/.

    Spaces and indentation become regular and long lines are broken; comments, discards and data stay.
    """
    files = list(wanted_files(paths, here()))
    found = on_big_stack(lambda: [layout_of(path) for path in files], leave)
    changed = [each for each in found if each.changes]
    bad = [each for each in found if each.error is not None]
    writes = not check and not differ
    for each in changed if writes else ():
        each.path.write_bytes(each.after.encode())
    for each in bad:
        if each.error is not None and out.mode != "json":
            out.error(each.error)
    _tell(out, found, changed, bad, writes=writes, differ=differ)
    return 1 if bad or (changed and not writes) else 0


def _tell(
    out: Output,
    found: Sequence[LaidOut],
    changed: Sequence[LaidOut],
    bad: Sequence[LaidOut],
    *,
    writes: bool,
    differ: bool,
) -> None:
    differences = [line for each in changed for line in _difference(each)] if differ else []
    word = "laid out" if writes else "would change"
    lines = differences or [f"{word} {each.path}" for each in changed]
    if out.mode == "text" and not differ:
        left = len(found) - len(changed) - len(bad)
        lines.append(f"{len(changed)} {word}, {left} in order" + (f", {len(bad)} unreadable" if bad else ""))
    out.result(
        "gfr/fmt/1",
        {
            "files": [str(each.path) for each in found],
            "changed": [str(each.path) for each in changed],
            "written": writes,
            "errors": [error_envelope(each.error)["error"] for each in bad if each.error is not None],
            **({"diff": "\n".join(differences)} if differ else {}),
        },
        text=lines,
        ids=[str(each.path) for each in changed],
    )


def _difference(each: LaidOut) -> list[str]:
    before, after = each.before.split("\n"), each.after.split("\n")
    return list(unified_diff(before, after, str(each.path), str(each.path), lineterm=""))
