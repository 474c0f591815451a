"""OpenSSH user certificates: a key, whom it speaks for and until when, signed by an authority's key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshkey import PublicKey, check_signature, parse_public_key, read_public_key
from gitflow_runner.trust.wire import WireReader, string

_SUFFIX = "-cert-v01@openssh.com"
_USER = 1
_MAX_PRINCIPALS = 256


@dataclass(frozen=True, slots=True)
class Certificate:
    """What an authority vouches for; times in seconds since the epoch, `valid_before` exclusive."""

    key: PublicKey
    authority: PublicKey
    serial: int
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int


def is_certificate(blob: bytes) -> bool:
    """Whether a public key blob is a certificate."""
    return WireReader(blob).string().endswith(_SUFFIX.encode())


@lru_cache(maxsize=4096)
def parse_certificate(blob: bytes) -> Certificate:
    """Read a certificate and check its authority's signature.

    Refuses `malformed` shapes and, as `cert_refused`, everything but a user certificate with named
    principals, no critical options and a good signature of a key that is no certificate itself.
    """
    reader = WireReader(blob)
    kind = _plain_kind(reader.text())
    reader.string()  # the nonce, which only makes the blob unpredictable
    start = reader.position
    read_public_key(kind, reader, blob)
    key = parse_public_key(string(kind.encode()) + blob[start : reader.position])
    serial = reader.u64()
    role = reader.u32()
    key_id = reader.text()
    principals = _texts(reader.string())
    valid_after, valid_before = reader.u64(), reader.u64()
    critical = reader.string()
    reader.string()  # extensions permit things in a session, which nobody opens here
    reader.string()  # reserved
    authority = reader.string()
    signed = blob[: reader.position]
    signature = reader.string()
    reader.end()
    if role != _USER:
        raise Refusal("cert_refused", f"certificate {key_id!r} is not for a user")
    if not principals or len(principals) > _MAX_PRINCIPALS:
        raise Refusal("cert_refused", f"certificate {key_id!r} names {len(principals)} principals")
    if critical:
        raise Refusal("cert_refused", f"certificate {key_id!r} has critical options, which bind nobody here")
    signer = _authority(authority, key_id)
    _check_authority(signer, signature, signed, key_id)
    return Certificate(key, signer, serial, key_id, principals, valid_after, valid_before)


def _plain_kind(kind: str) -> str:
    name = kind.removesuffix(_SUFFIX)
    return f"{name}@openssh.com" if name.startswith("sk-") else name


def _authority(blob: bytes, key_id: str) -> PublicKey:
    try:
        return parse_public_key(blob)
    except Refusal as problem:
        raise Refusal("cert_refused", f"authority of certificate {key_id!r}: {problem.message}") from None


def _check_authority(signer: PublicKey, signature: bytes, signed: bytes, key_id: str) -> None:
    try:
        check_signature(signer, signature, signed)
    except Refusal as problem:
        raise Refusal("cert_refused", f"certificate {key_id!r}: {problem.message}") from None


def _texts(packed: bytes) -> tuple[str, ...]:
    reader = WireReader(packed)
    found = []
    while reader.rest:
        found.append(reader.text())
    return tuple(found)
