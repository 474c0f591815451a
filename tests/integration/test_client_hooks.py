"""What a developer's hooks hold back before it becomes a commit or leaves: flows, statements, releases."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitflow_runner.runner.compose import compose
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.trust.signer import new_key_file
from tests.architecture.source import ROOT
from tests.hooked import git, install, must, repository, script

RUN = "20260921-131402-7k3m9q"
GOOD = """{:slug :%s :name "A flow" :concurrency {:type :singleton :on-new-version :coexist}
 :flow '(flow/step :function :a {:code "(fn [_] 1)"})}
"""
STATEMENT = f"""approve it

Gitflow-Statement: approval
Gitflow-Run: {RUN}
Gitflow-Wait: 00004-publish
Gitflow-Decision: approve
Gitflow-Payload: sha256:{"ab" * 32}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = repository(tmp_path / "r")
    (made / ".breyta/flows/parts").mkdir(parents=True)
    install(made)
    return made


def flow(folder: Path, slug: str, text: str | None = None) -> Path:
    path = folder / f".breyta/flows/{slug}.edn"
    path.write_text(text if text is not None else GOOD % slug)
    return path


def test_a_staged_flow_with_an_error_is_held_back_with_its_place(folder: Path) -> None:
    flow(folder, "good")
    flow(folder, "bad", "{:slug :bad\n :flow (")
    must(folder, "add", "-A")
    refused = git(folder, "commit", "-q", "-m", "flows")
    assert not refused.ok
    assert ".breyta/flows/bad.edn:2:" in refused.err
    assert "good.edn" not in refused.err
    must(folder, "rm", "-q", "--cached", ".breyta/flows/bad.edn")
    must(folder, "commit", "-q", "-m", "flows")


def test_what_is_staged_counts_and_not_what_lies_on_disk(folder: Path) -> None:
    path = flow(folder, "hello", "{")
    must(folder, "add", "-A")
    flow(folder, "hello")
    assert not git(folder, "commit", "-q", "-m", "mended on disk only").ok
    must(folder, "add", "-A")
    path.write_text("{")
    must(folder, "commit", "-q", "-m", "bent on disk only")


def test_a_commit_of_named_files_is_judged_by_what_it_takes(folder: Path) -> None:
    flow(folder, "one")
    must(folder, "add", "-A")
    must(folder, "commit", "-q", "-m", "one")
    flow(folder, "one", "{")
    (folder / "notes").write_text("n")
    must(folder, "add", "notes")
    assert not git(folder, "commit", "-q", "-m", "all", "-a").ok
    must(folder, "commit", "-q", "-m", "notes", "notes")


def test_flows_that_were_bent_before_hold_nothing_up(folder: Path) -> None:
    flow(folder, "bent", "{")
    must(folder, "add", "-A")
    must(folder, "commit", "-q", "--no-verify", "-m", "bent")
    flow(folder, "hello")
    (folder / "README").write_text("r")
    must(folder, "add", "-A")
    must(folder, "commit", "-q", "-m", "hello")
    must(folder, "rm", "-q", ".breyta/flows/bent.edn")
    must(folder, "commit", "-q", "-m", "gone")


def test_a_flow_is_checked_when_a_part_of_it_changes(folder: Path) -> None:
    part = folder / ".breyta/flows/parts/fn.clj"
    part.write_text("(fn [x] 1)")
    flow(
        folder,
        "hello",
        """{:slug :hello :concurrency {:type :singleton :on-new-version :coexist}
 :functions [{:id :f :language :clojure :code #flow/include "parts/fn.clj"}]
 :flow '(flow/step :function :a {:ref :f})}
""",
    )
    must(folder, "add", "-A")
    must(folder, "commit", "-q", "-m", "hello")
    part.write_text("(fn [x")
    must(folder, "add", "-A")
    refused = git(folder, "commit", "-q", "-m", "part")
    assert not refused.ok
    must(folder, "rm", "-q", "-f", ".breyta/flows/parts/fn.clj")
    assert not git(folder, "commit", "-q", "-m", "no part").ok


def test_a_link_in_place_of_a_flow_is_refused(folder: Path) -> None:
    (folder / ".breyta/flows/hello.edn").symlink_to("/etc/passwd")
    must(folder, "add", "-A")
    assert "closure.mode" in git(folder, "commit", "-q", "-m", "link").err


def test_other_commits_start_no_python(folder: Path) -> None:
    entry = folder / ".git/hooks/pre-commit.d/50-gitflow-runner"
    script(folder / "python", "touch .git/started; exit 1")
    for hook in ("pre-commit", "commit-msg", "pre-push"):
        entry = folder / f".git/hooks/{hook}.d/50-gitflow-runner"
        entry.write_text(entry.read_text().replace(f"\npython={sys.executable}\n", "\npython=./python\n"))
    (folder / "README").write_text("r")
    must(folder, "add", "README")
    must(folder, "commit", "-q", "-m", "plain")
    must(repository(folder.parent / "o.git", "--bare"), "config", "x.y", "z")
    must(folder, "push", "-q", str(folder.parent / "o.git"), "main")
    assert not (folder / ".git/started").exists()
    flow(folder, "hello")
    must(folder, "add", "-A")
    assert not git(folder, "commit", "-q", "-m", "flow").ok
    assert (folder / ".git/started").exists()


def test_a_missing_interpreter_is_told_with_the_way_out(folder: Path) -> None:
    entry = folder / ".git/hooks/pre-commit.d/50-gitflow-runner"
    entry.write_text(entry.read_text().replace(f"\npython={sys.executable}\n", "\npython=/gone/python\n"))
    must(folder, "commit", "-q", "--allow-empty", "-m", "nothing of ours")
    flow(folder, "hello")
    must(folder, "add", "-A")
    refused = git(folder, "commit", "-q", "-m", "flow")
    assert "/gone/python is gone" in refused.err
    assert "gfr hooks install" in refused.err


def test_a_package_in_the_work_tree_is_not_what_the_hook_runs(folder: Path) -> None:
    fake = folder / "gitflow_runner/hooks"
    fake.mkdir(parents=True)
    for package in (fake, fake.parent):
        (package / "__init__.py").write_text("")
    (fake / "__main__.py").write_text("open('.git/owned', 'w')\n")
    flow(folder, "hello")
    must(folder, "add", "-A")
    must(folder, "commit", "-q", "-m", "flow")
    assert not (folder / ".git/owned").exists()


@pytest.mark.parametrize(
    "message",
    [
        STATEMENT,
        STATEMENT + "Signed-off-by: Somebody <somebody@example.test>\n",
        "# Gitflow-Statement: nonsense\nplain\n",
        "A release\n\nGitflow-Proposal: x\n",
        "plain\n\n# ------------------------ >8 ------------------------\n+Gitflow-Statement: approval\n",
    ],
    ids=["approval", "signed off", "comment", "other trailers", "diff below the scissors"],
)
def test_good_statements_and_other_messages_pass(folder: Path, message: str) -> None:
    assert git(folder, "commit", "-q", "--allow-empty", "--cleanup=scissors", "-F", "-", given=message).ok


@pytest.mark.parametrize(
    "message",
    [
        STATEMENT.replace("Gitflow-Run", "Gitflow-Rum"),
        STATEMENT.replace("Gitflow-Wait", "gitflow-wait"),
        STATEMENT + "Gitflow-Decision: reject\n",
        STATEMENT + "\nand one more thing\n",
        STATEMENT.replace("Gitflow-Statement: approval\n", ""),
        STATEMENT.replace(": approval", ": blessing"),
        STATEMENT.replace("sha256:", "sha1:"),
    ],
    ids=["unknown", "case", "twice", "not last", "no kind", "unknown kind", "digest"],
)
def test_a_statement_that_would_not_count_becomes_no_commit(folder: Path, message: str) -> None:
    refused = git(folder, "commit", "-q", "--allow-empty", "-F", "-", given=message)
    assert not refused.ok
    assert "(approval.trailers)" in refused.err


@pytest.fixture
def released(folder: Path) -> Runtime:
    """A repository with a signing key, and a server to push to."""
    key = folder / ".git/key"
    key.write_bytes(new_key_file(b"a" * 32))
    key.chmod(0o600)
    must(folder, "config", "gpg.format", "ssh")
    must(folder, "config", "user.signingkey", str(key))
    repository(folder.parent / "o.git", "--bare")
    return compose(folder)


def push(folder: Path, *what: str) -> str:
    ended = git(folder, "push", "-q", str(folder.parent / "o.git"), *what)
    return "" if ended.ok else ended.err


def test_unsigned_misnamed_moved_and_deleted_releases_do_not_leave(folder: Path, released: Runtime) -> None:
    must(folder, "tag", "flow/hello/v1")
    must(folder, "tag", "-a", "-m", "unsigned", "flow/hello/v2")
    must(folder, "tag", "-s", "-m", "signed", "flow/hello/v3")
    tag = "refs/tags/flow/hello/v"
    assert "(signature.not_a_tag_object)" in push(folder, f"{tag}1")
    assert "(signature.unsigned)" in push(folder, f"{tag}2")
    assert "(signature.tag_name_mismatch)" in push(folder, f"{tag}3:{tag}4")
    assert push(folder, f"{tag}3", "main") == ""
    assert "(release_missing)" in push(folder, f":{tag}3")
    assert "(release_moved)" in push(folder, f"+{tag}2:{tag}3")


def test_checking_a_message_costs_no_heavy_import(folder: Path) -> None:
    (folder / "message").write_text(STATEMENT)
    program = (
        "import sys; from gitflow_runner.hooks.__main__ import main\n"
        "try: main(['commit-msg', 'message'])\n"
        "finally: print(*sorted({'pygit2', 'cryptography', 'yaml', 'httpx', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def test_a_push_and_a_merge_only_wake_runs(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    must(tmp_path, "clone", "-q", str(folder), str(other))
    entry = folder / ".git/hooks/pre-receive.d/50-gitflow-runner"
    entry.chmod(0o644)
    wake = folder / ".git/gitflow/wake"
    must(other, "push", "-q", "origin", f"HEAD:refs/approvals/{RUN}/00004-publish/a")
    assert [path.name for path in wake.iterdir()] == [RUN]
    (wake / RUN).unlink()
    must(other, "push", "-q", "origin", "HEAD:refs/requests/new/a", "HEAD:refs/heads/side")
    assert list(wake.iterdir()) == []
    must(folder, "update-ref", f"refs/runner/active/{RUN}", "HEAD")
    must(folder, "commit", "-q", "--allow-empty", "-m", "on main")
    must(folder, "merge", "-q", "--no-ff", "--allow-unrelated-histories", "-m", "m", "side")
    must(other, "commit", "-q", "--allow-empty", "-m", "aside")
    must(other, "push", "-q", "origin", "HEAD:side")
    must(folder, "merge", "-q", "-m", "m", "side")
    assert [path.name for path in wake.iterdir()] == [RUN]
