"""Every shape of repository that Git makes: what works, and what is refused with a way out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitflow_runner.errors import ConflictError, DamagedError, RefusedError, TransientError
from gitflow_runner.git.objects import Commit, Ident, Oid, RawObject, blob, encode_tree
from gitflow_runner.git.pack import store
from gitflow_runner.git.pygit import PygitRepository, open_quarantine, open_repository
from gitflow_runner.git.repository import RefUpdate
from tests.repositories import NoJitter, StillClock

RUN = "refs/runs/demo/20251122-131402-7k3m9q"
WHO = Ident("Ada", "ada@example.org", 1_700_000_000)


def git(*arguments: str, cwd: Path) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(cwd),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    options = ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *options, *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def opened(path: Path) -> PygitRepository:
    return open_repository(path, StillClock(), NoJitter())


def project(path: Path) -> Path:
    path.mkdir()
    git("init", "-q", cwd=path)
    for number in range(3):
        (path / "file").write_text(str(number))
        git("add", "file", cwd=path)
        git("commit", "-q", "-m", f"commit {number}", cwd=path)
    return path


def turn(*parents: Oid) -> list[RawObject]:
    tree = encode_tree([])
    return [tree, Commit(tree.oid, parents, WHO, WHO, f"turn after {len(parents)}\n").encode()]


def record_a_run(repository: PygitRepository) -> Oid:
    objects = turn()
    repository.write(objects)
    repository.swap([RefUpdate(RUN, None, objects[-1].oid)])
    return objects[-1].oid


def test_all_linked_work_trees_share_one_ledger(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    git("worktree", "add", "-q", "-b", "side", "../side", cwd=main)
    first, second = opened(main), opened(tmp_path / "side")
    tip = record_a_run(second)
    assert first.resolve(RUN) == tip
    assert list(first.refs("refs/runs/")) == [(RUN, tip)] == list(second.refs("refs/runs/"))
    assert first.common_dir == second.common_dir == (main / ".git").resolve()
    assert (first.head, second.head) == ("refs/heads/main", "refs/heads/side")
    assert second.work_dir == tmp_path / "side"
    assert second.commit(tip).message == "turn after 0\n"


def test_a_bare_repository_works_and_has_no_work_tree(tmp_path: Path) -> None:
    git("init", "-q", "--bare", "hub.git", cwd=tmp_path)
    repository = opened(tmp_path / "hub.git")
    assert repository.work_dir is None
    assert repository.resolve(RUN) is None
    assert opened(tmp_path / "hub.git").resolve(RUN) is None
    tip = record_a_run(repository)
    assert git("rev-parse", RUN, cwd=tmp_path / "hub.git") == tip


def test_a_submodule_keeps_its_runs_in_its_own_git_directory(tmp_path: Path) -> None:
    inner, outer = project(tmp_path / "inner"), project(tmp_path / "outer")
    git("submodule", "add", "-q", str(inner), "part", cwd=outer)
    repository = opened(outer / "part")
    tip = record_a_run(repository)
    assert repository.common_dir == (outer / ".git" / "modules" / "part").resolve()
    assert git("rev-parse", RUN, cwd=outer / "part") == tip
    assert opened(outer).resolve(RUN) is None


def test_a_folder_below_the_work_tree_finds_its_repository(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    (main / "a" / "b").mkdir(parents=True)
    assert opened(main / "a" / "b").common_dir == (main / ".git").resolve()


def test_a_shallow_clone_ends_where_it_was_cut_off(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    git("clone", "-q", "--depth", "2", f"file://{main}", "shallow", cwd=tmp_path)
    repository = opened(tmp_path / "shallow")
    tip = repository.resolve("refs/heads/main")
    assert tip is not None
    assert len(list(repository.ancestors(tip))) == 2
    assert len(list(repository.ancestors(tip, first_parent=True))) == 2
    root = Oid(git("rev-list", "--max-parents=0", "main", cwd=main))
    assert not repository.is_ancestor(root, tip)
    record_a_run(repository)


def test_grafts_are_refused_since_they_rewrite_history(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    tip = git("rev-parse", "main", cwd=main)
    (main / ".git" / "info").mkdir(exist_ok=True)
    (main / ".git" / "info" / "grafts").write_text(tip + "\n")
    with pytest.raises(RefusedError) as caught:
        opened(main)
    assert caught.value.code == "git.grafts"


def test_replacement_refs_change_nothing(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    tip = Oid(git("rev-parse", "main", cwd=main))
    root = git("rev-list", "--max-parents=0", "main", cwd=main)
    git("replace", tip, root, cwd=main)
    assert opened(main).commit(tip).message == "commit 2\n"


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(RefusedError) as caught:
            opened(path)
        assert caught.value.code == "git.not_a_repository"
        assert caught.value.fix[0] == "git init"


def test_sha256_names_are_refused(tmp_path: Path) -> None:
    git("init", "-q", "--object-format=sha256", "r", cwd=tmp_path)
    with pytest.raises(RefusedError) as caught:
        opened(tmp_path / "r")
    assert caught.value.code == "git.sha256"


def test_reftable_is_refused(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    git("config", "core.repositoryFormatVersion", "1", cwd=main)
    git("config", "extensions.refStorage", "reftable", cwd=main)
    with pytest.raises(RefusedError) as caught:
        opened(main)
    assert caught.value.code == "git.reftable"
    assert caught.value.fix == ("git refs migrate --ref-format=files",)


def test_a_repository_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another user")
    main = project(tmp_path / "main")
    os.chown(main / ".git", 12345, 12345)
    os.chown(main, 12345, 12345)
    with pytest.raises(RefusedError) as caught:
        opened(main)
    assert caught.value.code == "git.unsafe_owner"
    assert str(main) in caught.value.fix[0]


def test_objects_that_must_never_be_deleted_may_be_written(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    git("config", "core.repositoryFormatVersion", "1", cwd=main)
    git("config", "extensions.preciousObjects", "true", cwd=main)
    record_a_run(opened(main))


def test_a_damaged_object_is_not_believed(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    item, other = blob(b"true"), blob(b"false")
    repository = opened(main)
    for one in (item, other):
        repository.write([one])
    paths = [main / ".git" / "objects" / one.oid[:2] / one.oid[2:] for one in (item, other)]
    os.replace(paths[1], paths[0])
    with pytest.raises(DamagedError) as caught:
        opened(main).read(item.oid)
    assert caught.value.code == "git.object_damaged"


def test_a_ref_file_without_an_id_is_damage(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    path = main / ".git" / RUN
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    repository = opened(main)
    asks = (lambda: repository.resolve(RUN), lambda: repository.refs("refs/runs/"))
    for ask in asks:
        with pytest.raises(DamagedError) as caught:
            ask()
        assert caught.value.code == "git.ref_damaged"


def test_names_above_or_below_a_packed_ref_are_blocked_too(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    repository = opened(main)
    tip = record_a_run(repository)
    git("pack-refs", "--all", "--prune", cwd=main)
    assert not (main / ".git" / RUN).exists()
    for name in ("refs/runs/demo", RUN + "/x"):
        with pytest.raises(ConflictError) as caught:
            repository.swap([RefUpdate(name, None, tip)])
        assert caught.value.code == "git.ref_blocked"
    repository.swap([RefUpdate(RUN, tip, None)])
    assert git("for-each-ref", "refs/runs", cwd=main) == ""


def test_a_push_under_judgement_can_be_read_and_nothing_be_written(tmp_path: Path) -> None:
    main = project(tmp_path / "main")
    elsewhere = tmp_path / "quarantine"
    elsewhere.mkdir()
    item = blob(b"pushed")
    store(elsewhere, [item])
    repository = open_quarantine(main, elsewhere, StillClock(), NoJitter())
    assert repository.read(item.oid) == item
    assert repository.resolve("refs/heads/main") is not None
    assert not opened(main).contains(item.oid)
    for write in (
        lambda: repository.write([item]),
        lambda: repository.swap([RefUpdate(RUN, None, item.oid)]),
    ):
        with pytest.raises(RefusedError) as caught:
            write()
        assert caught.value.code == "git.quarantine"


def test_a_full_disk_loses_nothing_and_leaves_nothing_half_done(small_disk: Path) -> None:
    main = project(small_disk / "r")
    repository = opened(main)
    known = [record_a_run(repository)]
    (small_disk / "ballast").write_bytes(b"x" * 200_000)

    def fill() -> None:
        for number in range(2_000):
            objects = [*turn(known[-1]), blob(os.urandom(4_096)), blob(b"%d" % number)]
            repository.write(objects)
            repository.swap([RefUpdate(RUN, known[-1], objects[1].oid)])
            known.append(objects[1].oid)

    with pytest.raises(TransientError) as caught:
        fill()
    assert caught.value.code == "git.disk_full"
    again = opened(main)
    assert again.resolve(RUN) == known[-1]
    assert list(again.ancestors(known[-1])) == known[::-1]
    names = [path.name for path in (main / ".git").rglob("*")]
    assert [name for name in names if name.startswith("tmp_") or name.endswith(".lock")] == []
    (small_disk / "ballast").unlink()
    objects = turn(known[-1])
    again.write(objects)
    again.swap([RefUpdate(RUN, known[-1], objects[-1].oid)])
    assert git("fsck", "--strict", "--no-dangling", cwd=main) == ""


def test_a_read_only_disk_can_be_read(small_disk: Path) -> None:
    main = project(small_disk / "r")
    tip = record_a_run(opened(main))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    repository = opened(main)
    assert repository.resolve(RUN) == tip
    for objects in ([blob(b"x")], [blob(b"x"), blob(b"y")]):
        with pytest.raises(TransientError) as caught:
            repository.write(objects)
        assert caught.value.code == "git.read_only"
    with pytest.raises(TransientError) as caught:
        repository.swap([RefUpdate(RUN, tip, None)])
    assert caught.value.code == "git.read_only"
