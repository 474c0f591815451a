"""Races, kills and syncs on a real disk: what was acknowledged is there, and what was not harms nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitflow_runner.git.command import GitCommand
from gitflow_runner.git.maintenance import fold_packs, pack_refs, remove_leftovers, survey
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.pygit import PygitRepository, open_repository
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.git.stale_locks import clear_run_locks
from tests.git_writers import SHARED, SystemClock, SystemJitter, turn_objects

ROOT = Path(__file__).parents[2]
WRITERS = ROOT / "tests" / "git_writers.py"
RUN = "refs/runs/demo/20251122-131402-7k3m9q"
LATER = 4_000_000_000.0  # a wall clock long after every file


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def init(path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(path)], check=True, capture_output=True)
    return path


def opened(path: Path) -> PygitRepository:
    return open_repository(path, SystemClock(), SystemJitter())


def command(repo: Path) -> GitCommand:
    return GitCommand(repo / ".git", dict(os.environ))


def start(mode: str, repo: Path, name: str, count: int) -> subprocess.Popen[str]:
    call = [sys.executable, str(WRITERS), mode, str(repo), name, str(count)]
    return subprocess.Popen(call, env=environment(), stdout=subprocess.PIPE, text=True)


def fsck(repo: Path) -> str:
    call = ["git", "-C", str(repo), "fsck", "--strict", "--full", "--no-dangling"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return "\n".join(x for x in (done.stdout + done.stderr).splitlines() if not x.startswith("notice:"))


def record_turns(repository: PygitRepository, count: int) -> list[Oid]:
    tips: list[Oid] = []
    for number in range(count):
        old = tips[-1] if tips else None
        objects = turn_objects(number, "turn", *tips[-1:])
        repository.write(objects)
        repository.swap([RefUpdate(RUN, old, objects[-1].oid)])
        tips.append(objects[-1].oid)
    return tips


@pytest.mark.parametrize("processes", [2, 8])
def test_racing_processes_lose_nothing(tmp_path: Path, processes: int) -> None:
    repo = init(tmp_path / "r")
    writers = [start("race", repo, f"p{number}", 64 // processes) for number in range(processes)]
    acknowledged = [line for writer in writers for line in writer.communicate(timeout=120)[0].split()]
    assert [writer.returncode for writer in writers] == [0] * processes
    repository = opened(repo)
    tip = repository.resolve(SHARED)
    assert tip is not None
    chain = list(repository.ancestors(tip, first_parent=True))
    assert sorted(chain) == sorted(acknowledged)
    assert len(chain) == 64


def test_packing_refs_and_objects_meanwhile_loses_nothing(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    git = command(repo)
    writers = [start("race", repo, f"p{number}", 40) for number in range(2)]
    while any(writer.poll() is None for writer in writers):
        pack_refs(git)
        fold_packs(git, dedicated=False)
    acknowledged = [line for writer in writers for line in writer.communicate(timeout=120)[0].split()]
    assert [writer.returncode for writer in writers] == [0, 0]
    repository = opened(repo)
    tip = repository.resolve(SHARED)
    assert tip is not None
    assert sorted(repository.ancestors(tip, first_parent=True)) == sorted(acknowledged)


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    acknowledged: list[str] = []
    for round_number in range(8):
        writer = start("drive", repo, RUN, 10_000)
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline().strip() for _ in range(5 + round_number)]
        writer.kill()
        acknowledged += [line for line in writer.communicate()[0].split("\n") if len(line) == 40]
        clear_run_locks(repo / ".git", [RUN], LATER)
    repository = opened(repo)
    tip = repository.resolve(RUN)
    assert tip is not None
    chain = list(repository.ancestors(tip, first_parent=True))
    assert set(acknowledged) <= set(chain)
    assert len(chain) <= len(acknowledged) + 8  # one durable turn a kill may not have been told
    for oid in chain:
        found = repository.entry(repository.commit(oid).tree, "run.json")
        assert found is not None
        assert repository.contains(found.oid)
    remove_leftovers(repo / ".git", LATER)
    assert fsck(repo) == ""


def test_a_turn_of_eight_objects_costs_five_syncs(tmp_path: Path, real_part: Callable[[str], str]) -> None:
    strace = real_part("strace")
    repo = init(tmp_path / "r")
    calls = []
    for count in (1, 21):
        log = tmp_path / f"trace{count}"
        call = [strace, "-f", "-e", "trace=fsync,fdatasync", "-o", str(log)]
        call += [sys.executable, str(WRITERS), "drive", str(repo), RUN, str(count)]
        done = subprocess.run(call, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0 and "ptrace" in done.stderr:
            pytest.skip("tracing is not permitted here")
        assert done.returncode == 0, done.stderr
        calls.append(len(re.findall(r"f(?:data)?sync\(", log.read_text())))
    assert calls[1] == 21 * 5
    assert calls[0] >= 5  # the first turn also syncs the folders that it makes


def test_git_finds_no_fault_with_packs_and_loose_objects(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    repository = opened(repo)
    tips = record_turns(repository, 30)
    repository.write([turn_objects(99, "loose")[0]])
    found = survey(repo / ".git")
    assert (found.packs, found.small_packs, found.loose_objects) == (30, 30, 1)
    assert fsck(repo) == ""
    log = subprocess.run(
        ["git", "-C", str(repo), "rev-list", RUN], capture_output=True, text=True, check=True
    ).stdout.split()
    assert log == tips[::-1]


@pytest.mark.parametrize("dedicated", [True, False])
def test_folding_packs_keeps_every_object_readable_even_in_an_open_repository(
    tmp_path: Path, dedicated: bool
) -> None:
    repo = init(tmp_path / "r")
    repository, bystander = opened(repo), opened(repo)
    first = record_turns(repository, 1)[0]
    assert bystander.contains(first)
    repository.swap([RefUpdate(RUN, first, None)])
    tips = record_turns(repository, 60)
    assert survey(repo / ".git").objects_due
    fold_packs(command(repo), dedicated=dedicated)
    after = survey(repo / ".git")
    assert after.packs == 1
    assert not after.objects_due
    for reader in (repository, bystander, opened(repo)):
        assert list(reader.ancestors(tips[-1], first_parent=True)) == tips[::-1]
        assert reader.entry(reader.commit(tips[30]).tree, "steps/00030-step/1.edn") is not None
    more = turn_objects(60, "more", tips[-1])
    repository.write(more)
    assert bystander.contains(more[-1].oid)
    assert fsck(repo) == ""


def test_packed_refs_are_found_moved_and_deleted(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    repository = opened(repo)
    tips = record_turns(repository, 2)
    pack_refs(command(repo))
    assert survey(repo / ".git").loose_refs == 0
    assert repository.resolve(RUN) == tips[1]
    assert list(repository.refs("refs/runs/")) == [(RUN, tips[1])]
    repository.swap([RefUpdate(RUN, tips[1], tips[0])])
    assert list(repository.refs("refs/runs/")) == [(RUN, tips[0])]
    repository.swap([RefUpdate(RUN, tips[0], None)])
    assert list(opened(repo).refs("refs/runs/")) == []


def test_leftovers_go_only_when_they_are_old(tmp_path: Path) -> None:
    repo = init(tmp_path / "r")
    pack = repo / ".git" / "objects" / "pack"
    (pack / "tmp_pack_123_0").write_bytes(b"x")
    (pack / "pack-1.keep").write_bytes(b"")
    now = (pack / "tmp_pack_123_0").stat().st_mtime
    assert remove_leftovers(repo / ".git", now + 60) == ()
    assert remove_leftovers(repo / ".git", now + 3_700) == (pack / "tmp_pack_123_0",)
    assert [path.name for path in pack.iterdir()] == ["pack-1.keep"]
