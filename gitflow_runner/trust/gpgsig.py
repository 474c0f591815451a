"""GPG signatures, judged by what gpg reports line by line and never by its exit status."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitflow_runner.trust.reasons import Refusal, SignatureReason
from gitflow_runner.trust.signer import RunProcess

BEGIN = b"-----BEGIN PGP SIGNATURE-----"

_ONE_BLOCK = re.compile(
    rb"-----BEGIN PGP SIGNATURE-----\n(?:[A-Za-z]+: [^\n]*\n)*\n(?:[A-Za-z0-9+/=]+\n)+"
    rb"-----END PGP SIGNATURE-----\n?"
)
_BAD: Mapping[str, SignatureReason] = {
    "BADSIG": "bad_signature",
    "REVKEYSIG": "key_revoked",
    "EXPKEYSIG": "key_expired",
    "EXPSIG": "signature_expired",
    "ERRSIG": "key_not_allowed",
    "NODATA": "malformed",
}
_STRONG_HASHES = frozenset(("8", "9", "10", "11"))  # OpenPGP's numbers of the SHA-2 family
_BINARY = "00"


class Gpg(Protocol):
    """Whatever can ask gpg about a signature."""

    def status(self, signature: bytes, payload: bytes) -> str:
        """What gpg writes to its status descriptor for a detached signature over `payload`."""
        ...


@dataclass(frozen=True, slots=True)
class GpgProgram:
    """The gpg binary over a home folder that holds the keys of the signers and no others.

    Signatures are handed over as files in `folder`, named by their digest; the caller removes the folder.
    """

    home: Path
    folder: Path
    run: RunProcess
    program: str = "gpg"

    def status(self, signature: bytes, payload: bytes) -> str:
        """The status lines; empty if the program could not run."""
        file = self.folder / f"{hashlib.sha256(signature).hexdigest()}.asc"
        file.write_bytes(signature)
        command = (
            self.program,
            "--homedir",
            str(self.home),
            "--no-options",
            "--batch",
            "--no-tty",
            "--no-auto-key-retrieve",
            "--trust-model",
            "always",
            "--status-fd",
            "1",
            "--verify",
            "--",
            str(file),
            "-",
        )
        return self.run(command, payload).stdout.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class GpgSigners:
    """Who signs with which primary key: upper-case hex fingerprints to principals."""

    gpg: Gpg
    principals: Mapping[str, str]

    def who(self, armour: bytes, payload: bytes) -> tuple[str, str]:
        """The principal and the primary key's fingerprint.

        Refuses `malformed`, `bad_signature`, `key_revoked`, `key_expired`, `signature_expired`,
        `weak_algorithm` and `key_not_allowed`. gpg judges validity now, not at first sight.
        """
        if not _ONE_BLOCK.fullmatch(armour):
            raise Refusal("malformed", "not exactly one armoured GPG signature")
        lines = [
            line.removeprefix("[GNUPG:] ").split(" ")
            for line in self.gpg.status(armour, payload).splitlines()
            if line.startswith("[GNUPG:] ")
        ]
        words = [line[0] for line in lines]
        if words.count("NEWSIG") > 1:
            raise Refusal("malformed", "one block with several signatures")
        for bad, reason in _BAD.items():
            if bad in words:
                raise Refusal(reason, f"gpg reports {bad}")
        if words.count("GOODSIG") != 1 or words.count("VALIDSIG") != 1:
            raise Refusal("bad_signature", "gpg reports no good signature")
        return self._owner(lines[words.index("VALIDSIG")])

    def _owner(self, valid: list[str]) -> tuple[str, str]:
        if len(valid) < 11:
            raise Refusal("malformed", "gpg's VALIDSIG line is shorter than it must be")
        hashed, kind, primary = valid[8], valid[9], valid[10]
        if hashed not in _STRONG_HASHES:
            raise Refusal("weak_algorithm", f"a GPG signature over hash number {hashed}")
        if kind != _BINARY:
            raise Refusal("malformed", f"a GPG signature of class {kind}, not over a document")
        principal = self.principals.get(primary.upper())
        if principal is None:
            raise Refusal("key_not_allowed", f"no one listed has the GPG key {primary}")
        return principal, primary
