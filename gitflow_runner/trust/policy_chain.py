"""The chain of policies on its ref: each version consented to by the quorum of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gitflow_runner.errors import RefusedError
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
from gitflow_runner.trust.consent import broken, consents
from gitflow_runner.trust.gpgsig import OpenGpg
from gitflow_runner.trust.keyring import Signed
from gitflow_runner.trust.policy import Policy, policy_digest
from gitflow_runner.trust.policy_text import MAX_TEXT, parse_policy
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.statement import PolicyChange, parse_statement, write_message
from gitflow_runner.trust.verify import prove

FILE = "policy.edn"
MAX_VERSIONS = 100_000

_NO_TIMES: Mapping[Oid, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One verified version: the commit that carries it, the policy, and whose consent it has."""

    oid: Oid
    policy: Policy
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyChain:
    """All versions from the pinned one on, oldest first; never empty."""

    versions: tuple[PolicyVersion, ...]

    @property
    def tip(self) -> PolicyVersion:
        """The version in force."""
        return self.versions[-1]

    @property
    def newest(self) -> Policy:
        """The policy in force."""
        return self.versions[-1].policy

    def at(self, oid: Oid) -> Policy | None:
        """The policy that a wait pinned by its commit, None if the chain does not hold it."""
        return next((version.policy for version in self.versions if version.oid == oid), None)


@dataclass(frozen=True, slots=True)
class _Link:
    """A policy commit; `previous` is None for a root, whose parents are statements over its own text."""

    oid: Oid
    text: bytes
    previous: Oid | None


def load_chain(
    reader: ObjectReader,
    tip: Oid,
    pinned: str,
    *,
    now: int,
    known: Oid | None = None,
    seen: Mapping[Oid, int] = _NO_TIMES,
    open_gpg: OpenGpg | None = None,
) -> PolicyChain:
    """Verify the chain from the version whose text has the digest `pinned` to `tip`.

    `known` is the tip that this clone verified last. `seen` holds when (ms) a policy commit was first
    seen; the windows of the keys behind any other are judged at `now`. Raises `RefusedError`:
    `policy.not_pinned`, `policy.policy_rewound`, `policy.chain` (shape, version, digest) and
    `policy.no_consent`; and what `parse_policy` raises.
    """
    links = _links(reader, tip, pinned)
    oids = [link.oid for link in links]
    if known is not None and known not in oids:
        raise RefusedError(
            "policy.policy_rewound",
            f"the policy at {tip} does not descend from {known}, which was in force here",
            hint="somebody moved the policy's ref back or aside: compare with the other clones",
        )
    versions: list[PolicyVersion] = []
    for link in links:
        policy = parse_policy(link.text, file=f"{link.oid}:{FILE}", open_gpg=open_gpg)
        before = versions[-1].policy if versions else None
        if before is not None and policy.version != before.version + 1:
            raise broken("policy", link.oid, f"version {policy.version} follows version {before.version}")
        by: tuple[str, ...] = ()
        if before is not None or link.previous is None:  # pinned in the middle, its digest is its proof
            judge, at = before or policy, seen.get(link.oid, now)
            wanted = PolicyChange(policy.version, policy.digest)
            by = consents(
                reader,
                link.oid,
                link.previous,
                wanted,
                judge,
                judge.policy_change,
                slug=None,
                seen=at,
                now=at,
                family="policy",
            )
        versions.append(PolicyVersion(link.oid, policy, by))
    return PolicyChain(tuple(versions))


def _links(reader: ObjectReader, tip: Oid, pinned: str) -> list[_Link]:
    """From the pinned version to the tip."""
    found: list[_Link] = []
    oid, (commit, text) = tip, _read_version(reader, tip)
    for _ in range(MAX_VERSIONS):
        below = _read_version(reader, commit.parents[0]) if commit.parents else None
        if below is not None and below[1] == text:
            below = None  # a statement over this very text
        found.append(_Link(oid, text, None if below is None else commit.parents[0]))
        if policy_digest(text) == pinned:
            return found[::-1]
        if below is None:
            break
        oid, (commit, text) = commit.parents[0], below
    raise RefusedError(
        "policy.not_pinned",
        f"no version up to {tip} has the digest {pinned} that is pinned here",
        hint="ask the people who made the policy for its digest, and pin that",
        fix=("gfr trust pin <digest>",),
    )


def _read_version(reader: ObjectReader, oid: Oid) -> tuple[Commit, bytes]:
    raw = reader.read(oid)
    if raw.kind != "commit":
        raise broken("policy", oid, f"a {raw.kind} where a policy commit belongs")
    commit = decode_commit(raw.data)
    entries = decode_tree(reader.read(commit.tree).data)
    if len(entries) != 1 or entries[0].name != FILE or entries[0].mode != BLOB_MODE:
        raise broken("policy", oid, f"the tree of a policy commit holds {FILE} and nothing else")
    found = reader.read(entries[0].oid)
    if found.kind != "blob" or len(found.data) > MAX_TEXT:
        raise broken("policy", oid, f"{FILE} is no file of at most {MAX_TEXT} bytes")
    return commit, found.data


def read_consent(
    reader: ObjectReader,
    oid: Oid,
    previous: Oid | None,
    judge: Policy | None = None,
    open_gpg: OpenGpg | None = None,
) -> tuple[Signed, bytes]:
    """One person's signed consent to the version after `previous`, proven, and that version's text.

    Whose key it is was not asked, save that a GPG key must be one of `judge`, the policy in force; a root's
    own people judge it. Raises `Refusal` for what is not signed or no such statement, and
    `RefusedError` (`policy.chain`) where it says one thing and carries another, or stands elsewhere; at a
    root also what `parse_policy` raises.
    """
    commit, text = _read_version(reader, oid)
    signed = prove(reader.read(oid), (judge or parse_policy(text, open_gpg=open_gpg)).keyring)
    said = parse_statement(signed.message, PolicyChange)
    if said.digest != policy_digest(text):
        raise broken("policy", oid, "it carries another text than it speaks of")
    if commit.parents != (() if previous is None else (previous,)):
        raise broken("policy", oid, "it stands on another version than the one in force")
    return signed, text


def sign_policy(text: bytes, previous: Oid | None, who: Ident, signer: Signer) -> tuple[RawObject, ...]:
    """The objects of one person's signed consent to the next version, the commit last.

    `previous` is the policy commit in force, None for a root. Raises what `parse_policy` raises.
    """
    return _policy_commit(text, () if previous is None else (previous,), who, signer)


def apply_policy(
    text: bytes, previous: Oid | None, statements: Sequence[Oid], who: Ident, signer: Signer
) -> tuple[RawObject, ...]:
    """The objects of the next policy commit, the commit last; its own signature is a consent too.

    `statements` are the other people's signed consents. Whether the quorum is met says `load_chain`.
    """
    first = () if previous is None else (previous,)
    return _policy_commit(text, (*first, *statements), who, signer)


def _policy_commit(
    text: bytes, parents: tuple[Oid, ...], who: Ident, signer: Signer
) -> tuple[RawObject, ...]:
    policy = parse_policy(text)
    file = blob(text)
    tree = encode_tree((TreeEntry(FILE, BLOB_MODE, file.oid),))
    said = PolicyChange(policy.version, policy.digest)
    message = write_message(f"policy version {policy.version}", said)
    commit = Commit(tree.oid, parents, who, who, message)
    return file, tree, sign_commit(commit, signer)
