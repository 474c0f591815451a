"""The proof of everything again, from Git alone: policy, logs, releases, promotions, runs, tables and kv."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import (
    ARCHIVES,
    LIVE,
    LOGS,
    POLICY,
    RELEASES,
    RUNS,
    kv_ref,
    live_ref,
    parse_live_ref,
    parse_log_ref,
    parse_release_tag,
    parse_run_ref,
    run_ref,
    table_ref,
)
from gitflow_runner.ledger.fsck import Finding
from gitflow_runner.ledger.listing import RunRef, run_refs
from gitflow_runner.runner.audit import bare, judge_promotion, judge_release, policy_at
from gitflow_runner.runner.checkpoints import UNPROVEN, freshness
from gitflow_runner.runner.kv import check_kv, known_scopes
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs
from gitflow_runner.runner.tables import check_table, known_tables
from gitflow_runner.runner.verify import check_run
from gitflow_runner.trust.live import LiveChain, Promoted, load_live, read_promotions
from gitflow_runner.trust.log import load_log
from gitflow_runner.trust.release import compare_refs

# Right when it was done, told to whoever looks, and no sign that anything was bent. No new run starts from a
# release whose key was revoked until somebody affirms it.
REMARKS = frozenset(("approved_by_revoked_key", "key_revoked", UNPROVEN))


@dataclass(frozen=True, slots=True)
class Found:
    """One finding and the ref that it is about."""

    ref: str
    code: str
    commit: Oid | None
    message: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What one reader looked at, by kind, and what it found."""

    counts: tuple[tuple[str, int], ...]
    findings: tuple[Found, ...]


def reprove(runtime: Runtime, *, flow: str | None = None) -> Proof:
    """Prove everything that `runtime` reads; nothing that this clone verified before is taken for granted.

    Only the pinned root of the policy, where runs stood by the logs, and where this clone saw tables and
    key-value scopes last, are held against it.
    """
    prover = _Prover(runtime, flow)
    findings = tuple(prover.findings())
    return Proof(tuple(sorted(prover.counts.items())), findings)


def disagreements(first: Proof, second: Proof) -> tuple[Found, ...]:
    """What only one of two readers found or counted: `readers_differ`."""
    differ = set(first.findings).symmetric_difference(second.findings)
    found = [
        Found(f.ref, "readers_differ", f.commit, f"only one of two readers says {f.code}: {f.message}")
        for f in sorted(differ, key=lambda f: (f.ref, f.code, f.commit or ""))
    ]
    if first.counts != second.counts:
        text = f"the readers counted {dict(first.counts)} and {dict(second.counts)}"
        found.append(Found("", "readers_differ", None, text))
    return tuple(found)


