"""Certificates of signed pushes: which ref was moved to which object, signed by whoever pushed.

Git makes them with `push --signed` where the server offers a nonce. Its own verdict on one is not taken: the
bytes are read strictly and proven again, like those of a commit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitflow_runner.git.objects import ZERO, Oid
from gitflow_runner.git.refs import approvals_prefix
from gitflow_runner.trust.keyring import Keyring, Signed
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.shape import SIGNATURE_START
from gitflow_runner.trust.verify import check_skew, prove_text

MAX_NONCE_AGE_MS = 3_600_000  # between the server's offer and the push's own date

MAX_CERTIFICATE = 256 * 1024

_HEAD = re.compile(
    rb"certificate version 0\.1\npusher [^\n]+ (\d{1,12}) [+-]\d{4}\n"
    rb"(?:pushee ([^\n]+)\n)?nonce (\d{1,12})-[0-9a-f]+\n(?:push-option [^\n]*\n)*\n"
)
_UPDATE = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) (refs/[^\n]+)")


@dataclass(frozen=True, slots=True)
class PushCertificate:
    """What one push asked for; `time` (when it was signed) and `offered` (the server's nonce) are in ms."""

    time: int
    offered: int
    pushee: str | None
    updates: tuple[tuple[str, str, str], ...]
    payload: bytes
    armour: bytes


def parse_certificate(data: bytes) -> PushCertificate:
    """Read a certificate; refuses `malformed`, also where the server had offered no nonce, and `unsigned`."""
    if len(data) > MAX_CERTIFICATE or b"\0" in data:
        raise Refusal("malformed", "not the certificate of a push")
    start = SIGNATURE_START.search(data)
    if start is None:
        raise Refusal("unsigned", "the certificate of the push carries no signature")
    payload, armour = data[: start.start()], data[start.start() :]
    head = _HEAD.match(payload)
    if head is None:
        raise Refusal("malformed", "a certificate of a push that is not of Git's form, or without a nonce")
    updates = []
    for line in payload[head.end() : -1].split(b"\n"):
        update = _UPDATE.fullmatch(line)
        if update is None:
            raise Refusal("malformed", "a certificate that names no moves of refs")
        old, new, name = (part.decode("utf-8", "surrogateescape") for part in update.groups())
        updates.append((old, new, name))
    pushee = None if head[2] is None else head[2].decode("utf-8", "replace")
    return PushCertificate(int(head[1]) * 1000, int(head[3]) * 1000, pushee, tuple(updates), payload, armour)


def prove_push(data: bytes, ring: Keyring, *, oid: Oid, run: str, wait: str) -> Signed:
    """The signature of whoever sent the decision `oid` to this wait by a signed push; its time is the push's.

    Refuses what `parse_certificate` and `prove` refuse, `replayed` for the certificate of another push, and
    `clock_skew` for one whose nonce was offered at quite another time.
    """
    certificate = parse_certificate(data)
    check_skew(certificate.offered, certificate.time, MAX_NONCE_AGE_MS)
    inbox = approvals_prefix(run, wait)
    if not any(
        (old, new) == (ZERO, oid) and name.startswith(inbox) for old, new, name in certificate.updates
    ):
        raise Refusal("replayed", f"the certificate is of another push than that of {oid} to {inbox}")
    return prove_text(certificate.payload, certificate.armour, ring, time=certificate.time)


def proves_push(data: bytes, ring: Keyring, *, oid: Oid, run: str, wait: str) -> bool:
    """Whether `prove_push` takes it, whoever's key it is."""
    try:
        prove_push(data, ring, oid=oid, run=run, wait=wait)
    except Refusal:
        return False
    return True
