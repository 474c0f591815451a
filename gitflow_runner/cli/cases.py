"""The tests of flows, run in memory."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gitflow_runner.catalog.cases import SUFFIX
from gitflow_runner.catalog.loader import read_closure
from gitflow_runner.cli.options import shared
from gitflow_runner.cli.output import Output
from gitflow_runner.cli.session import Session
from gitflow_runner.errors import NotFoundError, UsageError
from gitflow_runner.runner.cases import Verdict, case_functions, run_cases
from gitflow_runner.runner.lint import flow_texts, slug_of, slugs
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.settings import work_tree_settings


@click.command(name="test")
@click.argument("names", nargs=-1, metavar="[SLUG]...")
@shared
def test(out: Output, names: tuple[str, ...]) -> int:
    """Run the tests of flows, .breyta/flows/<slug>.tests.edn: all, or those named. Exit 1 if one fails.

    Steps are mocked, functions are really evaluated; nothing is recorded and nothing is sent.
    """
    session = Session(out)
    runtime = session.service.runtime
    found = session.drive(lambda: _run(runtime, [slug_of(name) for name in names]))
    failed = [v for _, verdicts in found for v in verdicts if not v.passed]
    total = sum(len(verdicts) for _, verdicts in found)
    lines = [line for slug, verdicts in found for v in verdicts for line in _lines(out, slug, v)]
    lines.append(
        f"{out.mark('bad')} {len(failed)} of {total} tests failed"
        if failed
        else f"{out.mark('ok')} {total} tests passed"
    )
    items = [_data(slug, v) for slug, verdicts in found for v in verdicts]
    out.result(
        "gfr/test/1",
        {"passed": not failed, "items": items, "cursor": None, "total": total},
        text=lines,
        ids=[f"{i['flow']}: {i['name']}" for i in items if not i["passed"]],
    )
    return 1 if failed else 0


def _run(runtime: Runtime, named: Sequence[str]) -> list[tuple[str, tuple[Verdict, ...]]]:
    work_dir = runtime.repository.work_dir
    if work_dir is None:
        raise UsageError("draft.bare", "a bare repository has no work tree to test flows in")
    texts, limits = flow_texts(runtime), work_tree_settings(work_dir).limits
    found: list[tuple[str, tuple[Verdict, ...]]] = []
    functions = case_functions(runtime, limits.fuel)
    for slug in named or slugs(runtime):
        verdicts = run_cases(texts, slug, runtime.steps, limits, functions)
        if verdicts is not None:
            found.append((slug, verdicts))
        elif named:
            read_closure(texts, slug)  # a flow that is not there is told as such
            raise NotFoundError(
                "tests.none", f"{slug} has no tests", hint=f"write .breyta/flows/{slug}{SUFFIX}"
            )
    return found


def _lines(out: Output, slug: str, verdict: Verdict) -> list[str]:
    mark = out.mark("ok" if verdict.passed else "bad")
    word = "passed" if verdict.passed else "FAILED"
    place = "" if verdict.passed else f"  {verdict.case.place}"
    lines = [f"{mark} {word} {slug}: {verdict.case.name}{place}"]
    lines += [f"    {line}" for problem in verdict.problems for line in problem.split("\n")]
    if verdict.unused:
        lines.append(f"    {out.mark('warn')} nothing asked for {', '.join(verdict.unused)}")
    return lines


def _data(slug: str, verdict: Verdict) -> dict[str, object]:
    return {
        "flow": slug,
        "name": verdict.case.name,
        "passed": verdict.passed,
        "problems": list(verdict.problems),
        "path": list(verdict.path),
        "unused": list(verdict.unused),
        "at": verdict.case.place.as_json(),
    }
