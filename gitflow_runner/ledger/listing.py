"""All runs as their refs and tips tell them: newest first, and found by what a person types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from gitflow_runner.errors import GitflowError, NotFoundError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import REMOTES, RUNS, parse_remote_run_ref, parse_run_ref, runs_prefix
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.chain import read_run
from gitflow_runner.model.run import Run


@dataclass(frozen=True, slots=True)
class RunRef:
    """Where a run is recorded; `remote` is the clone it was fetched from, None for our own."""

    run: str
    slug: str
    ref: str
    tip: Oid
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run with the state of its tip; `problem` instead where the tip cannot be read."""

    at: RunRef
    state: Run | None
    problem: GitflowError | None = None


def run_refs(reader: ObjectReader, slug: str | None = None) -> tuple[RunRef, ...]:
    """All runs, or those of one flow, by their refs alone: newest first, our own before fetched ones."""
    found = []
    for name, tip in reader.refs(RUNS if slug is None else runs_prefix(slug)):
        own = parse_run_ref(name)
        if own is not None:
            found.append(RunRef(own.run_id, own.slug, name, tip))
    known = {run.run for run in found}
    for name, tip in reader.refs(REMOTES):
        fetched = parse_remote_run_ref(name)
        if fetched is not None and fetched.run_id not in known and slug in (None, fetched.slug):
            found.append(RunRef(fetched.run_id, fetched.slug, name, tip, fetched.remote))
    return tuple(sorted(found, key=lambda run: run.run, reverse=True))


def list_runs(reader: ObjectReader, *, slug: str | None = None, limit: int = 50) -> tuple[ListedRun, ...]:
    """The newest runs with their states; only their tips are read. One that is damaged is listed so."""
    return tuple(_listed(reader, run) for run in run_refs(reader, slug)[:limit])


def find_run(reader: ObjectReader, typed: str) -> RunRef:
    """The run whose id is `typed` or ends with it, alone or after `<slug>/`.

    `NotFoundError` (`run.unknown` with the nearest ids, `run.ambiguous` with the matches in `details`).
    """
    slug, _, suffix = typed.rpartition("/")
    runs = run_refs(reader)
    matches = [r for r in runs if suffix and r.run.endswith(suffix) and slug in ("", r.slug)]
    exact = [r for r in matches if r.run == suffix]
    if len({r.run for r in exact or matches}) == 1:
        return (exact or matches)[0]
    if matches:
        raise NotFoundError(
            "run.ambiguous",
            f"{len(matches)} runs end with {typed[:80]!r}: {_some(matches)}",
            hint="type more of the id, or <slug>/<end of the id>",
            details={"matches": [r.run for r in matches]},
        )
    nearest = _nearest(typed, runs)
    raise NotFoundError(
        "run.unknown",
        f"no run ends with {typed[:80]!r}" + (f"; nearest: {', '.join(nearest)}" if nearest else ""),
        fix=("gfr runs ls",),
        details={"nearest": nearest},
    )


def _listed(reader: ObjectReader, run: RunRef) -> ListedRun:
    try:
        return ListedRun(run, read_run(reader, run.tip))
    except GitflowError as problem:
        return ListedRun(run, None, problem)


def _some(runs: Sequence[RunRef]) -> str:
    return ", ".join(f"{r.slug}/{r.run}" for r in runs[:5]) + (", …" if len(runs) > 5 else "")


def _nearest(typed: str, runs: Sequence[RunRef]) -> list[str]:
    ends = {r.run[-6:]: r.run for r in reversed(runs)} | {r.run: r.run for r in runs}
    return [ends[end] for end in get_close_matches(typed.rpartition("/")[2].lower(), ends, n=3)]
