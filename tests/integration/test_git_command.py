"""The git binary against real remotes: what is fetched, pushed, refused and left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitflow_runner.errors import ConflictError, NotFoundError, RefusedError, TransientError
from gitflow_runner.git.child import Limits
from gitflow_runner.git.command import GitCommand
from gitflow_runner.git.objects import Commit, Ident, Oid, encode_tree
from gitflow_runner.git.pygit import PygitRepository, open_repository
from gitflow_runner.git.refs import sync_refspecs
from gitflow_runner.git.repository import RefUpdate
from tests.repositories import NoJitter, StillClock

RUN = "refs/runs/demo/20251122-131402-7k3m9q"
OTHER = "refs/runs/demo/20251122-131402-aaaaaa"
WHO = Ident("Ada", "ada@example.org", 1_700_000_000)


class Clone:
    """A repository with its git and a remote named `hub`."""

    def __init__(self, path: Path, hub: Path, **settings: object) -> None:
        subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
        self.path = path
        self.repository: PygitRepository = open_repository(path, StillClock(), NoJitter())
        self.git = GitCommand(path / ".git", dict(os.environ), **settings)  # type: ignore[arg-type]
        self.git.set_config("remote.hub.url", str(hub))

    def commit(self, text: str, *parents: Oid) -> Oid:
        tree = encode_tree([])
        made = Commit(tree.oid, parents, WHO, WHO, text).encode()
        self.repository.write([tree, made])
        return made.oid

    def move(self, name: str, old: Oid | None, new: Oid | None) -> None:
        self.repository.swap([RefUpdate(name, old, new)])


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    path = tmp_path / "hub.git"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    return path


@pytest.fixture
def clone(tmp_path: Path, hub: Path) -> Clone:
    return Clone(tmp_path / "a", hub)


def test_what_one_clone_pushes_another_fetches_elsewhere(tmp_path: Path, hub: Path, clone: Clone) -> None:
    other = Clone(tmp_path / "b", hub)
    tip = clone.commit("turn")
    clone.move(RUN, None, tip)
    clone.git.push("hub", [RefUpdate(RUN, None, tip), RefUpdate("refs/heads/main", None, tip)])
    assert clone.git.remote_refs("hub", ["refs/runs/"]) == ((RUN, tip),)
    assert clone.git.remote_refs("hub") == (("refs/heads/main", tip), (RUN, tip))
    assert other.git.fetch("hub", sync_refspecs("hub", "main")) == ("refs/policy/chain",)
    assert list(other.repository.refs("refs/")) == [
        ("refs/remotes/hub/main", tip),
        ("refs/runner/remotes/hub/runs/demo/20251122-131402-7k3m9q", tip),
    ]
    assert other.git.fetch("hub", sync_refspecs("hub", "main")) == ("refs/policy/chain",)


def test_a_push_moves_a_ref_only_from_its_old_value(tmp_path: Path, hub: Path, clone: Clone) -> None:
    first = clone.commit("first")
    second, third = clone.commit("second", first), clone.commit("third", first)
    clone.git.push("hub", [RefUpdate(RUN, None, first)])
    clone.git.push("hub", [RefUpdate(RUN, first, second)])
    for update in (RefUpdate(RUN, first, third), RefUpdate(RUN, None, third), RefUpdate(RUN, first, None)):
        with pytest.raises(ConflictError) as caught:
            clone.git.push("hub", [update])
        assert caught.value.code == "git.push_rejected"
        assert caught.value.details["refs"] == {RUN: "[rejected] (stale info)"}
    assert clone.git.remote_refs("hub", [RUN]) == ((RUN, second),)
    clone.git.push("hub", [RefUpdate(RUN, second, None)])
    assert clone.git.remote_refs("hub", [RUN]) == ()


def test_an_atomic_push_moves_all_or_nothing(clone: Clone) -> None:
    first, second = clone.commit("first"), clone.commit("second")
    clone.git.push("hub", [RefUpdate(RUN, None, first)])
    with pytest.raises(ConflictError) as caught:
        clone.git.push("hub", [RefUpdate(OTHER, None, second), RefUpdate(RUN, second, second)])
    assert set(caught.value.details["refs"]) == {RUN, OTHER}  # type: ignore[call-overload]
    assert clone.git.remote_refs("hub") == ((RUN, first),)
    clone.git.push("hub", [])


def test_a_hook_that_declines_is_quoted(hub: Path, clone: Clone) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'not \033[31mthis one' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ConflictError) as caught:
        clone.git.push("hub", [RefUpdate(RUN, None, clone.commit("x"))])
    assert caught.value.details["refs"] == {RUN: "[remote rejected] (pre-receive hook declined)"}
    assert "not  [31mthis one" in str(caught.value.details["said"])


def test_a_fetch_never_rewinds_and_still_brings_the_rest(tmp_path: Path, hub: Path, clone: Clone) -> None:
    other = Clone(tmp_path / "b", hub)
    spec = "refs/live/*:refs/live/*"
    first = clone.commit("first")
    second = clone.commit("second", first)
    clone.git.push("hub", [RefUpdate("refs/live/demo", None, second)])
    other.git.fetch("hub", [spec])
    clone.git.push("hub", [RefUpdate("refs/live/demo", second, first), RefUpdate("refs/live/x", None, first)])
    with pytest.raises(ConflictError) as caught:
        other.git.fetch("hub", [spec])
    assert caught.value.code == "git.fetch_rejected"
    assert list(caught.value.details["refs"]) == ["refs/live/demo"]  # type: ignore[call-overload]
    assert other.repository.resolve("refs/live/demo") == second
    assert other.repository.resolve("refs/live/x") == first


def test_the_refspecs_that_the_remote_is_configured_with_play_no_part(
    tmp_path: Path, hub: Path, clone: Clone
) -> None:
    other = Clone(tmp_path / "b", hub)
    mine, theirs = other.commit("mine"), clone.commit("theirs")
    other.move(RUN, None, mine)
    clone.git.push("hub", [RefUpdate(RUN, None, theirs)])
    other.git.set_config("remote.hub.fetch", "+refs/runs/*:refs/runs/*")
    other.git.set_config("remote.hub.prune", "true")
    other.git.fetch("hub", sync_refspecs("hub", "main"))
    assert other.repository.resolve(RUN) == mine


@pytest.mark.parametrize(
    "spec",
    [
        "+refs/a/*:refs/a/*",
        "refs/heads/x",
        "--upload-pack=x",
        "refs/a:refs/b:refs/c",
        "^refs/a",
        "refs/a b:refs/c",
    ],
)
def test_only_plain_specs_are_fetched(clone: Clone, spec: str) -> None:
    with pytest.raises(RefusedError) as caught:
        clone.git.fetch("hub", [spec])
    assert caught.value.code == "ref.malformed"


@pytest.mark.parametrize(
    "remote", ["--upload-pack=touch x", "", "ext::sh -c x", "ext::x", "a b", "foo::bar", "a\nb"]
)
def test_only_plain_remotes_are_called(clone: Clone, remote: str) -> None:
    with pytest.raises(RefusedError) as caught:
        clone.git.remote_refs(remote)
    assert caught.value.code == "git.remote_malformed"


def test_remotes_that_are_not_there_say_so(tmp_path: Path, clone: Clone) -> None:
    with pytest.raises(NotFoundError) as absent:
        clone.git.remote_refs("upstream")
    assert absent.value.code == "git.no_remote"
    with pytest.raises(NotFoundError) as empty:
        clone.git.remote_refs(str(tmp_path))
    assert empty.value.code == "git.no_remote"
    for ask in (
        lambda: clone.git.remote_refs("http://127.0.0.1:9/x.git"),
        lambda: clone.git.push("http://127.0.0.1:9/x.git", [RefUpdate(RUN, None, clone.commit("x"))]),
        lambda: clone.git.fetch("http://127.0.0.1:9/x.git", ["refs/a/*:refs/a/*"]),
    ):
        with pytest.raises(TransientError) as unreachable:
            ask()
        assert unreachable.value.code == "git.remote_unreachable"


def test_configuration_is_set_read_and_taken_away(clone: Clone) -> None:
    assert clone.git.config("gitflow.remote") is None
    clone.git.set_config("gitflow.remote", "hub ünïcode\nline")
    assert clone.git.config("gitflow.remote") == "hub ünïcode\nline"
    clone.git.set_config("gitflow.remote", "again")
    assert clone.git.config("gitflow.remote") == "again"
    clone.git.set_config("gitflow.remote", None)
    clone.git.set_config("gitflow.remote", None)
    assert clone.git.config("gitflow.remote") is None
    assert clone.git.global_config("gitflow.remote") is None
    for key in ("--edit", "x", "a.b\nc", ""):
        with pytest.raises(RefusedError) as caught:
            clone.git.config(key)
        assert caught.value.code == "git.config"


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("git version 2.39.5", (2, 39, 5)),
        ("git version 2.30.0.windows.1", (2, 30, 0)),
        ("git version 3.0-rc1", (3, 0, 0)),
        ("git version 2.29.3", "git.too_old"),
        ("hello", "git.not_installed"),
    ],
)
def test_the_version_is_checked(tmp_path: Path, said: str, answer: object) -> None:
    git = GitCommand(
        tmp_path, {"PATH": os.environ["PATH"]}, program=script(tmp_path / "git", f"echo '{said}'")
    )
    if isinstance(answer, tuple):
        assert git.version() == answer
        return
    with pytest.raises(RefusedError) as caught:
        git.version()
    assert caught.value.code == answer


def test_a_child_is_bounded_in_time_and_output(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    python = sys.executable
    slow = script(tmp_path / "slow", f"{python} -c 'import time; time.sleep(60)'")
    with pytest.raises(TransientError) as caught:
        GitCommand(tmp_path, environment, program=slow, limits=Limits(seconds=0.2)).run("version")
    assert caught.value.code == "git.timeout"
    loud = script(tmp_path / "loud", f"{python} -c 'while True: print(\"x\" * 1000)'")
    with pytest.raises(RefusedError) as refused:
        GitCommand(tmp_path, environment, program=loud, limits=Limits(output_bytes=100_000)).run("version")
    assert refused.value.code == "git.output_too_large"
    with pytest.raises(RefusedError) as absent:
        GitCommand(tmp_path, environment, program=str(tmp_path / "none")).run("version")
    assert absent.value.code == "git.not_installed"
    with pytest.raises(RefusedError) as gone:
        GitCommand(tmp_path / "gone", environment).run("version")
    assert gone.value.code == "git.no_folder"
    deaf = script(tmp_path / "deaf", "exec 0<&-; exit 3")
    with pytest.raises(TransientError) as failed:
        GitCommand(tmp_path, environment, program=deaf).run("version", stdin=b"x" * 1_000_000)
    assert failed.value.details["exit"] == 3
