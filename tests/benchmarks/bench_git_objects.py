"""Commits in memory: what our own encoding costs beside dulwich's."""

from __future__ import annotations

from collections.abc import Callable

from dulwich.objects import Commit as TheirCommit

from gitflow_runner.git.objects import Commit, Ident, Oid, decode_commit

Compare = Callable[[str, Callable[[], object], Callable[[], object]], float]

WHO = Ident("Kari Nordmann", "kari@example.org", 1_700_000_000, 60)
COMMIT = Commit(
    Oid("1" * 40), (Oid("2" * 40), Oid("3" * 40)), WHO, WHO, "step fetch succeeded\n\nGitflow-Seq: 7\n"
)
ROUNDS = 2_000


def bench_encoding_and_naming(compare: Compare) -> None:
    def ours() -> None:
        for _ in range(ROUNDS):
            _ = COMMIT.encode().oid

    def theirs() -> None:
        for _ in range(ROUNDS):
            commit = TheirCommit()
            commit.tree = b"1" * 40
            commit.parents = [b"2" * 40, b"3" * 40]
            commit.author = commit.committer = b"Kari Nordmann <kari@example.org>"
            commit.author_time = commit.commit_time = WHO.time
            commit.author_timezone = commit.commit_timezone = 3600
            commit.message = COMMIT.message.encode()
            _ = commit.id

    assert compare(f"encode and name {ROUNDS} commits: ours to dulwich", ours, theirs) < 2


def bench_decoding(compare: Compare) -> None:
    data = COMMIT.encode().data

    def ours() -> None:
        for _ in range(ROUNDS):
            decode_commit(data)

    def theirs() -> None:
        for _ in range(ROUNDS):
            _ = TheirCommit.from_string(data).message

    assert compare(f"decode {ROUNDS} commits: ours to dulwich", ours, theirs) < 4
