"""The record of a slot, the same over every repository."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitflow_runner.engine.admission import leave, rejoin
from gitflow_runner.errors import DamagedError, RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger.journal import Journal
from gitflow_runner.ledger.slots import SlotRecord, read_slot
from gitflow_runner.model.slot import Slot, SlotEntry
from tests.repositories import repositories
from tests.run_histories import COMMITTER, REF, SLUG, T0, first_turn

DIGEST = "d" * 64


@pytest.fixture(params=["memory", "pygit"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return repositories(request.param, tmp_path)


def record(repository: Repository, digest: str = DIGEST) -> SlotRecord:
    return SlotRecord(repository, COMMITTER, SLUG, digest, lambda ref, tip: None)


def entry(run: str) -> SlotEntry:
    return SlotEntry(run, "v1", "drain", T0)


def entered(repository: Repository, run: str) -> Slot:
    return record(repository).update(lambda slot: rejoin(slot, entry(run), holding=False), T0)


def left(repository: Repository, run: str) -> Slot:
    return record(repository).update(lambda slot: leave(slot, frozenset((run,)), T0 + 5), T0 + 5)


def test_what_was_written_is_read_and_the_last_to_leave_takes_the_ref_along(repository: Repository) -> None:
    assert record(repository).read() == (None, Slot())
    entered(repository, "a")
    slot = entered(repository, "b")
    tip, read = record(repository).read()
    assert read == slot
    assert [each.run for each in read.entries] == ["a", "b"]
    assert tip is not None
    assert repository.commit(tip).message == f"slot of {SLUG}: rejoined b\n"
    assert [each.run for each in left(repository, "a").holders] == ["b"]
    assert left(repository, "b").is_empty
    assert repository.resolve(record(repository).ref) is None
    assert left(repository, "b") == Slot(), "leaving twice does nothing"


def test_refs_that_follow_move_in_the_same_swap_or_not_at_all(repository: Repository) -> None:
    entered(repository, "a")
    tip = record(repository).read()[0]
    assert tip is not None
    other = "refs/heads/beside"
    repository.swap([RefUpdate(other, None, tip)])
    looks: list[Oid | None] = []

    def after() -> tuple[RefUpdate, ...]:
        found = repository.resolve(other)
        if not looks:
            # Somebody moves it between the look and the swap: all is decided again.
            repository.swap([RefUpdate(other, found, None)])
        looks.append(found)
        return () if found is None else (RefUpdate(other, found, None),)

    record(repository).update(lambda slot: leave(slot, frozenset("a"), T0), T0, after)
    assert looks == [tip, None]
    assert record(repository).read() == (None, Slot())


def test_many_enter_and_none_is_lost(repository: Repository) -> None:
    names = [f"run-{number}" for number in range(24)]

    def enter(mine: list[str]) -> None:
        for name in mine:
            entered(repository, name)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(enter, (names[start::4] for start in range(4))))
    slot = record(repository).read()[1]
    assert sorted(each.run for each in slot.entries) == sorted(names)
    assert len(slot.holders) == 1


def test_the_record_of_another_slot_is_not_read_as_this_one(repository: Repository) -> None:
    entered(repository, "a")
    tip = record(repository).read()[0]
    other = record(repository, "e" * 64)
    repository.swap([RefUpdate(other.ref, None, tip)])
    with pytest.raises(DamagedError) as caught:
        other.read()
    assert caught.value.code == "slot.malformed"


def test_what_is_no_slot_is_refused(repository: Repository) -> None:
    journal = Journal.create(repository, REF, COMMITTER, first_turn())
    with pytest.raises(DamagedError) as caught:
        read_slot(repository, journal.tip, f"{SLUG}/{DIGEST}")
    assert caught.value.code == "slot.malformed"


def test_the_signature_is_asked_for_before_anything_is_believed(repository: Repository) -> None:
    entered(repository, "a")

    def check(ref: str, tip: Oid) -> None:
        raise RefusedError("slot.untrusted", f"{ref} at {tip}")

    with pytest.raises(RefusedError):
        SlotRecord(repository, COMMITTER, SLUG, DIGEST, check).update(lambda slot: slot, T0)
