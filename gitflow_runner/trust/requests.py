"""Signed wishes of people and agents: start a run, steer one, answer an event wait."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.objects import (
    BLOB_MODE,
    Commit,
    Ident,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    decode_commit,
    decode_tree,
    encode_tree,
)
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.trust.keyring import Keyring, Signed
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.statement import Completion, Request, S, Start, parse_statement, write_message
from gitflow_runner.trust.verify import check_skew, prove

INPUT = "input.edn"
VALUE = "value.edn"
MAX_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SignedStart:
    """Who wishes to start what, with the bytes of the input."""

    principal: str
    fingerprint: str
    start: Start
    input: bytes


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """Who wishes to steer a run how; `value` is there for a step that is taken as done."""

    principal: str
    fingerprint: str
    request: Request
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """An answer to an event wait: whose key gave it, which wait it names, the file's name and bytes."""

    fingerprint: str
    wait: str
    name: str
    content: bytes


def read_start(
    raw: RawObject, reader: ObjectReader, policy: Policy, *, first_seen: int, now: int, steers: bool = True
) -> SignedStart:
    """Verify a start request: a root commit whose tree holds the input and nothing else.

    `steers` asks for the policy's `:control` role; without it any listed person or agent may start. Raises
    `Refusal`: signature reasons, `trailers`, `parent`, `tree`, `payload`, `role`, `not_human`.
    """
    signed = _prove_commit(raw, policy.keyring)
    principal = policy.keyring.who(signed, first_seen=first_seen, now=now)
    check_skew(signed.time, first_seen, policy.skew_ms)
    start = parse_statement(signed.message, Start)
    _demand_root(raw)
    content = _only_file(raw, reader, INPUT)
    _demand_digest(content, start.input)
    if steers:
        policy.check_duty(policy.control, principal, start.flow)
    elif policy.people[principal].kind == "runner":
        raise Refusal("role", f"{principal} is a runner, which asks for nothing")
    return SignedStart(principal, signed.fingerprint, start, content)


def read_request(
    raw: RawObject, reader: ObjectReader, policy: Policy, slug: str | None, *, first_seen: int, now: int
) -> SignedRequest:
    """Verify a request to steer a run of the flow `slug` (None: not known here); errors as `read_start`.

    The same request may come in several objects: the caller takes (run, principal, nonce) once.
    """
    signed = _prove_commit(raw, policy.keyring)
    principal = policy.keyring.who(signed, first_seen=first_seen, now=now)
    check_skew(signed.time, first_seen, policy.skew_ms)
    request = parse_statement(signed.message, Request)
    _demand_root(raw)
    value = None
    if request.value is not None:
        value = _only_file(raw, reader, VALUE)
        _demand_digest(value, request.value)
    policy.check_duty(policy.control, principal, slug)
    return SignedRequest(principal, signed.fingerprint, request, value)


def read_answer(
    raw: RawObject,
    reader: ObjectReader,
    *,
    run: str,
    wait: str | None,
    opened: Oid | None,
    keys: frozenset[str],
    first_seen: int,
    max_skew: int,
) -> SignedAnswer:
    """Verify a callback by Git to the event wait that the turn `opened` opened.

    None for both is an answer that comes before its wait: it has no parent, and names the wait by its key.
    `keys` are the fingerprints that the wait names. Raises `Refusal` as `read_start`, and `run`, `wait`.
    """
    signed = _prove_commit(raw)
    if signed.fingerprint not in keys:
        raise Refusal("key_not_allowed", f"the wait does not name the key {signed.fingerprint}")
    check_skew(signed.time, first_seen, max_skew)
    if decode_commit(raw.data).parents != (() if opened is None else (opened,)):
        raise Refusal("parent", f"the answer's parents are not exactly {opened or 'none'}")
    answer = parse_statement(signed.message, Completion)
    if answer.run != run:
        raise Refusal("run", f"the answer is for run {answer.run}")
    if wait is not None and answer.wait != wait:
        raise Refusal("wait", f"the answer is for wait {answer.wait}")
    name, content = _file(raw, reader)
    if answer.content is not None:
        _demand_digest(content, answer.content)
    return SignedAnswer(signed.fingerprint, answer.wait, name, content)


