"""Who did what here: every release, promotion, decision, request and policy change, with its proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gitflow_runner.errors import GitflowError
from gitflow_runner.git.objects import Oid, RawObject, decode_commit, decode_tag
from gitflow_runner.git.refs import LIVE, RELEASES, live_ref, parse_live_ref, parse_release_tag
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.chain import read_history
from gitflow_runner.ledger.listing import RunRef, run_refs
from gitflow_runner.model.event import DecisionSeen, Recorded, RequestSeen, RunStarted
from gitflow_runner.runner.releases import live_chain
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs
from gitflow_runner.trust.consent import consents
from gitflow_runner.trust.live import Promoted, read_promotions
from gitflow_runner.trust.log import GlassBroken
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.policy_chain import PolicyChain, PolicyVersion
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.release import Release, verify_release
from gitflow_runner.trust.verify import prove

ActKind = Literal["policy", "release", "promotion", "decision", "request", "start", "glass"]


@dataclass(frozen=True, slots=True)
class Act:
    """One act: `at` in ms, by whom, whether it counts (`reason` why not), and the object that proves it.

    `claimed` says that the time is the object's own word, because no runner logged when it was seen.
    """

    at: int
    kind: ActKind
    action: str
    subject: str
    evidence: Oid
    by: tuple[str, ...] = ()
    fingerprint: str | None = None
    reason: str | None = None
    flow: str | None = None
    run: str | None = None
    claimed: bool = False

    @property
    def verdict(self) -> Literal["accept", "refuse"]:
        """Whether it counts, in the words of `gfr verify`."""
        return "accept" if self.reason is None else "refuse"


def all_acts(runtime: Runtime, *, flow: str | None = None, since: int | None = None) -> tuple[Act, ...]:
    """Everything from `since` (ms) on, or all, oldest first; `flow` leaves out other flows' acts.

    Policy changes concern every flow and stay. Raises what the policy's chain raises; what is wrong with a
    run, a release or a promotion is an act that is refused.
    """
    auditor = _Auditor(runtime, flow)
    found = [act for act in auditor.acts() if since is None or act.at >= since]
    return tuple(sorted(found, key=lambda act: act.at))


class _Auditor:
    def __init__(self, runtime: Runtime, flow: str | None) -> None:
        self._runtime = runtime
        self._reader = runtime.repository
        self._flow = flow
        self._policy = runtime.policies.require()
        self._chain = runtime.policies.chain()
        self._logs = RunnerLogs(runtime)
        self._seen = self._logs.first_seen()
        self._live: dict[str, Oid | None] = {}

    def acts(self) -> Iterator[Act]:
        if self._chain is not None:
            yield from self._policies(self._chain)
        for ref, oid in self._reader.refs(RELEASES):
            named = parse_release_tag(ref)
            if named is not None and self._flow in (None, named[0]):
                yield self._release(ref, oid, named[0])
        for ref, tip in self._reader.refs(LIVE):
            slug = parse_live_ref(ref)
            if slug is not None and self._flow in (None, slug):
                yield from self._promotions(slug, tip)
        for at in run_refs(self._reader, self._flow):
            yield from self._run(at)
        for entry in self._logs.broken_glass():
            yield self._glass(entry)

    def _glass(self, entry: GlassBroken) -> Act:
        """People let a commit past its gate; the log says that it went in, the consent says by whom."""
        by, key, reason = tuple[str, ...](), None, None
        try:
            signed = prove(self._reader.read(entry.consent), self._policy.keyring)
            key = signed.fingerprint
            by = tuple(sorted(self._policy.keyring.owners(signed.key)))
        except GitflowError as error:
            reason = bare(error)
        subject = f"{entry.ref} {entry.new}"
        return Act(entry.at, "glass", "break", subject, entry.consent, by, key, reason)

    def _policies(self, chain: PolicyChain) -> Iterator[Act]:
        before: PolicyVersion | None = None
        for version in chain.versions:
            raw = self._reader.read(version.oid)
            at, claimed = self._time(version.oid, decode_commit(raw.data).committer.time)
            subject = f"policy version {version.policy.version}"
            # A version is signed by somebody whom the one before it names; a GPG key is proven by that one.
            key = _fingerprint(raw, (before or version).policy)
            before = version
            yield Act(at, "policy", "apply", subject, version.oid, version.by, key, claimed=claimed)

    def _release(self, ref: str, oid: Oid, slug: str) -> Act:
        subject = ref.removeprefix(RELEASES)
        key: str | None = None
        reason: str | None = None
        by: tuple[str, ...] = ()
        time = 0
        try:
            raw = self._reader.read(oid)
            key = _fingerprint(raw, self._policy_at(self._seen.get(oid, 0)))
            if raw.kind == "tag":
                tagger = decode_tag(raw.data).tagger
                time = tagger.time if tagger is not None else 0
            by = (self._judged(ref, oid, slug).principal,)
        except GitflowError as error:
            reason = bare(error)
        at, claimed = self._time(oid, time)
        return Act(at, "release", "release", subject, oid, by, key, reason, slug, claimed=claimed)

    def _judged(self, ref: str, oid: Oid, slug: str) -> Release:
        logged, now = self._seen.get(oid), self._runtime.clock.now_ms()
        then = self._policy if logged is None else self._policy_at(logged)
        live = self._is_live(slug, oid)
        return judge_release(
            self._reader, ref, oid, then, self._policy, now=now, logged=logged, affirmed=live
        )

    def _is_live(self, slug: str, oid: Oid) -> bool:
        """Whether people who count have made this very object live, whatever became of its signer's key."""
        if slug not in self._live:
            self._live[slug] = self._live_release(slug)
        return self._live[slug] == oid

    def _live_release(self, slug: str) -> Oid | None:
        try:
            chain = live_chain(self._runtime, slug)
        except GitflowError:
            return None  # the promotions' own acts say why
        return None if chain is None or chain.live is None else chain.live.release

    def _promotions(self, slug: str, tip: Oid) -> Iterator[Act]:
        try:
            links = read_promotions(self._reader, tip, slug)
        except GitflowError as error:
            yield Act(
                0, "promotion", "unknown", live_ref(slug), tip, reason=bare(error), flow=slug, claimed=True
            )
            return
        before: Oid | None = None
        for link in links:
            yield self._promotion(slug, link, before)
            before = link.oid

    def _promotion(self, slug: str, link: Promoted, before: Oid | None) -> Act:
        raw = self._reader.read(link.oid)
        said = link.promotion
        at, claimed = self._time(link.oid, decode_commit(raw.data).committer.time)
        by: tuple[str, ...] = ()
        reason: str | None = None
        policy = self._policy_at(at)
        try:
            by = judge_promotion(self._reader, slug, link, before, policy, at=at)
        except GitflowError as error:
            reason = bare(error)
        subject = f"{slug} v{said.version}"
        key = _fingerprint(raw, policy)
        return Act(at, "promotion", said.action, subject, link.oid, by, key, reason, slug, claimed=claimed)

    def _run(self, at: RunRef) -> Iterator[Act]:
        try:
            history = read_history(self._reader, at.tip)
        except GitflowError as error:
            yield Act(0, "start", "unknown", at.run, at.tip, reason=bare(error), flow=at.slug, run=at.run)
            return
        seen: dict[str, Act] = {}
        for recorded in history:
            act = _act_of(recorded, at)
            if act is not None:
                # Judged again under another policy, a decision is told as it stands last.
                first = seen.get(act.evidence, act)
                seen[act.evidence] = replace(act, at=first.at)
        yield from seen.values()

    def _time(self, oid: Oid, claim: int) -> tuple[int, bool]:
        logged = self._seen.get(oid)
        return (claim * 1_000, True) if logged is None else (logged, False)

    def _policy_at(self, at: int) -> Policy:
        """The policy that was in force then, as far as the logs tell; else the newest."""
        return policy_at(self._chain, self._seen, at) or self._policy


