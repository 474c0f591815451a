"""Triggers on pushes in force, guards and watchers of refs: as live releases declare them, and no draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gitflow_runner.catalog.loader import load
from gitflow_runner.catalog.sources import CommitTexts
from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import ALL, LIVE, parse_live_ref, release_tag
from gitflow_runner.model.flow import Flow, PushTrigger
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs
from gitflow_runner.triggers.base import starter_of
from gitflow_runner.triggers.git import gates_of, guards, watches_of
from gitflow_runner.trust.live import load_live, read_promotions
from gitflow_runner.trust.release import Release, verify_release
from gitflow_runner.trust.statement import Promotion


@dataclass(frozen=True, slots=True)
class Gate:
    """One trigger of a flow's live release, mostly a guard; `problem` says why it cannot be believed.

    A guard that cannot be believed guards all the same and lets nothing in.
    """

    slug: str
    version: int
    release: Oid  # the tag object
    trigger: PushTrigger
    signed: Release | None = None
    problem: GitflowError | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """How people name it."""
        return f"{self.slug}/{self.trigger.id}"

    @property
    def starter(self) -> str:
        """The starter of its runs."""
        return starter_of(self.trigger.id)

    def guards(self, ref: str) -> bool:
        """Whether it is about this ref, named in full."""
        return guards(self.trigger, ref)


def live_gates(runtime: Runtime) -> tuple[Gate, ...]:
    """All gates of all flows that are live; nothing is written, so that a hook may ask.

    Raises `RefusedError`: `policy.none` where something is live and no policy is trusted, `gate.unreadable`
    where the live release of a flow cannot be read, so that nobody can tell what it guards.
    """
    live = [(parse_live_ref(ref), tip) for ref, tip in runtime.repository.refs(LIVE)]
    return tuple(
        gate for slug, tip in live if slug is not None for gate in _in_force(runtime, slug, tip, _GUARDS)
    )


def live_watchers(runtime: Runtime) -> tuple[Gate, ...]:
    """What starts a run when a push has landed; a release that cannot be read is said, and starts nothing."""
    found: list[Gate] = []
    for ref, tip in runtime.repository.refs(LIVE):
        slug = parse_live_ref(ref)
        try:
            found += () if slug is None else _in_force(runtime, slug, tip, _WATCHERS)
        except GitflowError as error:
            runtime.say(f"pushes start nothing of {slug}: {error.message}")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of triggers: `letters` stand in every file that could declare one."""

    letters: bytes
    of: Callable[[Flow], tuple[PushTrigger, ...]]


_GUARDS = _Kind(b"gate", gates_of)
_WATCHERS = _Kind(ALL.encode(), watches_of)


def _in_force(runtime: Runtime, slug: str, tip: Oid, kind: _Kind) -> Iterator[Gate]:
    said = _promoted(runtime, slug, tip)
    if said is None:
        return
    flow = _flow(runtime, slug, said, kind.letters)
    triggers = () if flow is None else kind.of(flow)
    if not triggers:
        return
    signed: Release | None = None
    problem: GitflowError | None = None
    try:
        signed = _verified(runtime, slug, tip)
        if flow is not None and signed.text.digest not in (flow.digest, f"sha256:{flow.digest}"):
            raise RefusedError("release_moved", f"v{said.version} of {slug} is not what its tag states")
    except GitflowError as error:
        problem = error
    for trigger in triggers:
        yield Gate(slug, said.version, said.release, trigger, signed, problem)


def _promoted(runtime: Runtime, slug: str, tip: Oid) -> Promotion | None:
    """The release that the promotion in force names, whoever signed it; None for a retired flow."""
    try:
        last = read_promotions(runtime.repository, tip, slug)[-1].promotion
    except GitflowError as error:
        raise _unreadable(slug, error) from error
    return None if last.action == "retire" else last


def _flow(runtime: Runtime, slug: str, said: Promotion, letters: bytes) -> Flow | None:
    """The promoted flow; None where no file of it holds these letters, which saves reading it as EDN."""
    repository = runtime.repository
    try:
        commit = repository.tag(said.release).target
        texts = CommitTexts(repository, commit)
        # A key can be put together by the reader (`#:_{…}` spells `:gate` otherwise), its letters cannot.
        if not any(letters in (texts.read(name) or b"") for name in texts.names()):
            return None
        return load(texts, slug)
    except GitflowError as error:
        raise _unreadable(slug, error) from error


def _verified(runtime: Runtime, slug: str, tip: Oid) -> Release:
    policy, now, logs = runtime.policies.require(), runtime.clock.now_ms(), RunnerLogs(runtime)
    chain = load_live(
        runtime.repository,
        tip,
        slug,
        policy,
        now=now,
        known=logs.promotion(slug),
        seen=logs.first_seen(),
    )
    said = chain.tip.promotion
    ref = release_tag(slug, said.version)
    found = runtime.repository.resolve(ref)
    if found != said.release or logs.release(ref) not in (None, found):
        code = "release_missing" if found is None else "release_moved"
        raise RefusedError(code, f"{ref} is not the tag object {said.release} that was promoted")
    return verify_release(
        runtime.repository, ref, found, policy, now=now, logged=logs.seen(found), reaffirmed=True
    )


def _unreadable(slug: str, error: GitflowError) -> RefusedError:
    return RefusedError(
        "gate.unreadable",
        f"the live release of {slug} cannot be read, so nobody can tell what it guards: {error.message}",
        hint="mend it, or retire the flow; until then no branch moves here",
        fix=(f"gfr versions {slug}", f"gfr retire {slug}"),
    )
