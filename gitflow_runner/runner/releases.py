"""Releases and live: made by people's keys, resolved and verified for a start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.catalog.cases import SUFFIX as TESTS
from gitflow_runner.catalog.drafts import work_tree_draft
from gitflow_runner.catalog.releases import list_versions, next_number
from gitflow_runner.catalog.sources import FLOWS_DIR, CommitTexts, WorkTreeTexts
from gitflow_runner.errors import ConflictError, NotFoundError, RefusedError, UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import TAGS, live_ref, release_tag
from gitflow_runner.lang.printer import canonical
from gitflow_runner.lang.values import keyword
from gitflow_runner.model.pin import ReleaseSource
from gitflow_runner.runner.cases import case_functions, run_cases
from gitflow_runner.runner.configured import configured, reader_of_work_tree
from gitflow_runner.runner.promoting import consent_to_promotion, gather
from gitflow_runner.runner.readiness import require_ready, unbound
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs
from gitflow_runner.runner.settings import work_tree_settings
from gitflow_runner.runner.stack import on_big_stack
from gitflow_runner.runner.sync import share_ref
from gitflow_runner.trust.live import LiveChain, build_promotion, load_live, next_promotion
from gitflow_runner.trust.release import Release, ReleaseText, build_release, verify_release
from gitflow_runner.trust.requests import content_digest
from gitflow_runner.trust.statement import PromotionAction

_VERSION = re.compile(r"v?([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A verified release, ready to be pinned; `proof` are the files that prove it in the run's tree."""

    source: ReleaseSource
    digest: str
    authors: tuple[str, ...]
    proof: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Made:
    """A release or a promotion that now stands: its ref, its object, and the version it is about."""

    ref: str
    oid: Oid
    version: int
    commit: Oid | None = None
    before: int | None = None
    tests: int | None = None  # how many cases the flow passed; None if it has none
    have: int = 1  # people who agree; below `need` it is only a consent, and nothing moved
    need: int = 1


def resolve_release(runtime: Runtime, slug: str, ref: str) -> Resolved | None:
    """The release that `live`, `v<N>` or a tag's name stands for, verified; None if `ref` is a branch."""
    if ref == "live":
        return _live(runtime, slug)
    text = ref.removeprefix(f"flow/{slug}/")
    match = _VERSION.fullmatch(text)
    if match is None or not text.startswith("v"):
        return None
    release = verified_release(runtime, slug, int(match[1]))
    return _resolved(runtime, release, None)


def _live(runtime: Runtime, slug: str) -> Resolved:
    chain = live_chain(runtime, slug)
    if chain is None or chain.live is None:
        state = "has been retired" if chain is not None else "has no live release"
        raise NotFoundError(
            "live.none",
            f"{slug} {state}",
            hint="run the draft, or release and promote it first",
            fix=(f"gfr run {slug}", f"gfr release {slug}", f"gfr promote {slug}"),
        )
    promotion = chain.live
    release = verified_release(runtime, slug, promotion.version, reaffirmed=promotion.release)
    if release.oid != promotion.release or release.text.digest != promotion.digest:
        raise RefusedError(
            "release_moved",
            f"{release_tag(slug, promotion.version)} is not the tag object that was promoted",
            hint="somebody moved the tag; runs in flight are not touched, new ones do not start",
            details={"promoted": promotion.release, "found": release.oid},
        )
    return _resolved(runtime, release, chain.tip.oid)


def _resolved(runtime: Runtime, release: Release, promotion: Oid | None) -> Resolved:
    tag = release_tag(release.text.flow, release.text.version).removeprefix(TAGS)
    proof = {"proof/tag": runtime.repository.read(release.oid).data}
    if promotion is not None:
        proof["proof/promotion"] = runtime.repository.read(promotion).data
    source = ReleaseSource(tag, release.oid, release.commit, promotion)
    return Resolved(source, release.text.digest, (release.principal,), proof)


def verified_release(
    runtime: Runtime,
    slug: str,
    version: int,
    *,
    reaffirmed: Oid | None = None,
    logs: RunnerLogs | None = None,
) -> Release:
    """The release, verified under its name, against the policy and against what was seen first.

    `logs` are the runners' logs where the caller has read them already.
    """
    ref = release_tag(slug, version)
    oid = runtime.repository.resolve(ref)
    logs = logs or RunnerLogs(runtime)
    known = logs.release(ref)
    if oid is None:
        if known is not None:
            raise RefusedError(
                "release_missing",
                f"{ref} was here and is gone; it was the tag object {known}",
                hint="fetch it again from where it was released",
            )
        versions = [v.number for v in list_versions(runtime.repository, slug)]
        near = tuple(f"gfr run {slug} --ref v{n}" for n in versions[-3:])
        raise NotFoundError(
            "release.unknown",
            f"there is no release v{version} of {slug}",
            fix=near or (f"gfr release {slug}",),
        )
    if known is not None and known != oid:
        raise RefusedError(
            "release_moved",
            f"{ref} was seen here as {known} and is {oid} now",
            hint="a release never moves; compare with the other clones",
            details={"logged": known, "found": oid},
        )
    release = verify_release(
        runtime.repository,
        ref,
        oid,
        runtime.policies.require(),
        now=runtime.clock.now_ms(),
        logged=logs.seen(oid),
        reaffirmed=reaffirmed == oid,
    )
    logs.note_release(ref, release)
    return release


