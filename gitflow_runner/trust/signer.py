"""Making signatures: with a key file in this process, or through ssh-keygen and an agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from gitflow_runner.errors import TransientError, UsageError
from gitflow_runner.git.objects import Commit, RawObject, Tag
from gitflow_runner.trust import sshsig
from gitflow_runner.trust.gpgkey import GpgKey
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshkey import MIN_RSA_BITS, PublicKey, curve_hash, parse_key_line
from gitflow_runner.trust.wire import number, string

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Signer(Protocol):
    """Whoever can sign with one key."""

    @property
    def key(self) -> PublicKey | GpgKey:
        """The public half; `key.fingerprint` and `key.line` name it for people and files."""
        ...

    def sign(self, payload: bytes, namespace: str = sshsig.GIT) -> str:
        """The armoured signature over `payload`, without a newline at its end."""
        ...


@dataclass(frozen=True, slots=True)
class FileSigner:
    """Signs in this process with a private key that was read from a file."""

    key: PublicKey
    private: PrivateKey

    def sign(self, payload: bytes, namespace: str = sshsig.GIT) -> str:
        """The armoured signature over `payload`."""
        data = sshsig.signed_bytes(payload, namespace)
        match self.private:
            case Ed25519PrivateKey() as private:
                blob = _signature_blob(self.key.kind, private.sign(data))
            case ec.EllipticCurvePrivateKey() as private:
                der = private.sign(data, ec.ECDSA(curve_hash(private.curve)))
                r, s = decode_dss_signature(der)
                blob = _signature_blob(self.key.kind, number(r) + number(s))
            case rsa.RSAPrivateKey() as private:
                blob = _signature_blob("rsa-sha2-512", private.sign(data, padding.PKCS1v15(), SHA512()))
            case _ as never:
                assert_never(never)
        return sshsig.armour(self.key.blob, namespace, blob)


def _signature_blob(algorithm: str, raw: bytes) -> bytes:
    return string(algorithm.encode()) + string(raw)


def load_signer(data: bytes, *, name: str = "the key file") -> FileSigner:
    """A signer from the bytes of an OpenSSH private key file.

    Raises `UsageError`: `trust.key_encrypted` for a key with a passphrase, `trust.key_unreadable` for
    anything else that is no ed25519, ecdsa or RSA key of 2048 bits or more.
    """
    try:
        private = load_ssh_private_key(data, None)
    except TypeError:
        raise UsageError(
            "trust.key_encrypted",
            f"{name} is protected by a passphrase",
            hint="add it to the agent, or name its .pub file in user.signingkey",
            fix=("ssh-add",),
        ) from None
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise UsageError("trust.key_unreadable", f"{name} is no OpenSSH private key: {problem}") from None
    if not isinstance(private, (Ed25519PrivateKey, ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise UsageError("trust.key_unreadable", f"{name} is of a kind that is not taken")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < MIN_RSA_BITS:
        raise UsageError("trust.key_unreadable", f"{name} is an RSA key of only {private.key_size} bits")
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return FileSigner(parse_key_line(line.decode()), private)


def new_key_file(seed: bytes) -> bytes:
    """The OpenSSH private key file of the ed25519 key with this seed of 32 random bytes."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


@dataclass(frozen=True, slots=True)
class Ran:
    """How a child process ended."""

    status: int
    stdout: bytes
    stderr: bytes


RunProcess = Callable[[Sequence[str], bytes], Ran]


@dataclass(frozen=True, slots=True)
class KeygenSigner:
    """Signs through `ssh-keygen -Y sign`, which asks the agent for the key named by `public_file`."""

    key: PublicKey
    public_file: str
    run: RunProcess
    program: str = "ssh-keygen"

    def sign(self, payload: bytes, namespace: str = sshsig.GIT) -> str:
        """The armoured signature; `TransientError` (`trust.sign_failed`) if the program gives none."""
        ran = self.run((self.program, "-Y", "sign", "-n", namespace, "-f", self.public_file), payload)
        try:
            if ran.status == 0 and sshsig.parse_armour(ran.stdout):
                return ran.stdout.decode().rstrip("\n")
        except Refusal:
            pass
        hint = "is the key in the agent? a security key must be plugged in and touched"
        raise _unsigned(self.program, self.public_file, ran, hint, "ssh-add -L")


@dataclass(frozen=True, slots=True)
class GpgSigner:
    """Signs through `gpg`, which asks its own agent for the key that `user` names."""

    key: GpgKey
    user: str
    run: RunProcess
    program: str = "gpg"

    def sign(self, payload: bytes, namespace: str = sshsig.GIT) -> str:
        """The armoured signature; `TransientError` (`trust.sign_failed`) if the program gives none.

        GPG knows no namespaces: what is not an object of Git (`UsageError`, `trust.gpg_namespace`) it does
        not sign.
        """
        if namespace != sshsig.GIT:
            raise UsageError("trust.gpg_namespace", f"a GPG key signs Git's objects only, not {namespace!r}")
        ran = self.run(
            (self.program, "--batch", "--no-tty", "--armor", "--detach-sign", "-u", self.user), payload
        )
        text = ran.stdout.decode("utf-8", "replace")
        if ran.status == 0 and text.startswith("-----BEGIN PGP SIGNATURE-----"):
            return text.rstrip("\n")
        hint = "its agent must be able to ask for the passphrase: say GPG_TTY=$(tty)"
        raise _unsigned(self.program, self.user, ran, hint, "gpg --list-secret-keys")


def _unsigned(program: str, key: str, ran: Ran, hint: str, fix: str) -> TransientError:
    said = ran.stderr.decode("utf-8", "replace").strip()[-200:]
    return TransientError(
        "trust.sign_failed",
        f"{program} made no signature with {key}: {said or 'it printed none'}",
        hint=hint,
        fix=(fix,),
    )


def sign_commit(commit: Commit, signer: Signer) -> RawObject:
    """The commit with `signer`'s signature, as Git stores it."""
    return commit.signed(signer.sign(commit.payload)).encode()


def sign_tag(tag: Tag, signer: Signer) -> RawObject:
    """The annotated tag with `signer`'s signature, as Git stores it."""
    signature = signer.sign(tag.payload) + "\n"
    return Tag(tag.target, tag.target_kind, tag.name, tag.tagger, tag.message, signature).encode()
