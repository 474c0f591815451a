"""Two states of a flow side by side: releases, live, a branch, or the work tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitflow_runner.catalog.diff import Change, diff_flows, diff_sources
from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.releases import list_versions
from gitflow_runner.errors import GitflowError, NotFoundError, UsageError
from gitflow_runner.git.objects import decode_tag
from gitflow_runner.model.flow import Flow
from gitflow_runner.runner.code import resolve_code
from gitflow_runner.runner.lint import flow_texts
from gitflow_runner.runner.releases import live_chain, verified_release
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs
from gitflow_runner.trust.release import release_notes

DRAFT = "draft"
_LABEL = re.compile(r"^Label: (\d{1,6})\.(\d{1,6})\.(\d{1,6})$", re.MULTILINE)
BUMPS = ("major", "minor", "patch")


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs from `before` to `after`, in the words of flows and in the sources."""

    before: str
    after: str
    changes: tuple[Change, ...]
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    """One release as `gfr versions` shows it; `problem` is why it is not to be trusted, None if it is."""

    number: int
    tag: str
    oid: str
    commit: str | None
    principal: str | None
    released_at: int | None  # ms, by the tag's own claim
    first_seen: int | None  # ms, by the runners' logs
    notes: str
    live: bool
    problem: str | None = None
    detail: str = ""


def compare(runtime: Runtime, slug: str, asked: str | None) -> Compared:
    """Compare the two ends of `A..B`; an end left out is live (else the newest release), or the draft.

    Raises `UsageError` (`diff.range`) and what resolving the ends raises.
    """
    first, _, second = (asked or "").partition("..")
    if second.startswith(".") or ".." in second:
        raise UsageError("diff.range", f"{asked!r:.80} is no range: write v2..v3, or live..draft")
    before = first or _latest(runtime, slug)
    after = second or DRAFT
    old, new = flow_at(runtime, slug, before), flow_at(runtime, slug, after)
    return Compared(before, after, diff_flows(old, new), diff_sources(old, new, (before, after)))


def flow_at(runtime: Runtime, slug: str, ref: str) -> Flow:
    """The flow at `draft`, `live`, `v<N>` or a branch; a release is verified before it is read."""
    if ref == DRAFT:
        return load(flow_texts(runtime), slug)
    return resolve_code(runtime, slug, ref).flow


def _latest(runtime: Runtime, slug: str) -> str:
    chain = live_chain(runtime, slug)
    if chain is not None and chain.live is not None:
        return "live"
    versions = list_versions(runtime.repository, slug)
    if not versions:
        raise NotFoundError(
            "release.unknown",
            f"{slug} has no release to compare with",
            hint="name two branches",
            fix=(f"gfr diff {slug} main..draft", f"gfr release {slug}"),
        )
    return f"v{versions[-1].number}"


def since_last(runtime: Runtime, slug: str) -> Compared | None:
    """What a release of the work tree would change over the newest one, None for a first release.

    A newest release that does not verify is no reason to release nothing: then there is no comparison.
    """
    versions = list_versions(runtime.repository, slug)
    if not versions:
        return None
    try:
        return compare(runtime, slug, f"v{versions[-1].number}..{DRAFT}")
    except GitflowError as error:
        runtime.say(f"v{versions[-1].number} cannot be compared with: {error.message}")
        return None


def before_promotion(runtime: Runtime, slug: str, version: int | None) -> Compared | None:
    """What making a version live (the newest if None) would change; None where nothing is live."""
    listed = list_versions(runtime.repository, slug)
    target = version if version is not None or not listed else listed[-1].number
    try:
        chain = live_chain(runtime, slug)
        if target is None or chain is None or chain.live is None:
            return None
        return compare(runtime, slug, f"v{chain.live.version}..v{target}")
    except GitflowError as error:
        runtime.say(f"live of {slug} cannot be compared with: {error.message}")
        return None


def next_label(runtime: Runtime, slug: str, bump: str) -> str:
    """The line that labels the next release `Label: X.Y.Z`, counted on from the newest label; for people."""
    found = (0, 0, 0)
    for version in reversed(list_versions(runtime.repository, slug)):
        match = _LABEL.search(release_notes(runtime.repository.tag(version.tag).message.encode()))
        if match is not None:
            found = (int(match[1]), int(match[2]), int(match[3]))
            break
    place = BUMPS.index(bump)
    parts = [*found[:place], found[place] + 1, *[0] * (2 - place)]
    return "Label: " + ".".join(map(str, parts))


def versions(runtime: Runtime, slug: str) -> tuple[VersionView, ...]:
    """All releases of a flow, the first one first, each verified; `NotFoundError` for a flow without any."""
    listed = list_versions(runtime.repository, slug)
    if not listed:
        raise NotFoundError(
            "release.unknown", f"{slug} has no release yet", fix=(f"gfr release {slug} -m <notes>",)
        )
    try:
        chain = live_chain(runtime, slug)
    except GitflowError as error:
        runtime.say(f"live of {slug}: {error.message}")
        chain = None
    live = chain.live if chain is not None else None
    logs = RunnerLogs(runtime)
    seen = logs.first_seen()
    found = []
    for version in listed:
        tag = version.ref(slug)
        problem, detail, principal = None, "", None
        commit = at = None
        notes = ""
        try:
            raw = decode_tag(runtime.repository.read(version.tag).data)
            notes = release_notes(raw.message.encode())
            commit, at = raw.target, raw.tagger.time * 1_000 if raw.tagger is not None else None
            affirmed = live.release if live is not None and live.version == version.number else None
            principal = verified_release(
                runtime, slug, version.number, reaffirmed=affirmed, logs=logs
            ).principal
        except GitflowError as error:
            problem, detail = error.code, error.message
        is_live = live is not None and live.version == version.number
        found.append(
            VersionView(
                version.number,
                tag,
                version.tag,
                commit,
                principal,
                at,
                seen.get(version.tag),
                notes,
                is_live,
                problem,
                detail,
            )
        )
    return tuple(found)
