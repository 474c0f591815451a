"""A whole run has no findings; every lie that a writer could record has one, by any reader."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gitflow_runner.git.dulwich import DulwichReader
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import BLOB_MODE, Commit, Oid, TreeEntry, blob, encode_tree
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger.blobs import RunBlobs
from gitflow_runner.ledger.fsck import Finding, verify_run
from gitflow_runner.ledger.journal import Journal, Turn
from gitflow_runner.ledger.store import BlobStore
from gitflow_runner.model.event import RunSucceeded
from gitflow_runner.model.stored import Stored
from tests.repositories import repositories
from tests.run_histories import (
    COMMITTER,
    EMPTY_TREE,
    REF,
    T0,
    decision_seen,
    first_turn,
    step_started,
    step_succeeded,
    wait_resolved,
    wait_turn,
)


def trusted(oid: Oid, raw: bytes) -> None:
    return None


def recorded(repository: Repository) -> Journal:
    journal = Journal.create(repository, REF, COMMITTER, first_turn())
    journal.append(Turn((step_started(1),), T0 + 5))
    RunBlobs(journal, BlobStore(repository.common_dir)).put(b"large", "text/plain")
    journal.append(Turn((step_succeeded(1), step_started(2), step_succeeded(2)), T0 + 1_017))
    opened = journal.append(wait_turn(3, T0 + 2_000))
    who = COMMITTER.at(T0)
    approval = Commit(EMPTY_TREE.oid, (opened,), who, who, "approve\n").encode()
    repository.write([EMPTY_TREE, approval])
    journal.append(
        Turn((decision_seen(3, approval.oid), wait_resolved(3, counted=(approval.oid,))), T0 + 3_000)
    )
    journal.append(Turn((RunSucceeded(Stored("{:sent 3}")),), T0 + 4_000))
    return journal


@pytest.mark.parametrize("adapter", ["memory", "pygit"])
def test_a_whole_run_has_no_findings(adapter: str, tmp_path: Path) -> None:
    repository = repositories(adapter, tmp_path)
    recorded(repository)
    assert verify_run(repository, REF, trusted) == ()


def test_the_second_reader_agrees(tmp_path: Path) -> None:
    recorded(repositories("pygit", tmp_path))
    with closing(DulwichReader(tmp_path / "r.git")) as reader:
        assert verify_run(reader, REF, trusted) == ()


def test_every_turn_is_shown_to_the_signature_check(tmp_path: Path) -> None:
    repository = repositories("memory", tmp_path)
    journal = recorded(repository)
    seen: list[Oid] = []

    def refuse(oid: Oid, raw: bytes) -> Finding:
        seen.append(oid)
        assert repository.read(oid).data == raw
        return Finding("untrusted_run", oid, "an unknown key")

    codes = [finding.code for finding in verify_run(repository, REF, refuse)]
    assert seen == list(repository.ancestors(journal.tip, first_parent=True))
    assert codes == ["untrusted_run"] * 6


def with_file(repository: Repository, tree: Oid, path: str, data: bytes | None) -> Oid:
    """The tree with one file replaced, or removed if `data` is None."""
    name, _, rest = path.partition("/")
    entries = {entry.name: entry for entry in repository.tree(tree)}
    if rest:
        inner = with_file(repository, entries[name].oid, rest, data)
        entries[name] = replace(entries[name], oid=inner)
    elif data is None:
        del entries[name]
    else:
        item = blob(data)
        repository.write([item])
        entries[name] = TreeEntry(name, BLOB_MODE, item.oid)
    item = encode_tree(entries.values())
    repository.write([item])
    return item.oid


def retold(repository: Repository, back: int, change: Callable[[Commit], Commit]) -> tuple[str, ...]:
    """The findings once the turn `back` turns before the tip is changed and the rest built on it."""
    chain = list(repository.ancestors(repository.resolve(REF), first_parent=True))  # type: ignore[arg-type]
    old_tip = chain[0]
    new = None
    renamed: dict[Oid, Oid] = {}
    for position, oid in reversed(list(enumerate(chain))):
        commit = repository.commit(oid)
        if new is not None:
            commit = replace(commit, parents=(new, *commit.parents[1:]))
        if position == back:
            commit = change(commit)
        for before, after in renamed.items():  # a liar would name the new wait commit
            commit = replace(commit, message=commit.message.replace(before, after))
        item = commit.encode()
        repository.write([item])
        new = renamed[oid] = item.oid
    repository.swap([RefUpdate(REF, old_tip, new)])
    return tuple(finding.code for finding in verify_run(repository, REF, trusted))


@pytest.fixture
def repository(tmp_path: Path) -> MemoryRepository:
    found = MemoryRepository(tmp_path)
    recorded(found)
    return found


STEP = "steps/000/00001-fetch-1/output.edn"


@pytest.mark.parametrize(
    ("back", "path", "data", "codes"),
    [
        (0, "run.json", b'{\n"format":1\n}\n', ("run.malformed",)),
        (3, STEP, b"{:status 500}", ("history.value",)),
        (3, STEP, None, ("history.value",)),
        (5, "input.edn", b"{:n 2}", ("history.value",)),
        (5, "pin.json", b"{}\n", ("pin.digest",)),
        (2, "wait/payload.edn", b"{}\n", ("wait.payload",)),
        (3, "events.jsonl", b"", ("history.malformed",)),
        (3, "events.jsonl", None, ("history.malformed",)),
    ],
)
def test_a_changed_file_is_found(
    repository: MemoryRepository, back: int, path: str, data: bytes | None, codes: tuple[str, ...]
) -> None:
    found = retold(repository, back, lambda c: replace(c, tree=with_file(repository, c.tree, path, data)))
    assert found == codes


def test_a_state_that_is_not_the_fold_is_found(repository: MemoryRepository) -> None:
    def richer(commit: Commit) -> Commit:
        text = repository.blob(repository.entry(commit.tree, "run.json").oid)  # type: ignore[union-attr]
        changed = text.replace(b'"steps_done":2', b'"steps_done":3')
        return replace(commit, tree=with_file(repository, commit.tree, "run.json", changed))

    assert retold(repository, 3, richer) == ("run.state",)


def test_an_event_that_is_not_in_our_form_is_found(repository: MemoryRepository) -> None:
    def spaced(commit: Commit) -> Commit:
        text = repository.blob(repository.entry(commit.tree, "events.jsonl").oid)  # type: ignore[union-attr]
        changed = text.replace(b'"took_ms":12', b'"took_ms": 12', 1)
        return replace(commit, tree=with_file(repository, commit.tree, "events.jsonl", changed))

    assert retold(repository, 3, spaced) == ("history.canonical",)


def test_a_large_value_under_a_wrong_name_is_found(repository: MemoryRepository) -> None:
    sha256 = repository.tree(repository.entry(head_tree(repository), "res").oid)[0].name  # type: ignore[union-attr]
    found = retold(
        repository, 0, lambda c: replace(c, tree=with_file(repository, c.tree, f"res/{sha256}", b"forged"))
    )
    assert found == ("res.digest",)


def head_tree(repository: Repository) -> Oid:
    return repository.commit(repository.resolve(REF)).tree  # type: ignore[arg-type]


def test_a_trailer_that_tells_another_story_is_found(repository: MemoryRepository) -> None:
    def lying(commit: Commit) -> Commit:
        return replace(commit, message=commit.message.replace("Status: running", "Status: succeeded"))

    assert retold(repository, 4, lying) == ("trailer_mismatch",)


def test_a_time_that_is_not_the_events_is_found(repository: MemoryRepository) -> None:
    def late(commit: Commit) -> Commit:
        return replace(commit, committer=COMMITTER.at(T0 + 90_000))

    assert retold(repository, 4, late) == ("clock",)


def test_an_approval_that_is_no_parent_is_found(repository: MemoryRepository) -> None:
    assert retold(repository, 1, lambda c: replace(c, parents=c.parents[:1])) == ("parents",)


def test_a_first_turn_with_a_strange_parent_is_found(repository: MemoryRepository) -> None:
    stranger = Commit(EMPTY_TREE.oid, (), COMMITTER.at(T0), COMMITTER.at(T0), "x\n").encode()
    repository.write([EMPTY_TREE, stranger])
    assert retold(repository, 5, lambda c: replace(c, parents=(stranger.oid,))) == ("parents",)


def test_a_turn_left_out_is_found(repository: MemoryRepository) -> None:
    def skipping(commit: Commit) -> Commit:
        return replace(commit, parents=repository.commit(commit.parents[0]).parents)

    assert retold(repository, 3, skipping) == ("history.gap",)


def test_a_missing_object_makes_the_run_incomplete(tmp_path: Path) -> None:
    whole = MemoryRepository(tmp_path)
    journal = recorded(whole)
    missing = whole.entry(whole.commit(journal.tip).tree, "proof/policy.edn")
    assert missing is not None

    class Holed(MemoryRepository):
        def read(self, oid: Oid):  # type: ignore[no-untyped-def]
            return whole.read(oid) if oid != missing.oid else super().read(oid)

        def resolve(self, ref: str) -> Oid | None:
            return whole.resolve(ref)

        def contains(self, oid: Oid) -> bool:
            return whole.contains(oid)

    found = verify_run(Holed(tmp_path), REF, trusted)
    assert {f.code for f in found} == {"incomplete"}


def test_an_unknown_run_and_one_under_anothers_name_are_found(repository: MemoryRepository) -> None:
    other = "refs/runs/invoice-sync/20251122-131402-zzzzzz"
    assert [f.code for f in verify_run(repository, other, trusted)] == ["run.unknown"]
    repository.swap([RefUpdate(other, None, repository.resolve(REF))])
    assert [f.code for f in verify_run(repository, other, trusted)] == ["run.ref"]


def test_what_was_verified_before_is_not_looked_at_again(repository: MemoryRepository) -> None:
    chain = list(repository.ancestors(repository.resolve(REF), first_parent=True))  # type: ignore[arg-type]
    seen: list[Oid] = []
    for since in range(len(chain)):
        seen.clear()
        assert verify_run(repository, REF, lambda oid, raw: seen.append(oid), since=chain[since]) == ()
        assert seen == chain[:since]


def test_a_run_that_lost_what_was_verified_is_found(repository: MemoryRepository) -> None:
    verified = repository.resolve(REF)
    retold(repository, 4, lambda c: replace(c, committer=COMMITTER.at(T0 + 90_000)))
    found = verify_run(repository, REF, trusted, since=verified)
    assert [f.code for f in found] == ["history_rewritten"]
