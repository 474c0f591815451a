"""What is for ever stays where it is: every way in which git moves a ref, against the hook in sh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gitflow_runner.git import refs
from gitflow_runner.git.command import GitCommand
from gitflow_runner.git.maintenance import pack_refs
from tests.architecture.source import ROOT
from tests.hooked import Ended, git, install, must, repository

RUN = "20260921-131402-7k3m9q"
TAG = "refs/tags/flow/hello/v1"
RUN_REF = f"refs/runs/hello/{RUN}"
APPROVAL = f"refs/approvals/{RUN}/00004-publish/a"
GROWING = {
    RUN_REF: "history_rewritten",
    "refs/live/hello": "live.live_rewound",
    "refs/policy/chain": "policy.policy_rewound",
    "refs/runner/log/" + "ab" * 32: "log.log_rewound",
}
SENT = (APPROVAL, f"refs/callbacks/{RUN}/00004-publish/a", f"refs/requests/{RUN}/a", "refs/requests/new/a")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with three commits, our hooks, and one ref of every kind on the second commit."""
    made = repository(tmp_path / "r")
    for name in ("second", "third"):
        must(made, "commit", "-q", "--allow-empty", "-m", name)
    install(made)
    for name in (TAG, *GROWING, *SENT):
        must(made, "update-ref", name, "HEAD~1")
    return made


def refused(ended: Ended, code: str) -> bool:
    return not ended.ok and f"({code})" in ended.err


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_release_is_neither_moved_nor_deleted(folder: Path, packed: bool) -> None:
    if packed:
        must(folder, "pack-refs", "--all")
    before = must(folder, "rev-parse", TAG)
    assert refused(git(folder, "tag", "-f", "flow/hello/v1", "HEAD"), "release_moved")
    assert refused(git(folder, "update-ref", TAG, "HEAD"), "release_moved")
    assert refused(git(folder, "update-ref", TAG, "HEAD", before), "release_moved")
    assert refused(git(folder, "tag", "-d", "flow/hello/v1"), "release_missing")
    assert refused(git(folder, "update-ref", "-d", TAG), "release_missing")
    many = git(folder, "update-ref", "--stdin", given=f"create refs/heads/x HEAD\ndelete {TAG}\n")
    assert refused(many, "release_missing")
    assert must(folder, "rev-parse", TAG) == before
    assert not git(folder, "rev-parse", "--verify", "-q", "refs/heads/x").ok
    must(folder, "update-ref", TAG, before)  # it stands there already


@pytest.mark.parametrize(("name", "code"), GROWING.items(), ids=lambda each: each.split("/")[-1][:8])
def test_a_chain_grows_and_is_neither_rewound_nor_deleted(folder: Path, name: str, code: str) -> None:
    must(folder, "update-ref", name, "HEAD")
    assert refused(git(folder, "update-ref", name, "HEAD~2"), code)
    assert refused(git(folder, "update-ref", "-d", name), code)
    aside = must(folder, "commit-tree", "-m", "aside", "-p", "HEAD~1", "HEAD^{tree}")
    assert refused(git(folder, "update-ref", name, aside), code)
    assert must(folder, "rev-parse", name) == must(folder, "rev-parse", "HEAD")


def test_a_replaced_commit_makes_no_rewind_look_like_growth(folder: Path) -> None:
    aside = must(folder, "commit-tree", "-m", "aside", "HEAD^{tree}")
    forged = must(folder, "commit-tree", "-m", "aside", "-p", "HEAD~1", "HEAD^{tree}")
    must(folder, "update-ref", f"refs/replace/{aside}", forged)
    assert refused(git(folder, "update-ref", RUN_REF, aside), "history_rewritten")


@pytest.mark.parametrize("name", SENT, ids=lambda each: each.split("/")[1] + each.split("/")[2][:3])
def test_what_was_sent_is_neither_changed_nor_taken_back(folder: Path, name: str) -> None:
    assert refused(git(folder, "update-ref", name, "HEAD"), "inbox.create_only")
    assert refused(git(folder, "update-ref", "-d", name), "inbox.create_only")


@pytest.mark.parametrize("how", ["parent", "refused"])
def test_what_a_turn_names_may_go(folder: Path, how: str) -> None:
    sent = must(folder, "commit-tree", "-m", "yes", "HEAD^{tree}")
    ref = APPROVAL + "nother"
    must(folder, "update-ref", ref, sent)
    assert refused(git(folder, "update-ref", "-d", ref), "inbox.create_only")
    named = ("-p", sent) if how == "parent" else ("-m", f"Gitflow-Refused: {sent} role")
    turn = must(folder, "commit-tree", "-m", "turn", "-p", RUN_REF, *named, "HEAD^{tree}")
    must(folder, "update-ref", RUN_REF, turn)
    must(folder, "update-ref", "-d", ref)
    other = must(folder, "commit-tree", "-m", "no", "HEAD^{tree}")
    must(folder, "update-ref", APPROVAL + "nd-another", other)
    assert refused(git(folder, "update-ref", "-d", APPROVAL + "nd-another"), "inbox.create_only")


