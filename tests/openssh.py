"""OpenSSH as a second judge of signatures, and keys that it made, for the tests of trust."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.git.objects import Commit
from gitflow_runner.trust.allowed_signers import parse_allowed_signers
from gitflow_runner.trust.keyring import Keyring
from gitflow_runner.trust.revocation import Revocations, parse_revoked
from gitflow_runner.trust.verify import verify_object
from tests.signed_objects import EMPTY_TREE, NOW, ident, keygen, run_process

KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
    "rsa-2048": ("-t", "rsa", "-b", "2048"),
}
COMMIT = Commit(EMPTY_TREE, (), ident(), ident(), "plain\n")
PAYLOAD = COMMIT.payload
WHEN = "20260921132640Z"  # NOW


@dataclass
class Judges:
    """A folder with an allowed signers file, asked both ways."""

    folder: Path
    allowed: str
    revoked: bytes | None = None

    def openssh(self, armour: str, payload: bytes = PAYLOAD) -> bool:
        """The verdict of ssh-keygen, as git asks for it."""
        signers, signature = self.folder / "allowed", self.folder / "sig"
        signers.write_text(self.allowed)
        signature.write_text(armour + "\n")
        found = self._keygen("find-principals", "-s", str(signature), "-f", str(signers), payload=payload)
        more = []
        if self.revoked is not None:
            (self.folder / "revoked").write_bytes(self.revoked)
            more = ["-r", str(self.folder / "revoked")]
        return any(
            self._keygen(
                "verify",
                "-n",
                "git",
                "-s",
                str(signature),
                "-f",
                str(signers),
                "-I",
                who,
                *more,
                payload=payload,
            )
            is not None
            for who in (found or "").splitlines()
        )

    def _keygen(self, action: str, *arguments: str, payload: bytes) -> str | None:
        command = ["ssh-keygen", "-Y", action, f"-Overify-time={WHEN}", *arguments]
        done = subprocess.run(command, input=payload, capture_output=True, check=False)
        return done.stdout.decode() if done.returncode == 0 else None

    def ours(self, armour: str) -> str | None:
        """Our reason, None for accepted."""
        revoked = Revocations() if self.revoked is None else parse_revoked(self.revoked)
        keyring = Keyring(parse_allowed_signers(self.allowed).entries, revoked)
        raw = COMMIT.signed(armour).encode()
        return verify_object(raw, keyring, first_seen=NOW, now=NOW).reason


def public(keys: Path, name: str) -> str:
    return " ".join((keys / f"{name}.pub").read_text().split()[:2])


def openssh_signature(key: Path, payload: bytes = PAYLOAD, namespace: str = "git") -> str:
    ran = run_process(["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(key)], payload)
    assert ran.status == 0, ran.stderr
    return ran.stdout.decode().rstrip("\n")


def make_keys(folder: Path) -> Path:
    """A key of every kind, another person's and an authority's."""
    for name, options in KINDS.items():
        keygen(folder, name, *options)
    keygen(folder, "other", "-t", "ed25519")
    keygen(folder, "ca", "-t", "ed25519")
    return folder
