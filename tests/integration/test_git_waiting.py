"""Waiting for locks, crashes in between, and what the disk says; all without a disk that misbehaves."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from gitflow_runner.errors import TransientError
from gitflow_runner.git.disk_errors import from_os_error, from_text
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import Oid, blob
from gitflow_runner.git.pygit import PATIENCE_MS, open_repository
from gitflow_runner.git.repository import RefUpdate

RUN = "refs/runs/demo/20251122-131402-7k3m9q"
ACTIVE = "refs/runner/active/20251122-131402-7k3m9q"


class SteppingClock:
    """Time that passes only by sleeping; at `until` it calls `then` once."""

    def __init__(self, until: int = -1, then: Path | None = None) -> None:
        self.now = 0
        self.slept: list[int] = []
        self._until = until
        self._then = then

    def monotonic_ms(self) -> int:
        return self.now

    def sleep_ms(self, duration_ms: int) -> None:
        self.slept.append(duration_ms)
        self.now += duration_ms
        if self._then is not None and self.now >= self._until:
            self._then.unlink(missing_ok=True)


class Fixed:
    """The same fraction always."""

    def fraction(self) -> float:
        return 0.0


def init(path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(path)], check=True, capture_output=True)
    return path


def lock_of(repo: Path, name: str) -> Path:
    lock = repo / ".git" / f"{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    return lock


def test_a_lock_that_goes_away_in_time_only_delays(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    clock = SteppingClock(until=100, then=lock_of(repo, RUN))
    repository = open_repository(repo, clock, Fixed())
    item = blob(b"x")
    repository.write([item])
    repository.swap([RefUpdate(RUN, None, item.oid)])
    assert repository.resolve(RUN) == item.oid
    assert 100 <= clock.now < 200
    assert clock.slept == sorted(clock.slept)


def test_a_lock_that_stays_is_an_error_after_two_seconds_and_moves_nothing(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    lock = lock_of(repo, RUN)
    clock = SteppingClock()
    repository = open_repository(repo, clock, Fixed())
    item = blob(b"x")
    repository.write([item])
    with pytest.raises(TransientError) as caught:
        repository.swap([RefUpdate(ACTIVE, None, item.oid), RefUpdate(RUN, None, item.oid)])
    assert caught.value.code == "git.ref_locked"
    assert caught.value.details["ref"] == RUN
    assert PATIENCE_MS <= clock.now < PATIENCE_MS + 100
    assert repository.resolve(ACTIVE) is None
    lock.unlink()
    repository.swap([RefUpdate(ACTIVE, None, item.oid), RefUpdate(RUN, None, item.oid)])
    assert repository.resolve(RUN) == item.oid


def test_a_failed_swap_leaves_no_lock_behind(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    lock_of(repo, RUN)
    repository = open_repository(repo, SteppingClock(), Fixed())
    item = blob(b"x")
    repository.write([item])
    with pytest.raises(TransientError):
        repository.swap([RefUpdate(ACTIVE, None, item.oid), RefUpdate(RUN, None, item.oid)])
    locks = [path.name for path in (repo / ".git" / "refs").rglob("*.lock")]
    assert locks == [Path(RUN).name + ".lock"]


def test_a_message_with_line_breaks_and_an_always_written_reflog_do_no_harm(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    subprocess.run(["git", "-C", str(repo), "config", "core.logAllRefUpdates", "always"], check=True)
    repository = open_repository(repo, SteppingClock(), Fixed())
    item = blob(b"x")
    repository.write([item])
    repository.swap([RefUpdate(RUN, None, item.oid)], message="one\ntwo\x1b[31m" + "x" * 500)
    log = (repo / ".git" / "logs" / RUN).read_text()
    assert log.count("\n") == 1
    assert "one two [31m" in log


@pytest.mark.parametrize("stop_at", range(5))
def test_a_crash_leaves_a_prefix_of_the_moves(tmp_path: Path, stop_at: int) -> None:
    seen: list[str] = []

    def crash(label: str) -> None:
        if len(seen) == stop_at:
            raise KeyboardInterrupt
        seen.append(label)

    repository = MemoryRepository(tmp_path, before_write=crash)
    item = blob(b"x")
    names = [ACTIVE, RUN, "refs/policy/chain"]
    wanted = [f"object blob {item.oid}", *(f"ref {name}" for name in names)]
    try:
        repository.write([item])
        repository.swap([RefUpdate(name, None, item.oid) for name in names])
    except KeyboardInterrupt:
        pass
    assert seen == wanted[:stop_at]
    moved = [name for name in names if repository.resolve(name) == Oid(item.oid)]
    assert moved == names[: max(0, stop_at - 1)]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "git.disk_full"),
        (errno.EDQUOT, "git.disk_full"),
        (errno.EROFS, "git.read_only"),
        (errno.EACCES, "git.read_only"),
        (errno.EIO, "git.write_failed"),
    ],
)
def test_system_errors_have_codes(number: int, code: str) -> None:
    error = OSError(number, os.strerror(number))
    assert from_os_error(error, "writing").code == code
    told = from_text(f"failed to create locked file 'x': {os.strerror(number)}", "writing")
    assert (told.code if told else "git.write_failed") == code
