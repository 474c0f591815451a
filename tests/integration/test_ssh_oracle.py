"""OpenSSH and git as second judges: what they call bad is never accepted here."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gitflow_runner.errors import TransientError, UsageError
from gitflow_runner.trust import sshsig
from gitflow_runner.trust.allowed_signers import format_allowed_signers, parse_allowed_signers
from gitflow_runner.trust.keyring import Keyring
from gitflow_runner.trust.revocation import parse_revoked
from gitflow_runner.trust.signer import KeygenSigner, load_signer
from gitflow_runner.trust.sshkey import parse_key_line, parse_public_key
from gitflow_runner.trust.verify import verify_object
from gitflow_runner.trust.wire import number, string
from tests.openssh import COMMIT, KINDS, PAYLOAD, Judges, make_keys, openssh_signature, public
from tests.signed_objects import NOW, keygen, ring, run_process


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.mark.parametrize("kind", KINDS)
def test_signatures_of_openssh_are_accepted_and_ours_by_openssh(
    kind: str, keys: Path, tmp_path: Path
) -> None:
    judges = Judges(tmp_path, f"ann@example.test {public(keys, kind)}\n")
    theirs = openssh_signature(keys / kind)
    assert (judges.openssh(theirs), judges.ours(theirs)) == (True, None)
    mine = load_signer((keys / kind).read_bytes()).sign(PAYLOAD)
    assert (judges.openssh(mine), judges.ours(mine)) == (True, None)
    assert load_signer((keys / kind).read_bytes()).key == parse_key_line(public(keys, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_fingerprint_is_the_one_that_openssh_prints(kind: str, keys: Path) -> None:
    ran = run_process(["ssh-keygen", "-l", "-f", str(keys / f"{kind}.pub")], b"")
    assert parse_key_line(public(keys, kind)).fingerprint == ran.stdout.decode().split()[1]


def test_signing_through_ssh_keygen_gives_the_same_kind_of_block(keys: Path) -> None:
    key = parse_key_line(public(keys, "ed25519"))
    signer = KeygenSigner(key, str(keys / "ed25519"), run_process)
    raw = COMMIT.signed(signer.sign(PAYLOAD)).encode()
    assert verify_object(raw, ring(("ann", signer)), first_seen=NOW, now=NOW).principal == "ann"


def test_signing_through_ssh_keygen_without_a_key_says_so(keys: Path) -> None:
    signer = KeygenSigner(parse_key_line(public(keys, "ed25519")), str(keys / "absent"), run_process)
    with pytest.raises(TransientError) as problem:
        signer.sign(PAYLOAD)
    assert problem.value.code == "trust.sign_failed"


def test_a_key_with_a_passphrase_is_refused_with_a_way_out(keys: Path, tmp_path: Path) -> None:
    path = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)], check=True)
    with pytest.raises(UsageError) as problem:
        load_signer(path.read_bytes(), name="locked")
    assert (problem.value.code, problem.value.fix) == ("trust.key_encrypted", ("ssh-add",))


def certificate(
    keys: Path, folder: Path, *options: str, authority: str = "ca", kind: str = "ed25519"
) -> Path:
    """A copy of the ed25519 key with a certificate of its own."""
    path = folder / "user"
    path.write_bytes((keys / kind).read_bytes())
    path.chmod(0o600)
    (folder / "user.pub").write_text((keys / f"{kind}.pub").read_text())
    command = [
        "ssh-keygen",
        "-q",
        "-s",
        str(keys / authority),
        "-I",
        "the id",
        *options,
        str(folder / "user.pub"),
    ]
    subprocess.run(command, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"})
    return folder / "user-cert.pub"


GOOD = ("-n", "ann@example.test", "-V", "20260101000000:20270101000000")
CERTIFICATES: dict[str, tuple[tuple[str, ...], str, str | None]] = {
    "good": (GOOD, "*@example.test cert-authority", None),
    "no end": (("-n", "ann@example.test"), "*@example.test cert-authority", None),
    "second principal": (("-n", "x,ann@example.test"), "ann@example.test cert-authority", None),
    "expired": (
        ("-n", "ann@example.test", "-V", "20260101000000:20260102000000"),
        "*@example.test cert-authority",
        "cert_refused",
    ),
    "not yet": (
        ("-n", "ann@example.test", "-V", "20270101000000:20280101000000"),
        "*@example.test cert-authority",
        "cert_refused",
    ),
    "host": ((*GOOD, "-h"), "*@example.test cert-authority", "cert_refused"),
    "no principals": ((), "*@example.test cert-authority", "cert_refused"),
    "other principal": (("-n", "eve@evil.test"), "*@example.test cert-authority", "cert_refused"),
    "excepted": (GOOD, "!ann@example.test,*@example.test cert-authority", "cert_refused"),
    "critical": ((*GOOD, "-O", "critical:x@y=1"), "*@example.test cert-authority", "cert_refused"),
    "not an authority": (GOOD, "*@example.test", "cert_refused"),
    "other namespace": (GOOD, '*@example.test cert-authority,namespaces="file"', "namespace"),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_certificates(case: str, keys: Path, tmp_path: Path) -> None:
    options, line, expected = CERTIFICATES[case]
    path = certificate(keys, tmp_path, *options)
    judges = Judges(tmp_path, f"{line} {public(keys, 'ca')}\n")
    armour = openssh_signature(path)
    assert judges.ours(armour) == expected
    assert judges.openssh(armour) or expected is not None


def test_a_certificate_of_an_unknown_authority_is_refused(keys: Path, tmp_path: Path) -> None:
    armour = openssh_signature(certificate(keys, tmp_path, *GOOD, authority="other"))
    judges = Judges(tmp_path, f"*@example.test cert-authority {public(keys, 'ca')}\n")
    assert (judges.openssh(armour), judges.ours(armour)) == (False, "cert_refused")


def test_the_key_of_an_authority_does_not_speak_for_itself(keys: Path, tmp_path: Path) -> None:
    armour = openssh_signature(keys / "ca")
    judges = Judges(tmp_path, f"*@example.test cert-authority {public(keys, 'ca')}\n")
    assert (judges.openssh(armour), judges.ours(armour)) == (False, "key_not_allowed")


def test_a_plain_key_of_a_certificate_speaks_only_where_it_is_listed(keys: Path, tmp_path: Path) -> None:
    armour = openssh_signature(certificate(keys, tmp_path, *GOOD))
    judges = Judges(tmp_path, f"ann@example.test {public(keys, 'ed25519')}\n")
    assert (judges.openssh(armour), judges.ours(armour)) == (False, "cert_refused")


LINES = {
    "plain": ("ann@example.test {key}", None),
    "comment after": ("ann@example.test {key} laptop of ann", None),
    "two names": ("ann@example.test,a@example.test {key}", None),
    "quoted": ('"ann@example.test" {key}', None),
    "options": ('ann@example.test namespaces="git,file" {key}', None),
    "pattern of namespaces": ('ann@example.test namespaces="g*" {key}', None),
    "window": ('ann@example.test valid-after="20260101Z",valid-before="20270101Z" {key}', None),
    "late": ('ann@example.test valid-before="20260101000000Z" {key}', "key_expired"),
    "early": ('ann@example.test valid-after="202701010000Z" {key}', "key_not_yet_valid"),
    "other namespace": ('ann@example.test namespaces="file" {key}', "namespace"),
    "unknown option": ('ann@example.test colour="red" {key}', "key_not_allowed"),
    "no name": ("{key}", "key_not_allowed"),
    "form feed in a comment": ("# x\x0cann@example.test {key}", "key_not_allowed"),
    "tabs": ("ann@example.test\t{key}", None),
    "comment": ("# ann@example.test {key}", "key_not_allowed"),
}


@pytest.mark.parametrize("case", LINES)
def test_lines_of_allowed_signers(case: str, keys: Path, tmp_path: Path) -> None:
    line, expected = LINES[case]
    judges = Judges(tmp_path, line.format(key=public(keys, "ed25519")) + "\n")
    armour = openssh_signature(keys / "ed25519")
    assert (judges.openssh(armour), judges.ours(armour)) == (expected is None, expected)


@pytest.fixture(params=["plain", "key", "sha1", "sha256", "serial", "key id", "authority"])
def revoked(request: pytest.FixtureRequest, keys: Path, tmp_path: Path) -> Iterator[bytes]:
    """Seven ways to revoke the ed25519 key or its certificate."""
    spec, target = tmp_path / "spec", tmp_path / "krl"
    key = public(keys, "ed25519")
    if request.param == "plain":
        yield f"# lost\n{key} laptop\n".encode()
        return
    command = ["ssh-keygen", "-q", "-k", "-f", str(target)]
    if request.param in ("key", "sha1", "sha256"):
        spec.write_text(f"{request.param}: {key}\n")
    elif request.param == "authority":
        spec.write_text(f"key: {public(keys, 'ca')}\n")
    else:
        spec.write_text(
            {"serial": "serial: 3\nserial: 7-70\nserial: 100\n", "key id": "id: the id\n"}[request.param]
        )
        command += ["-s", str(keys / "ca.pub")]
    subprocess.run([*command, str(spec)], check=True)
    yield target.read_bytes()


def test_every_form_of_a_revocation_list_refuses(revoked: bytes, keys: Path, tmp_path: Path) -> None:
    allowed = (
        f"*@example.test cert-authority {public(keys, 'ca')}\nann@example.test {public(keys, 'ed25519')}\n"
        f"bob@example.test {public(keys, 'ecdsa-256')}\n"
    )
    judges = Judges(tmp_path, allowed, revoked)
    armour = openssh_signature(certificate(keys, tmp_path, *GOOD, "-z", "9"))
    assert (judges.openssh(armour), judges.ours(armour)) == (False, "key_revoked")
    other = openssh_signature(keys / "ecdsa-256")
    assert (judges.openssh(other), judges.ours(other)) == (True, None)


def test_a_damaged_revocation_file_is_an_error_not_a_shorter_list(keys: Path) -> None:
    for data in (b"ssh-ed25519 AAAA\n", b"no key\n", b"SSHKRL\n\0\0\0\0\1"):
        with pytest.raises(UsageError) as problem:
            parse_revoked(data)
        assert problem.value.code == "trust.revoked_file"


def rsa_key(bits: int) -> tuple[rsa.RSAPrivateKey, str]:
    private = rsa.generate_private_key(65537, bits)
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return private, line


def test_a_short_rsa_key_is_weak_although_openssh_takes_it(keys: Path, tmp_path: Path) -> None:
    path = keygen(tmp_path, "short", "-t", "rsa", "-b", "1024")
    judges = Judges(tmp_path, f"ann@example.test {public(tmp_path, 'short')}\n")
    assert judges.ours(openssh_signature(path)) == "weak_algorithm"


def test_an_rsa_signature_over_sha1_is_weak(tmp_path: Path) -> None:
    private, line = rsa_key(2048)
    data = sshsig.signed_bytes(PAYLOAD, "git")
    blob = string(b"ssh-rsa") + string(private.sign(data, padding.PKCS1v15(), SHA1()))
    armour = sshsig.armour(parse_key_line(line).blob, "git", blob)
    judges = Judges(tmp_path, f"ann@example.test {line}\n")
    assert (judges.openssh(armour), judges.ours(armour)) == (False, "weak_algorithm")


def test_both_rsa_digests_of_today_are_taken_and_a_policy_may_ask_for_more_bits(tmp_path: Path) -> None:
    private, line = rsa_key(2048)
    data = sshsig.signed_bytes(PAYLOAD, "git")
    blob = string(b"rsa-sha2-256") + string(private.sign(data, padding.PKCS1v15(), SHA256()))
    armour = sshsig.armour(parse_key_line(line).blob, "git", blob)
    judges = Judges(tmp_path, f"ann@example.test {line}\n")
    assert (judges.openssh(armour), judges.ours(armour)) == (True, None)
    strict = Keyring(parse_allowed_signers(judges.allowed).entries, min_rsa=3072)
    raw = COMMIT.signed(armour).encode()
    assert verify_object(raw, strict, first_seen=NOW, now=NOW).reason == "weak_algorithm"


def security_key(flags: int) -> tuple[str, str]:
    """(key line, armour) of a security key that signed with these flags."""
    private = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    raw_public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    kind = b"sk-ssh-ed25519@openssh.com"
    blob = string(kind) + string(raw_public) + string(b"ssh:")
    key = parse_public_key(blob)
    data = sshsig.signed_bytes(PAYLOAD, "git")
    tail = bytes((flags,)) + (7).to_bytes(4, "big")
    covered = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(data).digest()
    signature = string(kind) + string(private.sign(covered)) + tail
    return key.line, sshsig.armour(blob, "git", signature)


def test_a_security_key_counts_only_with_a_touch(tmp_path: Path) -> None:
    line, armour = security_key(0x01)
    judges = Judges(tmp_path, f"ann@example.test {line}\n")
    assert (judges.openssh(armour), judges.ours(armour)) == (True, None)
    _, untouched = security_key(0x00)
    assert judges.ours(untouched) == "no_user_presence"
    lenient = Keyring(parse_allowed_signers(judges.allowed).entries, need_touch=False)
    raw = COMMIT.signed(untouched).encode()
    assert verify_object(raw, lenient, first_seen=NOW, now=NOW).accepted


def test_a_security_key_on_a_curve_is_read_too(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    kind = b"sk-ecdsa-sha2-nistp256@openssh.com"
    blob = string(kind) + string(b"nistp256") + string(point) + string(b"ssh:")
    data = sshsig.signed_bytes(PAYLOAD, "git")
    tail = b"\x01" + (7).to_bytes(4, "big")
    covered = hashlib.sha256(b"ssh:").digest() + tail + hashlib.sha256(data).digest()
    r, s = decode_dss_signature(private.sign(covered, ec.ECDSA(SHA256())))
    armour = sshsig.armour(blob, "git", string(kind) + string(number(r) + number(s)) + tail)
    judges = Judges(tmp_path, f"ann@example.test {parse_public_key(blob).line}\n")
    assert (judges.openssh(armour), judges.ours(armour)) == (True, None)


@pytest.mark.parametrize("kind", ["ecdsa-256", "rsa-2048"])
@pytest.mark.parametrize("authority", ["ecdsa-384", "rsa-2048", "ed25519"])
def test_certificates_of_every_kind_of_key_and_authority(
    kind: str, authority: str, keys: Path, tmp_path: Path
) -> None:
    path = certificate(keys, tmp_path, *GOOD, authority=authority, kind=kind)
    judges = Judges(tmp_path, f"ann@example.test cert-authority {public(keys, authority)}\n")
    armour = openssh_signature(path)
    assert (judges.openssh(armour), judges.ours(armour)) == (True, None)


def test_a_tampered_touch_flag_is_a_bad_signature(tmp_path: Path) -> None:
    line, untouched = security_key(0x00)
    judges = Judges(tmp_path, f"ann@example.test {line}\n")
    parsed = sshsig.parse_armour(untouched.encode())
    forged = parsed.signature[:-5] + b"\x01" + parsed.signature[-4:]
    armour = sshsig.armour(parsed.key.blob, "git", forged)
    assert (judges.openssh(armour), judges.ours(armour)) == (False, "bad_signature")


def test_written_allowed_signers_read_back_equal_and_satisfy_git(keys: Path, tmp_path: Path) -> None:
    lines = (
        f'ann@example.test namespaces="git",valid-after="20260101000000Z" {public(keys, "ed25519")}\n'
        f'*@example.test cert-authority,namespaces="git" {public(keys, "ca")}\n'
    )
    entries = parse_allowed_signers(lines).entries
    assert format_allowed_signers(entries) == lines
    assert parse_allowed_signers(format_allowed_signers(entries)).entries == entries
    judges = Judges(tmp_path, lines)
    assert judges.openssh(openssh_signature(keys / "ed25519"))


def test_a_local_time_in_allowed_signers_refuses_the_line(keys: Path) -> None:
    found = parse_allowed_signers(
        f'ann valid-before="20990101" {public(keys, "ed25519")}\nbob {public(keys, "other")}\n'
    )
    assert [entry.principals for entry in found.entries] == [("bob",)]
    assert [refused.line for refused in found.refused] == [1]
