"""Ref names: what is made is read back, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gitflow_runner.errors import RefusedError
from gitflow_runner.git import refs
from gitflow_runner.git.ref_names import check_name, check_prefix

RUN = "20251122-131402-7k3m9q"
WAIT = "00004-sign-off"
DIGEST = "0123456789abcdef" * 4
HOSTILE = [
    "-oProxyCommand=x",
    "../x",
    "..",
    "a/b",
    "a\nb",
    "a\n",
    "@{1}",
    "a@{0}",
    "",
    "a b",
    "a*",
    "a:b",
    "a^",
    "a~1",
    "é",
    "a\0",
    "x" * 200,
]

MADE: list[tuple[str, str, object]] = [
    (refs.run_ref("demo", RUN), f"refs/runs/demo/{RUN}", refs.parse_run_ref),
    (refs.live_ref("Demo_1"), "refs/live/Demo_1", refs.parse_live_ref),
    (refs.release_tag("demo", 12), "refs/tags/flow/demo/v12", refs.parse_release_tag),
    (refs.approval_ref(RUN, WAIT, "a.b-1"), f"refs/approvals/{RUN}/{WAIT}/a.b-1", refs.parse_approval_ref),
    (refs.callback_ref(RUN, WAIT, "x"), f"refs/callbacks/{RUN}/{WAIT}/x", refs.parse_callback_ref),
    (refs.request_ref(RUN, "x"), f"refs/requests/{RUN}/x", refs.parse_request_ref),
    (refs.request_ref(None, "x"), "refs/requests/new/x", refs.parse_request_ref),
    (refs.gate_ref("feature/a", "x"), "refs/for/feature/a/x", refs.parse_gate_ref),
    (refs.active_ref(RUN), f"refs/runner/active/{RUN}", refs.parse_active_ref),
    (refs.slot_ref("demo", DIGEST), f"refs/runner/slots/demo/{DIGEST}", refs.parse_slot_ref),
    (refs.log_ref(DIGEST), f"refs/runner/log/{DIGEST}", refs.parse_log_ref),
    (refs.trigger_ref("demo", "nightly"), "refs/runner/triggers/demo/nightly", refs.parse_trigger_ref),
    (refs.kv_ref("demo"), "refs/runner/kv/demo", refs.parse_kv_ref),
    (refs.job_ref("review", "j1"), "refs/runner/jobs/review/j1", refs.parse_job_ref),
    (refs.table_ref("daily-orders"), "refs/runner/tables/daily-orders", refs.parse_table_ref),
    (
        refs.remote_run_ref("origin", "demo", RUN),
        f"refs/runner/remotes/origin/runs/demo/{RUN}",
        refs.parse_remote_run_ref,
    ),
    (refs.archive_ref("202511"), "refs/runs-archive/202511", refs.parse_archive_ref),
]


@pytest.mark.parametrize(("name", "expected", "parse"), MADE)
def test_each_name_is_made_as_the_design_says_and_read_back(
    name: str, expected: str, parse: Callable[[str], object]
) -> None:
    assert name == expected
    assert check_name(name) == name
    assert refs.is_ours(name)
    assert not refs.is_blocked(name)
    assert parse(name) is not None
    others = [other for other in {m[2] for m in MADE} if other is not parse]
    assert all(callable(other) and other(name) is None for other in others)


def test_parsers_give_the_parts() -> None:
    assert refs.parse_run_ref(f"refs/runs/demo/{RUN}") == ("demo", RUN)
    assert refs.parse_release_tag("refs/tags/flow/demo/v12") == ("demo", 12)
    assert refs.parse_approval_ref(f"refs/approvals/{RUN}/{WAIT}/x") == (RUN, WAIT, "x")
    assert refs.parse_request_ref("refs/requests/new/x") == (None, "x")
    assert refs.parse_gate_ref("refs/for/feature/a/x") == ("feature/a", "x")
    assert refs.parse_remote_run_ref(f"refs/runner/remotes/o/runs/d/{RUN}") == ("o", "d", RUN)


def test_prefixes_end_in_a_slash_and_hold_their_refs() -> None:
    assert refs.run_ref("demo", RUN).startswith(refs.runs_prefix("demo"))
    assert refs.approval_ref(RUN, WAIT, "x").startswith(refs.approvals_prefix(RUN, WAIT))
    assert refs.callback_ref(RUN, WAIT, "x").startswith(refs.callbacks_prefix(RUN, WAIT))
    assert refs.request_ref(None, "x").startswith(refs.requests_prefix(None))
    assert refs.remote_run_ref("o", "d", RUN).startswith(refs.remote_runs_prefix("o"))
    prefixes = [refs.runs_prefix("d"), refs.slots_prefix("d"), refs.triggers_prefix("d")]
    prefixes += [refs.releases_prefix("d"), refs.jobs_prefix("t")]
    assert all(prefix.endswith(("/d/", "/t/")) for prefix in prefixes)


@pytest.mark.parametrize("bad", HOSTILE)
def test_no_hostile_part_becomes_a_name(bad: str) -> None:
    makers: list[Callable[[], str]] = [
        lambda: refs.run_ref(bad, RUN),
        lambda: refs.run_ref("demo", bad),
        lambda: refs.live_ref(bad),
        lambda: refs.approval_ref(bad, WAIT, "x"),
        lambda: refs.approval_ref(RUN, bad, "x"),
        lambda: refs.approval_ref(RUN, WAIT, bad),
        lambda: refs.approvals_prefix(RUN, bad),
        lambda: refs.request_ref(bad, "x"),
        lambda: refs.request_ref(None, bad),
        lambda: refs.active_ref(bad),
        lambda: refs.slot_ref("demo", bad),
        lambda: refs.log_ref(bad),
        lambda: refs.kv_ref(bad),
        lambda: refs.table_ref(bad),
        lambda: refs.remote_runs_prefix(bad),
        lambda: refs.archive_ref(bad),
        lambda: refs.gate_ref("main", bad),
    ]
    for make in makers:
        with pytest.raises(RefusedError) as caught:
            make()
        assert caught.value.code == "ref.malformed"


@pytest.mark.parametrize("leaf", ["x.lock", "x.", "a..b", ".x", "-x"])
def test_a_leaf_is_never_a_lock_or_a_hidden_file(leaf: str) -> None:
    with pytest.raises(RefusedError):
        refs.callback_ref(RUN, WAIT, leaf)


@pytest.mark.parametrize("number", [0, -1, 10**9])
def test_releases_are_numbered_from_one(number: int) -> None:
    with pytest.raises(RefusedError):
        refs.release_tag("demo", number)
    assert refs.parse_release_tag("refs/tags/flow/demo/v01") is None


@pytest.mark.parametrize(
    "name", ["refs/for/../x", "refs/for/x", "refs/for//x", "refs/for/-b/x", "refs/for/a/x.lock"]
)
def test_a_gate_needs_a_branch_and_a_leaf(name: str) -> None:
    assert refs.parse_gate_ref(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "refs/runs/demo",
        f"refs/runs/demo/{RUN}/more",
        "refs/policy",
        "refs/policy/x",
        "refs/policy/chain/x",
        "refs/approvals/x",
        f"refs/approvals/{RUN}/{WAIT}/a/b",
        "refs/runner/other/x",
        "refs/runner",
        "refs/tags/flow/demo",
    ],
)
def test_a_name_of_the_wrong_form_in_our_namespaces_is_reported(name: str) -> None:
    assert refs.is_blocked(name)


@pytest.mark.parametrize(
    "name", ["refs/heads/main", "refs/tags/v1", "refs/runsx/a", "refs/policyx", "refs/remotes/o/x"]
)
def test_other_namespaces_are_not_ours(name: str) -> None:
    assert not refs.is_ours(name)
    assert not refs.is_blocked(name)


def test_every_name_can_be_pushed_since_none_lies_in_refs_itself() -> None:
    assert refs.POLICY == "refs/policy/chain"
    assert not refs.is_blocked(refs.POLICY)
    assert [own for own in refs.OURS if own.count("/") < 2] == []


@pytest.mark.parametrize("branch", ["-x", "HEAD", "a..b", "a b", "a.lock", "/a", "a//b", "a/"])
def test_bad_branches_are_refused(branch: str) -> None:
    with pytest.raises(RefusedError):
        refs.check_branch(branch)


def test_prefixes_must_be_names_with_a_slash() -> None:
    assert check_prefix("refs/") == "refs/"
    assert check_prefix("refs/runs/") == "refs/runs/"
    for bad in ("", "/", "refs", "refs/runs", "heads/", "refs/../"):
        with pytest.raises(RefusedError):
            check_prefix(bad)


def test_nothing_that_a_clone_fetches_is_forced() -> None:
    specs = refs.sync_refspecs("origin", "main")
    assert not any(spec.startswith("+") for spec in specs)
    assert "refs/runs/*:refs/runner/remotes/origin/runs/*" in specs
    assert "refs/heads/main:refs/remotes/origin/main" in specs
    assert not any(spec.split(":")[1].startswith("refs/runs/") for spec in specs)
