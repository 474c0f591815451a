"""What every store of keys, tables and blobs keeps to, the shipped ones in memory first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitflow_runner.connections.redactor import Redactor
from gitflow_runner.errors import StepError
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.refs import table_ref
from gitflow_runner.ledger.tables import TableStore
from gitflow_runner.model.table import Table
from gitflow_runner.runner.table_port import TablePort
from gitflow_runner.steps.base import Blobs, Kv, KvEntry, Tables
from gitflow_runner.steps.memory import ManualClock, MemoryBlobs, MemoryKv, MemoryTables
from gitflow_runner.tables.change import Writing, write_rows
from tests.run_histories import COMMITTER, T0

STORES: dict[str, Callable[[ManualClock], Kv]] = {"memory": lambda clock: MemoryKv(clock.now_ms)}
BLOBS: dict[str, Callable[[], Blobs]] = {"memory": MemoryBlobs}

each_kv = pytest.mark.parametrize("make", STORES.values(), ids=STORES.keys())


def in_git(folder: Path) -> Tables:
    """The tables of the ledger as steps see them."""
    repository = MemoryRepository(folder)
    store = TableStore(repository, COMMITTER, lambda: T0, lambda name: repository.resolve(table_ref(name)))
    return TablePort(store, Redactor(), "run hello/1")


TABLES: dict[str, Callable[[Path], Tables]] = {"memory": lambda folder: MemoryTables(), "git": in_git}

each_tables = pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
each_blobs = pytest.mark.parametrize("make", BLOBS.values(), ids=BLOBS.keys())


def to(text: str, expires_at: int | None = None) -> Callable[[KvEntry | None], tuple[KvEntry | None, str]]:
    """A change that writes `text` and answers with what was there."""
    return lambda old: (KvEntry(text, expires_at), "nil" if old is None else old.text)


@each_kv
def test_a_written_value_is_read(make: Callable[[ManualClock], Kv]) -> None:
    kv = make(ManualClock())
    assert kv.get("a") is None
    assert kv.update("a", "key1", to("1")) == "nil"
    assert kv.update("a", "key2", to("2")) == "1"
    found = kv.get("a")
    assert found is not None
    assert found.text == "2"


@each_kv
def test_a_repeated_write_changes_nothing_and_answers_as_before(make: Callable[[ManualClock], Kv]) -> None:
    kv = make(ManualClock())
    kv.update("a", "key1", to("1"))
    kv.update("a", "key2", to("2"))
    assert kv.update("a", "key1", to("9")) == "nil"
    assert kv.get("a") == KvEntry("2", None)


@each_kv
def test_an_expired_value_is_missing(make: Callable[[ManualClock], Kv]) -> None:
    clock = ManualClock()
    kv = make(clock)
    kv.update("a", "key1", to("1", clock.now_ms() + 1_000))
    clock.advance(999)
    assert kv.get("a") is not None
    clock.advance(1)
    assert (kv.get("a"), list(kv.keys("", 10))) == (None, [])
    assert kv.update("a", "key2", to("2")) == "nil"


@each_kv
def test_keys_come_in_order_by_prefix_and_limit(make: Callable[[ManualClock], Kv]) -> None:
    kv = make(ManualClock())
    for name in ("b:2", "a:1", "b:1", "b:3"):
        kv.update(name, name, to("1"))
    assert list(kv.keys("b:", 2)) == ["b:1", "b:2"]
    kv.update("b:1", "gone", lambda old: (None, "nil"))
    assert list(kv.keys("", 10)) == ["a:1", "b:2", "b:3"]


@each_kv
def test_a_change_that_fails_leaves_the_value(make: Callable[[ManualClock], Kv]) -> None:
    def fail(old: KvEntry | None) -> tuple[KvEntry | None, str]:
        raise StepError("kv.not_a_number", "no")

    kv = make(ManualClock())
    kv.update("a", "key1", to("1"))
    with pytest.raises(StepError):
        kv.update("a", "key2", fail)
    assert kv.get("a") == KvEntry("1", None)
    assert kv.update("a", "key2", to("2")) == "1"


def rows(*cells: dict[str, object], answer: str = "1") -> Callable[[Table | None], tuple[Table, str]]:
    """A change that appends these rows."""
    return lambda old: (write_rows(old or Table("t"), cells, Writing(), lambda: None).table, answer)


@each_tables
def test_a_table_is_written_once_for_each_key(make: Callable[[Path], Tables], tmp_path: Path) -> None:
    tables = make(tmp_path)
    assert tables.read("t") is None
    assert tables.update("t", "key1", rows({"n": 1}, answer="a")) == "a"
    assert tables.update("t", "key2", rows({"n": 2}, answer="b")) == "b"
    assert tables.update("t", "key1", rows({"n": 9}, answer="c")) == "a"
    found = tables.read("t")
    assert found is not None
    assert ([dict(row.cells) for row in found.rows], found.revision) == ([{"n": 1}, {"n": 2}], 2)
    assert tables.read("other") is None


@each_tables
def test_a_change_of_a_table_that_fails_leaves_it(make: Callable[[Path], Tables], tmp_path: Path) -> None:
    tables = make(tmp_path)
    tables.update("t", "key1", rows({"n": 1}))
    with pytest.raises(StepError) as caught:
        tables.update("t", "key2", rows({"row-id": 1}))
    assert caught.value.code == "table.column"
    assert tables.update("t", "key2", rows({"n": 2}, answer="after all")) == "after all"
    found = tables.read("t")
    assert found is not None
    assert len(found.rows) == 2


@each_blobs
def test_a_stored_value_is_found_by_its_digest(make: Callable[[], Blobs]) -> None:
    blobs = make()
    put = blobs.put(b"hello", "text/plain")
    assert put.uri == "res://sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert (put.size, blobs.get(put.uri), blobs.put(b"hello", "text/plain")) == (5, b"hello", put)


@each_blobs
def test_an_unknown_digest_is_told(make: Callable[[], Blobs]) -> None:
    with pytest.raises(StepError) as caught:
        make().get("res://sha256/" + "0" * 64)
    assert caught.value.code == "res.unknown"


@each_blobs
def test_a_stream_is_stored_and_read_piece_by_piece(make: Callable[[], Blobs]) -> None:
    blobs = make()
    put = blobs.put_stream(iter([b"hel", b"", b"lo"]), "text/plain")
    assert put == blobs.put(b"hello", "text/plain")
    assert (blobs.size(put.uri), b"".join(blobs.chunks(put.uri))) == (5, b"hello")


@each_blobs
def test_a_stream_that_fails_stores_nothing(make: Callable[[], Blobs]) -> None:
    def failing() -> Iterator[bytes]:
        yield b"hello"
        raise StepError("http.protocol", "broke off")

    blobs = make()
    with pytest.raises(StepError) as caught:
        blobs.put_stream(failing(), "text/plain")
    assert caught.value.code == "http.protocol"
    with pytest.raises(StepError) as missing:
        blobs.size("res://sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    assert missing.value.code == "res.unknown"
