"""The contract of `gitflow_runner.git.repository`, held by every adapter."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitflow_runner.errors import ConflictError, DamagedError, RefusedError
from gitflow_runner.git.dulwich import DulwichReader
from gitflow_runner.git.memory import MemoryRepository
from gitflow_runner.git.objects import (
    BLOB_MODE,
    TREE_MODE,
    Commit,
    Ident,
    Oid,
    RawObject,
    Tag,
    TreeEntry,
    blob,
    encode_tree,
)
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.repository import ObjectReader, RefUpdate, Repository
from tests.repositories import NoJitter, StillClock

WHO = Ident("Ada", "ada@example.org", 1_700_000_000)
RUN = "refs/runs/demo/20251122-131402-7k3m9q"
ABSENT = Oid("1" * 40)


def commit_on(tree: RawObject, *parents: Oid, message: str = "turn\n", time: int = 0) -> RawObject:
    when = Ident(WHO.name, WHO.email, WHO.time + time)
    return Commit(tree.oid, parents, WHO, when, message).encode()


def chain(length: int) -> tuple[list[RawObject], list[Oid]]:
    """Objects of a chain of commits, and the commits' ids, oldest first."""
    objects: list[RawObject] = []
    tips: list[Oid] = []
    for number in range(length):
        leaf = blob(b"%d\n" % number)
        tree = encode_tree([TreeEntry("n", BLOB_MODE, leaf.oid)])
        turn = commit_on(tree, *tips[-1:], message=f"turn {number}\n", time=number)
        objects += [leaf, tree, turn]
        tips.append(turn.oid)
    return objects, tips


