"""Processes that the integration tests start: each appends to a run until told, and says what is durable.

Run as `python git_writers.py MODE REPOSITORY NAME COUNT`. MODE `race` appends COUNT commits to one shared
ref, deciding again after every conflict; `drive` records turns of eight objects on its own run and prints
each tip once it is durable, until it is killed or COUNT is reached.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from gitflow_runner.errors import ConflictError
from gitflow_runner.git.objects import (
    BLOB_MODE,
    TREE_MODE,
    Commit,
    Ident,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    encode_tree,
)
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.repository import RefUpdate

WHO = Ident("writer", "writer@example.org", 1_700_000_000)
SHARED = "refs/runner/kv/shared"


class SystemClock:
    """Real time."""

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def sleep_ms(self, duration_ms: int) -> None:
        time.sleep(duration_ms / 1000)


class SystemJitter:
    """Real randomness."""

    def fraction(self) -> float:
        return random.random()


def turn_objects(number: int, name: str, *parents: Oid) -> list[RawObject]:
    """The eight objects of a realistic turn, the commit last."""
    leaves = [blob(f"{name} {number} {part}\n".encode() * 8) for part in range(4)]
    step = encode_tree([TreeEntry(f"{i}.edn", BLOB_MODE, leaves[i].oid) for i in (0, 1)])
    shard = encode_tree([TreeEntry(f"{number:05d}-step", TREE_MODE, step.oid)])
    top = encode_tree(
        [
            TreeEntry("run.json", BLOB_MODE, leaves[2].oid),
            TreeEntry("events.jsonl", BLOB_MODE, leaves[3].oid),
            TreeEntry("steps", TREE_MODE, shard.oid),
        ]
    )
    commit = Commit(top.oid, parents, WHO, WHO, f"{name} turn {number}\n").encode()
    return [*leaves, step, shard, top, commit]


def tell(tip: Oid) -> None:
    """Acknowledge a commit to whoever started this process."""
    sys.stdout.write(tip + "\n")
    sys.stdout.flush()


def race(path: Path, name: str, count: int) -> None:
    """Append `count` commits to the shared ref, printing each once it is acknowledged."""
    repository = open_repository(path, SystemClock(), SystemJitter())
    tree = encode_tree([])
    for number in range(count):
        while True:
            tip = repository.resolve(SHARED)
            parents = () if tip is None else (tip,)
            commit = Commit(tree.oid, parents, WHO, WHO, f"{name} {number}\n").encode()
            repository.write([tree, commit])
            try:
                repository.swap([RefUpdate(SHARED, tip, commit.oid)])
            except ConflictError:
                continue
            tell(commit.oid)
            break


def drive(path: Path, name: str, count: int) -> None:
    """Record turns on the run `name` from where it stands, printing each tip once it is durable."""
    repository = open_repository(path, SystemClock(), SystemJitter())
    tip = repository.resolve(name)
    for number in range(count):
        objects = turn_objects(number, f"{os.getpid()}", *([] if tip is None else [tip]))
        repository.write(objects)
        repository.swap([RefUpdate(name, tip, objects[-1].oid)], message="turn")
        tip = objects[-1].oid
        tell(tip)


if __name__ == "__main__":
    mode, where, what, how_many = sys.argv[1:5]
    (race if mode == "race" else drive)(Path(where), what, int(how_many))
