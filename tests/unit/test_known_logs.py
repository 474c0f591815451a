"""A runner's log is verified once: then only what follows is read, and what was read cannot be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.runner.local import LocalState
from gitflow_runner.runner.logs import load_known_log
from gitflow_runner.trust.log import (
    RunnerLog,
    TipSeen,
    build_link,
    decode_log,
    encode_log,
    key_digest,
    ref_of,
)
from tests.policies import ANN, RUNNER
from tests.signed_objects import NOW, Objects, ident

RUN = "refs/runs/hello/20260921-131402-7k3m9q"
DIGEST = key_digest(RUNNER.key)


class Counted(Objects):
    """Objects that count how often one is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def read(self, oid: Oid):  # type: ignore[no-untyped-def]
        self.reads += 1
        return super().read(oid)


class World:
    """A log on its ref and the memory of a clone."""

    def __init__(self, folder: Path) -> None:
        self.objects = Counted()
        self.local = LocalState(folder)
        self.log: RunnerLog | None = None
        self.tip: Oid | None = None

    def add(self, at: int, key=RUNNER) -> Oid:  # type: ignore[no-untyped-def]
        entry = TipSeen(at, RUN, Oid(f"{at:040x}"))
        oid = self.objects.add(*build_link((entry,), self.log, ident(), key))
        self.objects.swap([RefUpdate(ref_of(RUNNER.key), self.tip, oid)])
        self.tip = oid
        return oid

    def load(self) -> RunnerLog:
        found = load_known_log(self.objects, self.local, DIGEST)
        assert found is not None
        self.log = found
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_only_new_links_are_read(world: World) -> None:
    for at in range(NOW, NOW + 5):
        world.add(at)
        world.load()
    world.objects.reads = 0
    assert len(world.load().entries) == 5
    assert world.objects.reads == 0
    world.add(NOW + 5)
    world.objects.reads = 0
    found = world.load()
    assert ([entry.at for entry in found.entries], found.number) == ([*range(NOW, NOW + 6)], 6)
    assert world.objects.reads == 3


def test_a_log_that_was_set_back_is_refused(world: World) -> None:
    first = world.add(NOW)
    world.load()
    second = world.add(NOW + 1)
    world.load()
    world.objects.swap([RefUpdate(ref_of(RUNNER.key), second, first)])
    with pytest.raises(RefusedError) as problem:
        load_known_log(world.objects, world.local, DIGEST)
    assert problem.value.code == "log.log_rewound"


def test_what_follows_must_be_the_same_keys_and_later(world: World) -> None:
    world.add(NOW)
    world.load()
    good = world.tip
    world.add(NOW + 1, ANN)
    with pytest.raises(RefusedError) as problem:
        world.load()
    assert problem.value.code == "log.chain"
    world.objects.swap([RefUpdate(ref_of(RUNNER.key), world.tip, good)])
    world.tip = good
    world.add(NOW - 1)
    with pytest.raises(RefusedError) as problem:
        world.load()
    assert problem.value.code == "log.chain"


def test_what_is_remembered_reads_back_and_nonsense_is_nothing(world: World) -> None:
    world.add(NOW)
    found = world.load()
    assert decode_log(encode_log(found)) == found
    for data in (b"", b"{}", b"{}\n{}\n", encode_log(found)[:-30], b"\xff\n" + encode_log(found)):
        assert decode_log(data) is None


def test_lost_memory_is_made_anew(world: World, tmp_path: Path) -> None:
    world.add(NOW)
    found = world.load()
    (tmp_path / "logs" / DIGEST).write_bytes(b"nonsense")
    assert load_known_log(world.objects, world.local, DIGEST) == found
