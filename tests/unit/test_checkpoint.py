"""A checkpoint is a person's fresh word for what stands on refs; anything doubtful in it is refused."""

from __future__ import annotations

import pytest

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid, RawObject, Tag
from gitflow_runner.trust.checkpoint import FILE, build_checkpoint, read_checkpoint
from gitflow_runner.trust.requests import content_digest
from gitflow_runner.trust.signer import sign_tag
from gitflow_runner.trust.statement import Checkpoint, PolicyChange, Statement, write_message
from tests.policies import AGENT, ANN, DEV, RUNNER, STRANGER, policy
from tests.signed_objects import DAY, NOW, Objects, ident, signed_commit

REFS = {"refs/live/hello": Oid("12" * 20), "refs/policy/chain": Oid("34" * 20)}
POLICY = policy()
MACHINES = policy(duties=":promote {:need 1 :role :release :human false}")


def reason(objects: Objects, raw: RawObject, now: int = NOW) -> str | None:
    try:
        read_checkpoint(raw, objects, POLICY, now=now)
    except GitflowError as error:
        return error.code
    return None


def made(objects: Objects, text: bytes, said: Statement | None = None, **parts: object) -> RawObject:
    """A checkpoint of Ann's with this list, whatever the list is worth."""
    message = write_message("x", said or Checkpoint(content_digest(text)))
    return signed_commit(ANN, message, tree=objects.folder({FILE: text}), **parts)  # type: ignore[arg-type]


def test_it_reads_back_with_its_person_time_and_refs() -> None:
    objects = Objects()
    built = build_checkpoint(REFS, ident(), ANN)
    objects.add(*built)
    found = read_checkpoint(built[-1], objects, POLICY, now=NOW)
    assert (found.principal, found.at, dict(found.refs)) == ("ann", NOW, REFS)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (DEV, "approval.role"),
        (AGENT, "approval.not_human"),
        (RUNNER, "approval.role"),
        (STRANGER, "signature.key_not_allowed"),
    ],
)
def test_only_people_who_may_promote_say_what_stands(key: object, code: str) -> None:
    objects = Objects()
    built = build_checkpoint(REFS, ident(), key)  # type: ignore[arg-type]
    objects.add(*built)
    assert reason(objects, built[-1]) == code


def test_where_machines_may_promote_a_checkpoint_is_still_a_persons() -> None:
    objects = Objects()
    built = build_checkpoint(REFS, ident(), AGENT)
    objects.add(*built)
    with pytest.raises(GitflowError) as caught:
        read_checkpoint(built[-1], objects, MACHINES, now=NOW)
    assert caught.value.code == "approval.not_human"


def test_a_doubtful_checkpoint_is_refused() -> None:
    objects = Objects()
    line = f"{'12' * 20} refs/live/hello\n".encode()
    good = made(objects, line)
    assert reason(objects, good) is None
    assert reason(objects, good, NOW + DAY + 1) == "signature.clock_skew"
    assert reason(objects, made(objects, line, parents=(good.oid,))) == "approval.parent"
    assert reason(objects, made(objects, line, PolicyChange(2, "sha256:" + "ab" * 32))) == "approval.trailers"
    assert reason(objects, made(objects, line, Checkpoint("sha256:" + "ab" * 32))) == "approval.payload"
    for text in (
        b"refs/live/hello\n",
        line + line,
        line.replace(b"refs/", b"heads/"),
        b"12 refs/live/hello\n",
    ):
        assert reason(objects, made(objects, text)) == "approval.tree"
    message = write_message("x", Checkpoint(content_digest(line)))
    tag = sign_tag(Tag(good.oid, "commit", "x", ident(), message), ANN)
    assert reason(objects, tag) == "signature.malformed"
    astray = signed_commit(ANN, message, tree=objects.folder({"other": line}))
    assert reason(objects, astray) == "approval.tree"
