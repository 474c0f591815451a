"""What every key-value store and every blob store keeps to, the shipped ones in memory first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.steps.base import Blobs, Kv, KvEntry
from gitflow_runner.steps.memory import ManualClock, MemoryBlobs, MemoryKv

STORES: dict[str, Callable[[ManualClock], Kv]] = {"memory": lambda clock: MemoryKv(clock.now_ms)}
BLOBS: dict[str, Callable[[], Blobs]] = {"memory": MemoryBlobs}

each_kv = pytest.mark.parametrize("make", STORES.values(), ids=STORES.keys())
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
