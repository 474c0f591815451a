"""A repository whose own configuration tries to run a program or to shadow an object: no canary may sing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.command import GitCommand
from gitflow_runner.git.maintenance import fold_packs, pack_refs
from gitflow_runner.git.objects import Commit, Ident, blob, encode_tree
from gitflow_runner.git.pygit import open_repository
from gitflow_runner.git.repository import RefUpdate
from tests.repositories import NoJitter, StillClock

RUN = "refs/runs/demo/20251122-131402-7k3m9q"
WHO = Ident("Ada", "ada@example.org", 1_700_000_000)

PROGRAM_KEYS = [
    "core.fsmonitor",
    "core.sshCommand",
    "core.askPass",
    "core.gitProxy",
    "core.pager",
    "core.editor",
    "core.alternateRefsCommand",
    "credential.helper",
    "credential.http://127.0.0.1:9.helper",
    "gpg.program",
    "gpg.ssh.program",
    "gpg.ssh.defaultKeyCommand",
    "gc.recentObjectsHook",
    "diff.external",
    "filter.x.clean",
    "filter.x.smudge",
    "filter.x.process",
    "merge.x.driver",
    "alias.fetch",
    "alias.version",
    "remote.hub.uploadpack",
    "remote.hub.receivepack",
    "remote.ssh.uploadpack",
    "uploadpack.packObjectsHook",
]


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A program that leaves `sang` beside itself when it is run."""
    path = tmp_path / "canary"
    path.write_text(f'#!/bin/sh\necho "$0 $@" >> {tmp_path}/sang\nexit 1\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def hostile(tmp_path: Path, canary: Path) -> Path:
    """A repository whose configuration, hooks and attributes name the canary wherever git takes a program."""
    hub, repo = tmp_path / "hub.git", tmp_path / "r"
    subprocess.run(["git", "init", "-q", "--bare", str(hub)], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(repo)], check=True)
    (repo / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    (repo / ".git" / "objects" / "info" / "alternates").write_text(f"{hub}/objects\n")
    included = tmp_path / "included"
    settings = {
        "remote.hub.url": str(hub),
        "remote.ssh.url": "ssh://127.0.0.1:9/x.git",
        "remote.web.url": "http://127.0.0.1:9/x.git",
        "remote.ext.url": f"ext::{canary}",
        "core.hooksPath": str(canary.parent / "hooks"),
        "protocol.ext.allow": "always",
        "protocol.allow": "always",
        "push.gpgSign": "true",
        "fetch.recurseSubmodules": "true",
        "include.path": str(included),
        "url.ext::" + str(canary) + ".insteadOf": "short:",
    }
    for key, value in settings.items():
        subprocess.run(["git", "-C", str(repo), "config", key, value], check=True)
    for key in PROGRAM_KEYS:
        for file in (repo / ".git" / "config", included):
            subprocess.run(["git", "config", "--file", str(file), key, str(canary)], check=True)
    for folder in (canary.parent / "hooks", repo / ".git" / "hooks"):
        folder.mkdir(exist_ok=True)
        for hook in ("reference-transaction", "pre-push", "post-merge", "pre-auto-gc", "fsmonitor-watchman"):
            (folder / hook).write_bytes(canary.read_bytes())
            (folder / hook).chmod(0o755)
    return repo


def test_a_hostile_configuration_runs_no_program(tmp_path: Path, hostile: Path) -> None:
    git = GitCommand(hostile / ".git", dict(os.environ))
    repository = open_repository(hostile, StillClock(), NoJitter())
    tree = encode_tree([])
    commit = Commit(tree.oid, (), WHO, WHO, "x\n").encode()
    repository.write([tree, commit])
    repository.write([blob(b"loose")])
    repository.swap([RefUpdate(RUN, None, commit.oid)])
    git.version()
    git.push("hub", [RefUpdate(RUN, None, commit.oid)])
    assert git.remote_refs("hub") == ((RUN, commit.oid),)
    git.fetch("hub", ["refs/runs/*:refs/runner/remotes/hub/runs/*"])
    pack_refs(git)
    fold_packs(git, dedicated=True)
    fold_packs(git, dedicated=False)
    for remote in ("ssh", "web", "ext", "short:x"):
        with pytest.raises(GitflowError):
            git.remote_refs(remote)
    assert not (tmp_path / "sang").exists()


def test_the_canary_would_sing_without_the_overrides(tmp_path: Path, hostile: Path) -> None:
    subprocess.run(["git", "-C", str(hostile), "ls-remote", "ssh"], capture_output=True, check=False)
    subprocess.run(["git", "-C", str(hostile), "status"], capture_output=True, check=False)
    assert (tmp_path / "sang").exists()


@pytest.mark.parametrize("key", ["remote.hub.vcs", "credential.http://x/?a=b.helper"])
def test_what_cannot_be_overridden_is_refused(hostile: Path, canary: Path, key: str) -> None:
    subprocess.run(["git", "-C", str(hostile), "config", key, str(canary)], check=True)
    with pytest.raises(RefusedError) as caught:
        GitCommand(hostile / ".git", dict(os.environ)).remote_refs("hub")
    assert caught.value.code == "git.hostile_config"


def test_the_user_s_own_credential_helper_and_ssh_command_still_serve(tmp_path: Path, hostile: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for kind in ("helper", "ssh"):
        (home / kind).write_text(f'#!/bin/sh\necho "{kind} $1" >> {home}/asked\nexit 1\n')
        (home / kind).chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[credential]\n\thelper = {home}/helper\n[core]\n\tsshCommand = {home}/ssh\n"
    )
    git = GitCommand(hostile / ".git", {**os.environ, "HOME": str(home)})
    with pytest.raises(GitflowError):
        git.remote_refs("ssh")
    assert (home / "asked").read_text().startswith("ssh ")
    assert git.global_config("credential.helper") == f"{home}/helper"
    assert f"credential.helper={home}/helper" in git._transport()
    assert not (tmp_path / "sang").exists()


def test_inherited_git_variables_do_not_reach_the_child(tmp_path: Path, hostile: Path, canary: Path) -> None:
    poisoned = {
        **os.environ,
        "GIT_DIR": str(tmp_path),
        "GIT_EXTERNAL_DIFF": str(canary),
        "GIT_PROXY_COMMAND": str(canary),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(canary),
        "GIT_CONFIG_PARAMETERS": f"'core.sshCommand={canary}'",
        "GIT_OBJECT_DIRECTORY": str(tmp_path),
        "GIT_EXEC_PATH": str(tmp_path),
    }
    git = GitCommand(hostile / ".git", poisoned)
    assert git.config("remote.ssh.url") == "ssh://127.0.0.1:9/x.git"
    with pytest.raises(GitflowError):
        git.remote_refs("ssh")
    assert not (tmp_path / "sang").exists()


def test_replacement_refs_do_not_shadow_an_object_for_git(tmp_path: Path, hostile: Path) -> None:
    repository = open_repository(hostile, StillClock(), NoJitter())
    true, false = blob(b"true"), blob(b"false")
    repository.write([true, false])
    repository.swap([RefUpdate(f"refs/replace/{true.oid}", None, false.oid)])
    assert GitCommand(hostile / ".git", dict(os.environ)).run("cat-file", "-p", true.oid) == b"true"
    assert repository.read(true.oid) == true
