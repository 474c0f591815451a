"""Lock files that dead processes left: old and unused ones go, the rest is reported with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.stale_locks import all_locks, clear_other_locks, clear_run_locks

NOW = 1_700_000_000.0
RUN = "refs/runs/demo/20251122-131402-7k3m9q"
ACTIVE = "refs/runner/active/20251122-131402-7k3m9q"
SLOT = "refs/runner/slots/demo/" + "0" * 64
APPROVAL = "refs/approvals/20251122-131402-7k3m9q/00004-x/a"


def lock(folder: Path, name: str, age: float) -> Path:
    path = folder / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (NOW - age, NOW - age))
    return path


def test_only_old_locks_of_the_named_refs_go(tmp_path: Path) -> None:
    old, young, other = lock(tmp_path, RUN, 6), lock(tmp_path, ACTIVE, 4), lock(tmp_path, SLOT, 600)
    cleared = clear_run_locks(tmp_path, [RUN, ACTIVE, "refs/policy/chain"], NOW)
    assert [found.name for found in cleared.removed] == [RUN]
    assert [(found.name, found.age, found.kept_because) for found in cleared.kept] == [
        (ACTIVE, 4.0, "it is younger than 5 s")
    ]
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)


def test_a_lock_that_a_process_has_open_stays(tmp_path: Path) -> None:
    path = lock(tmp_path, RUN, 600)
    with path.open():
        cleared = clear_run_locks(tmp_path, [RUN], NOW)
        assert cleared.removed == ()
        assert cleared.kept[0].kept_because == "a process has it open"
    assert [found.path for found in clear_run_locks(tmp_path, [RUN], NOW).removed] == [path]


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        clear_run_locks(tmp_path, ["refs/../../precious"], NOW)
    assert caught.value.code == "ref.malformed"


@pytest.mark.parametrize(
    ("age", "booted_ago", "removed"), [(61, 60, True), (59, 60, False), (3_601, 10**6, True)]
)
def test_other_locks_go_when_older_than_this_boot_or_an_hour(
    tmp_path: Path, age: float, booted_ago: float, removed: bool
) -> None:
    lock(tmp_path, "packed-refs", age)
    lock(tmp_path, "refs/tags/flow/demo/v1", age)
    cleared = clear_other_locks(tmp_path, NOW, NOW - booted_ago)
    assert len(cleared.removed) == (2 if removed else 0)


def test_shared_refs_after_half_a_minute_and_other_people_s_never(tmp_path: Path) -> None:
    lock(tmp_path, SLOT, 31)
    lock(tmp_path, "refs/runner/kv/demo", 29)
    theirs = [APPROVAL, "refs/heads/main", "index", "HEAD", "refs/requests/new/x"]
    for name in theirs:
        lock(tmp_path, name, 10**6)
    assert len(all_locks(tmp_path, NOW)) == 7
    cleared = clear_other_locks(tmp_path, NOW, NOW - 10**7)
    assert [found.name for found in cleared.removed] == [SLOT]
    assert sorted(found.name for found in cleared.kept) == sorted([*theirs, "refs/runner/kv/demo"])
