"""Public SSH keys: their blobs read strictly, and the check of one signature by one key."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.wire import WireReader

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16384
USER_PRESENT = 0x01  # flag of a security key: somebody touched it

Material = Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_CURVES: dict[str, tuple[ec.EllipticCurve, HashAlgorithm]] = {
    "nistp256": (ec.SECP256R1(), SHA256()),
    "nistp384": (ec.SECP384R1(), SHA384()),
    "nistp521": (ec.SECP521R1(), SHA512()),
}
_RSA_HASHES: dict[str, HashAlgorithm] = {"rsa-sha2-256": SHA256(), "rsa-sha2-512": SHA512()}
_SK_ED25519 = "sk-ssh-ed25519@openssh.com"
_SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com"
_WEAK_KINDS = frozenset({"ssh-dss", "ssh-dss-cert-v01@openssh.com"})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key: `blob` is its wire form and its identity, `application` is set for security keys."""

    kind: str
    blob: bytes
    material: Material
    application: str | None = None

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and unpadded base64, as ssh-keygen prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def line(self) -> str:
        """The key as one line of an authorized-keys file, without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def rsa_bits(self) -> int | None:
        """The size of an RSA key in bits, None for the other kinds."""
        return self.material.key_size if isinstance(self.material, rsa.RSAPublicKey) else None


@lru_cache(maxsize=4096)
def parse_public_key(blob: bytes) -> PublicKey:
    """The key in a wire blob; refuses `malformed` and, for kinds that are too weak, `weak_algorithm`."""
    reader = WireReader(blob)
    key = read_public_key(reader.text(), reader, blob)
    reader.end()
    return key


def read_public_key(kind: str, reader: WireReader, blob: bytes) -> PublicKey:
    """The fields of a key of `kind` from `reader`, which stands behind the kind (and a nonce)."""
    try:
        if kind == "ssh-ed25519":
            return PublicKey(kind, blob, Ed25519PublicKey.from_public_bytes(reader.string()))
        if kind == _SK_ED25519:
            material = Ed25519PublicKey.from_public_bytes(reader.string())
            return PublicKey(kind, blob, material, reader.text())
        if kind == _SK_ECDSA:
            return PublicKey(kind, blob, _read_point(reader, "nistp256"), reader.text())
        if kind.startswith("ecdsa-sha2-") and (curve := kind.removeprefix("ecdsa-sha2-")) in _CURVES:
            return PublicKey(kind, blob, _read_point(reader, curve))
        if kind == "ssh-rsa":
            return PublicKey(kind, blob, _read_rsa(reader))
    except ValueError as problem:
        raise Refusal("malformed", f"not a usable {kind} key: {problem}") from None
    if kind in _WEAK_KINDS:
        raise Refusal("weak_algorithm", f"keys of type {kind} are not taken")
    raise Refusal("malformed", f"unknown key type {kind[:60]!r}")


def parse_key_line(line: str) -> PublicKey:
    """The key in `<type> <base64> [comment]`; refuses `malformed` and `weak_algorithm`."""
    words = re.split(r"[ \t]+", line.strip(" \t\r\n"), maxsplit=2)
    if len(words) < 2:
        raise Refusal("malformed", f"not a public key line: {line[:60]!r}")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except ValueError:
        raise Refusal("malformed", f"the key in {line[:40]!r} is not base64") from None
    key = parse_public_key(blob)
    if key.kind != words[0]:
        raise Refusal("malformed", f"a key line says {words[0][:40]} but holds a key of type {key.kind}")
    return key


def check_signature(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether a person was present, once `signature` (a wire blob) is proven to be `key`'s over `data`.

    True for all keys but security keys that were not touched. Refuses `malformed`, `weak_algorithm`
    (SHA-1, short RSA) and `bad_signature`.
    """
    reader = WireReader(signature)
    algorithm = reader.text()
    raw = reader.string()
    flags = USER_PRESENT
    if key.application is not None:
        flags = reader.byte()
        counter = reader.take(4)
        digest = hashlib.sha256
        data = digest(key.application.encode()).digest() + bytes((flags,)) + counter + digest(data).digest()
    reader.end()
    try:
        match key.material:
            case Ed25519PublicKey() as material:
                _demand_algorithm(algorithm, key.kind)
                material.verify(raw, data)
            case ec.EllipticCurvePublicKey() as material:
                _demand_algorithm(algorithm, key.kind)
                material.verify(_der(raw), data, ec.ECDSA(curve_hash(material.curve)))
            case rsa.RSAPublicKey() as material:
                _check_rsa(material, algorithm, raw, data)
            case _ as never:
                assert_never(never)
    except (InvalidSignature, ValueError):
        raise Refusal("bad_signature", f"the signature is not by key {key.fingerprint}") from None
    return bool(flags & USER_PRESENT)


def _check_rsa(key: rsa.RSAPublicKey, algorithm: str, raw: bytes, data: bytes) -> None:
    if key.key_size < MIN_RSA_BITS:
        raise Refusal("weak_algorithm", f"an RSA key of {key.key_size} bits, less than {MIN_RSA_BITS}")
    if algorithm == "ssh-rsa":
        raise Refusal("weak_algorithm", "an RSA signature over SHA-1")
    hashed = _RSA_HASHES.get(algorithm)
    if hashed is None:
        raise Refusal("bad_signature", f"a signature of type {algorithm[:40]!r} under an RSA key")
    key.verify(raw.rjust((key.key_size + 7) // 8, b"\0"), data, padding.PKCS1v15(), hashed)


def _demand_algorithm(found: str, kind: str) -> None:
    if found != kind:
        raise Refusal("bad_signature", f"a signature of type {found[:40]!r} under a key of type {kind}")


def _der(raw: bytes) -> bytes:
    reader = WireReader(raw)
    r, s = reader.number(), reader.number()
    reader.end()
    return encode_dss_signature(r, s)


def curve_hash(curve: ec.EllipticCurve) -> HashAlgorithm:
    """The hash that goes with a curve in SSH's signatures."""
    return next(hashed for known, hashed in _CURVES.values() if known.name == curve.name)


def _read_point(reader: WireReader, curve: str) -> ec.EllipticCurvePublicKey:
    named = reader.text()
    point = reader.string()
    if named != curve:
        raise Refusal("malformed", f"a key for curve {curve} says {named[:40]!r}")
    if point[:1] != b"\x04":
        raise Refusal("malformed", "a curve point that is not uncompressed")
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve][0], point)


def _read_rsa(reader: WireReader) -> rsa.RSAPublicKey:
    exponent, modulus = reader.number(), reader.number()
    if modulus.bit_length() < 1024:
        raise Refusal("weak_algorithm", f"an RSA key of {modulus.bit_length()} bits")
    if modulus.bit_length() > MAX_RSA_BITS or exponent.bit_length() > 64:
        raise Refusal("malformed", "an RSA key with numbers out of all proportion")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()
