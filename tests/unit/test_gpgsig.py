"""What gpg reports is read line by line: one good line is not enough where a bad one stands beside it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gitflow_runner.trust.gpgsig import GpgSigners
from gitflow_runner.trust.reasons import Refusal

ARMOUR = b"-----BEGIN PGP SIGNATURE-----\n\niHUEABYK=\n=abcd\n-----END PGP SIGNATURE-----\n"
PRIMARY = "A" * 40
GOOD = "[GNUPG:] GOODSIG 1234 Ann\n"
VALID = f"[GNUPG:] VALIDSIG {'B' * 40} 2026-09-21 1790000000 0 4 0 22 8 00 {PRIMARY}\n"
NEW = "[GNUPG:] NEWSIG\n"


@dataclass
class Reporting:
    """A gpg that reports what it is told."""

    text: str

    def status(self, signature: bytes, payload: bytes) -> str:
        return self.text


def judged(text: str, armour: bytes = ARMOUR) -> object:
    try:
        return GpgSigners(Reporting(text), {PRIMARY: "ann"}).who(armour, b"payload")
    except Refusal as refusal:
        return refusal.reason


def test_one_good_and_one_valid_line_name_the_principal_by_the_primary_key() -> None:
    assert judged(NEW + GOOD + VALID) == ("ann", PRIMARY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "bad_signature"),
        ("gpg: Good signature from Ann\n", "bad_signature"),
        (GOOD, "bad_signature"),
        (VALID, "bad_signature"),
        (NEW + GOOD + VALID + NEW + GOOD + VALID, "malformed"),
        (GOOD + GOOD + VALID, "bad_signature"),
        (GOOD + VALID + "[GNUPG:] BADSIG 12 Bob\n", "bad_signature"),
        ("[GNUPG:] EXPSIG 12 Ann\n" + VALID, "signature_expired"),
        ("[GNUPG:] EXPKEYSIG 12 Ann\n" + VALID, "key_expired"),
        ("[GNUPG:] REVKEYSIG 12 Ann\n" + VALID, "key_revoked"),
        ("[GNUPG:] ERRSIG 12 22 8 00 179 9 -\n", "key_not_allowed"),
        ("[GNUPG:] NODATA 4\n", "malformed"),
        (GOOD + VALID.replace(" 8 00 ", " 2 00 "), "weak_algorithm"),
        (GOOD + VALID.replace(" 8 00 ", " 8 01 "), "malformed"),
        (GOOD + VALID.replace(PRIMARY, "C" * 40), "key_not_allowed"),
        (GOOD + "[GNUPG:] VALIDSIG short\n", "malformed"),
    ],
)
def test_everything_else_is_refused(text: str, reason: str) -> None:
    assert judged(text) == reason


@pytest.mark.parametrize(
    "armour", [ARMOUR * 2, ARMOUR + b"more\n", ARMOUR[:-20], b"", ARMOUR.replace(b"\n", b"\r\n")]
)
def test_anything_but_one_block_is_malformed(armour: bytes) -> None:
    assert judged(NEW + GOOD + VALID, armour) == "malformed"
