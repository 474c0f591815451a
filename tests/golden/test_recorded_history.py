"""One recorded run, byte for byte: if this text changes, runs recorded before can no longer be trusted.

A difference here needs an upcaster or a new format, never a new golden file.
"""

from __future__ import annotations

from pathlib import Path

from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import Commit, Ident, Oid
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.model.event import RunSucceeded, StepFailed
from gitflow_runner.model.stored import Stored
from tests.run_histories import (
    COMMITTER,
    EMPTY_TREE,
    REF,
    T0,
    decision_seen,
    failure,
    first_turn,
    step_started,
    step_succeeded,
    wait_resolved,
    wait_turn,
)

RECORDED = Path(__file__).parent / "recorded_history.txt"


def told(repository: Repository, oid: Oid) -> str:
    """One commit as a reader of `git cat-file` and `git ls-tree -r` would see it."""
    commit = repository.commit(oid)
    raw = repository.read(oid).data.decode()
    files = "".join(f"{line}\n" for line in listed(repository, commit.tree, ""))
    texts = "".join(
        f"--- {name}\n{repository.blob(entry.oid).decode()}"
        for name in ("run.json", "events.jsonl")
        if (entry := repository.entry(commit.tree, name)) is not None
    )
    return f"=== {oid}\n{raw}--- files\n{files}{texts}"


def listed(repository: Repository, tree: Oid, prefix: str) -> list[str]:
    found = []
    for entry in repository.tree(tree):
        if entry.is_tree:
            found += listed(repository, entry.oid, f"{prefix}{entry.name}/")
        else:
            found.append(f"{entry.oid[:10]} {prefix}{entry.name}")
    return found


def test_a_run_is_recorded_byte_for_byte_as_ever(tmp_path: Path) -> None:
    repository = MemoryRepository(tmp_path)
    journal = Journal.create(repository, REF, COMMITTER, first_turn())
    start = step_started(1)
    journal.append(Turn((start,), T0 + 5))
    failed = StepFailed(start.identity, start.folder, 1, failure(1), True, T0 + 500, 310)
    journal.append(Turn((failed,), T0 + 315))
    journal.append(Turn((step_started(1, attempt=2, generation=1),), T0 + 500))
    journal.append(
        Turn((step_succeeded(1, attempt=2),), T0 + 512, files={"logs/00001-fetch-1.2.log": b"ok\n"})
    )
    opened = journal.append(wait_turn(2, T0 + 600))
    who = Ident("Bob", "bob@example.org", T0 // 1000 + 60, 60)
    approval = Commit(EMPTY_TREE.oid, (opened,), who, who, "approve\n").encode()
    repository.write([EMPTY_TREE, approval])
    seen = decision_seen(2, approval.oid)
    journal.append(Turn((seen, wait_resolved(2, counted=(approval.oid,))), T0 + 61_000, author=who))
    journal.append(Turn((RunSucceeded(Stored("{:sent 3}")),), T0 + 61_020))
    chain = reversed(list(repository.ancestors(journal.tip, first_parent=True)))
    text = "\n".join(told(repository, oid) for oid in chain)
    assert text == RECORDED.read_text()
