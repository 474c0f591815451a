"""GPG signatures, judged by what gpg reports line by line and never by its exit status.

Under a policy gpg is asked as a pure function: its home holds the policy's keys and no others, and its clock
stands far ahead, so that whatever runs out at all has run out. When it did is then judged by us.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitflow_runner.trust.gpgkey import STRONG
from gitflow_runner.trust.reasons import Refusal, SignatureReason
from gitflow_runner.trust.signer import RunProcess

BEGIN = b"-----BEGIN PGP SIGNATURE-----"
FAR_AHEAD = 4_102_444_800  # 2100-01-01, in s: within what OpenPGP's 32 bits can say

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
_RUN_OUT = frozenset(("EXPKEYSIG", "EXPSIG"))  # no verdict where the clock stands far ahead
_STRONG_HASHES = frozenset(("8", "9", "10", "11"))  # OpenPGP's numbers of the SHA-2 family
_RSA = frozenset(("1", "2", "3"))
_BINARY = "00"


class Gpg(Protocol):
    """Whatever can ask gpg about a signature, over one home of keys."""

    def status(self, signature: bytes, payload: bytes) -> str:
        """What gpg writes to its status descriptor for a detached signature over `payload`."""
        ...

    def listing(self) -> str:
        """The keys of the home as gpg lists them with colons."""
        ...


OpenGpg = Callable[[Sequence[str]], Gpg]  # a home with these key blocks; `Refusal` where there is no gpg


@dataclass(frozen=True, slots=True)
class GpgProgram:
    """The gpg binary over a home folder that holds the keys of the signers and no others.

    Signatures are handed over as files in `folder`, named by their digest; the caller removes the folder.
    With `at` (s since the epoch) gpg takes that for the time.
    """

    home: Path
    folder: Path
    run: RunProcess
    program: str = "gpg"
    at: int | None = None

    def status(self, signature: bytes, payload: bytes) -> str:
        """The status lines; empty if the program could not run."""
        file = self.folder / f"{hashlib.sha256(signature).hexdigest()}.asc"
        file.write_bytes(signature)
        command = (*self._command(), "--status-fd", "1", "--verify", "--", str(file), "-")
        return self.run(command, payload).stdout.decode("utf-8", "replace")

    def listing(self) -> str:
        """The keys with their subkeys; empty if the program could not run."""
        command = (*self._command(), "--with-colons", "--with-subkey-fingerprint", "--list-keys")
        return self.run(command, b"").stdout.decode("utf-8", "replace")

    def take(self, block: str) -> bool:
        """Import a key block; whether gpg ran at all."""
        return self.run((*self._command(), "--import"), block.encode()).status in (0, 2)

    def _command(self) -> tuple[str, ...]:
        time = () if self.at is None else ("--faked-system-time", f"{self.at}!")
        return (
            self.program,
            "--homedir",
            str(self.home),
            "--no-options",
            "--batch",
            "--no-tty",
            "--no-autostart",
            "--no-auto-key-retrieve",
            "--trust-model",
            "always",
            *time,
        )


def check_form(armour: bytes) -> None:
    """Refuse (`malformed`) what is not exactly one armoured block."""
    if not _ONE_BLOCK.fullmatch(armour):
        raise Refusal("malformed", "not exactly one armoured GPG signature")


@dataclass(frozen=True, slots=True)
class _Valid:
    """gpg's VALIDSIG line: the key that signed, its primary key, and when (ms) the signature runs out."""

    key: str
    primary: str
    until: int | None


