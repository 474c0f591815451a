"""Public keys, signatures and certificates of OpenSSH, taken apart: every doubtful value is refused."""

from __future__ import annotations

import base64
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)

from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshcert import Certificate, parse_certificate
from gitflow_runner.trust.sshkey import PublicKey, check_signature, parse_key_line, parse_public_key
from gitflow_runner.trust.wire import WireReader, string
from tests.policies import ANN

USER, AUTHORITY = (Ed25519PrivateKey.from_private_bytes(seed * 32) for seed in (b"u", b"a"))


def number(value: int) -> bytes:
    """A non-negative whole number as SSH writes it."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b"")


def certificate(*, names: int = 1, kind: SSHCertificateType = SSHCertificateType.USER) -> bytes:
    builder = SSHCertificateBuilder().public_key(USER.public_key()).type(kind).serial(7).key_id(b"x")
    principals = [f"p{index}".encode() for index in range(names)]
    builder = builder.valid_principals(principals) if names else builder.valid_for_all_principals()
    signed = builder.valid_after(0).valid_before(2**40).sign(AUTHORITY)
    return base64.b64decode(signed.public_bytes().split()[1])


def refusal(blob: bytes) -> tuple[str, str]:
    with pytest.raises(Refusal) as problem:
        parse_certificate(blob)
    return problem.value.reason, problem.value.message


def test_a_certificate_reads_back() -> None:
    found = parse_certificate(certificate(names=256))
    assert isinstance(found, Certificate)
    assert (found.serial, found.key_id, len(found.principals)) == (7, "x", 256)
    assert found.authority.kind == "ssh-ed25519"


def test_a_certificate_names_somebody_and_not_the_whole_world() -> None:
    assert refusal(certificate(names=0))[0] == "cert_refused"
    assert "is not for a user" in refusal(certificate(kind=SSHCertificateType.HOST))[1]


def test_a_certificate_names_no_crowd() -> None:
    """The library that writes them here stops at 256 as well, so the list is made longer by hand."""
    good = certificate(names=256)
    listed = b"".join(string(f"p{index}".encode()) for index in range(256))
    assert good.count(string(listed)) == 1
    more = good.replace(string(listed), string(listed + string(b"one more")))
    assert refusal(more) == ("cert_refused", "certificate 'x' names 257 principals")


def test_a_certificate_is_signed_by_the_authority_that_it_names() -> None:
    good = certificate()
    forged = good[:-1] + bytes((good[-1] ^ 1,))
    assert refusal(forged)[0] == "cert_refused"
    other = good.replace(b"p0", b"p1")
    assert other != good
    assert refusal(other)[0] == "cert_refused"
    assert refusal(good + b"\0")[0] == "malformed"


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def rsa_blob(modulus: int, exponent: int = 65537) -> bytes:
    return string(b"ssh-rsa") + number(exponent) + number(modulus)


def point_blob(curve: str, named: str, point: bytes) -> bytes:
    return string(f"ecdsa-sha2-{curve}".encode()) + string(named.encode()) + string(point)


P256 = ec.derive_private_key(7, ec.SECP256R1())
POINT = P256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
SHORT = P256.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


@pytest.mark.parametrize(
    ("blob", "reason", "words"),
    [
        (rsa_blob(2**1022 + 1), "weak_algorithm", "an RSA key of 1023 bits"),
        (rsa_blob(2**16384 + 1), "malformed", "out of all proportion"),
        (rsa_blob(2**2047 + 1, 2**64 + 1), "malformed", "out of all proportion"),
        (rsa_blob(2**2047 + 1) + b"\0", "malformed", "follow the end"),
        (string(b"ssh-rsa") + string(b"\x80") + number(2**2047 + 1), "malformed", "negative or too large"),
        (string(b"ssh-rsa") + string(b"\1" * 5000) + number(5), "malformed", "negative or too large"),
        (point_blob("nistp256", "nistp384", POINT), "malformed", "says 'nistp384'"),
        (point_blob("nistp256", "nistp256", SHORT), "malformed", "not uncompressed"),
        (point_blob("nistp256", "nistp256", POINT[:-1] + b"\0"), "malformed", "not a usable"),
        (string(b"ssh-ed25519") + string(b"x" * 31), "malformed", "not a usable"),
        (string(b"ssh-ed25519\0"), "malformed", "holds a NUL"),
        (string(b"ssh-ed25519\xff"), "malformed", "not UTF-8"),
        (b"\0\0\0\x0bssh", "malformed", "ends before its stated length"),
        (string(b"ssh-dss"), "weak_algorithm", "are not taken"),
        (string(b"ssh-new"), "malformed", "unknown key type"),
    ],
)
def test_a_doubtful_key_is_refused(blob: bytes, reason: str, words: str) -> None:
    with pytest.raises(Refusal) as problem:
        parse_public_key(blob)
    assert problem.value.reason == reason
    assert words in problem.value.message


def test_a_key_line_says_the_type_of_its_key() -> None:
    kind, blob = ANN.key.line.split()
    assert parse_key_line(f"{kind}\t{blob} a comment") == ANN.key
    with pytest.raises(Refusal, match="holds a key of type ssh-ed25519"):
        parse_key_line(f"ssh-rsa {blob}")


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> PublicKey:
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return parse_key_line(line.decode())


def reason(key: PublicKey, algorithm: str, raw: bytes) -> str | None:
    try:
        assert check_signature(key, string(algorithm.encode()) + string(raw), b"data")
    except Refusal as problem:
        return problem.reason
    return None


def test_rsa_signs_with_sha2_and_2048_bits_at_least() -> None:
    long, short = rsa_key(2048), rsa_key(1024)
    for algorithm, hashed in (("rsa-sha2-256", SHA256()), ("rsa-sha2-512", SHA512())):
        assert reason(public(long), algorithm, long.sign(b"data", padding.PKCS1v15(), hashed)) is None
        assert reason(public(short), algorithm, short.sign(b"data", padding.PKCS1v15(), hashed)) == (
            "weak_algorithm"
        )
    assert reason(public(long), "ssh-rsa", long.sign(b"data", padding.PKCS1v15(), SHA1())) == "weak_algorithm"
    odd = long.sign(b"data", padding.PKCS1v15(), SHA384())
    assert reason(public(long), "rsa-sha2-384", odd) == "bad_signature"
    assert reason(public(long), "rsa-sha2-256", odd) == "bad_signature"


def test_a_signature_is_of_the_type_of_its_key() -> None:
    raw = WireReader(string(USER.sign(b"data"))).string()
    key = parse_key_line(USER.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    assert reason(key, "ssh-ed25519", raw) is None
    assert reason(key, "ssh-rsa", raw) == "bad_signature"
    assert reason(key, "ssh-ed25519", raw[:-1] + b"\0") == "bad_signature"
