"""Who may drive a run, who may start or steer one, and who may answer an event wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import (
    BLOB_MODE,
    LINK_MODE,
    Oid,
    RawObject,
    Tag,
    TreeEntry,
    blob,
    decode_commit,
    encode_tree,
)
from gitflow_runner.trust.policy import Policy, RevokedKey
from gitflow_runner.trust.requests import (
    MAX_FILE,
    build_answer,
    build_request,
    build_start,
    content_digest,
    read_answer,
    read_request,
    read_start,
)
from gitflow_runner.trust.signer import FileSigner, sign_commit, sign_tag
from gitflow_runner.trust.statement import Completion, Request, Start
from gitflow_runner.trust.turns import verify_turn
from tests.policies import AGENT, ANN, DEV, RUNNER, STRANGER, policy
from tests.signed_objects import DAY, HOUR, NOW, Objects, ident, signed_commit

POLICY = policy()
INPUT = b'{:name "you"}\n'
TAG = Oid("12" * 20)
START = Start("hello", content_digest(INPUT), "nonce-0001", release=TAG)
REQUEST = Request("r1", "cancel", "nonce-0001", "wrong input")


def turn(key: FileSigner, message: str = "step fetch succeeded\n\nGitflow-Run: r1\n") -> RawObject:
    return signed_commit(key, message)


def driver(raw: RawObject, slug: str = "hello", policy: Policy | None = POLICY, **more: object) -> str | None:
    found = verify_turn(raw, policy, slug, **({"first_seen": NOW} | more))  # type: ignore[arg-type]
    return found.principal if found.accepted else found.reason


def test_a_listed_runner_drives_the_flows_that_it_is_listed_for() -> None:
    assert driver(turn(RUNNER)) == "runner"
    assert driver(turn(RUNNER), "deploy-site") == "runner"
    assert driver(turn(RUNNER), "other") == "role"


@pytest.mark.parametrize("key", [ANN, AGENT])
def test_people_and_agents_drive_nothing(key: FileSigner) -> None:
    assert driver(turn(key)) == "role"
    assert driver(turn(key), draft=True, own_key=key.key.fingerprint) == "role"


def test_an_unlisted_key_drives_only_drafts_of_its_own_clone() -> None:
    own = {"draft": True, "own_key": STRANGER.key.fingerprint}
    assert driver(turn(STRANGER), **own) == "unlisted runner"
    assert driver(turn(STRANGER), policy=None, **own) == "unlisted runner"
    assert driver(turn(STRANGER), own_key=STRANGER.key.fingerprint) == "key_not_allowed"
    assert driver(turn(STRANGER), draft=True) == "key_not_allowed"
    assert driver(turn(STRANGER), draft=True, own_key=RUNNER.key.fingerprint) == "key_not_allowed"
    assert driver(turn(STRANGER), policy=None) == "key_not_allowed"


def test_this_clones_listed_runner_drives_drafts_of_any_flow() -> None:
    assert driver(turn(RUNNER), "other", draft=True, own_key=RUNNER.key.fingerprint) == "runner"


def test_a_revoked_runner_is_believed_only_for_what_was_checkpointed_before() -> None:
    gone = replace(POLICY, revoked=(RevokedKey(RUNNER.key.fingerprint, NOW),))
    assert driver(turn(RUNNER), policy=gone, first_seen=NOW - 1) == "runner"
    assert driver(turn(RUNNER), policy=gone, first_seen=NOW) == "key_revoked"


def test_a_statement_is_no_turn_and_an_unsigned_commit_neither() -> None:
    assert driver(turn(RUNNER, "turn\n\nGitflow-Statement: approval\n")) == "trailers"
    assert driver(turn(RUNNER, "turn\n\ngitflow-statement: x\n\nGitflow-Run: r1\n")) == "trailers"
    commit = replace(decode_commit(turn(RUNNER).data), headers=())
    assert driver(commit.encode()) == "unsigned"


def start_code(objects: Objects, oid: Oid, **more: object) -> str | None:
    try:
        read_start(objects.read(oid), objects, POLICY, **({"first_seen": NOW, "now": NOW} | more))  # type: ignore[arg-type]
    except GitflowError as problem:
        return problem.code
    return None


def test_a_start_names_its_person_and_brings_its_input() -> None:
    objects = Objects()
    oid = objects.add(*build_start(START, INPUT, ident(), DEV))
    found = read_start(objects.read(oid), objects, POLICY, first_seen=NOW, now=NOW)
    assert (found.principal, found.start, found.input) == ("dev", START, INPUT)


@pytest.mark.parametrize(
    ("key", "steers", "code"),
    [
        (AGENT, True, None),
        (RUNNER, True, "approval.role"),
        (RUNNER, False, "approval.role"),
        (STRANGER, False, "signature.key_not_allowed"),
    ],
)
def test_people_and_agents_start_runs_and_runners_do_not(
    key: FileSigner, steers: bool, code: str | None
) -> None:
    objects = Objects()
    oid = objects.add(*build_start(START, INPUT, ident(), key))
    assert start_code(objects, oid, steers=steers) == code


def test_a_start_seen_long_after_its_date_is_refused() -> None:
    objects = Objects()
    oid = objects.add(*build_start(START, INPUT, ident(NOW - 3 * DAY), DEV))
    assert start_code(objects, oid) == "signature.clock_skew"


def test_a_start_with_another_input_or_parents_is_refused() -> None:
    objects = Objects()
    raw = build_start(START, INPUT, ident(), DEV)[-1]
    commit = replace(decode_commit(raw.data), headers=())
    files = {
        "approval.payload": {"input.edn": b"{}\n"},
        "approval.tree": {"input.edn": INPUT, "more": b""},
    }
    for code, found in files.items():
        other = replace(commit, tree=objects.folder(found))
        assert start_code(objects, objects.add(sign_commit(other, DEV))) == code
    parent = objects.add(signed_commit(DEV))
    child = replace(commit, tree=objects.folder({"input.edn": INPUT}), parents=(parent,))
    assert start_code(objects, objects.add(sign_commit(child, DEV))) == "approval.parent"


def test_a_start_is_never_built_over_another_input() -> None:
    with pytest.raises(GitflowError) as problem:
        build_start(START, b"{}", ident(), DEV)
    assert problem.value.code == "approval.payload"


@pytest.mark.parametrize("key", [DEV, AGENT])
def test_people_and_agents_with_the_control_role_steer(key: FileSigner) -> None:
    objects = Objects()
    raw = objects.read(objects.add(*build_request(REQUEST, ident(), key)))
    found = read_request(raw, objects, POLICY, "hello", first_seen=NOW, now=NOW)
    assert (found.request, found.value) == (REQUEST, None)


def test_a_runner_steers_nothing() -> None:
    objects = Objects()
    raw = objects.read(objects.add(*build_request(REQUEST, ident(), RUNNER)))
    with pytest.raises(GitflowError) as problem:
        read_request(raw, objects, POLICY, "hello", first_seen=NOW, now=NOW)
    assert problem.value.code == "approval.role"


def test_a_resolve_brings_the_value_of_a_step_taken_as_done() -> None:
    value = b"{:sent true}\n"
    request = Request(
        "r1", "resolve", "nonce-0002", step="00003-send", outcome="done", value=content_digest(value)
    )
    objects = Objects()
    raw = objects.read(objects.add(*build_request(request, ident(), DEV, value=value)))
    assert read_request(raw, objects, POLICY, "hello", first_seen=NOW, now=NOW).value == value


def request_code(objects: Objects, raw: RawObject) -> str | None:
    try:
        read_request(raw, objects, POLICY, "hello", first_seen=NOW, now=NOW)
    except GitflowError as problem:
        return problem.code
    return None


def test_a_request_seen_long_after_its_date_is_refused() -> None:
    objects = Objects()
    raw = objects.read(objects.add(*build_request(REQUEST, ident(NOW - 3 * DAY), DEV)))
    assert request_code(objects, raw) == "signature.clock_skew"


def test_a_signed_tag_is_no_request() -> None:
    objects = Objects()
    commit = objects.add(*build_request(REQUEST, ident(), DEV))
    message = decode_commit(objects.read(commit).data).message
    assert request_code(objects, sign_tag(Tag(commit, "commit", "x", ident(), message), DEV)) == (
        "signature.malformed"
    )


def test_the_value_of_a_request_is_one_regular_file_of_bounded_size() -> None:
    value = b"{:sent true}\n"
    objects = Objects()

    def code(tree: Oid, content: bytes = value) -> str | None:
        done = Request(
            "r1", "resolve", "nonce-0002", step="00003-send", outcome="done", value=content_digest(content)
        )
        built = decode_commit(build_request(done, ident(), DEV, value=content)[-1].data)
        return request_code(objects, sign_commit(replace(built, tree=tree, headers=()), DEV))

    file = objects.add(blob(value))
    assert code(objects.add(encode_tree((TreeEntry("value.edn", BLOB_MODE, file),)))) is None
    linked = objects.add(encode_tree((TreeEntry("value.edn", LINK_MODE, file),)))
    assert code(linked) == "approval.tree"
    assert code(objects.folder({"other.edn": value})) == "approval.tree"
    inner = objects.folder({"x": b""})
    folder = objects.add(encode_tree((TreeEntry("value.edn", BLOB_MODE, inner),)))
    assert code(folder, objects.read(inner).data) == "approval.tree"
    large = b" " * (MAX_FILE + 1)
    assert code(objects.folder({"value.edn": large}), large) == "approval.tree"


def answer_code(
    objects: Objects,
    raw: RawObject,
    opened: Oid,
    keys: frozenset[str],
    run: str = "r1",
    wait: str = "w1",
    seen: int = NOW,
) -> str | None:
    try:
        read_answer(
            raw, objects, run=run, wait=wait, opened=opened, keys=keys, first_seen=seen, max_skew=HOUR
        )
    except GitflowError as problem:
        return problem.code
    return None


def test_an_answer_counts_from_a_key_that_the_wait_names_on_the_turn_that_opened_it() -> None:
    objects = Objects()
    opened = objects.add(turn(RUNNER))
    said = Completion("r1", "w1", content_digest(b"done"))
    raw = objects.read(objects.add(*build_answer(said, opened, "answer.edn", b"done", ident(), AGENT)))
    keys = frozenset((AGENT.key.fingerprint,))
    found = read_answer(
        raw, objects, run="r1", wait="w1", opened=opened, keys=keys, first_seen=NOW, max_skew=HOUR
    )
    assert (found.name, found.content, found.fingerprint) == ("answer.edn", b"done", AGENT.key.fingerprint)
    assert answer_code(objects, raw, opened, frozenset()) == "signature.key_not_allowed"
    assert answer_code(objects, raw, TAG, keys) == "approval.parent"
    assert answer_code(objects, raw, opened, keys, run="r2") == "approval.run"
    assert answer_code(objects, raw, opened, keys, wait="w2") == "approval.wait"
    assert answer_code(objects, raw, opened, keys, seen=NOW + 2 * HOUR) == "signature.clock_skew"


def test_a_signed_tag_is_no_turn() -> None:
    commit = turn(RUNNER)
    tag = sign_tag(Tag(commit.oid, "commit", "x", ident(), "turn\n"), RUNNER)
    assert driver(tag) == "trailers"
