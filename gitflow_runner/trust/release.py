"""Release tags: signed annotated tags that say which flow, version and content they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gitflow_runner.errors import RefusedError, UsageError
from gitflow_runner.git.objects import Ident, Oid, RawObject, Tag, decode_tag
from gitflow_runner.git.refs import TAGS, parse_release_tag, release_tag
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.trust.keyring import Signed
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.signer import Signer, sign_tag
from gitflow_runner.trust.statement import one_line, own_trailers
from gitflow_runner.trust.verify import prove

ReleaseFinding = Literal["release_moved", "release_missing"]

SCHEMA = 1

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PATH = re.compile(r"[^\s\x00-\x1f\x7f]{1,1024}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_REQUIRED = frozenset(
    f"Gitflow-{name}" for name in ("Flow", "Version", "Digest", "Paths", "Requires", "Schema")
)
_PROPOSAL = "Gitflow-Proposal"


@dataclass(frozen=True, slots=True)
class ReleaseText:
    """What a release tag says of itself; digests are those of the closure and of what it requires."""

    flow: str
    version: int
    digest: str
    paths: tuple[str, ...]
    requires: str
    proposal: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A verified release: the tag object, the commit that it names, and who signed it."""

    oid: Oid
    commit: Oid
    text: ReleaseText
    principal: str
    fingerprint: str


def build_release(
    text: ReleaseText, commit: Oid, who: Ident, signer: Signer, *, notes: str = ""
) -> tuple[str, RawObject]:
    """The ref and the signed tag object of a release; `notes` are for people.

    Raises `UsageError` (`release.text`) for a text that would not read back as itself.
    """
    ref = release_tag(text.flow, text.version)
    values = {
        "Gitflow-Flow": text.flow,
        "Gitflow-Version": str(text.version),
        "Gitflow-Digest": text.digest,
        "Gitflow-Paths": " ".join(text.paths),
        "Gitflow-Requires": text.requires,
        "Gitflow-Schema": str(SCHEMA),
    }
    if text.proposal is not None:
        values[_PROPOSAL] = text.proposal
    block = "\n".join(f"{key}: {value}" for key, value in values.items())
    middle = [notes.strip("\n")] if notes.strip() else []
    message = "\n\n".join([one_line(f"release {text.flow} v{text.version}"), *middle, block]) + "\n"
    try:
        same = read_release_text(message.encode()) == text and "-----BEGIN " not in message
    except Refusal:
        same = False
    if not same:
        raise UsageError(
            "release.text", f"release {text.flow} v{text.version} does not read back as it was meant"
        )
    return ref, sign_tag(Tag(commit, "commit", ref.removeprefix(TAGS), who, message), signer)


def read_release_text(message: bytes) -> ReleaseText:
    """The trailers of a release tag's message; refuses `trailers`."""
    found = own_trailers(message)
    odd = (found.keys() - _REQUIRED - {_PROPOSAL}) | (_REQUIRED - found.keys())
    if odd:
        raise Refusal("trailers", f"the trailer {min(odd)[:60]} is unknown in a release tag or missing")
    paths = tuple(found["Gitflow-Paths"].split(" "))
    proposal = found.get(_PROPOSAL)
    if not (
        _NUMBER.fullmatch(found["Gitflow-Version"])
        and _DIGEST.fullmatch(found["Gitflow-Digest"])
        and _DIGEST.fullmatch(found["Gitflow-Requires"])
        and all(_PATH.fullmatch(path) for path in paths)
        and (proposal is None or _PATH.fullmatch(proposal))
    ):
        raise Refusal("trailers", "a trailer of the release tag is not of its form")
    if found["Gitflow-Schema"] != str(SCHEMA):
        raise Refusal(
            "trailers", f"a release of schema {found['Gitflow-Schema'][:20]}, this runner knows {SCHEMA}"
        )
    return ReleaseText(
        found["Gitflow-Flow"],
        int(found["Gitflow-Version"]),
        found["Gitflow-Digest"],
        paths,
        found["Gitflow-Requires"],
        proposal,
    )


def release_notes(message: bytes) -> str:
    """What a release tag's message says to people, between its first line and its trailers."""
    paragraphs = message.decode("utf-8", "replace").strip("\n").split("\n\n")
    return "\n\n".join(paragraphs[1:-1])


def verify_release(
    reader: ObjectReader,
    ref: str,
    oid: Oid,
    policy: Policy,
    *,
    now: int,
    logged: int | None = None,
    reaffirmed: bool = False,
) -> Release:
    """Verify the tag object `oid` under its ref name.

    `logged` is when (ms) a runner's log saw it first: the signer's key is judged then. Without it the key is
    judged at `now`, and a key that is only out of its window raises `release.time_unproven`. `reaffirmed`
    says that a promotion signed with a good key names this very object, which makes good both that and a
    key revoked since. Raises `Refusal` with signature reasons, `trailers`, `role` and `not_human`.
    """
    raw = reader.read(oid)
    named = parse_release_tag(ref)
    if named is None:
        raise Refusal("tag_name_mismatch", f"{ref} is no name of a release")
    signed = prove(raw, policy.keyring, ref=ref, reader=reader)
    tag = decode_tag(raw.data)
    text = read_release_text(signed.message)
    if (text.flow, text.version) != named:
        raise Refusal("tag_name_mismatch", f"{ref} holds a tag that says {text.flow} v{text.version}")
    principal = _signer(signed, policy, now, logged, reaffirmed, ref)
    policy.check_duty(policy.release, principal, text.flow)
    return Release(oid, tag.target, text, principal, signed.fingerprint)


def _signer(signed: Signed, policy: Policy, now: int, logged: int | None, reaffirmed: bool, ref: str) -> str:
    seen = now if logged is None else logged
    try:
        return policy.keyring.who(signed, first_seen=seen, now=now)
    except Refusal as refusal:
        owner = min(policy.keyring.owners(signed.key), default=None)
        excusable = refusal.reason in ("key_expired", "key_not_yet_valid", "key_revoked")
        if owner is None or not excusable:
            raise
        if reaffirmed:
            return owner
        if refusal.reason == "key_revoked" or logged is not None:
            raise
        raise RefusedError(
            "release.time_unproven",
            f"{ref} is signed by a key that is out of its window now, and no log says when it was first seen",
            hint="somebody whose key is good must promote it anew",
            fix=(f"gfr promote {ref.removeprefix(TAGS)}",),
        ) from None


def compare_refs(
    reader: ObjectReader, logged: Sequence[tuple[str, Oid]]
) -> tuple[tuple[str, ReleaseFinding], ...]:
    """Which of the releases that a log holds (ref and tag object) are moved or gone, in the order given."""
    found: list[tuple[str, ReleaseFinding]] = []
    for ref, oid in logged:
        now = reader.resolve(ref)
        if now is None:
            found.append((ref, "release_missing"))
        elif now != oid:
            found.append((ref, "release_moved"))
    return tuple(found)
