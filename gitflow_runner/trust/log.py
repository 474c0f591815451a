"""A runner's own log: an append-only chain, signed by its key, of what it saw first and when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import cast

from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.objects import (
    BLOB_MODE,
    Commit,
    Ident,
    Oid,
    RawObject,
    TreeEntry,
    blob,
    check_oid,
    decode_commit,
    decode_tree,
    encode_tree,
)
from gitflow_runner.git.refs import log_ref
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.sshkey import PublicKey, parse_key_line
from gitflow_runner.trust.statement import carries_statement
from gitflow_runner.trust.verify import prove

FILE = "entries.jsonl"
FORMAT = 1
MAX_BYTES = 4 * 1024 * 1024
MAX_LINKS = 1_000_000


@dataclass(frozen=True, slots=True)
class ReleaseSeen:
    """A release tag was seen first at `at` (ms)."""

    at: int
    ref: str
    tag: Oid
    commit: Oid
    digest: str


@dataclass(frozen=True, slots=True)
class PromotionSeen:
    """A promotion was seen first at `at` (ms)."""

    at: int
    flow: str
    number: int
    promotion: Oid
    release: Oid


@dataclass(frozen=True, slots=True)
class PolicySeen:
    """A version of the policy was seen first at `at` (ms)."""

    at: int
    version: int
    policy: Oid
    digest: str


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """A key was seen to be revoked since `since`, at `at` (ms)."""

    at: int
    fingerprint: str
    since: int


@dataclass(frozen=True, slots=True)
class TipSeen:
    """A run stood at this turn at `at` (ms): a checkpoint against rewriting."""

    at: int
    ref: str
    tip: Oid


@dataclass(frozen=True, slots=True)
class GlassBroken:
    """A guarded ref was seen, at `at` (ms), to hold a commit that this consent let past its gate."""

    at: int
    ref: str
    old: Oid
    new: Oid
    consent: Oid


Entry = ReleaseSeen | PromotionSeen | PolicySeen | KeyRevoked | TipSeen | GlassBroken

_KINDS: dict[str, type[Entry]] = {
    "release.seen": ReleaseSeen,
    "promotion.seen": PromotionSeen,
    "policy.seen": PolicySeen,
    "key.revoked": KeyRevoked,
    "tip.seen": TipSeen,
    "glass.broken": GlassBroken,
}
_NAMES: dict[type[Entry], str] = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class RunnerLog:
    """A verified log: whose it is, where it ends, and its entries, oldest first."""

    key: PublicKey
    tip: Oid
    number: int
    entries: tuple[Entry, ...]


def key_digest(key: PublicKey) -> str:
    """The hex SHA-256 of a public key, the last part of its log's ref."""
    return hashlib.sha256(key.blob).hexdigest()


def ref_of(key: PublicKey) -> str:
    """The ref of a runner's log."""
    return log_ref(key_digest(key))


def load_log(
    reader: ObjectReader,
    tip: Oid,
    digest: str,
    *,
    known: Oid | None = None,
    before: RunnerLog | None = None,
    most_links: int = MAX_LINKS,
) -> RunnerLog:
    """Verify the log of the key with this digest up to `tip`.

    Every link is signed by that key, numbered without a gap, with times that never fall. Whether the key is
    a runner's to be believed says the policy. `known` is the tip that this clone knew last, `before` the log
    as this clone verified it then, of which only what follows is read, `most_links` of it at most. Raises
    `RefusedError`: `log.chain`, `log.log_rewound`.
    """
    links: list[tuple[Oid, int, tuple[Entry, ...]]] = []
    key: PublicKey | None = before.key if before is not None else None
    oid: Oid | None = tip
    known = before.tip if before is not None and known is None else known
    known_found = known is None
    while oid is not None:
        if before is not None and oid == before.tip:
            known_found = True
            break
        if len(links) >= most_links:
            raise _broken(tip, f"more than {most_links} links")
        key, number, entries, parent = _link(reader, oid, digest)
        if links and number != links[-1][1] - 1:
            raise _broken(oid, f"number {number} before {links[-1][1]}")
        if (number == 1) != (parent is None):
            raise _broken(oid, f"number {number} " + ("has no parent" if parent is None else "has a parent"))
        known_found = known_found or oid == known
        links.append((oid, number, entries))
        oid = parent
    if not known_found:
        raise RefusedError("log.log_rewound", f"the log ends at {tip}, which does not descend from {known}")
    if before is not None and not links:
        return before
    if before is not None and links[-1][1] != before.number + 1:
        raise _broken(links[-1][0], f"number {links[-1][1]} follows {before.number}")
    old = before.entries if before is not None else ()
    entries = (*old, *(entry for _, _, found in reversed(links) for entry in found))
    for earlier, later in pairwise(entries[max(0, len(old) - 1) :]):
        if later.at < earlier.at:
            raise _broken(tip, "its times fall")
    assert key is not None, "at least one link was read"
    return RunnerLog(key, tip, links[0][1], entries)


def load_tip(reader: ObjectReader, tip: Oid, digest: str) -> RunnerLog:
    """The last link alone, verified: enough to write the next one, not to know what was seen."""
    key, number, entries, _ = _link(reader, tip, digest)
    return RunnerLog(key, tip, number, entries)