class _Prover:
    def __init__(self, runtime: Runtime, flow: str | None) -> None:
        self._runtime = runtime
        self._reader = runtime.repository
        self._flow = flow
        kinds = ("policies", "logs", "releases", "promotions", "runs", "tables", "kv")
        self.counts = dict.fromkeys(kinds, 0)

    def findings(self) -> Iterator[Found]:
        try:
            chain = self._runtime.policies.chain()
            policy = self._runtime.policies.require()
        except GitflowError as error:
            # Without a policy that is trusted nobody's signature means anything.
            yield Found(POLICY, error.code, None, error.message)
            return
        self.counts["policies"] = len(chain.versions) if chain is not None else 0
        broken = list(self._logs())
        yield from broken
        if broken:
            return
        self._policy, self._chain = policy, chain
        for doubt in freshness(self._runtime):
            yield Found(POLICY, doubt.code, None, doubt.message)
        self._seen = RunnerLogs(self._runtime, anew=True)
        yield from self._releases()
        yield from self._live()
        yield from self._runs()
        if self._flow is None:
            yield from self._tables()
            yield from self._kv()

    def _logs(self) -> Iterator[Found]:
        for ref, tip in self._reader.refs(LOGS):
            digest = parse_log_ref(ref)
            if digest is None:
                continue
            self.counts["logs"] += 1
            try:
                load_log(self._reader, tip, digest)
            except GitflowError as error:
                yield Found(ref, error.code, tip, error.message)

    def _releases(self) -> Iterator[Found]:
        logged = [(ref, oid) for ref, oid in self._seen.releases() if self._is_asked(parse_release_tag(ref))]
        words = {"release_moved": "is not the tag object that was seen first", "release_missing": "is gone"}
        first = dict(logged)
        for ref, code in compare_refs(self._reader, logged):
            yield Found(ref, code, first[ref], f"{ref} {words[code]} ({first[ref]})")
        live = self._affirmed()
        times = self._seen.first_seen()
        for ref, oid in self._reader.refs(RELEASES):
            if not self._is_asked(parse_release_tag(ref)):
                continue
            self.counts["releases"] += 1
            if first.get(ref, oid) != oid:
                continue  # told as moved; what lies there now is somebody's other tag
            try:
                judge_release(
                    self._reader,
                    ref,
                    oid,
                    policy_at(self._chain, times, times.get(oid, 0)) or self._policy,
                    self._policy,
                    now=self._runtime.clock.now_ms(),
                    logged=times.get(oid),
                    affirmed=oid in live,
                )
            except GitflowError as error:
                yield Found(ref, bare(error), oid, error.message)

    def _affirmed(self) -> frozenset[Oid]:
        found = set()
        for ref, tip in self._reader.refs(LIVE):
            slug = parse_live_ref(ref)
            try:
                chain = self._load(slug, tip) if slug is not None else None
            except GitflowError:
                continue  # the chain's own findings say why
            if chain is not None and chain.live is not None:
                found.add(chain.live.release)
        return frozenset(found)

    def _load(self, slug: str, tip: Oid) -> LiveChain:
        return load_live(
            self._reader,
            tip,
            slug,
            self._policy,
            now=self._runtime.clock.now_ms(),
            known=self._seen.promotion(slug),
            seen=self._seen.first_seen(),
        )

    def _live(self) -> Iterator[Found]:
        for ref, tip in self._reader.refs(LIVE):
            slug = parse_live_ref(ref)
            if slug is None or self._flow not in (None, slug):
                continue
            try:
                links = read_promotions(self._reader, tip, slug)
                self.counts["promotions"] += len(links)
                self._load(slug, tip)
                self._each_promotion(slug, links)
            except GitflowError as error:
                yield Found(live_ref(slug), error.code, tip, error.message)

    def _each_promotion(self, slug: str, links: Sequence[Promoted]) -> None:
        """Every link under the policy that was in force when it was seen; errors as `judge_promotion`."""
        times = self._seen.first_seen()
        before: Oid | None = None
        for link in links:
            at = times.get(link.oid)
            policy = policy_at(self._chain, times, at) if at is not None else None
            if policy is not None and at is not None:
                judge_promotion(self._reader, slug, link, before, policy, at=at)
            before = link.oid

    def _runs(self) -> Iterator[Found]:
        tips = self._seen.tips()
        here: set[str] = set()
        for at in run_refs(self._reader, self._flow):
            self.counts["runs"] += 1
            own_ref = run_ref(at.slug, at.run)  # by which its runner logged it, whoever fetched it since
            here.add(own_ref)
            stood = tips.get(own_ref)
            if stood is not None and not self._continues(at, stood):
                text = f"the run was logged at {stood}, which {at.tip} does not continue"
                yield Found(at.ref, "history_rewritten", at.tip, text)
            for finding in check_run(self._runtime, at.ref, tip=at.tip):
                yield _found(at.ref, finding)
        for ref, stood in sorted(tips.items()):
            named = parse_run_ref(ref)
            gone = named is not None and self._flow in (None, named.slug) and ref.startswith(RUNS)
            if gone and ref not in here and not self._is_archived(stood):
                text = f"the run was logged at {stood}, and is gone without being archived"
                yield Found(ref, "history_rewritten", stood, text)

    def _tables(self) -> Iterator[Found]:
        """Tables belong to no flow: every one of their revisions was signed by a runner."""
        for name in known_tables(self._runtime):
            self.counts["tables"] += 1
            ref = table_ref(name)
            for finding in check_table(self._runtime, name, self._reader.resolve(ref)):
                yield _found(ref, finding)

    def _kv(self) -> Iterator[Found]:
        """Scopes, as tables."""
        for scope in known_scopes(self._runtime):
            self.counts["kv"] += 1
            ref = kv_ref(scope)
            for finding in check_kv(self._runtime, scope, self._reader.resolve(ref)):
                yield _found(ref, finding)

    def _continues(self, at: RunRef, stood: Oid) -> bool:
        """Whether the run goes on from there; what was fetched may also be older than what was logged."""
        if not self._reader.contains(stood):
            return at.remote is not None
        if self._reader.is_ancestor(stood, at.tip):
            return True
        return at.remote is not None and self._reader.is_ancestor(at.tip, stood)

    def _is_archived(self, stood: Oid) -> bool:
        if not self._reader.contains(stood):
            return False
        return any(self._reader.is_ancestor(stood, tip) for _, tip in self._reader.refs(ARCHIVES))

    def _is_asked(self, named: tuple[str, int] | None) -> bool:
        return named is not None and self._flow in (None, named[0])


def _found(ref: str, finding: Finding) -> Found:
    return Found(ref, finding.code, finding.commit, finding.message)
