"""Public GPG keys as a policy carries them: an armoured block each, read just far enough to know them.

What the key may do, until when, and whether its owner revoked it says gpg (`gpgsig.py`); here only the key
itself is taken apart, so that a policy's text can be checked where no gpg is at hand.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshkey import MIN_RSA_BITS

MAX_BLOCK = 64 * 1024  # characters

_BLOCK = re.compile(
    r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:[A-Za-z]+: [^\n]*\n)*\n"
    r"((?:[A-Za-z0-9+/=]+\n)+?)(?:=[A-Za-z0-9+/]{4}\n)?-----END PGP PUBLIC KEY BLOCK-----\n?"
)
_PRIMARY, _SUBKEY = 6, 14
_SECRET = (5, 7)
_RSA = (1, 2, 3)  # OpenPGP's numbers of algorithms
STRONG = frozenset((*_RSA, 19, 22))  # RSA by its length, ECDSA, EdDSA


@dataclass(frozen=True, slots=True)
class GpgKey:
    """One primary key with all that hangs on it; `fingerprint` is its own, 40 hex digits in upper case."""

    fingerprint: str
    block: str

    @property
    def blob(self) -> bytes:
        """The key's identity among keys of all kinds, whatever else its block says."""
        return b"gpg:" + self.fingerprint.encode()

    @property
    def line(self) -> str:
        """The key as people name it in one line."""
        return f"gpg {self.fingerprint}"

    @property
    def rsa_bits(self) -> int | None:
        """None: how long the subkey is that signs is known with a signature only."""
        return None


def parse_key_block(block: str, *, min_rsa: int = MIN_RSA_BITS) -> GpgKey:
    """The one key of an armoured block; refuses `malformed`, and `weak_algorithm` for the primary key."""
    text = "\n".join(line.strip() for line in block.strip().splitlines()) + "\n"
    found = _BLOCK.fullmatch(text) if len(block) <= MAX_BLOCK else None
    if found is None:
        raise Refusal("malformed", f"not one armoured public key block of at most {MAX_BLOCK} characters")
    try:
        data = base64.b64decode(found[1].replace("\n", ""), validate=True)
    except binascii.Error:
        raise Refusal("malformed", "the public key block is not base64") from None
    packets = _packets(data)
    first, primary = next(packets)  # what is not empty holds a packet, or was refused
    _check_packet(first, primary)
    if first != _PRIMARY:
        raise Refusal("malformed", "a block that does not begin with a public key")
    for tag, body in packets:
        _check_packet(tag, body)
        if tag == _PRIMARY:
            raise Refusal("malformed", "a block with several keys")
    _check_strength(primary, min_rsa)
    framed = b"\x99" + len(primary).to_bytes(2, "big") + primary
    return GpgKey(hashlib.sha1(framed, usedforsecurity=False).hexdigest().upper(), text)


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and body of each packet; lengths that are spread over parts, or that run over, are refused."""
    position = 0
    while position < len(data):
        head, position = data[position], position + 1
        if not head & 0x80:
            raise Refusal("malformed", "bytes that are no OpenPGP packet")
        if head & 0x40:
            tag, (size, position) = head & 0x3F, _new_length(data, position)
        else:
            width = {0: 1, 1: 2, 2: 4}.get(head & 3)
            if width is None:
                raise Refusal("malformed", "a packet without a length")
            tag, size = (head >> 2) & 0xF, int.from_bytes(data[position : position + width], "big")
            position += width
        if position + size > len(data):
            raise Refusal("malformed", "the public key block is cut off")
        yield tag, data[position : position + size]
        position += size


def _new_length(data: bytes, position: int) -> tuple[int, int]:
    first = data[position] if position < len(data) else 0
    if first < 192:
        return first, position + 1
    if first == 255:
        return int.from_bytes(data[position + 1 : position + 5], "big"), position + 5
    if first >= 224 or position + 1 >= len(data):
        raise Refusal("malformed", "a packet of no certain length")
    return ((first - 192) << 8) + data[position + 1] + 192, position + 2


def _check_packet(tag: int, body: bytes) -> None:
    if tag in _SECRET:
        raise Refusal("malformed", "the block holds a secret key: make another key, this one is told")
    if tag in (_PRIMARY, _SUBKEY) and (len(body) < 8 or body[0] != 4):
        raise Refusal("malformed", "only version 4 of OpenPGP's keys is read")


def _check_strength(body: bytes, min_rsa: int) -> None:
    algorithm = body[5]
    if algorithm not in STRONG:
        raise Refusal("weak_algorithm", f"a GPG key of algorithm {algorithm}; RSA, ECDSA and EdDSA are taken")
    bits = int.from_bytes(body[6:8], "big")
    if algorithm in _RSA and bits < min_rsa:
        raise Refusal("weak_algorithm", f"an RSA key of {bits} bits, at least {min_rsa} are asked")
