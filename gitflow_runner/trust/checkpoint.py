"""Checkpoints: what stands on the policy's and the live refs, signed by a person who looked at it just now.

A clone that begins knows of no earlier state, so that a server could show it an old one. A checkpoint that
somebody signed lately says what is the least that must be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gitflow_runner.git.objects import BLOB_MODE, Commit, Ident, Oid, RawObject, TreeEntry, blob, encode_tree
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.requests import content_digest, read_statement
from gitflow_runner.trust.signer import Signer, sign_commit
from gitflow_runner.trust.statement import Checkpoint, write_message

FILE = "checkpoint"

_LINE = re.compile(r"([0-9a-f]{40}) (refs/[!-~]{1,250})")


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """Who saw which refs where, and when (ms) by the own clock."""

    principal: str
    at: int
    refs: Mapping[str, Oid]


def build_checkpoint(refs: Mapping[str, Oid], who: Ident, signer: Signer) -> tuple[RawObject, ...]:
    """The objects of a checkpoint, a root commit whose tree holds the list, the commit last."""
    text = "".join(f"{oid} {name}\n" for name, oid in sorted(refs.items())).encode()
    file = blob(text)
    tree = encode_tree((TreeEntry(FILE, BLOB_MODE, file.oid),))
    message = write_message("what stands here now", Checkpoint(content_digest(text)))
    return file, tree, sign_commit(Commit(tree.oid, (), who, who, message), signer)


def read_checkpoint(raw: RawObject, reader: ObjectReader, policy: Policy, *, now: int) -> SignedCheckpoint:
    """Verify a checkpoint of a person who may promote; it lasts as long as `:skew-s` allows.

    Raises `Refusal`: signature reasons (`clock_skew` for an old one), `trailers`, `parent`, `tree`,
    `payload`, `role`, `not_human`.
    """
    signed, said, content = read_statement(raw, reader, policy, Checkpoint, FILE, now=now)
    principal = policy.keyring.who(signed, first_seen=now, now=now)
    person = policy.check_duty(policy.promote, principal, None)
    if person.kind != "human":
        raise Refusal("not_human", f"{principal} is no human, and a checkpoint is a person's word")
    if content_digest(content) != said.digest:
        raise Refusal("payload", "the list is not the one whose digest was signed")
    refs: dict[str, Oid] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line)
        if found is None or found[2] in refs:
            raise Refusal("tree", "the list of a checkpoint has one ref a line, each once")
        refs[found[2]] = Oid(found[1])
    return SignedCheckpoint(principal, signed.time or 0, refs)