def encode_log(log: RunnerLog) -> bytes:
    """A verified log as a clone remembers it for itself; `decode_log` reads it back."""
    head = json.dumps({"format": FORMAT, "key": log.key.line, "tip": log.tip})
    return head.encode() + b"\n" + _encode(log.number, log.entries)


def decode_log(data: bytes) -> RunnerLog | None:
    """The log that was remembered, None for what is not of that form: then it is verified anew."""
    first, _, rest = data.partition(b"\n")
    try:
        head = json.loads(first)
        if head["format"] != FORMAT:
            return None
        number, entries = _decode(rest)
        return RunnerLog(parse_key_line(head["key"]), check_oid(head["tip"]), number, entries)
    except (ValueError, KeyError, TypeError, AttributeError, GitflowError):
        return None


def _link(
    reader: ObjectReader, oid: Oid, digest: str
) -> tuple[PublicKey, int, tuple[Entry, ...], Oid | None]:
    raw = reader.read(oid)
    try:
        signed = prove(raw)
    except Refusal as refusal:
        raise _broken(oid, refusal.message) from None
    if (
        signed.certificate is not None
        or not isinstance(signed.key, PublicKey)
        or key_digest(signed.key) != digest
        or carries_statement(signed.message)
    ):
        raise _broken(oid, "it is not signed by the key whose log this is")
    commit = decode_commit(raw.data)
    if len(commit.parents) > 1:
        raise _broken(oid, "it has several parents")
    entries = decode_tree(reader.read(commit.tree).data)
    if len(entries) != 1 or entries[0].name != FILE or entries[0].mode != BLOB_MODE:
        raise _broken(oid, f"its tree holds {FILE} and nothing else")
    data = reader.read(entries[0].oid).data
    if len(data) > MAX_BYTES:
        raise _broken(oid, f"{FILE} is larger than {MAX_BYTES} bytes")
    try:
        number, found = _decode(data)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _broken(oid, f"{FILE} cannot be read: {problem}") from None
    return signed.key, number, found, commit.parents[0] if commit.parents else None


def build_link(
    entries: Sequence[Entry], before: RunnerLog | None, who: Ident, signer: Signer
) -> tuple[RawObject, ...]:
    """The objects of the next link, the commit last; `before` None begins the log."""
    number = 1 if before is None else before.number + 1
    file = blob(_encode(number, entries))
    tree = encode_tree((TreeEntry(FILE, BLOB_MODE, file.oid),))
    parents = () if before is None else (before.tip,)
    kinds = ", ".join(sorted({_NAMES[type(entry)] for entry in entries}))
    commit = Commit(tree.oid, parents, who, who, f"log {number}: {kinds}\n")
    return file, tree, sign_commit(commit, signer)


def first_seen(logs: Iterable[RunnerLog]) -> dict[Oid, int]:
    """When the releases, promotions and policies of these logs were first seen (ms), by object id."""
    found: dict[Oid, int] = {}
    for log in logs:
        for entry in log.entries:
            oid = _object(entry)
            if oid is not None:
                found[oid] = min(entry.at, found.get(oid, entry.at))
    return found


def releases_seen(logs: Iterable[RunnerLog]) -> tuple[tuple[str, Oid], ...]:
    """Every release ref with the tag object that was seen there first, sorted by ref."""
    found: dict[str, tuple[int, Oid]] = {}
    for log in logs:
        for entry in log.entries:
            if isinstance(entry, ReleaseSeen):
                found[entry.ref] = min((entry.at, entry.tag), found.get(entry.ref, (entry.at, entry.tag)))
    return tuple((ref, oid) for ref, (_, oid) in sorted(found.items()))


def _object(entry: Entry) -> Oid | None:
    match entry:
        case ReleaseSeen():
            return entry.tag
        case PromotionSeen():
            return entry.promotion
        case PolicySeen():
            return entry.policy
        case KeyRevoked() | TipSeen() | GlassBroken():
            return None


def _encode(number: int, entries: Sequence[Entry]) -> bytes:
    rows: list[dict[str, object]] = [{"format": FORMAT, "number": number}]
    rows += [{"kind": _NAMES[type(entry)], **asdict(entry)} for entry in entries]
    return "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows).encode()


def _decode(data: bytes) -> tuple[int, tuple[Entry, ...]]:
    head, *rows = [json.loads(line) for line in data.decode().removesuffix("\n").split("\n")]
    if head["format"] != FORMAT or type(head["number"]) is not int or head["number"] < 1:
        raise ValueError(f"format {head['format']!r}, number {head['number']!r}")
    return head["number"], tuple(_decode_row(row) for row in rows)


def _decode_row(row: dict[str, object]) -> Entry:
    kind = _KINDS[cast(str, row.pop("kind"))]
    numbers = {"at", "number", "version", "since"}
    for name, value in row.items():
        if type(value) is not (int if name in numbers else str):
            raise ValueError(f"{name} is {value!r}"[:80])
    return kind(**row)  # type: ignore[arg-type]  # the types were checked just above


def _broken(oid: Oid, why: str) -> RefusedError:
    return RefusedError("log.chain", f"the log's commit {oid}: {why}")
