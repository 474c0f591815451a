"""GPG keys made by gpg itself, in a home with a short path, for the tests that sign with them."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GpgHome:
    """A home folder with secret keys; `gpg` and `program` are the binary and a script that uses the home."""

    folder: Path
    gpg: str

    @property
    def program(self) -> Path:
        """gpg with this home, as `gpg.program` may name it."""
        return self.folder / "gpg-here"

    def run(self, *arguments: str, given: bytes = b"") -> str:
        """What gpg printed."""
        command = [self.gpg, "--homedir", str(self.folder), "--batch", "--pinentry-mode", "loopback"]
        done = subprocess.run(
            [*command, "--passphrase", "", *arguments], check=True, capture_output=True, input=given
        )
        return done.stdout.decode()

    def make(self, name: str, kind: str = "ed25519", usage: str = "sign", until: str = "never") -> str:
        """A new key of `name`; its fingerprint."""
        self.run("--quick-gen-key", f"{name} <{name}@example.test>", kind, usage, until)
        listed = self.run("--with-colons", "--list-keys", f"{name}@example.test")
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))

    def add_subkey(self, primary: str, kind: str = "ed25519", until: str = "never") -> None:
        """Another key that signs for the primary one."""
        self.run("--quick-add-key", primary, kind, "sign", until)

    def revoke(self, fingerprint: str) -> None:
        """Import the key's own certificate of revocation."""
        made = (self.folder / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        self.run("--import", given=made.replace(":-----BEGIN", "-----BEGIN").encode())

    def block(self, fingerprint: str) -> str:
        """The armoured public key."""
        return self.run("--armor", "--export-options", "export-minimal", "--export", fingerprint)

    def entry(self, fingerprint: str, more: str = "") -> str:
        """The key as a policy lists it."""
        return f'{{:gpg "{fingerprint}" :block "{self.block(fingerprint)}" {more}}}'

    def settings(self, fingerprint: str) -> tuple[str, ...]:
        """Git's options to sign with the key."""
        values = ("gpg.format=openpgp", f"gpg.program={self.program}", f"user.signingkey={fingerprint}")
        return tuple(part for value in values for part in ("-c", value))


@contextmanager
def gpg_home(gpg: str, gpgconf: str) -> Iterator[GpgHome]:
    """An empty home, whose agent ends with it."""
    with tempfile.TemporaryDirectory(prefix="gpg", ignore_cleanup_errors=True) as folder:
        home = GpgHome(Path(folder), gpg)
        home.program.write_text(f'#!/bin/sh\nexec "{gpg}" --homedir "{folder}" "$@"\n')
        home.program.chmod(0o700)
        yield home
        subprocess.run([gpgconf, "--homedir", folder, "--kill", "all"], check=False)
