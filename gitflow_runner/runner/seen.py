"""What this clone's runner saw first, kept in its own signed log: releases, promotions, policies, tips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import accumulate, islice

from gitflow_runner.errors import ConflictError
from gitflow_runner.git.objects import Ident, Oid
from gitflow_runner.git.refs import LOGS, parse_log_ref, parse_release_tag
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.ledger.listing import RunRef
from gitflow_runner.runner.logs import load_known_log
from gitflow_runner.runner.runtime import RUNNER_MAIL, RUNNER_NAME, Runtime
from gitflow_runner.trust.live import LiveChain
from gitflow_runner.trust.log import (
    Entry,
    GlassBroken,
    KeyRevoked,
    PolicySeen,
    PromotionSeen,
    ReleaseSeen,
    RunnerLog,
    TipSeen,
    build_link,
    first_seen,
    key_digest,
    load_log,
    load_tip,
    ref_of,
    releases_seen,
)
from gitflow_runner.trust.release import Release
from gitflow_runner.trust.sshkey import PublicKey

_TRIES = 20
_LOGGED = "policy-logged"  # the policy commit up to which the log holds all versions


class RunnerLogs:
    """Reads the logs of all runners that the policy lists (and our own), writes our own."""

    def __init__(self, runtime: Runtime, *, anew: bool = False) -> None:
        """With `anew` every link is verified again, whatever this clone remembers; errors as `load_log`."""
        self._runtime = runtime
        self._anew = anew
        self._logs = tuple(self._trusted())

    def _trusted(self) -> Sequence[RunnerLog]:
        runtime = self._runtime
        own = key_digest(runtime.signer.key) if runtime.local.is_ready() else None
        policy = runtime.policies.newest()
        listed = {
            key_digest(key.key)
            for person in (policy.people.values() if policy is not None else ())
            if person.kind == "runner"
            for key in person.keys
            if isinstance(key.key, PublicKey)
        }
        found = []
        for name, tip in runtime.repository.refs(LOGS):
            digest = parse_log_ref(name)
            if digest is not None and (digest == own or digest in listed):
                if self._anew:
                    found.append(load_log(runtime.repository, tip, digest))
                    continue
                log = load_known_log(runtime.repository, runtime.local, digest)
                found += [log] if log is not None else []
        return found

    def first_seen(self) -> Mapping[Oid, int]:
        """When (ms) each logged object was seen first."""
        return self._first_seen

    @cached_property
    def _first_seen(self) -> Mapping[Oid, int]:
        return first_seen(self._logs)

    def seen(self, oid: Oid) -> int | None:
        """When (ms) this object was seen first."""
        return self.first_seen().get(oid)

    def release(self, ref: str) -> Oid | None:
        """The tag object that was seen first under this release's name."""
        return dict(releases_seen(self._logs)).get(ref)

    def releases(self) -> Sequence[tuple[str, Oid]]:
        """Every release ref with the tag object that was seen there first, sorted by ref."""
        return releases_seen(self._logs)

    def highest(self, slug: str) -> int:
        """The highest version of the flow that any log holds."""
        named = (parse_release_tag(ref) for ref, _ in releases_seen(self._logs))
        return max((name[1] for name in named if name is not None and name[0] == slug), default=0)

    def promotion(self, slug: str) -> Oid | None:
        """The last promotion of the flow that was seen."""
        entries = [e for log in self._logs for e in log.entries if isinstance(e, PromotionSeen)]
        own = [e for e in entries if e.flow == slug]
        return max(own, key=lambda e: e.number).promotion if own else None

    def broken_glass(self) -> Sequence[GlassBroken]:
        """Every move past a gate that was logged, oldest first, one for each consent."""
        entries = [e for log in self._logs for e in log.entries if isinstance(e, GlassBroken)]
        first = {e.consent: e for e in sorted(entries, key=lambda e: e.at, reverse=True)}
        return sorted(first.values(), key=lambda e: (e.at, e.consent))

    def tips(self) -> Mapping[str, Oid]:
        """The turn at which each run was seen last, by its ref."""
        found: dict[str, TipSeen] = {}
        for log in self._logs:
            for entry in log.entries:
                if isinstance(entry, TipSeen) and entry.at >= found.get(entry.ref, entry).at:
                    found[entry.ref] = entry
        return {ref: entry.tip for ref, entry in found.items()}

    def note_release(self, ref: str, release: Release) -> None:
        """Log the first sight of a release."""
        if self.seen(release.oid) is None:
            now = self._runtime.clock.now_ms()
            append(self._runtime, ReleaseSeen(now, ref, release.oid, release.commit, release.text.digest))

    def note_promotion(self, slug: str, chain: LiveChain) -> None:
        """Log the first sight of the promotion in force."""
        if self.seen(chain.tip.oid) is None:
            said = chain.tip.promotion
            now = self._runtime.clock.now_ms()
            append(self._runtime, PromotionSeen(now, slug, said.number, chain.tip.oid, said.release))


