"""The audit: everything that people did, told with its proof, and proven again by two readers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitflow_runner.git.refs import POLICY, live_ref
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.worker import work_once
from gitflow_runner.trust.log import ref_of
from tests.spoken import Told, spoken
from tests.team import Team

ROOT = Path(__file__).parents[2]


@pytest.fixture
def busy(team: Team) -> Team:
    """A team that has released, promoted, run, approved, refused an agent, and cancelled."""
    ann = team.ann
    assert ann.gfr("release", "ship", "-m", "first", "--yes").exit == 0
    assert ann.gfr("promote", "ship", "--yes").exit == 0
    asked = team.start("ship", "--ref", "live")
    team.send(asked, team.sign("bot", asked))
    team.send(asked, team.sign("bob", asked))
    team.look()
    assert team.state(asked).status == "succeeded"
    assert ann.gfr("cancel", team.start("twice").run, "--reason", "not needed").exit in (0, 9)
    return team


def codes(told: Told) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in told.envelope["data"]["findings"]:
        found.setdefault(finding["code"], []).append(finding["ref"])
    return found


def prove(team: Team) -> dict[str, list[str]]:
    """What `audit verify` finds, by code."""
    told = team.ann.gfr("audit", "verify")
    found = codes(told)
    assert told.exit == (1 if set(found) - {"approved_by_revoked_key", "key_revoked"} else 0)
    return found


def test_every_act_is_told_with_signer_verdict_and_evidence(busy: Team) -> None:
    items = busy.ann.gfr("audit").data["items"]
    told = [(i["kind"], i["action"], i["by"], i["verdict"], i["reason"]) for i in items]
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)
    # Both decisions were found by the same look.
    assert [*told[:5], *sorted(told[5:7], key=str), *told[7:]] == [
        ("policy", "apply", ["ann@example.test"], "accept", None),
        ("policy", "apply", ["ann@example.test"], "accept", None),
        ("release", "release", ["ann"], "accept", None),
        ("promotion", "promote", ["ann"], "accept", None),
        ("start", "start", ["ann"], "accept", None),
        ("decision", "approve", ["bob"], "accept", None),
        ("decision", "approve", ["bot"], "refuse", "not_human"),
        ("start", "start", ["ann"], "accept", None),
        ("request", "cancel", ["ann"], "accept", None),
    ]
    for item in items:
        assert busy.ann.git("cat-file", "-t", item["evidence"]) in ("commit", "tag")
    signers = {"ann": busy.ann, "bob": busy.person("bob")}
    for item in items:
        if item["by"] and item["by"][0] in signers:
            assert item["fingerprint"] == signers[item["by"][0]].signer.key.fingerprint


def test_the_audit_is_cut_by_flow_and_time(busy: Team) -> None:
    ann = busy.ann
    kinds = {i["kind"] for i in ann.gfr("audit", "--flow", "twice").data["items"]}
    assert kinds == {"policy", "start", "request"}
    assert ann.gfr("audit", "--since", "2100-01-01").data["items"] == []
    assert len(ann.gfr("audit", "--since", "1d").data["items"]) == len(ann.gfr("audit").data["items"])
    assert ann.gfr("audit", "--since", "yesterday").code == "usage.time"
    code, text, _ = spoken(busy.home, "audit", "--plain")
    assert (code, len(text.splitlines())) == (0, len(ann.gfr("audit").data["items"]))


def test_all_of_it_is_proven_by_two_readers(busy: Team) -> None:
    found = busy.ann.gfr("audit", "verify").data
    assert (found["verdict"], found["findings"], found["readers"]) == ("ok", [], ["libgit2", "dulwich"])
    assert found["counts"] == {
        "kv": 1,
        "logs": 1,
        "policies": 2,
        "promotions": 1,
        "releases": 1,
        "runs": 2,
        "tables": 0,
    }
    assert busy.ann.gfr("audit", "verify", "--one-reader").data["readers"] == ["libgit2"]


def test_the_proof_needs_nothing_that_this_clone_remembers(busy: Team) -> None:
    local = busy.home / ".git" / "gitflow"
    for path in (*(local / "verified").iterdir(), *(local / "logs").iterdir(), local / "policy-known"):
        path.unlink()
    assert prove(busy) == {}


def test_a_moved_and_a_deleted_release(busy: Team) -> None:
    ann = busy.ann
    assert ann.gfr("release", "pair", "--yes").exit == 0
    ann.git("tag", "-s", "-f", "-m", "other", "flow/ship/v1", "HEAD")
    ann.git("tag", "-d", "flow/pair/v1")
    assert prove(busy) == {
        "release_moved": ["refs/tags/flow/ship/v1"],
        "release_missing": ["refs/tags/flow/pair/v1"],
    }
    assert ann.gfr("run", "ship", "--ref", "live").code == "release_moved"


def test_a_run_that_was_set_back_or_deleted(busy: Team) -> None:
    ann = busy.ann
    refs = ann.git("for-each-ref", "--format=%(refname)", "refs/runs/").split()
    (cut,) = [ref for ref in refs if "/ship/" in ref]
    (gone,) = [ref for ref in refs if "/twice/" in ref]
    ann.git("update-ref", cut, f"{cut}~2")
    ann.git("update-ref", "-d", gone)
    for path in (busy.home / ".git/gitflow/verified").iterdir():
        path.unlink()
    assert prove(busy) == {"history_rewritten": [cut, gone]}
    shown = ann.gfr("show", cut.rpartition("/")[2]).data
    assert shown["status"] == "untrusted_run"


def test_an_approver_whose_key_was_revoked_is_a_remark(busy: Team) -> None:
    line = busy.person("bob").signer.key.fingerprint
    gone = f':revoked [{{:fingerprint "{line}" :since #inst "2026-01-01" :why "lost"}}]'
    assert busy.apply_policy(more=gone).exit == 0
    assert list(prove(busy)) == ["approved_by_revoked_key"]
    items = busy.ann.gfr("audit").data["items"]
    assert [i["verdict"] for i in items if i["kind"] == "decision" and i["by"] == ["bob"]] == ["accept"]


def test_a_release_whose_key_was_revoked_is_told_until_somebody_affirms_it(busy: Team) -> None:
    ann, bob = busy.ann, busy.person("bob")
    ann.git("config", "user.signingkey", f"{bob.key}.pub")
    assert ann.gfr("release", "pair", "--yes").exit == 0
    ann.git("config", "user.signingkey", f"{ann.key}.pub")
    gone = f':revoked [{{:fingerprint "{bob.signer.key.fingerprint}" :since #inst "2026-01-01" :why "lost"}}]'
    assert busy.apply_policy(more=gone).exit == 0
    assert prove(busy)["key_revoked"] == ["refs/tags/flow/pair/v1"]
    assert ann.gfr("promote", "pair", "v1", "--yes").exit == 0
    assert "key_revoked" not in prove(busy)


def test_an_old_release_without_a_log_and_with_a_key_out_of_its_time(team: Team) -> None:
    ann = team.ann
    assert ann.gfr("release", "ship", "--yes").exit == 0
    old = f'{{:ssh "{ann.line}"}}'
    new = f'{{:ssh "{ann.line}" :valid-before #inst "2026-01-01"}}'
    text = team.policy(
        version=3, duties=":release {:need 1 :role :release} :promote {:need 1 :role :release}"
    )
    text = text.replace(old, new)
    text = text.replace(":promote", ":policy-change {:need 1 :role :release} :promote")
    (team.home / ".breyta/policy.edn").write_text(text)
    assert ann.gfr("policy", "apply").exit == 0
    assert prove(team) == {}
    for ref in ann.git("for-each-ref", "--format=%(refname)", "refs/runner/log/").split():
        ann.git("update-ref", "-d", ref)
    assert prove(team) == {"time_unproven": ["refs/tags/flow/ship/v1"]}


def test_the_heads_of_chains_set_back(busy: Team) -> None:
    ann = busy.ann
    assert ann.gfr("rollback", "ship", "--yes").code == "live.first"
    assert ann.gfr("retire", "ship", "--yes").exit == 0
    ann.git("update-ref", live_ref("ship"), f"{live_ref('ship')}~1")
    assert prove(busy) == {"live.live_rewound": [live_ref("ship")]}
    ann.git("update-ref", POLICY, f"{POLICY}~1")
    assert prove(busy) == {"policy.policy_rewound": [POLICY]}


def test_a_log_that_somebody_else_wrote_proves_nothing(busy: Team) -> None:
    ann = busy.ann
    (ref,) = ann.git("for-each-ref", "--format=%(refname)", "refs/runner/log/").split()
    forged = ann.git("commit-tree", "-S", "-p", ref, "-m", "log 9", f"{ref}^{{tree}}")
    ann.git("update-ref", ref, forged)
    assert prove(busy) == {"log.chain": [ref]}


def test_where_the_second_reader_is_missing_its_package_is_named(team: Team) -> None:
    program = (
        "import sys; sys.modules['dulwich'] = None\n"
        "from gitflow_runner.cli.main import main; main(sys.argv[1:])"
    )
    call = [sys.executable, "-c", program, "-C", str(team.home), "audit", "verify"]
    done = subprocess.run(
        call, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "audit.no_second_reader" in done.stderr
    assert "pip install dulwich" in done.stderr
    assert (
        subprocess.run(
            [*call, "--one-reader"], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
        ).returncode
        == 0
    )


def test_a_worker_logs_where_a_run_waits_once_and_again_when_it_moved(team: Team) -> None:
    asked = team.start()

    def log_after_a_look() -> str | None:
        runtime = team.runtime()  # a process knows nothing of those before it
        on_big_stack(lambda: tuple(work_once(runtime)), lambda: None)
        return runtime.repository.resolve(ref_of(runtime.signer.key))

    first = log_after_a_look()
    assert log_after_a_look() == first
    team.send(asked, team.sign("bob", asked))
    assert log_after_a_look() != first