def test_a_run_may_go_once_it_is_archived_and_not_in_the_same_breath(folder: Path) -> None:
    tip = must(folder, "rev-parse", RUN_REF)
    both = f"create refs/runs-archive/202609 {tip}\ndelete {RUN_REF}\n"
    assert refused(git(folder, "update-ref", "--stdin", given=both), "history_rewritten")
    must(folder, "update-ref", "refs/runs-archive/202609", tip)
    must(folder, "update-ref", "-d", RUN_REF)


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "checked out"])
def test_no_push_gets_around_it(folder: Path, tmp_path: Path, bare: bool) -> None:
    server = tmp_path / "server.git"
    must(tmp_path, "clone", "-q", "--mirror" if bare else "--no-local", str(folder), str(server))
    must(folder, "push", "-q", "--mirror", str(server))
    install(server)
    # The first hook in line is switched off, so that the push comes as far as the transaction.
    (server / ("hooks" if bare else ".git/hooks") / "pre-receive.d/50-gitflow-runner").chmod(0o644)
    before = must(server, "for-each-ref", "refs/tags/flow", "refs/runs", "refs/approvals")
    attacks = {
        f"+HEAD:{TAG}": "release_moved",
        f":{TAG}": "release_missing",
        f"+HEAD~2:{RUN_REF}": "history_rewritten",
        f":{RUN_REF}": "history_rewritten",
        f"+HEAD:{APPROVAL}": "inbox.create_only",
        f":{APPROVAL}": "inbox.create_only",
    }
    for spec, code in attacks.items():
        assert refused(git(folder, "push", "--no-verify", str(server), spec), code)
    assert must(server, "for-each-ref", "refs/tags/flow", "refs/runs", "refs/approvals") == before


def test_a_fetch_does_not_force_a_chain_back(folder: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    must(tmp_path, "clone", "-q", str(folder), str(clone))
    must(clone, "fetch", "-q", "origin", f"{RUN_REF}:{RUN_REF}")
    install(clone)
    other = must(folder, "commit-tree", "-m", "other", "HEAD^{tree}")
    must(folder, "-c", "core.hooksPath=/dev/null", "update-ref", RUN_REF, other)
    assert refused(git(clone, "fetch", "origin", f"+{RUN_REF}:{RUN_REF}"), "history_rewritten")


def test_long_lists_are_judged_to_the_end(folder: Path) -> None:
    many = "".join(f"create refs/heads/b{number} HEAD\n" for number in range(100))
    assert refused(git(folder, "update-ref", "--stdin", given=many + f"delete {TAG}\n"), "release_missing")
    must(folder, "update-ref", "--stdin", given=many)


def test_branches_and_other_tags_move_as_ever(folder: Path) -> None:
    must(folder, "tag", "v1")
    must(folder, "tag", "-f", "v1", "HEAD~1")
    must(folder, "tag", "-d", "v1")
    must(folder, "reset", "-q", "--hard", "HEAD~1")
    must(folder, "branch", "side")
    must(folder, "branch", "-D", "side")
    must(folder, "update-ref", "refs/runner/slots/hello/" + "0" * 64, "HEAD")
    must(folder, "update-ref", "-d", "refs/runner/slots/hello/" + "0" * 64)


def test_packing_goes_on(folder: Path) -> None:
    before = must(folder, "for-each-ref", "refs/tags", "refs/approvals")
    must(folder, "gc", "-q")
    pack_refs(GitCommand(folder / ".git", {}))
    must(folder, "update-ref", RUN_REF, "HEAD")
    must(folder, "pack-refs", "--all")
    assert must(folder, "for-each-ref", "refs/tags", "refs/approvals") == before
    assert (folder / ".git/packed-refs").read_text().count(RUN_REF) == 1
    assert refused(git(folder, "update-ref", "-d", RUN_REF), "history_rewritten")


def test_the_scripts_know_all_our_namespaces() -> None:
    receive = (ROOT / "hooks/pre-receive").read_text()
    assert [prefix for prefix in refs.OURS if not any(p in prefix for p in patterns(receive))] == []
    guarded = (refs.RELEASES, refs.LIVE, refs.POLICIES, refs.RUNS, refs.LOGS, *refs.INBOXES)
    transaction = (ROOT / "hooks/reference-transaction").read_text()
    assert [prefix for prefix in guarded if prefix not in transaction] == []


def patterns(text: str) -> set[str]:
    return set(re.findall(r"refs/[a-z/-]+", text))
