"""Housekeeping by whoever has just finished driving: small packs folded together, refs packed.

Every turn leaves one small pack, and a repository with thousands of them is slow to read. What is done
here loses nothing at any moment: other processes go on reading and writing meanwhile.
"""

from __future__ import annotations

from gitflow_runner.errors import ConflictError, GitflowError
from gitflow_runner.git.maintenance import (
    PACKS_AT_MOST,
    count_packs,
    fold_packs,
    pack_refs,
    remove_leftovers,
    survey,
)
from gitflow_runner.git.stale_locks import SHARED_AGE, clear_other_locks, is_shared
from gitflow_runner.ledger.lease import hold_maintenance
from gitflow_runner.runner.runtime import Runtime

LOCK_STEP_MS = 1_000


def after_driving(runtime: Runtime) -> bool:
    """Fold packs if many came together; True if it was done. Costs one look at a folder if not."""
    if count_packs(runtime.repository.common_dir) < PACKS_AT_MOST:
        return False
    return when_idle(runtime)


def when_idle(runtime: Runtime) -> bool:
    """Do whatever is due; True if something was. Only one process at a time: the others leave it to that.

    A failure is told and stops nothing: a slow repository is still a whole one.
    """
    common_dir = runtime.repository.common_dir
    found = survey(common_dir)
    if not found.objects_due and not found.refs_due:
        return False
    try:
        with hold_maintenance(common_dir, runtime.who):
            if found.objects_due:
                fold_packs(runtime.git, dedicated=False)
            if found.refs_due:
                pack_refs(runtime.git)
            remove_leftovers(common_dir, runtime.clock.now_ms() / 1_000)
    except ConflictError:
        return False
    except GitflowError as error:
        runtime.say(f"the repository could not be tidied: {error.message}")
        return False
    return True


def wait_out_locks(runtime: Runtime) -> bool:
    """Remove lock files that dead processes left on shared refs, waiting until they are old enough to go.

    True if one was removed. A lock that a living process has open, or that is not ours to remove, is left.
    """
    clock, common_dir = runtime.clock, runtime.repository.common_dir
    deadline = clock.monotonic_ms() + int(SHARED_AGE * 1_000) + LOCK_STEP_MS
    try:
        with hold_maintenance(common_dir, runtime.who):
            while not runtime.stop():
                now = clock.now_ms() / 1_000
                cleared = clear_other_locks(common_dir, now, now - clock.monotonic_ms() / 1_000)
                if cleared.removed:
                    return True
                if not any(is_shared(lock) for lock in cleared.kept) or clock.monotonic_ms() > deadline:
                    return False
                clock.pause(LOCK_STEP_MS)
    except ConflictError:
        pass
    return False
