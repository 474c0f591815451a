"""Signed commits and tags judged in order: shape, then signature, then key, then time."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from gitflow_runner.git.objects import Oid, RawObject
from gitflow_runner.git.refs import TAGS
from gitflow_runner.git.repository import Objects
from gitflow_runner.trust import gpgsig, sshsig
from gitflow_runner.trust.gpgsig import GpgSigners
from gitflow_runner.trust.keyring import Keyring, Signed, Verdict
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.shape import SignedShape, split

MAX_SKEW_MS = 24 * 3600 * 1000

Prover = Callable[[SignedShape], Signed]


def prove(
    raw: RawObject, ring: Keyring | None = None, *, ref: str | None = None, reader: Objects | None = None
) -> Signed:
    """Prove the signature of a commit or tag, whoever's it is.

    An SSH signature brings its key along; a GPG signature does not, and is proven by the keys of `ring` only
    (`unsupported_scheme` without one, `key_not_allowed` for a key that is not in it).

    With `ref` a tag must lie under its own name, and a ref under `refs/tags/` must hold a tag object; with
    `reader` the tag's target is looked at, not believed. Raises `Refusal` with a signature reason, and
    `DamagedError` where the target is not there to be looked at.
    """
    return _prove(_shape(raw, ref, reader), ring)


def signed_message(raw: RawObject) -> bytes:
    """The message of a signed object, as `prove` reads it; a GPG signature is taken by its form alone."""
    shape = split(raw)
    if shape.armour.startswith(gpgsig.BEGIN):
        gpgsig.check_form(shape.armour)
        return shape.message
    return _prove(shape, None).message


def is_unsigned_commit(raw: RawObject) -> bool:
    """Whether this is a commit that carries no signature, not even a bad one."""
    if raw.kind != "commit":
        return False
    try:
        split(raw)
    except Refusal as refusal:
        return refusal.reason == "unsigned"
    return False


def prove_text(payload: bytes, armour: bytes, ring: Keyring, *, time: int) -> Signed:
    """Prove a signature that Git made over a text of its own; `time` (ms) is the text's own claim."""
    return _prove(SignedShape("text", payload, armour, time, payload), ring)


def _prove(shape: SignedShape, ring: Keyring | None) -> Signed:
    if ring is not None and shape.armour.startswith(gpgsig.BEGIN):
        key, facts = ring.prove_gpg(shape.armour, shape.payload)
        return Signed(shape.kind, key, None, True, shape.time, shape.message, facts)
    return _prover(shape.armour)(shape)


def _shape(raw: RawObject, ref: str | None, reader: Objects | None) -> SignedShape:
    if ref is not None and ref.startswith(TAGS) and raw.kind != "tag":
        raise Refusal("not_a_tag_object", f"{ref} points at a {raw.kind}, not at a signed tag")
    shape = split(raw)
    if shape.kind == "tag":
        _check_tag(shape, ref, reader)
    return shape


def verify_object(
    raw: RawObject,
    keyring: Keyring,
    *,
    first_seen: int,
    now: int,
    max_skew: int = MAX_SKEW_MS,
    ref: str | None = None,
    reader: Objects | None = None,
    gpg: GpgSigners | None = None,
) -> Verdict:
    """Accept or refuse a signed commit or tag; all times in ms.

    A commit's own date must lie within `max_skew` of `first_seen`; tags have no such bound, because a new
    clone sees old tags for the first time. `gpg` speaks for GPG signatures instead of the keyring.
    """
    fingerprint: str | None = None
    try:
        shape = _shape(raw, ref, reader)
        if gpg is not None and shape.armour.startswith(gpgsig.BEGIN):
            principal, fingerprint = gpg.who(shape.armour, shape.payload)
        else:
            signed = _prove(shape, keyring)
            fingerprint = signed.fingerprint
            principal = keyring.who(signed, first_seen=first_seen, now=now)
        if shape.kind == "commit":
            check_skew(shape.time, first_seen, max_skew)
    except Refusal as problem:
        return Verdict(False, problem.reason, None, fingerprint, problem.message)
    return Verdict(True, None, principal, fingerprint)


def check_skew(time: int | None, first_seen: int, max_skew: int) -> None:
    """Refuse `clock_skew` if the object's own date and its first sight lie too far apart."""
    if time is None or abs(time - first_seen) > max_skew:
        raise Refusal("clock_skew", "the date of the commit and the time it was first seen lie too far apart")


def _check_tag(shape: SignedShape, ref: str | None, reader: Objects | None) -> None:
    if ref is not None and ref.startswith(TAGS) and ref.removeprefix(TAGS) != shape.tag_name:
        raise Refusal("tag_name_mismatch", f"the tag in {ref} says that it is {shape.tag_name!r}")
    if shape.target_kind != "commit":
        raise Refusal("tag_target_type", f"a tag of a {shape.target_kind!r}, only commits are tagged")
    if reader is not None and shape.target is not None:
        found = reader.read(Oid(shape.target)).kind
        if found != "commit":
            raise Refusal("tag_target_type", f"a tag that says commit and points at a {found}")


def _prove_ssh(shape: SignedShape) -> Signed:
    signature = sshsig.parse_armour(shape.armour)
    present = sshsig.check(signature, shape.payload)
    return Signed(shape.kind, signature.key, signature.certificate, present, shape.time, shape.message)


def _prove_unsupported(shape: SignedShape) -> Signed:
    scheme = shape.armour.split(b"\n", 1)[0].strip(b"- ").decode("ascii", "replace")
    raise Refusal("unsupported_scheme", f"a signature of the form {scheme!r} is not read")


_PROVERS = MappingProxyType(
    {
        sshsig.BEGIN: _prove_ssh,
        gpgsig.BEGIN: _prove_unsupported,
        b"-----BEGIN PGP MESSAGE-----": _prove_unsupported,
        b"-----BEGIN SIGNED MESSAGE-----": _prove_unsupported,
    }
)


def _prover(armoured: bytes) -> Prover:
    found = _PROVERS.get(armoured.split(b"\n", 1)[0])
    if found is None:
        raise Refusal("malformed", "a signature header that begins like no known signature")
    return found
