"""A set of keys with their owners, windows and revocations: whose signature this is, if anybody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from gitflow_runner.trust.globs import any_matches
from gitflow_runner.trust.gpgkey import GpgKey
from gitflow_runner.trust.gpgsig import Gpg, GpgFacts, OpenGpg, prove_gpg, read_listing
from gitflow_runner.trust.reasons import Reason, Refusal
from gitflow_runner.trust.revocation import Revocations
from gitflow_runner.trust.sshcert import Certificate
from gitflow_runner.trust.sshkey import MIN_RSA_BITS, PublicKey
from gitflow_runner.trust.sshsig import GIT

Key = PublicKey | GpgKey


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was proven over an object, before anybody asked whose key it is.

    `time` is the object's own claim in ms, None for a tag without a tagger; `present` is false where a
    security key signed untouched. `gpg` is what gpg says of the key that signed, where it is a GPG key.
    """

    kind: Literal["commit", "tag", "text"]
    key: Key
    certificate: Certificate | None
    present: bool
    time: int | None
    message: bytes = b""
    gpg: GpgFacts | None = None

    @property
    def fingerprint(self) -> str:
        """That of the plain key, also under a certificate; that of the primary key, also by a subkey."""
        return self.key.fingerprint


@dataclass(frozen=True, slots=True)
class Entry:
    """One listed key: `principals` are names or patterns, times in ms, `valid_before` exclusive.

    An `authority` signs certificates and never speaks for itself; no `namespaces` means any.
    """

    principals: tuple[str, ...]
    key: Key
    authority: bool = False
    namespaces: tuple[str, ...] = ()
    valid_after: int | None = None
    valid_before: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a signed object is accepted, and if not why; `detail` says it in words."""

    accepted: bool
    reason: Reason | None = None
    principal: str | None = None
    fingerprint: str | None = None
    detail: str = ""

    @property
    def verdict(self) -> Literal["accept", "refuse"]:
        """The word that `gfr verify` prints."""
        return "accept" if self.accepted else "refuse"


@dataclass(frozen=True)
class Keyring:
    """All keys that may speak, and under which conditions; GPG keys only where `open_gpg` can ask gpg."""

    entries: tuple[Entry, ...]
    revoked: Revocations = field(default_factory=Revocations)
    min_rsa: int = MIN_RSA_BITS
    need_touch: bool = True
    open_gpg: OpenGpg | None = field(default=None, repr=False, compare=False)
    _by_blob: dict[bytes, tuple[Entry, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[bytes, tuple[Entry, ...]] = {}
        for entry in self.entries:
            index[entry.key.blob] = (*index.get(entry.key.blob, ()), entry)
        object.__setattr__(self, "_by_blob", index)

    def who(self, signed: Signed, *, first_seen: int, now: int, namespace: str = GIT) -> str:
        """The principal whose signature this is.

        Windows are judged at `first_seen`, revocation at `now` (both ms): a revoked key refuses what came
        before, a rotated one does not. Refuses `weak_algorithm`, `no_user_presence`, `key_revoked`,
        `key_not_allowed`, `namespace`, `key_not_yet_valid`, `key_expired` and `cert_refused`.
        """
        bits = signed.key.rsa_bits if signed.gpg is None else signed.gpg.rsa_bits
        if bits is not None and bits < self.min_rsa:
            raise Refusal("weak_algorithm", f"an RSA key of {bits} bits, the policy asks for {self.min_rsa}")
        if self.need_touch and not signed.present:
            raise Refusal("no_user_presence", f"security key {signed.fingerprint} signed without a touch")
        since = self.revoked.since(signed.key, signed.certificate)
        if since is not None and since <= now:
            raise Refusal("key_revoked", f"key {signed.fingerprint} is revoked")
        if signed.gpg is not None:
            _check_gpg(signed.gpg, first_seen)
        certificate = signed.certificate
        listed = certificate.authority if certificate is not None else signed.key
        entries = [e for e in self._by_blob.get(listed.blob, ()) if e.authority == (certificate is not None)]
        if not entries:
            if certificate is not None:
                raise Refusal("cert_refused", f"no authority listed has the key {listed.fingerprint}")
            raise Refusal("key_not_allowed", f"no one listed has the key {signed.fingerprint}")
        refusal = None
        for entry in entries:
            try:
                return _principal(entry, certificate, signed.fingerprint, first_seen, namespace)
            except Refusal as problem:
                refusal = problem
        assert refusal is not None
        raise refusal

    def judge(self, signed: Signed, *, first_seen: int, now: int, namespace: str = GIT) -> Verdict:
        """`who` as a verdict."""
        try:
            principal = self.who(signed, first_seen=first_seen, now=now, namespace=namespace)
        except Refusal as problem:
            return Verdict(False, problem.reason, None, signed.fingerprint, problem.message)
        return Verdict(True, None, principal, signed.fingerprint)

    def prove_gpg(self, armour: bytes, payload: bytes) -> tuple[GpgKey, GpgFacts]:
        """The listed GPG key whose signature this is, and what gpg says of it.

        Refuses what `gpgsig.prove_gpg` refuses, and `unsupported_scheme` where gpg cannot be asked.
        """
        if self.open_gpg is None:
            raise Refusal("unsupported_scheme", "a GPG signature, and nobody's GPG keys are known here")
        if not self._gpg_keys:
            raise Refusal("key_not_allowed", "a GPG signature, and no one listed has a GPG key")
        facts = prove_gpg(self._gpg, self._gpg_facts, armour, payload)
        return self._gpg_keys[facts.primary], facts

    def gone(self, now: int) -> frozenset[str]:
        """The fingerprints of all keys that are revoked at `now`, by the list or by their own owners."""
        listed = {name for name, since in self.revoked.dated.items() if since <= now}
        asked = self.open_gpg is not None and self._gpg_keys
        facts = self._gpg_facts.values() if asked else ()
        return frozenset(listed | {f.primary for f in facts if f.revoked and f.key == f.primary})

    def check_key(self, key: Key, *, now: int) -> str:
        """Whose signature one by this key would be at `now`; refuses what `who` refuses."""
        facts = None
        if isinstance(key, GpgKey) and self.open_gpg is not None:
            facts = self._best_facts(key, now)
        return self.who(Signed("commit", key, None, True, now, gpg=facts), first_seen=now, now=now)

    def _best_facts(self, key: GpgKey, now: int) -> GpgFacts:
        own = [
            facts for facts in self._gpg_facts.values() if facts.primary == key.fingerprint and facts.signs
        ]
        if not own:
            raise Refusal("key_not_allowed", f"{key.line} has no part that may sign")
        good = [facts for facts in own if facts.strong and not facts.revoked]
        if all(facts.revoked for facts in own):
            raise Refusal("key_revoked", f"{key.line} is revoked by its owner")
        if not good:
            raise Refusal("weak_algorithm", f"{key.line} signs by a kind of key that is not taken")
        return max(good, key=lambda facts: (facts.expires is None, facts.expires or 0, facts.key))

    @cached_property
    def _gpg_keys(self) -> Mapping[str, GpgKey]:
        keys = [entry.key for entry in self.entries if isinstance(entry.key, GpgKey)]
        return {key.fingerprint: key for key in keys}

    @cached_property
    def _gpg(self) -> Gpg:
        assert self.open_gpg is not None, "asked only where there is one"
        blocks = {entry.key.block for entry in self.entries if isinstance(entry.key, GpgKey)}
        return self.open_gpg(sorted(blocks))

    @cached_property
    def _gpg_facts(self) -> Mapping[str, GpgFacts]:
        return read_listing(self._gpg.listing())

    def owners(self, key: Key) -> frozenset[str]:
        """Everybody who ever had this key in the ring, whatever its window: who must be left out."""
        return frozenset(
            name for e in self._by_blob.get(key.blob, ()) if not e.authority for name in e.principals
        )

    def owner(self, key: Key) -> str:
        """The first of its owners by name; `Refusal` (`key_not_allowed`) if it has none."""
        found = min(self.owners(key), default=None)
        if found is None:
            raise Refusal("key_not_allowed", f"the policy knows nobody with the key {key.fingerprint}")
        return found

    def with_revoked(self, more: Revocations) -> Keyring:
        """This ring with further revocations."""
        merged = self.revoked.merged(more)
        return Keyring(self.entries, merged, self.min_rsa, self.need_touch, self.open_gpg)


def _check_gpg(facts: GpgFacts, at: int) -> None:
    if facts.expires is not None and at >= facts.expires:
        raise Refusal("key_expired", f"GPG key {facts.key} had run out when this was first seen")
    if facts.until is not None and at >= facts.until:
        raise Refusal("signature_expired", "the signature had run out when this was first seen")


def _principal(
    entry: Entry, certificate: Certificate | None, fingerprint: str, at: int, namespace: str
) -> str:
    if entry.namespaces and not any_matches(entry.namespaces, namespace):
        raise Refusal("namespace", f"key {fingerprint} may not sign for {namespace!r}")
    if entry.valid_after is not None and at < entry.valid_after:
        raise Refusal("key_not_yet_valid", f"key {fingerprint} was not yet valid when this was first seen")
    if entry.valid_before is not None and at >= entry.valid_before:
        raise Refusal("key_expired", f"key {fingerprint} was no longer valid when this was first seen")
    if certificate is None:
        return next(name for name in entry.principals if not name.startswith("!"))
    if not certificate.valid_after * 1000 <= at < certificate.valid_before * 1000:
        raise Refusal("cert_refused", f"certificate {certificate.key_id!r} was not valid when first seen")
    named = next((name for name in certificate.principals if any_matches(entry.principals, name)), None)
    if named is None:
        raise Refusal(
            "cert_refused", f"the authority may not vouch for {', '.join(certificate.principals)[:80]}"
        )
    return named