def init(path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture(params=["pygit", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    if request.param == "memory":
        return MemoryRepository(tmp_path)
    return open_repository(init(tmp_path / "repo"), StillClock(), NoJitter())


Planter = Callable[[str, str], None]


@pytest.fixture
def plant_symbolic(repository: Repository) -> Planter:
    if isinstance(repository, MemoryRepository):
        return repository.plant_symbolic_ref

    def plant(name: str, target: str) -> None:
        directory = str(repository.common_dir)
        subprocess.run(["git", "--git-dir", directory, "symbolic-ref", name, target], check=True)

    return plant


Reading = tuple[Repository, ObjectReader]


@pytest.fixture(params=["pygit", "memory", "dulwich"])
def reading(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reading]:
    """A repository to write to, and what reads the same data: itself, a second opening, or dulwich."""
    if request.param == "memory":
        both = MemoryRepository(tmp_path)
        yield both, both
        return
    path = init(tmp_path / "repo")
    writer = open_repository(path, StillClock(), NoJitter())
    if request.param == "pygit":
        yield writer, open_repository(path, StillClock(), NoJitter())
        return
    reader = DulwichReader(path)
    yield writer, reader
    reader.close()


class TestReading:
    def test_objects_of_every_kind_come_back_byte_for_byte(self, reading: Reading) -> None:
        writer, reader = reading
        leaf = blob(b"\x00\xff" * 5000)
        tree = encode_tree([TreeEntry("b", BLOB_MODE, leaf.oid), TreeEntry("é", BLOB_MODE, leaf.oid)])
        turn = commit_on(tree, message="subject\n\nGitflow-Seq: 1\n")
        tag = Tag(
            turn.oid, "commit", "flow/demo/v1", WHO, "release\n", "-----BEGIN SSH SIGNATURE-----\n"
        ).encode()
        objects = [leaf, tree, turn, tag]
        writer.write(objects)
        assert [reader.read(item.oid) for item in objects] == objects
        assert all(reader.contains(item.oid) for item in objects)

    @pytest.mark.parametrize("count", [1, 2, 3, 40])
    def test_any_number_of_objects_can_be_read_at_once_after_the_write(
        self, reading: Reading, count: int
    ) -> None:
        writer, reader = reading
        objects = [blob(b"object %d" % number) for number in range(count)]
        writer.write(objects)
        assert [reader.read(item.oid).data for item in objects] == [item.data for item in objects]

    def test_what_is_written_after_a_first_read_is_seen_too(self, reading: Reading) -> None:
        writer, reader = reading
        for number in range(5):
            objects = [blob(b"%d %d" % (number, part)) for part in range(4)]
            assert not reader.contains(objects[0].oid)
            writer.write(objects)
            assert reader.read(objects[3].oid).data == b"%d 3" % number

    def test_an_absent_object_is_reported_as_missing(self, reading: Reading) -> None:
        _, reader = reading
        assert not reader.contains(ABSENT)
        with pytest.raises(DamagedError) as caught:
            reader.read(ABSENT)
        assert caught.value.code == "git.object_missing"
        assert caught.value.details["oid"] == ABSENT

    @pytest.mark.parametrize("text", ["", "1234", "HEAD", "g" * 40, "A" * 40, "1" * 41, "1" * 40 + "\n"])
    def test_only_full_ids_are_ids(self, reading: Reading, text: str) -> None:
        _, reader = reading
        for ask in (reader.read, reader.contains):
            with pytest.raises(DamagedError) as caught:
                ask(Oid(text))
            assert caught.value.code == "git.malformed"

    def test_refs_are_listed_by_prefix_in_order_and_not_peeled(self, reading: Reading) -> None:
        writer, reader = reading
        objects, tips = chain(2)
        tag = Tag(tips[0], "commit", "flow/demo/v1", WHO, "release\n").encode()
        writer.write([*objects, tag])
        names = ["refs/runs/b/20251122-131402-aaaaaa", "refs/runs/a/20251122-131402-bbbbbb"]
        names += ["refs/runs-archive/202511", "refs/policy/chain"]
        for name in names:
            writer.swap([RefUpdate(name, None, tips[1])])
        writer.swap([RefUpdate("refs/tags/flow/demo/v1", None, tag.oid)])
        assert list(reader.refs("refs/runs/")) == [(names[1], tips[1]), (names[0], tips[1])]
        assert list(reader.refs("refs/tags/")) == [("refs/tags/flow/demo/v1", tag.oid)]
        assert list(reader.refs("refs/live/")) == []
        assert [name for name, _ in reader.refs("refs/")] == sorted([*names, "refs/tags/flow/demo/v1"])
        assert reader.resolve("refs/tags/flow/demo/v1") == tag.oid
        assert reader.resolve("refs/runs/c/20251122-131402-aaaaaa") is None
        assert reader.resolve("refs/runs/a") is None

    @pytest.mark.parametrize(
        "name", ["-oProxyCommand=x", "refs/../x", "refs/heads/a\nb", "refs/heads/@{1}", "main", "refs/a.lock"]
    )
    def test_malformed_names_are_refused(self, reading: Reading, name: str) -> None:
        _, reader = reading
        for ask in (reader.resolve, lambda text: reader.refs(text + "/")):
            with pytest.raises(RefusedError) as caught:
                ask(name)
            assert caught.value.code == "ref.malformed"


class TestTypedReading:
    def test_each_kind_is_read_as_a_value(self, repository: Repository) -> None:
        leaf = blob(b"content")
        below = encode_tree([TreeEntry("leaf", BLOB_MODE, leaf.oid)])
        tree = encode_tree([TreeEntry("a", TREE_MODE, below.oid), TreeEntry("a.b", BLOB_MODE, leaf.oid)])
        turn = Commit(tree.oid, (), WHO, WHO, "subject\n\nbody\n", (("gpgsig", "line 1\nline 2"),))
        tag = Tag(turn.encode().oid, "commit", "v1", WHO, "m\n")
        repository.write([leaf, below, tree, turn.encode(), tag.encode()])
        assert repository.commit(turn.encode().oid) == turn
        assert repository.tag(tag.encode().oid) == tag
        assert [entry.name for entry in repository.tree(tree.oid)] == ["a.b", "a"]
        assert repository.blob(leaf.oid) == b"content"
        found = repository.entry(tree.oid, "a/leaf")
        assert found == TreeEntry("leaf", BLOB_MODE, leaf.oid)
        assert repository.entry(tree.oid, "a") == TreeEntry("a", TREE_MODE, below.oid)
        for path in ("a/none", "none/leaf", "a.b/leaf", "", "a/", "../a"):
            assert repository.entry(tree.oid, path) is None

    def test_an_object_of_another_kind_is_no_answer(self, repository: Repository) -> None:
        leaf = blob(b"content")
        repository.write([leaf])
        for ask in (repository.commit, repository.tag, repository.tree):
            with pytest.raises(DamagedError) as caught:
                ask(leaf.oid)
            assert caught.value.code == "git.object_kind"

    def test_the_branch_is_known_before_its_first_commit(self, repository: Repository) -> None:
        assert repository.head == "refs/heads/main"
        assert repository.resolve("HEAD") is None
        objects, tips = chain(1)
        repository.write(objects)
        repository.swap([RefUpdate("refs/heads/main", None, tips[0])])
        assert repository.resolve("HEAD") == tips[0]


class TestHistory:
    def test_first_parents_come_newest_first(self, repository: Repository) -> None:
        objects, tips = chain(6)
        repository.write(objects)
        assert list(repository.ancestors(tips[-1], first_parent=True)) == tips[::-1]

    def test_no_commit_comes_before_its_children_even_where_dates_lie(self, repository: Repository) -> None:
        tree = encode_tree([])
        root = commit_on(tree, message="root", time=900)
        left = commit_on(tree, root.oid, message="left", time=5)
        right = commit_on(tree, root.oid, left.oid, message="right", time=1)
        tip = commit_on(tree, left.oid, right.oid, message="tip", time=0)
        repository.write([tree, root, left, right, tip])
        order = list(repository.ancestors(tip.oid))
        assert order == [tip.oid, right.oid, left.oid, root.oid]
        assert list(repository.ancestors(tip.oid, first_parent=True)) == [tip.oid, left.oid, root.oid]
        assert repository.is_ancestor(root.oid, tip.oid)
        assert repository.is_ancestor(tip.oid, tip.oid)
        assert not repository.is_ancestor(tip.oid, root.oid)
        assert not repository.is_ancestor(right.oid, left.oid)

    def test_a_gap_in_the_history_is_an_error(self, repository: Repository) -> None:
        objects, tips = chain(3)
        repository.write([item for item in objects if item.oid != tips[0]])
        with pytest.raises(DamagedError) as caught:
            list(repository.ancestors(tips[-1], first_parent=True))
        assert caught.value.code == "git.object_missing"


class TestSwap:
    def test_a_ref_moves_only_from_its_old_value(self, repository: Repository) -> None:
        objects, tips = chain(3)
        repository.write(objects)
        repository.swap([RefUpdate(RUN, None, tips[0])], message="first\nturn")
        repository.swap([RefUpdate(RUN, tips[0], tips[1])])
        with pytest.raises(ConflictError) as caught:
            repository.swap([RefUpdate(RUN, tips[0], tips[2])])
        assert caught.value.code == "git.ref_moved"
        assert caught.value.details == {"ref": RUN, "expected": tips[0], "found": tips[1]}
        assert repository.resolve(RUN) == tips[1]

    def test_creating_what_exists_and_moving_what_does_not_are_conflicts(
        self, repository: Repository
    ) -> None:
        objects, tips = chain(2)
        repository.write(objects)
        with pytest.raises(ConflictError) as caught:
            repository.swap([RefUpdate(RUN, tips[0], tips[1])])
        assert caught.value.details["found"] is None
        repository.swap([RefUpdate(RUN, None, tips[0])])
        with pytest.raises(ConflictError) as caught:
            repository.swap([RefUpdate(RUN, None, tips[1])])
        assert caught.value.details["found"] == tips[0]
        with pytest.raises(ConflictError):
            repository.swap([RefUpdate(RUN, None, None)])
        assert repository.resolve(RUN) == tips[0]

    def test_a_delete_needs_the_old_value_too(self, repository: Repository) -> None:
        objects, tips = chain(2)
        repository.write(objects)
        repository.swap([RefUpdate(RUN, None, tips[0])])
        with pytest.raises(ConflictError):
            repository.swap([RefUpdate(RUN, tips[1], None)])
        repository.swap([RefUpdate(RUN, tips[0], None)])
        assert repository.resolve(RUN) is None
        assert list(repository.refs("refs/runs/")) == []
        repository.swap([RefUpdate(RUN, None, tips[1])])
        assert repository.resolve(RUN) == tips[1]

    def test_several_refs_move_together_or_not_at_all(self, repository: Repository) -> None:
        objects, tips = chain(2)
        repository.write(objects)
        active, slot = "refs/runner/active/20251122-131402-7k3m9q", "refs/runner/slots/demo/" + "0" * 64
        repository.swap([RefUpdate(slot, None, tips[0]), RefUpdate(active, None, tips[0])])
        with pytest.raises(ConflictError) as caught:
            repository.swap([RefUpdate(RUN, None, tips[1]), RefUpdate(slot, tips[1], None)])
        assert caught.value.details["ref"] == slot
        assert repository.resolve(RUN) is None
        repository.swap(
            [
                RefUpdate(RUN, None, tips[1]),
                RefUpdate(slot, tips[0], None),
                RefUpdate(active, tips[0], tips[0]),
            ]
        )
        assert repository.resolve(RUN) == tips[1]
        assert repository.resolve(slot) is None
        assert repository.resolve(active) == tips[0]

    def test_equal_values_assert_without_moving(self, repository: Repository) -> None:
        objects, tips = chain(2)
        repository.write(objects)
        repository.swap([RefUpdate(RUN, None, None)])
        repository.swap([RefUpdate(RUN, None, tips[0])])
        repository.swap([RefUpdate(RUN, tips[0], tips[0])])
        with pytest.raises(ConflictError):
            repository.swap([RefUpdate(RUN, tips[1], tips[1])])
        assert repository.resolve(RUN) == tips[0]

    def test_one_name_twice_is_refused(self, repository: Repository) -> None:
        objects, tips = chain(2)
        repository.write(objects)
        with pytest.raises(RefusedError) as caught:
            repository.swap([RefUpdate(RUN, None, tips[0]), RefUpdate(RUN, tips[0], tips[1])])
        assert caught.value.code == "ref.twice"
        assert repository.resolve(RUN) is None

    def test_a_ref_never_points_at_an_absent_object(self, repository: Repository) -> None:
        with pytest.raises(DamagedError) as caught:
            repository.swap([RefUpdate(RUN, None, ABSENT)])
        assert caught.value.code == "git.object_missing"
        assert repository.resolve(RUN) is None

    @pytest.mark.parametrize("other", ["refs/runs/demo", "refs/runs", RUN + "/deeper"])
    def test_a_name_above_or_below_another_is_blocked(self, repository: Repository, other: str) -> None:
        objects, tips = chain(2)
        repository.write(objects)
        repository.swap([RefUpdate(RUN, None, tips[0])])
        with pytest.raises(ConflictError) as caught:
            repository.swap([RefUpdate(other, None, tips[1])])
        assert caught.value.code == "git.ref_blocked"
        assert list(repository.refs("refs/")) == [(RUN, tips[0])]

    def test_names_and_ids_are_checked_when_a_move_is_named(self) -> None:
        with pytest.raises(RefusedError) as refused:
            RefUpdate("refs/runs/../heads/main", None, None)
        assert refused.value.code == "ref.malformed"
        with pytest.raises(DamagedError) as damaged:
            RefUpdate(RUN, Oid("abc"), None)
        assert damaged.value.code == "git.malformed"

    def test_a_symbolic_ref_is_refused_in_our_namespaces_and_followed_elsewhere(
        self, repository: Repository, plant_symbolic: Planter
    ) -> None:
        objects, tips = chain(2)
        repository.write(objects)
        repository.swap([RefUpdate("refs/heads/main", None, tips[0])])
        plant_symbolic("refs/remotes/origin/HEAD", "refs/heads/main")
        plant_symbolic("refs/remotes/origin/lost", "refs/heads/none")
        assert repository.resolve("refs/remotes/origin/HEAD") == tips[0]
        assert list(repository.refs("refs/remotes/")) == [("refs/remotes/origin/HEAD", tips[0])]
        plant_symbolic(RUN, "refs/heads/main")
        asks: list[Callable[[], object]] = [
            lambda: repository.resolve(RUN),
            lambda: repository.refs("refs/runs/"),
            lambda: repository.swap([RefUpdate(RUN, tips[0], tips[1])]),
        ]
        for ask in asks:
            with pytest.raises(RefusedError) as caught:
                ask()
            assert caught.value.code == "git.symbolic_ref"
        assert repository.resolve("refs/heads/main") == tips[0]