def live_chain(runtime: Runtime, slug: str) -> LiveChain | None:
    """The verified chain of promotions, None for a flow that was never live."""
    ref = live_ref(slug)
    tip = runtime.repository.resolve(ref)
    logs = RunnerLogs(runtime)
    known = logs.promotion(slug)
    if tip is None:
        if known is not None:
            raise RefusedError("live.live_rewound", f"{ref} was here and is gone", hint="fetch it again")
        return None
    chain = load_live(
        runtime.repository,
        tip,
        slug,
        runtime.policies.require(),
        now=runtime.clock.now_ms(),
        known=known,
        seen=logs.first_seen(),
    )
    logs.note_promotion(slug, chain)
    return chain


def make_release(runtime: Runtime, slug: str, *, notes: str) -> Made:
    """Sign the next release of the flow as it stands in the commit of a clean work tree."""
    work_dir = runtime.repository.work_dir
    if work_dir is None:
        raise UsageError("draft.bare", "a bare repository has no work tree to release from")
    draft = work_tree_draft(runtime.repository, work_dir, slug)
    if draft.changed or draft.source.commit is None:
        raise UsageError(
            "release.dirty",
            f"{slug} has changes that no commit holds: {', '.join(draft.changed) or 'nothing is committed'}",
            hint="a release is a signed tag on a commit",
            fix=(*(f"git add .breyta/flows/{path}" for path in draft.changed), "git commit"),
        )
    target = configured(reader_of_work_tree(work_dir), slug, None, None)
    require_ready(draft.flow, unbound(draft.flow, target), "a release")
    tests = _tests_pass(runtime, Oid(draft.source.commit), work_dir, slug)
    signer = runtime.person.require_signer(f"a release of {slug}")
    policy = runtime.policies.require()
    owner = min(policy.keyring.owners(signer.key), default=None)
    if owner is None:
        raise RefusedError(
            "signature.key_not_allowed",
            f"the policy knows nobody with the key {signer.key.fingerprint}",
            fix=("gfr policy show",),
        )
    policy.check_duty(policy.release, owner, slug)
    number = next_number(runtime.repository, slug, seen=RunnerLogs(runtime).highest(slug))
    requires = draft.flow.raw.get(keyword("requires")) if hasattr(draft.flow.raw, "get") else None
    text = ReleaseText(
        slug,
        number,
        f"sha256:{draft.flow.digest}",
        tuple(sorted(file.path for file in draft.files)),
        content_digest(canonical(requires).encode()),
    )
    who = runtime.person.ident(runtime.clock.now_ms())
    commit = Oid(draft.source.commit)
    ref, tag = build_release(text, commit, who, signer, notes=notes)
    runtime.repository.write([tag])
    share_ref(runtime, ref, None, tag.oid)
    verified_release(runtime, slug, number)
    return Made(ref, tag.oid, number, commit, number - 1 if number > 1 else None, tests)


def _tests_pass(runtime: Runtime, commit: Oid, work_dir: Path, slug: str) -> int | None:
    """How many tests the flow passes as the commit holds them; None if there are none.

    Raises `UsageError`: `release.dirty` for tests that no commit holds, `release.tests` if one fails.
    """
    texts, name = CommitTexts(runtime.repository, commit), slug + TESTS
    if WorkTreeTexts(work_dir).read(name) != texts.read(name):
        raise UsageError(
            "release.dirty",
            f"the tests of {slug} have changes that no commit holds",
            fix=(f"git add {FLOWS_DIR}/{name}", "git commit"),
        )
    limits = work_tree_settings(work_dir).limits
    functions = case_functions(runtime, limits.fuel)
    verdicts = on_big_stack(lambda: run_cases(texts, slug, runtime.steps, limits, functions))
    failed = [verdict for verdict in verdicts or () if not verdict.passed]
    if failed:
        first = failed[0]
        raise UsageError(
            "release.tests",
            f"{len(failed)} of {len(verdicts or ())} tests of {slug} fail; "
            f"the first, {first.case.name!r}: {first.problems[0]}",
            fix=(f"gfr test {slug}",),
        )
    return None if verdicts is None else len(verdicts)


