"""What this clone's runner saw first, kept in its own signed log: releases and promotions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitflow_runner.errors import ConflictError
from gitflow_runner.git.objects import Ident, Oid
from gitflow_runner.git.refs import LOGS, parse_log_ref, parse_release_tag
from gitflow_runner.git.repository import RefUpdate
from gitflow_runner.runner.runtime import RUNNER_MAIL, RUNNER_NAME, Runtime
from gitflow_runner.trust.live import LiveChain
from gitflow_runner.trust.log import (
    Entry,
    PromotionSeen,
    ReleaseSeen,
    RunnerLog,
    build_link,
    first_seen,
    key_digest,
    load_log,
    ref_of,
    releases_seen,
)
from gitflow_runner.trust.release import Release

_TRIES = 20


class RunnerLogs:
    """Reads the logs of all runners that the policy lists (and our own), writes our own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._logs = tuple(self._trusted())

    def _trusted(self) -> Sequence[RunnerLog]:
        runtime = self._runtime
        own = key_digest(runtime.signer.key)
        policy = runtime.policies.newest()
        listed = {
            key_digest(key.key)
            for person in (policy.people.values() if policy is not None else ())
            if person.kind == "runner"
            for key in person.keys
        }
        found = []
        for name, tip in runtime.repository.refs(LOGS):
            digest = parse_log_ref(name)
            if digest is not None and (digest == own or digest in listed):
                found.append(load_log(runtime.repository, tip, digest))
        return found

    def first_seen(self) -> Mapping[Oid, int]:
        """When (ms) each logged object was seen first."""
        return first_seen(self._logs)

    def seen(self, oid: Oid) -> int | None:
        """When (ms) this object was seen first."""
        return self.first_seen().get(oid)

    def release(self, ref: str) -> Oid | None:
        """The tag object that was seen first under this release's name."""
        return dict(releases_seen(self._logs)).get(ref)

    def highest(self, slug: str) -> int:
        """The highest version of the flow that any log holds."""
        named = (parse_release_tag(ref) for ref, _ in releases_seen(self._logs))
        return max((name[1] for name in named if name is not None and name[0] == slug), default=0)

    def promotion(self, slug: str) -> Oid | None:
        """The last promotion of the flow that was seen."""
        entries = [e for log in self._logs for e in log.entries if isinstance(e, PromotionSeen)]
        own = [e for e in entries if e.flow == slug]
        return max(own, key=lambda e: e.number).promotion if own else None

    def note_release(self, ref: str, release: Release) -> None:
        """Log the first sight of a release."""
        if self.seen(release.oid) is None:
            now = self._runtime.clock.now_ms()
            self._append(ReleaseSeen(now, ref, release.oid, release.commit, release.text.digest))

    def note_promotion(self, slug: str, chain: LiveChain) -> None:
        """Log the first sight of the promotion in force."""
        if self.seen(chain.tip.oid) is None:
            said = chain.tip.promotion
            now = self._runtime.clock.now_ms()
            self._append(PromotionSeen(now, slug, said.number, chain.tip.oid, said.release))

    def _append(self, entry: Entry) -> None:
        runtime = self._runtime
        ref = ref_of(runtime.signer.key)
        for _ in range(_TRIES):
            tip = runtime.repository.resolve(ref)
            before = None
            if tip is not None:
                before = load_log(runtime.repository, tip, key_digest(runtime.signer.key))
            who = Ident(RUNNER_NAME, RUNNER_MAIL, runtime.clock.now_ms() // 1_000)
            objects = build_link((entry,), before, who, runtime.signer)
            runtime.repository.write(objects)
            try:
                runtime.repository.swap([RefUpdate(ref, tip, objects[-1].oid)])
            except ConflictError:
                continue
            return
        raise ConflictError("log.contended", f"{ref} is written by others all the time")
