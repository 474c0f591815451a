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
from gitflow_runner.trust.policy import Duty, Policy, policy_digest
from gitflow_runner.trust.policy_text import MAX_TEXT, parse_policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.statement import PolicyChange, parse_statement, write_message
from gitflow_runner.trust.verify import prove

FILE = "policy.edn"
MAX_PARENTS = 65
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
    commit: Commit
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
        policy = parse_policy(link.text, file=f"{link.oid}:{FILE}")
        before = versions[-1].policy if versions else None
        if before is not None and policy.version != before.version + 1:
            raise _broken(link.oid, f"version {policy.version} follows version {before.version}")
        by: tuple[str, ...] = ()
        if before is not None or link.previous is None:  # pinned in the middle, its digest is its proof
            by = _consents(reader, link, policy, before or policy, seen.get(link.oid, now))
        versions.append(PolicyVersion(link.oid, policy, by))
    return PolicyChain(tuple(versions))


def _links(reader: ObjectReader, tip: Oid, pinned: str) -> list[_Link]:
    """From the pinned version to the tip."""
    found: list[_Link] = []
    oid = tip
    for _ in range(MAX_VERSIONS):
        link = _link(reader, oid)
        found.append(link)
        if policy_digest(link.text) == pinned:
            return found[::-1]
        if link.previous is None:
            break
        oid = link.previous
    raise RefusedError(
        "policy.not_pinned",
        f"no version up to {tip} has the digest {pinned} that is pinned here",
        hint="ask the people who made the policy for its digest, and pin that",
        fix=("gfr trust pin <digest>",),
    )


def _consents(reader: ObjectReader, link: _Link, policy: Policy, judge: Policy, at: int) -> tuple[str, ...]:
    """The people who consented by `judge`'s keys and roles, and meet its quorum."""
    duty = judge.policy_change
    if duty is None:
        raise RefusedError(
            "policy.no_consent", f"version {judge.version} of the policy lets nobody change it"
        )
    before = () if link.previous is None else (link.previous,)
    if len(link.commit.parents) > MAX_PARENTS:
        raise _broken(link.oid, f"a policy commit with more than {MAX_PARENTS} parents")
    wanted = PolicyChange(policy.version, policy.digest)
    people: list[str] = []
    for oid in (*link.commit.parents[len(before) :], link.oid):
        own = before if oid != link.oid else link.commit.parents
        name = _consent(reader, oid, own, wanted, judge, duty, at)
        if name is not None and name not in people:
            people.append(name)
    if len(people) < duty.need:
        raise RefusedError(
            "policy.no_consent",
            f"version {policy.version} at {link.oid} has the consent of {len(people)} people "
            f"({', '.join(people) or 'nobody'}), it takes {duty.need} of role {duty.role}",
        )
    return tuple(people)


def _consent(
    reader: ObjectReader,
    oid: Oid,
    parents: Sequence[Oid],
    wanted: PolicyChange,
    judge: Policy,
    duty: Duty,
    at: int,
) -> str | None:
    """Whose consent this commit is; None if it is a person's who does not count."""
    raw = reader.read(oid)
    try:
        signed = prove(raw)
        said = parse_statement(signed.message, PolicyChange)
        if said != wanted or decode_commit(raw.data).parents != tuple(parents):
            raise _broken(oid, "a statement over another text or another version")
        name = judge.keyring.who(signed, first_seen=at, now=at)
        judge.check_duty(duty, name, None)
    except Refusal as refusal:
        if refusal.reason in ("role", "not_human", "key_expired", "key_not_allowed", "key_revoked"):
            return None
        raise _broken(oid, refusal.message) from None
    return name


def _link(reader: ObjectReader, oid: Oid) -> _Link:
    commit, text = _read_version(reader, oid)
    first = commit.parents[0] if commit.parents else None
    if first is not None and _read_version(reader, first)[1] == text:
        first = None
    return _Link(oid, commit, text, first)


def _read_version(reader: ObjectReader, oid: Oid) -> tuple[Commit, bytes]:
    raw = reader.read(oid)
    if raw.kind != "commit":
        raise _broken(oid, f"a {raw.kind} where a policy commit belongs")
    commit = decode_commit(raw.data)
    entries = decode_tree(reader.read(commit.tree).data)
    if len(entries) != 1 or entries[0].name != FILE or entries[0].mode != BLOB_MODE:
        raise _broken(oid, f"the tree of a policy commit holds {FILE} and nothing else")
    found = reader.read(entries[0].oid)
    if found.kind != "blob" or len(found.data) > MAX_TEXT:
        raise _broken(oid, f"{FILE} is no file of at most {MAX_TEXT} bytes")
    return commit, found.data


def _broken(oid: Oid, why: str) -> RefusedError:
    return RefusedError("policy.chain", f"the policy commit {oid}: {why}")


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