def _valid(gpg: Gpg, armour: bytes, payload: bytes, *, run_out: bool) -> _Valid:
    """What gpg vouches for; with `run_out` keys and signatures that ran out are not refused."""
    check_form(armour)
    lines = [
        line.removeprefix("[GNUPG:] ").split(" ")
        for line in gpg.status(armour, payload).splitlines()
        if line.startswith("[GNUPG:] ")
    ]
    words = [line[0] for line in lines]
    if words.count("NEWSIG") > 1:
        raise Refusal("malformed", "one block with several signatures")
    for bad, reason in _BAD.items():
        if bad in words and not (run_out and bad in _RUN_OUT):
            raise Refusal(reason, f"gpg reports {bad}")
    good = words.count("GOODSIG") + (sum(words.count(word) for word in _RUN_OUT) if run_out else 0)
    if good != 1 or words.count("VALIDSIG") != 1:
        raise Refusal("bad_signature", "gpg reports no good signature")
    valid = lines[words.index("VALIDSIG")]
    if len(valid) < 11:
        raise Refusal("malformed", "gpg's VALIDSIG line is shorter than it must be")
    hashed, kind = valid[8], valid[9]
    if hashed not in _STRONG_HASHES:
        raise Refusal("weak_algorithm", f"a GPG signature over hash number {hashed}")
    if kind != _BINARY:
        raise Refusal("malformed", f"a GPG signature of class {kind}, not over a document")
    return _Valid(valid[1].upper(), valid[10].upper(), _ms(valid[4]))


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
        valid = _valid(self.gpg, armour, payload, run_out=False)
        principal = self.principals.get(valid.primary)
        if principal is None:
            raise Refusal("key_not_allowed", f"no one listed has the GPG key {valid.primary}")
        return principal, valid.primary


@dataclass(frozen=True, slots=True)
class GpgFacts:
    """What gpg says of one key or subkey; times in ms, None for never.

    `expires` is the earlier one of its own and its primary key's; `until` is when the one signature that
    this is about runs out.
    """

    key: str
    primary: str
    rsa_bits: int | None
    signs: bool = True
    strong: bool = True
    revoked: bool = False
    expires: int | None = None
    until: int | None = None


def prove_gpg(gpg: Gpg, facts: Mapping[str, GpgFacts], armour: bytes, payload: bytes) -> GpgFacts:
    """The facts of the key that signed, whoever's it is; `facts` are those of the home by fingerprint.

    Refuses `malformed`, `bad_signature`, `key_revoked`, `weak_algorithm` and `key_not_allowed`. Whether key
    and signature had run out is asked of `expires` and `until`.
    """
    valid = _valid(gpg, armour, payload, run_out=True)
    found = facts.get(valid.key)
    if found is None or found.primary != valid.primary:
        raise Refusal("key_not_allowed", f"no one listed has the GPG key {valid.primary}")
    if not found.strong:
        raise Refusal("weak_algorithm", f"the GPG key {valid.key} is of a kind that is not taken")
    return GpgFacts(
        found.key, found.primary, found.rsa_bits, found.signs, True, False, found.expires, valid.until
    )


def read_listing(text: str) -> Mapping[str, GpgFacts]:
    """All keys and subkeys of a listing with colons, by fingerprint."""
    found: dict[str, GpgFacts] = {}
    primary, owner_expires, owner_revoked, pending = "", None, False, None
    for line in text.splitlines():
        parts = line.split(":")
        if parts[0] in ("pub", "sub") and len(parts) > 11:
            pending = parts
        elif parts[0] == "fpr" and len(parts) > 9 and pending is not None:
            fingerprint, expires = parts[9].upper(), _ms(pending[6])
            revoked = pending[1] == "r"
            if pending[0] == "pub":
                primary, owner_expires, owner_revoked = fingerprint, expires, revoked
            times = [time for time in (expires, owner_expires) if time is not None]
            found[fingerprint] = GpgFacts(
                fingerprint,
                primary,
                int(pending[2]) if pending[3] in _RSA and pending[2].isdecimal() else None,
                "s" in pending[11],
                pending[3].isdecimal() and int(pending[3]) in STRONG,
                revoked or owner_revoked,
                min(times, default=None),
            )
            pending = None
    return found


def _ms(seconds: str) -> int | None:
    """gpg's time in ms; empty and 0 mean never."""
    return int(seconds) * 1000 if seconds.isdecimal() and int(seconds) > 0 else None