def judge_release(
    reader: ObjectReader,
    ref: str,
    oid: Oid,
    then: Policy,
    newest: Policy,
    *,
    now: int,
    logged: int | None,
    affirmed: bool,
) -> Release:
    """The release by the policy that was in force when it was seen, its key held against what is revoked now.

    Raises what `verify_release` raises; `affirmed` as there.
    """
    found = verify_release(reader, ref, oid, then, now=now, logged=logged, reaffirmed=affirmed)
    if found.fingerprint in newest.keyring.gone(now) and not affirmed:
        raise Refusal("key_revoked", f"{ref} is signed by the key {found.fingerprint}, revoked since")
    return found


def judge_promotion(
    reader: ObjectReader, slug: str, link: Promoted, before: Oid | None, policy: Policy, *, at: int
) -> tuple[str, ...]:
    """The people behind a promotion by the policy in force at `at` (ms); raises what `consents` raises."""
    return consents(
        reader,
        link.oid,
        before,
        link.promotion,
        policy,
        policy.promote,
        slug=slug,
        seen=at,
        now=at,
        family="live",
    )


def policy_at(chain: PolicyChain | None, seen: Mapping[Oid, int], at: int) -> Policy | None:
    """The last version that had been seen at `at` (ms), None where no log tells."""
    versions = chain.versions if chain is not None else ()
    known = [version.policy for version in versions if seen.get(version.oid, at + 1) <= at]
    return known[-1] if known else None


def bare(error: GitflowError) -> str:
    """An error's code as verdicts print it: the reasons of `trust.md` 10 without their family."""
    family, _, reason = error.code.partition(".")
    return reason if family in ("signature", "approval", "release") and reason else error.code


def _act_of(recorded: Recorded, at: RunRef) -> Act | None:
    match recorded.event:
        case DecisionSeen() as e:
            who = () if e.principal is None else (e.principal,)
            subject = f"{at.run} {e.folder}"
            action = e.decision or "unknown"
            return Act(
                recorded.at,
                "decision",
                action,
                subject,
                Oid(e.oid),
                who,
                e.fingerprint,
                e.reason,
                at.slug,
                at.run,
            )
        case RequestSeen() as e:
            who = () if e.principal is None else (e.principal,)
            return Act(
                recorded.at,
                "request",
                e.act,
                at.run,
                Oid(e.oid),
                who,
                e.fingerprint,
                e.reason,
                at.slug,
                at.run,
            )
        case RunStarted(request=str(oid)) as e:
            who = () if e.starter is None else (e.starter,)
            return Act(
                recorded.at, "start", "start", at.run, Oid(oid), who, e.starter_key, None, at.slug, at.run
            )
        case _:
            return None


def _fingerprint(raw: RawObject, policy: Policy) -> str | None:
    try:
        return prove(raw, policy.keyring).fingerprint
    except GitflowError:
        return None  # unsigned or malformed: the verdict beside it says so
