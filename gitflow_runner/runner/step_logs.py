"""What the attempts of a run logged: of ended ones from its tree, of running ones from this clone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitflow_runner.errors import NotFoundError
from gitflow_runner.git.objects import TreeEntry
from gitflow_runner.ledger.chain import read_history
from gitflow_runner.ledger.listing import RunRef
from gitflow_runner.model.event import StepFailed, StepStarted
from gitflow_runner.runner.runtime import Runtime

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line; `at` (ms) is to the second, None for one that carries no time of its own."""

    at: int | None
    text: str


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """One attempt's lines, oldest first."""

    folder: str
    attempt: int
    step: str  # the identity
    failed: bool
    lines: tuple[LogLine, ...]

    @property
    def name(self) -> str:
        """`<step folder>.<attempt>`."""
        return f"{self.folder}.{self.attempt}"


def attempt_logs(
    runtime: Runtime,
    at: RunRef,
    *,
    step: str | None = None,
    attempt: int | None = None,
    failed: bool = False,
    since: int | None = None,
) -> Sequence[AttemptLog]:
    """The logs of a run in the order of its steps, narrowed down; `NotFoundError` (`step.unknown`).

    `step` is an identity, a folder or a part of one; `failed` leaves only attempts that failed; `since` (ms)
    leaves only lines from then on.
    """
    started: dict[tuple[str, int], tuple[str, int]] = {}
    ended_badly: set[tuple[str, int]] = set()
    for recorded in read_history(runtime.repository, at.tip):
        match recorded.event:
            case StepStarted() as event:
                started[event.folder, event.attempt] = (event.identity, recorded.at)
            case StepFailed() as event:
                ended_badly.add((event.folder, event.attempt))
            case _:
                pass
    now = runtime.clock.now_ms()
    found: list[AttemptLog] = []
    for name, data in sorted(_texts(runtime, at).items()):
        folder, number = _parts(name)
        key = (folder, number)
        identity, began = started.get(key, (folder.partition("-")[2], now))
        lines = tuple(_line(text, began) for text in data.decode("utf-8", "replace").splitlines())
        found.append(AttemptLog(folder, number, identity, key in ended_badly, lines))
    if step is not None and not any(_means(log, step) for log in found):
        raise NotFoundError(
            "step.unknown", f"run {at.run} has no logs of a step {step!r}", fix=(f"gfr show {at.run}",)
        )
    wanted = [
        log
        for log in found
        if (step is None or _means(log, step))
        and (attempt is None or log.attempt == attempt)
        and (log.failed or not failed)
    ]
    return [log for log in (_from(log, since) for log in wanted) if log.lines]


def _texts(runtime: Runtime, at: RunRef) -> dict[str, bytes]:
    reader = runtime.repository
    folder = reader.entry(reader.commit(at.tip).tree, "logs")
    found = {entry.name: reader.blob(entry.oid) for entry in _files(runtime, folder)}
    live = runtime.local.root / "live" / at.run
    for path in sorted(live.glob("*.log")) if live.is_dir() else ():
        try:
            found.setdefault(path.name, path.read_bytes())
        except FileNotFoundError:
            continue  # its attempt has ended meanwhile; the next look finds it in the tree
    return found


def _files(runtime: Runtime, folder: TreeEntry | None) -> Iterator[TreeEntry]:
    """What is below `logs/`: in shards, and beside them the logs of turns from before there were any."""
    for entry in runtime.repository.tree(folder.oid) if folder is not None else ():
        if entry.is_tree:
            yield from _files(runtime, entry)
        else:
            yield entry


def _parts(name: str) -> tuple[str, int]:
    folder, _, number = name.removesuffix(".log").rpartition(".")
    return folder, int(number) if number.isdigit() else 0


def _means(log: AttemptLog, typed: str) -> bool:
    return typed in (log.step, log.folder) or typed in log.folder


def _line(text: str, began: int) -> LogLine:
    clock, space, _ = text.partition(" ")
    parts = clock.split(":")
    if not space or len(parts) != 3 or not all(len(p) == 2 and p.isdigit() for p in parts):
        return LogLine(None, text)
    # A line carries the time of day only; the day is that of the attempt's begin, or the next one.
    hours, minutes, seconds = (int(part) for part in parts)
    moment = began - began % _DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1_000
    return LogLine(moment if moment + 1_000 > began else moment + _DAY_MS, text)


def _from(log: AttemptLog, since: int | None) -> AttemptLog:
    if since is None:
        return log
    kept: list[LogLine] = []
    for line in log.lines:
        # A line without a time belongs to the one before it.
        if (line.at is None and kept) or (line.at is not None and line.at >= since - since % 1_000):
            kept.append(line)
    return AttemptLog(log.folder, log.attempt, log.step, log.failed, tuple(kept))
