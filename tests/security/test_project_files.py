"""Attacks through `:files`: paths that leave the tree, links, hidden commits, programs, foreign branches."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gitflow_runner.errors import StepError
from gitflow_runner.model.pin import DraftSource, Pin, ReleaseSource
from gitflow_runner.model.project_path import check_project_path
from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.configured import Configured
from gitflow_runner.runner.forge_desk import ForgeDesk
from gitflow_runner.runner.project_files import as_step_error
from gitflow_runner.runner.publishing import RunPublishing
from gitflow_runner.steps.trees import ChangeRequest, FileChange, FileContent, PublishRequest, Wanted
from tests.projects import git, made_project, real_files
from tests.team import Team

AS_GIT_REFUSES = [
    *(".git", ".git/config", "a/.git/b", ".GIT/config", ".g\u200cit/config", ".gi\ufefft/x"),
    *("git~1/config", "GIT~1", ".git./x", ".git /x", ".git::$INDEX_ALLOCATION/x", ".git\\config"),
    *("..", "a/../b", "a/..", ".", "a/./b", "/abs", "a//b", "a/"),
]
STRICTER = [
    *("", "a\nb", "a\x7f", "a\\b", "\ud800", "x" * 401, f"{'y' * 256}/z", "git~2/x", ".git:x"),
    *(".gitmodules", "a/.GitModules", "gitmod~1", ".breyta/proposals/run.edn", ".Breyta/PROPOSALS/x"),
]
ATTRIBUTES = b"* filter=x diff=x text eol=crlf ident\n"
FINE = [
    *("a", "src/.gitignore", ".github/workflows/ci.yml", "a b/c", "\u00e4/\u00f6.md", ".gitattributes"),
    *("git", "x.git", "...", "-x"),
]


@pytest.mark.parametrize("path", [*AS_GIT_REFUSES, *STRICTER])
def test_a_path_that_is_gits_own_or_leads_out_is_refused(path: str) -> None:
    with pytest.raises(StepError) as caught:
        check_project_path(path)
    assert caught.value.code == "files.path"


def test_git_judges_paths_no_more_strictly(tmp_path: Path) -> None:
    made_project(tmp_path, {"a": b""})
    blob = git(tmp_path, "rev-parse", "HEAD:a")
    guard = ("-c", "core.protectHFS=true", "-c", "core.protectNTFS=true")

    def takes(path: str) -> bool:
        call = ["git", *guard, "update-index", "--add", "--replace", "--cacheinfo", f"100644,{blob},{path}"]
        return subprocess.run(call, cwd=tmp_path, capture_output=True).returncode == 0

    assert [path for path in AS_GIT_REFUSES if takes(path)] == []
    assert [path for path in FINE if not takes(path)] == []
    assert [check_project_path(path) for path in FINE] == FINE


@pytest.fixture
def linked(tmp_path: Path) -> tuple[Path, str]:
    """A tree with a link to the outside, a link to a folder, and a submodule."""
    commit = made_project(tmp_path, {"dir/file": b"inside\n"})
    (tmp_path / "out").symlink_to("/etc")
    (tmp_path / "alias").symlink_to("dir")
    git(tmp_path, "add", "-A")
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    git(tmp_path, "commit", "-q", "-m", "links")
    return tmp_path, git(tmp_path, "rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize("path", ["out", "alias", "sub", "out/passwd", "alias/file", "sub/x"])
def test_nothing_is_reached_through_a_link_or_a_submodule(linked: tuple[Path, str], path: str) -> None:
    files, tree = real_files(linked[0])[0], linked[1]
    with pytest.raises(StepError) as caught:
        files.read(tree, path, 1_000)
    assert caught.value.code == ("files.unknown_path" if "/" in path else "files.not_a_file")
    with pytest.raises(StepError) as caught:
        files.changed(tree, [FileChange(path, FileContent(b"x"))])
    assert caught.value.code == "files.not_a_file"


def test_a_submodule_is_not_deleted_and_links_are_told_as_what_they_are(linked: tuple[Path, str]) -> None:
    files, tree = real_files(linked[0])[0], linked[1]
    kinds = {each.path: each.kind for each in files.list(tree, "", 10)}
    assert kinds == {"dir/file": "file", "out": "link", "alias": "link", "sub": "submodule"}
    with pytest.raises(StepError) as caught:
        files.changed(tree, [FileChange("sub", None)])
    assert caught.value.code == "files.unknown_path"


def test_only_what_a_branch_or_a_tag_reaches_can_be_resolved(tmp_path: Path) -> None:
    shown = made_project(tmp_path, {"a": b"1"})
    tree = git(tmp_path, "rev-parse", "HEAD^{tree}")
    loose = git(tmp_path, "commit-tree", "-m", "loose", tree)
    run = git(tmp_path, "commit-tree", "-m", "a run's turn", tree)
    git(tmp_path, "update-ref", "refs/runs/hello/20251122-131402-7k3m9q", run)
    source = real_files(tmp_path)[1]
    assert source.resolve(shown) == shown
    for name in (loose, run):
        with pytest.raises(StepError) as caught:
            source.resolve(name)
        assert caught.value.code == "git.not_reachable"
    for name in ("refs/runs/hello/20251122-131402-7k3m9q", "main~0", "main^{tree}", "-h", "@{-1}", tree):
        with pytest.raises(StepError) as caught:
            source.resolve(name)
        assert caught.value.code == "git.unknown_revision"


def test_no_program_of_the_repository_is_run(tmp_path: Path) -> None:
    folder, canary = tmp_path / "r", tmp_path / "canary"
    folder.mkdir()
    canary.write_text(f"#!/bin/sh\ntouch {tmp_path}/sang\ncat\n")
    canary.chmod(0o755)
    commit = made_project(folder, {"a.txt": b"needle\n", ".gitattributes": ATTRIBUTES})
    for key in ("filter.x.clean", "filter.x.smudge", "filter.x.process", "diff.x.textconv", "diff.x.command",
                "diff.external", "core.fsmonitor", "core.pager"):  # fmt: skip
        git(folder, "config", key, str(canary))
    files = real_files(folder)[0]
    tree = files.tree_of(commit)
    made = files.changed(tree, [FileChange("a.txt", FileContent(b"$Id$\nneedle\r\n"))])
    assert files.read(made, "a.txt", 100).data == b"$Id$\nneedle\r\n"
    assert [m.path for m in files.search(made, Wanted("needle", paths=("a.txt",)))] == ["a.txt"]
    assert "+$Id$" in files.patch(tree, made, (), 10_000)[0]
    assert len(files.list(made, "", 10)) == len(files.changes(tree, made, (), 10)) + 1
    assert not (tmp_path / "sang").exists()


@pytest.mark.parametrize("pattern", [r"(a)\1", "a{2000}", "(a{2,99}){2,99}", "((a{1,99}){1,99}){1,99}"])
def test_a_pattern_that_costs_too_much_is_refused(tmp_path: Path, pattern: str) -> None:
    commit = made_project(tmp_path, {"a": b"aaaa"})
    files = real_files(tmp_path)[0]
    with pytest.raises(StepError) as caught:
        files.search(files.tree_of(commit), Wanted(pattern, regex=True))
    assert caught.value.code == "files.pattern"


def publishing(team: Team, *, draft: bool = False, remote: str | None = None) -> RunPublishing:
    runtime = compose(team.home, environment=os.environ, say=lambda text: None)
    if remote is not None:
        team.ann.git("remote", "add", "origin", remote)
        team.ann.git("config", "gitflow.remote", "origin")
    draft_source, release = (
        DraftSource("main", "1" * 40, dirty=False),
        ReleaseSource("flow/ship/v1", "1" * 40, "2" * 40),
    )
    source = draft_source if draft else release
    pin = Pin(1, "home", "ship", "ship.edn", source, (), "sha256:0", 1)
    return RunPublishing(
        ForgeDesk(runtime, Configured()), pin, runtime.forge_memory, "20251122-131402-7k3m9q"
    )


def request(team: Team, branch: str, mode: str = "create", *, base: str = "HEAD") -> PublishRequest:
    commit = team.ann.git("rev-parse", base)
    tree = team.tree_with(f"{commit}^{{tree}}", {"new": b"x"})
    return PublishRequest(branch, mode, commit, tree, "New\n", 1_790_000_000_000)  # type: ignore[arg-type]


def refused(publishing: RunPublishing, wanted: PublishRequest) -> str:
    with pytest.raises(StepError) as caught:
        publishing.publish(wanted)
    return caught.value.code


def test_no_branch_but_the_flows_own_is_published_to(team: Team) -> None:
    desk, before = publishing(team), team.ann.git("for-each-ref")
    protected = ("main", "Main", "MAIN")
    none = ("gitflow/20251122-131402-7k3m9q-00001-ask", "refs/heads/main", "heads/main", "HEAD", "-f", "a..b")
    table = dict.fromkeys(protected, "files.protected") | dict.fromkeys(none, "files.branch")
    table |= dict.fromkeys(("a b", "x.lock", "", "a\nb", "b/../main", "x" * 201), "files.branch")
    assert {branch: refused(desk, request(team, branch)) for branch in table} == table
    assert team.ann.git("for-each-ref") == before


def test_a_branch_is_created_or_moved_on_and_never_forced(team: Team) -> None:
    desk = publishing(team)
    made = desk.publish(request(team, "docs/x"))
    assert team.ann.git("rev-parse", "docs/x") == made.commit
    assert desk.publish(request(team, "docs/x")).repeated
    other = request(team, "docs/x", base="HEAD~1")
    assert refused(desk, other) == "files.branch_taken"
    assert refused(desk, request(team, "docs/x", "fast-forward", base="HEAD~1")) == "files.branch_moved"
    on = request(team, "docs/x", "fast-forward", base="docs/x")
    moved = desk.publish(on)
    assert team.ann.git("rev-parse", "docs/x", "docs/x~1").split() == [moved.commit, made.commit]
    assert refused(desk, request(team, "gone", "fast-forward")) == "files.branch_moved"
    assert team.ann.git("verify-commit", "--raw", moved.commit) == ""
    assert team.ann.git("status", "--porcelain") == ""


def test_a_branch_that_somebody_has_checked_out_is_left_alone(team: Team, tmp_path: Path) -> None:
    desk = publishing(team)
    team.ann.git("worktree", "add", "-q", "-b", "theirs", str(tmp_path / "linked"))
    assert refused(desk, request(team, "theirs", "fast-forward")) == "files.checked_out"
    team.ann.git("checkout", "-q", "--orphan", "unborn")
    assert refused(desk, request(team, "unborn", base="main")) == "files.checked_out"


def test_the_policy_grants_a_protected_branch_to_releases_of_one_flow(team: Team) -> None:
    text = team.policy(version=3).replace(":rules", ':publish [{:flow "sh*p" :branch "main"}] :rules', 1)
    (team.home / ".breyta/policy.edn").write_text(text)
    assert team.ann.gfr("policy", "apply").exit == 0
    wanted = request(team, "main", "fast-forward", base="main")
    assert refused(publishing(team, draft=True), wanted) == "files.protected"
    team.ann.git("checkout", "-q", "--detach")
    made = publishing(team).publish(wanted)
    assert team.ann.git("rev-parse", "main") == made.commit


def test_a_draft_pushes_nothing_and_a_remote_branch_is_not_forced(team: Team, tmp_path: Path) -> None:
    hub = tmp_path / "hub.git"
    subprocess.run(
        ["git", "clone", "-q", "--bare", str(team.home), str(hub)], check=True, capture_output=True
    )
    desk = publishing(team, remote=str(hub))
    assert refused(publishing(team, draft=True), request(team, "docs/x")) == "files.draft"
    made = desk.publish(request(team, "docs/x"))
    assert (made.remote, git(hub, "rev-parse", "docs/x")) == ("origin", made.commit)
    assert desk.publish(request(team, "docs/x")).repeated
    git(hub, "update-ref", "refs/heads/docs/x", "main")
    assert refused(desk, request(team, "docs/x", "fast-forward", base="HEAD~1")) == "files.branch_moved"
    assert git(hub, "rev-parse", "docs/x") == git(hub, "rev-parse", "main")
    with pytest.raises(StepError) as caught:
        desk.open_change(ChangeRequest("docs/x", made.commit, None, "New", ""))
    assert as_step_error(caught.value).code == "files.branch_moved"
