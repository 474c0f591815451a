"""Revoked keys: by fingerprint with a date, as plain key lines, or as an OpenSSH revocation list (KRL)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gitflow_runner.errors import Place, UsageError
from gitflow_runner.trust.gpgkey import GpgKey
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.sshcert import Certificate
from gitflow_runner.trust.sshkey import PublicKey, parse_key_line
from gitflow_runner.trust.wire import WireReader

ALWAYS = -(2**62)  # a revocation without a date holds for all times

_KRL_MAGIC = b"SSHKRL\n\0"
_CERTIFICATES, _EXPLICIT, _SHA1, _SIGNATURE, _SHA256 = 1, 2, 3, 4, 5
_SERIALS, _RANGE, _BITMAP, _KEY_IDS, _CERT_EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39


@dataclass(frozen=True, slots=True)
class RevokedCertificates:
    """Certificates of one authority (None: of any) by serial, inclusive serial range, or key id."""

    authority: bytes | None
    serials: frozenset[int] = frozenset()
    ranges: tuple[tuple[int, int], ...] = ()
    key_ids: frozenset[str] = frozenset()

    def hold(self, certificate: Certificate) -> bool:
        """Whether this certificate is among them; serial 0 means "no serial" and never matches."""
        if self.authority is not None and certificate.authority.blob != self.authority:
            return False
        serial = certificate.serial
        by_serial = serial in self.serials or any(low <= serial <= high for low, high in self.ranges)
        return (serial != 0 and by_serial) or certificate.key_id in self.key_ids


@dataclass(frozen=True, slots=True)
class Revocations:
    """What no longer counts; `dated` maps fingerprints to the time in ms since when."""

    dated: Mapping[str, int] = field(default_factory=dict)
    blobs: frozenset[bytes] = frozenset()
    sha1: frozenset[bytes] = frozenset()
    sha256: frozenset[bytes] = frozenset()
    certificates: tuple[RevokedCertificates, ...] = ()

    def since(self, key: PublicKey | GpgKey, certificate: Certificate | None = None) -> int | None:
        """Since when (ms) the key, its certificate or the certificate's authority is revoked, else None."""
        keys: tuple[PublicKey | GpgKey, ...] = (key,)
        if certificate is not None:
            keys = (key, certificate.authority)
        times = [time for time in map(self._since, keys) if time is not None]
        if certificate is not None and any(group.hold(certificate) for group in self.certificates):
            times.append(ALWAYS)
        return min(times, default=None)

    def _since(self, key: PublicKey | GpgKey) -> int | None:
        if key.blob in self.blobs:
            return ALWAYS
        if self.sha256 and hashlib.sha256(key.blob).digest() in self.sha256:
            return ALWAYS
        if self.sha1 and hashlib.sha1(key.blob, usedforsecurity=False).digest() in self.sha1:
            return ALWAYS
        return self.dated.get(key.fingerprint) if self.dated else None

    def merged(self, other: Revocations) -> Revocations:
        """Both lists as one; the earlier date wins."""
        dated = dict(self.dated)
        for fingerprint, since in other.dated.items():
            dated[fingerprint] = min(since, dated.get(fingerprint, since))
        return Revocations(
            dated,
            self.blobs | other.blobs,
            self.sha1 | other.sha1,
            self.sha256 | other.sha256,
            self.certificates + other.certificates,
        )


def revoked_keys(keys: Iterable[str]) -> Revocations:
    """Keys given one by one, each a public key line or a `SHA256:` fingerprint; refuses `malformed`."""
    dated: dict[str, int] = {}
    blobs: set[bytes] = set()
    for key in keys:
        if key.startswith("SHA256:"):
            dated[key] = ALWAYS
        else:
            blobs.add(parse_key_line(key).blob)
    return Revocations(dated, frozenset(blobs))


def parse_revoked(data: bytes, *, file: str = "<revoked>") -> Revocations:
    """Read git's `gpg.ssh.revocationFile`: a KRL, or one public key a line.

    A line that cannot be read raises `UsageError` (`trust.revoked_file`): skipping it would trust a key
    that somebody meant to revoke.
    """
    if data.startswith(_KRL_MAGIC):
        try:
            return _parse_krl(data)
        except (Refusal, UnicodeDecodeError) as problem:
            raise UsageError(
                "trust.revoked_file", f"{file} is a damaged revocation list: {problem}", at=Place(file=file)
            ) from None
    blobs = set()
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            blobs.add(parse_key_line(line).blob)
        except Refusal as problem:
            raise UsageError(
                "trust.revoked_file",
                f"line {number} of {file} is no public key: {problem.message}",
                at=Place(file=file, line=number, col=1),
            ) from None
    return Revocations(blobs=frozenset(blobs))


def _parse_krl(data: bytes) -> Revocations:
    reader = WireReader(data)
    reader.take(len(_KRL_MAGIC))
    if reader.u32() != 1:
        raise Refusal("malformed", "only format 1 of revocation lists is known")
    reader.take(8 * 3)  # number of the list, its date, its flags
    reader.string()  # reserved
    reader.string()  # comment
    found = Revocations()
    while reader.rest:
        kind, section = reader.byte(), WireReader(reader.string())
        match kind:
            case _ if kind == _CERTIFICATES:
                group = _parse_certificates(section)
                found = replace(found, certificates=(*found.certificates, group))
            case _ if kind == _EXPLICIT:
                found = replace(found, blobs=found.blobs | _strings(section))
            case _ if kind == _SHA1:
                found = replace(found, sha1=found.sha1 | _strings(section))
            case _ if kind == _SHA256:
                found = replace(found, sha256=found.sha256 | _strings(section))
            case _ if kind == _SIGNATURE:
                reader.string()  # the signature that belongs to the key just read: local files need none
            case _:
                raise Refusal("malformed", f"unknown section {kind} in a revocation list")
    return found


def _parse_certificates(reader: WireReader) -> RevokedCertificates:
    authority = reader.string() or None
    reader.string()  # reserved
    serials: set[int] = set()
    ranges: list[tuple[int, int]] = []
    key_ids: set[str] = set()
    while reader.rest:
        kind, section = reader.byte(), WireReader(reader.string())
        if kind == _SERIALS:
            while section.rest:
                serials.add(section.u64())
        elif kind == _RANGE:
            ranges.append((section.u64(), section.u64()))
            section.end()
        elif kind == _BITMAP:
            offset = section.u64()
            bits = int.from_bytes(section.string(), "big")
            section.end()
            serials.update(offset + bit for bit in range(bits.bit_length()) if bits >> bit & 1)
        elif kind == _KEY_IDS:
            key_ids.update(name.decode() for name in _strings(section))
        else:
            raise Refusal("malformed", f"unknown part {kind} in a revocation list")
    return RevokedCertificates(authority, frozenset(serials), tuple(ranges), frozenset(key_ids))


def _strings(reader: WireReader) -> frozenset[bytes]:
    found = set()
    while reader.rest:
        found.add(reader.string())
    return frozenset(found)