def note_tip(runtime: Runtime, at: RunRef) -> None:
    """Log where a run stands: a checkpoint that a later rewriting contradicts.

    Once for each turn: a run that only waits is looked at again and again, by many processes.
    """
    if runtime.local.noted_tip(at.run) == at.tip:
        append(runtime)
        return
    append(runtime, TipSeen(runtime.clock.now_ms(), at.ref, at.tip))
    runtime.local.set_noted_tip(at.run, at.tip)


def note_policies(runtime: Runtime) -> None:
    """Log the first sight of the policies in force, so that later their keys are judged at that time."""
    append(runtime)


def append(runtime: Runtime, *entries: Entry) -> None:
    """Write entries as the next link of this clone's log, with what it has not logged of the policy yet.

    Their times never fall, whatever the clock does. `ConflictError` (`log.contended`) if others write it all
    the time.
    """
    ref, digest = ref_of(runtime.signer.key), key_digest(runtime.signer.key)
    new, marker = _unlogged(runtime)
    entries = (*new, *entries)
    if not entries:
        return
    for _ in range(_TRIES):
        tip = runtime.repository.resolve(ref)
        before = None if tip is None else load_tip(runtime.repository, tip, digest)
        last = before.entries[-1].at if before is not None and before.entries else 0
        times = accumulate((entry.at for entry in entries), max, initial=last)
        rising = tuple(
            replace(entry, at=at) for entry, at in zip(entries, islice(times, 1, None), strict=True)
        )
        who = Ident(RUNNER_NAME, RUNNER_MAIL, runtime.clock.now_ms() // 1_000)
        objects = build_link(rising, before, who, runtime.signer)
        runtime.repository.write(objects)
        try:
            runtime.repository.swap([RefUpdate(ref, tip, objects[-1].oid)])
        except ConflictError:
            continue
        if marker is not None:
            runtime.local.write(_LOGGED, marker.encode() + b"\n")
        return
    raise ConflictError("log.contended", f"{ref} is written by others all the time")


def _unlogged(runtime: Runtime) -> tuple[tuple[Entry, ...], Oid | None]:
    """Versions of the policy and revoked keys that the log does not hold; the tip to remember them by."""
    chain = runtime.policies.chain()
    done = (runtime.local.read(_LOGGED) or b"").decode().strip()
    if chain is None or chain.tip.oid == done:
        return (), None
    now = runtime.clock.now_ms()
    oids = [version.oid for version in chain.versions]
    start = oids.index(Oid(done)) + 1 if done in oids else 0
    before = {key.fingerprint for key in chain.versions[start - 1].policy.revoked} if start else set()
    found: list[Entry] = [
        PolicySeen(now, version.policy.version, version.oid, version.policy.digest)
        for version in chain.versions[start:]
    ]
    gone = [key for key in chain.newest.revoked if key.fingerprint not in before]
    found += [KeyRevoked(now, key.fingerprint, key.since) for key in gone]
    return tuple(found), chain.tip.oid