def make_promotion(
    runtime: Runtime, slug: str, version: int | None, action: PromotionAction, *, reason: str | None
) -> Made:
    """Move live to a version (the newest if None), or back to the one before for a rollback.

    Where the policy asks for several people it is a consent until the last of them gives the same command.
    """
    before = _chain_to_extend(runtime, slug)
    target = _target(runtime, slug, version, action, before)
    current = before.live.version if before is not None and before.live is not None else None
    subject = _subject(runtime, slug, target, action, before)
    signer = runtime.person.require_signer(f"to {action} {slug}")
    promotion = next_promotion(before, slug, target, subject.oid, subject.digest, action, reason)
    who = runtime.person.ident(runtime.clock.now_ms())
    old = before.tip.oid if before is not None else None
    gathered = gather(runtime, promotion, old)
    if not gathered.enough:
        ref, oid = consent_to_promotion(runtime, gathered.promotion, old)
        have = len(gathered.others) + 1
        return Made(ref, oid, target, subject.commit, current, have=have, need=gathered.need)
    statements = [consent.oid for consent in gathered.others]
    objects = build_promotion(gathered.promotion, old, statements, who, signer)
    # The chain is judged as it would stand, so that nothing goes onto the ref that nobody would accept.
    runtime.repository.write(objects)
    load_live(
        runtime.repository,
        objects[-1].oid,
        slug,
        runtime.policies.require(),
        now=runtime.clock.now_ms(),
        known=old,
    )
    ref = live_ref(slug)
    share_ref(runtime, ref, old, objects[-1].oid)
    live_chain(runtime, slug)
    have = len(statements) + 1
    return Made(ref, objects[-1].oid, target, subject.commit, current, have=have, need=gathered.need)


def _chain_to_extend(runtime: Runtime, slug: str) -> LiveChain | None:
    """The chain of promotions; where the people behind its tip do not count any more, `by` is empty."""
    try:
        return live_chain(runtime, slug)
    except RefusedError as error:
        tip = runtime.repository.resolve(live_ref(slug))
        if error.code != "live.no_consent" or tip is None:
            raise
    policy, now = runtime.policies.require(), runtime.clock.now_ms()
    known = RunnerLogs(runtime).promotion(slug)
    return load_live(runtime.repository, tip, slug, policy, now=now, known=known, judged=False)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a promotion speaks of; the commit is not looked up for a flow that is retired."""

    oid: Oid
    digest: str
    commit: Oid | None = None


def _subject(
    runtime: Runtime, slug: str, target: int, action: PromotionAction, before: LiveChain | None
) -> _Subject:
    live = before.live if before is not None else None
    if action == "retire":
        # Also, and above all, a release that nobody trusts any more can be taken out of use.
        assert live is not None, "only what is live is retired"
        return _Subject(live.release, live.digest)
    stands = (
        live if before is not None and before.by and live is not None and live.version == target else None
    )
    affirmed = stands.release if stands is not None else None
    try:
        release = verified_release(runtime, slug, target, reaffirmed=affirmed)
    except RefusedError as error:
        if error.code not in ("release.time_unproven", "signature.key_revoked", "signature.key_expired"):
            raise
        # Such a release is good again once somebody whose key is good promotes this very object.
        known = runtime.repository.resolve(release_tag(slug, target))
        release = verified_release(runtime, slug, target, reaffirmed=known)
    else:
        if stands is not None:
            raise ConflictError(
                "live.already", f"live of {slug} is v{target} already", fix=(f"gfr run {slug}",)
            )
    return _Subject(release.oid, release.text.digest, release.commit)


def _target(
    runtime: Runtime, slug: str, version: int | None, action: PromotionAction, before: LiveChain | None
) -> int:
    if action == "retire":
        if before is None or before.live is None:
            raise NotFoundError(
                "live.none", f"{slug} has no live release to retire", fix=(f"gfr versions {slug}",)
            )
        return before.live.version
    if action == "rollback":
        if before is None or before.live is None:
            raise NotFoundError("live.none", f"{slug} has no live release to roll back from")
        current = before.live.version
        earlier = [p.promotion.version for p in before.promotions if p.promotion.version != current]
        if not earlier:
            raise NotFoundError("live.first", f"{slug} was never live with another release than v{current}")
        return earlier[-1]
    if version is not None:
        return version
    versions = list_versions(runtime.repository, slug)
    if not versions:
        raise NotFoundError(
            "release.unknown", f"{slug} has no release yet", fix=(f"gfr release {slug} -m <notes>",)
        )
    return versions[-1].number
