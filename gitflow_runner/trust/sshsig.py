"""SSHSIG blocks, the signatures that git makes with SSH keys: read strictly, checked, and written."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshcert import Certificate, is_certificate, parse_certificate
from gitflow_runner.trust.sshkey import PublicKey, check_signature, parse_public_key
from gitflow_runner.trust.wire import WireReader, string

BEGIN = b"-----BEGIN SSH SIGNATURE-----"
GIT = "git"  # the namespace of commits and tags
MAX_ARMOUR = 64 * 1024

_MAGIC = b"SSHSIG"
_VERSION = 1
_DIGESTS = frozenset({"sha256", "sha512"})
_ARMOUR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n((?:[A-Za-z0-9+/=]+\n)+)-----END SSH SIGNATURE-----\n?"
)


@dataclass(frozen=True, slots=True)
class SshSignature:
    """One parsed block: the key that it claims, what it was made for, and the signature itself."""

    key: PublicKey
    certificate: Certificate | None
    namespace: str
    digest: str
    signature: bytes


def parse_armour(armoured: bytes) -> SshSignature:
    """Read exactly one armoured block and nothing after it; refuses `malformed`, and weak or bad keys.

    The reserved field may hold any bytes: no signature covers it, and OpenSSH takes them too.
    """
    found = _ARMOUR.fullmatch(armoured) if len(armoured) <= MAX_ARMOUR else None
    if found is None:
        raise Refusal("malformed", "not exactly one armoured SSH signature")
    try:
        blob = base64.b64decode(found[1].replace(b"\n", b""), validate=True)
    except binascii.Error:
        raise Refusal("malformed", "the armoured SSH signature is not base64") from None
    reader = WireReader(blob)
    if reader.take(len(_MAGIC)) != _MAGIC or reader.u32() != _VERSION:
        raise Refusal("malformed", "not an SSH signature of version 1")
    signer = reader.string()
    namespace = reader.text()
    reader.string()  # reserved
    digest = reader.text()
    signature = reader.string()
    reader.end()
    if is_certificate(signer):
        certificate = parse_certificate(signer)
        return SshSignature(certificate.key, certificate, namespace, digest, signature)
    return SshSignature(parse_public_key(signer), None, namespace, digest, signature)


def check(signature: SshSignature, message: bytes, namespace: str = GIT) -> bool:
    """Whether a person was present (see `check_signature`), once the signature is proven over `message`.

    Refuses `namespace`, `weak_algorithm`, `malformed` and `bad_signature`.
    """
    if signature.namespace != namespace:
        raise Refusal(
            "namespace", f"a signature for {signature.namespace[:40]!r} cannot pass for {namespace!r}"
        )
    if signature.digest not in _DIGESTS:
        raise Refusal("weak_algorithm", f"a signature over the digest {signature.digest[:40]!r}")
    return check_signature(
        signature.key, signature.signature, signed_bytes(message, namespace, signature.digest)
    )


def signed_bytes(message: bytes, namespace: str, digest: str = "sha512") -> bytes:
    """What the key itself signs for `message`."""
    return b"".join(
        (
            _MAGIC,
            string(namespace.encode()),
            string(b""),
            string(digest.encode()),
            string(hashlib.new(digest, message).digest()),
        )
    )


def armour(public_key: bytes, namespace: str, signature: bytes, digest: str = "sha512") -> str:
    """The armoured block of a signature over `signed_bytes`, without a newline at its end."""
    blob = b"".join(
        (
            _MAGIC,
            _VERSION.to_bytes(4, "big"),
            string(public_key),
            string(namespace.encode()),
            string(b""),
            string(digest.encode()),
            string(signature),
        )
    )
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join(("-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----"))
