"""The key-value store keeps its promises over every repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import DamagedError, RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import kv_ref
from gitflow_runner.git.repository import RefUpdate, Repository
from gitflow_runner.ledger.kv import Entry, KvScope, check_entries, history, scope_names
from tests.repositories import StillClock, repositories
from tests.run_histories import COMMITTER, T0


@pytest.fixture(params=["memory", "pygit"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    return repositories(request.param, tmp_path)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(T0)


def scope(
    repository: Repository, clock: StillClock, name: str = "invoice-sync", told: list[Oid] | None = None
) -> KvScope:
    wrote = [] if told is None else told
    ref = kv_ref(name)
    return KvScope(repository, COMMITTER, name, clock.now_ms, lambda: repository.resolve(ref), wrote.append)


def put(kv: KvScope, key: str, text: str, idempotency_key: str, expires_at: int | None = None) -> str:
    return kv.update(key, idempotency_key, lambda old: (Entry(text, expires_at), old.text if old else "nil"))


def test_what_was_put_is_read_back(repository: Repository, clock: StillClock) -> None:
    kv = scope(repository, clock)
    assert kv.get("a") is None
    assert put(kv, "a", "1", "k1") == "nil"
    assert put(kv, "a", "2", "k2") == "1"
    assert scope(repository, clock).get("a") == Entry("2")


def test_a_repeated_write_changes_nothing_and_hears_its_first_answer(
    repository: Repository, clock: StillClock
) -> None:
    kv = scope(repository, clock)
    put(kv, "n", "1", "k1")
    before = repository.resolve(kv_ref("invoice-sync"))
    assert put(kv, "n", "99", "k1") == "nil"
    assert repository.resolve(kv_ref("invoice-sync")) == before
    assert kv.get("n") == Entry("1")


def test_a_repeat_is_known_after_others_wrote_the_key(repository: Repository, clock: StillClock) -> None:
    kv = scope(repository, clock)
    for number in range(5):
        put(kv, "n", str(number), f"k{number}")
    assert put(kv, "n", "99", "k1") == "0"
    assert kv.get("n") == Entry("4")


def test_a_deleted_key_is_missing_and_its_deletion_is_applied_once(
    repository: Repository, clock: StillClock
) -> None:
    kv = scope(repository, clock)
    put(kv, "a", "1", "k1")
    assert kv.update("a", "k2", lambda old: (None, "true")) == "true"
    assert kv.get("a") is None
    assert kv.update("a", "k2", lambda old: (None, "false")) == "true"


def test_an_expired_entry_reads_as_missing_everywhere(repository: Repository, clock: StillClock) -> None:
    kv = scope(repository, clock)
    put(kv, "a", "1", "k1", expires_at=T0 + 100)
    put(kv, "b", "2", "k2")
    assert kv.get("a") == Entry("1", T0 + 100)
    assert list(kv.keys("", 10)) == ["a", "b"]
    clock.now += 100
    assert kv.get("a") is None
    assert list(kv.keys("", 10)) == ["b"]
    assert put(kv, "a", "3", "k3") == "nil"


def test_keys_come_in_order_within_the_limit(repository: Repository, clock: StillClock) -> None:
    kv = scope(repository, clock)
    for key in ("user/2", "user/1", "grüße", "user/3"):
        put(kv, key, "1", key)
    assert list(kv.keys("user/", 2)) == ["user/1", "user/2"]
    assert list(kv.keys("", 10)) == ["grüße", "user/1", "user/2", "user/3"]


def test_a_lost_swap_is_decided_again_from_the_new_state(repository: Repository, clock: StillClock) -> None:
    mine, other = scope(repository, clock), scope(repository, clock)
    put(mine, "n", "1", "k0")
    calls: list[str] = []

    def increment(old: Entry | None) -> tuple[Entry | None, str]:
        assert old is not None
        calls.append(old.text)
        if len(calls) == 1:
            put(other, "n", "10", "other")
        value = str(int(old.text) + 1)
        return Entry(value), value

    assert mine.update("n", "k1", increment) == "11"
    assert calls == ["1", "10"]
    assert mine.get("n") == Entry("11")


def test_every_write_is_a_signed_commit_on_the_one_before(repository: Repository, clock: StillClock) -> None:
    kv = scope(repository, clock)
    put(kv, "a", "1", "k1")
    first = repository.resolve(kv_ref("invoice-sync"))
    clock.now -= 5_000
    put(kv, "a\nGitflow-Run: x", "2", "k2")
    second = repository.resolve(kv_ref("invoice-sync"))
    assert first is not None
    assert second is not None
    commit = repository.commit(second)
    assert commit.parents == (first,)
    assert commit.message == "kv set a\\x0aGitflow-Run: x\n"
    assert commit.committer.time == T0 // 1000
    assert commit.header("gpgsig") == COMMITTER.sign(commit.payload).rstrip("\n")


def test_a_scope_that_is_no_ref_part_is_refused(repository: Repository, clock: StillClock) -> None:
    with pytest.raises(RefusedError):
        scope(repository, clock, "../x")


def test_each_commit_that_is_written_is_told_and_a_repeat_is_none(
    repository: Repository, clock: StillClock
) -> None:
    told: list[Oid] = []
    kv = scope(repository, clock, told=told)
    for key in ("k1", "k2", "k1"):
        put(kv, "a", "1", key)
    tip = repository.resolve(kv_ref("invoice-sync"))
    assert tip is not None
    assert told[::-1] == list(history(repository, tip, "invoice-sync"))
    assert len(told) == 2
    check_entries(repository, tip)


def test_what_is_not_believed_is_neither_read_nor_written(repository: Repository, clock: StillClock) -> None:
    put(scope(repository, clock), "a", "1", "k1")
    before = repository.resolve(kv_ref("invoice-sync"))

    def trusted() -> Oid | None:
        raise RefusedError("untrusted_kv", "no runner signed it")

    told: list[Oid] = []
    kv = KvScope(repository, COMMITTER, "invoice-sync", clock.now_ms, trusted, told.append)
    for act in (lambda: kv.get("a"), lambda: kv.keys("", 9), lambda: put(kv, "a", "2", "k2")):
        with pytest.raises(RefusedError) as caught:
            act()
        assert caught.value.code == "untrusted_kv"
    assert (repository.resolve(kv_ref("invoice-sync")), told) == (before, [])


def test_the_record_of_another_scope_is_no_record_of_this_one(
    repository: Repository, clock: StillClock
) -> None:
    put(scope(repository, clock), "a", "1", "k1")
    tip = repository.resolve(kv_ref("invoice-sync"))
    assert tip is not None
    repository.swap([RefUpdate(kv_ref("other"), None, tip)])
    assert list(scope_names(repository)) == ["invoice-sync", "other"]
    kv = scope(repository, clock, "other")
    for act in (lambda: kv.get("a"), lambda: kv.keys("", 9), lambda: put(kv, "a", "2", "k2")):
        with pytest.raises(DamagedError) as caught:
            act()
        assert caught.value.code == "kv.malformed"
    assert repository.resolve(kv_ref("other")) == tip