def read_statement(
    raw: RawObject, reader: ObjectReader, policy: Policy, wanted: type[S], name: str, *, now: int
) -> tuple[Signed, S, bytes]:
    """A signed root commit that says one thing and holds one file `name`; whose it is was not asked.

    Raises `Refusal`: signature reasons, `trailers`, `parent`, `tree`.
    """
    signed = _prove_commit(raw, policy.keyring)
    check_skew(signed.time, now, policy.skew_ms)
    said = parse_statement(signed.message, wanted)
    _demand_root(raw)
    return signed, said, _only_file(raw, reader, name)


def build_start(start: Start, given: bytes, who: Ident, signer: Signer) -> tuple[RawObject, ...]:
    """The objects of a signed start request, the commit last; `given` must have the digest it names."""
    _demand_digest(given, start.input)
    return _build(f"start {start.flow}", start, {INPUT: given}, (), who, signer)


def build_request(
    request: Request, who: Ident, signer: Signer, *, value: bytes | None = None
) -> tuple[RawObject, ...]:
    """The objects of a signed request, the commit last; `value` goes with the outcome `done`."""
    if value is not None:
        _demand_digest(value, request.value or "")
    files = {} if value is None else {VALUE: value}
    return _build(f"{request.act} {request.run}", request, files, (), who, signer)


def build_answer(
    answer: Completion, opened: Oid | None, name: str, content: bytes, who: Ident, signer: Signer
) -> tuple[RawObject, ...]:
    """The objects of a callback by Git, the commit last; `opened` is None before there is a wait."""
    parents = () if opened is None else (opened,)
    return _build(f"answer {answer.wait} of {answer.run}", answer, {name: content}, parents, who, signer)


def content_digest(content: bytes) -> str:
    """`sha256:` and hex."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _build(
    subject: str,
    statement: Start | Request | Completion,
    files: Mapping[str, bytes],
    parents: tuple[Oid, ...],
    who: Ident,
    signer: Signer,
) -> tuple[RawObject, ...]:
    blobs = {name: blob(content) for name, content in files.items()}
    tree = encode_tree(TreeEntry(name, BLOB_MODE, raw.oid) for name, raw in blobs.items())
    commit = Commit(tree.oid, parents, who, who, write_message(subject, statement))
    return (*blobs.values(), tree, sign_commit(commit, signer))


def _prove_commit(raw: RawObject, ring: Keyring | None = None) -> Signed:
    signed = prove(raw, ring)
    if signed.kind != "commit":
        raise Refusal("malformed", f"a statement is a commit, not a {signed.kind}")
    return signed


def _demand_root(raw: RawObject) -> None:
    if decode_commit(raw.data).parents:
        raise Refusal("parent", "a request has no parents")


def _demand_digest(content: bytes, digest: str) -> None:
    if content_digest(content) != digest:
        raise Refusal("payload", "the file is not the one whose digest was signed")


def _only_file(raw: RawObject, reader: ObjectReader, name: str) -> bytes:
    found, content = _file(raw, reader)
    if found != name:
        raise Refusal("tree", f"the tree holds {found!r} where {name} belongs")
    return content


def _file(raw: RawObject, reader: ObjectReader) -> tuple[str, bytes]:
    try:
        entries = decode_tree(reader.read(decode_commit(raw.data).tree).data)
        if len(entries) != 1 or entries[0].mode != BLOB_MODE:
            raise Refusal("tree", "the tree holds one regular file and nothing else")
        found = reader.read(entries[0].oid)
    except DamagedError as problem:
        raise Refusal("tree", problem.message) from None
    if found.kind != "blob" or len(found.data) > MAX_FILE:
        raise Refusal("tree", f"{entries[0].name!r} is no file of at most {MAX_FILE} bytes")
    return entries[0].name, found.data
