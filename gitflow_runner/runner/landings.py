"""Pushes that landed: a branch or tag that a live flow watches moved, so its run is started, once a commit.

What stood there when a worker looked first starts nothing. Several pushes between two looks are one move,
from the commit that was seen last to the newest. Branches of the runner's own start nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitflow_runner.errors import ConflictError, GitflowError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import HEADS, LIVE, RELEASES, TAGS, remote_branch_ref, trigger_ref
from gitflow_runner.ledger.firings import Firing, Firings, Seen, last_seen, read_firing, watched
from gitflow_runner.model.ids import RunId
from gitflow_runner.runner.drive import Stood
from gitflow_runner.runner.gate_runs import start_fired
from gitflow_runner.runner.gates import Gate, live_watchers
from gitflow_runner.runner.proposals import BRANCHES
from gitflow_runner.runner.records import require_record
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.start import new_run_id
from gitflow_runner.runner.sync import share_ref
from gitflow_runner.triggers.git import Move, landed
from gitflow_runner.trust.reasons import Refusal

PENDING_MS = 7 * 86_400_000  # how long a firing whose run did not begin is taken up again
_OWN = HEADS + BRANCHES


@dataclass(frozen=True, slots=True)
class Landed:
    """What came of one move: the run that was started and where it stood, or why none was."""

    about: str
    slug: str
    run: RunId | None = None
    stood: Stood | None = None
    problem: GitflowError | None = None


def start_landed(runtime: Runtime) -> Iterator[Landed]:
    """Start what the pushes since the last look ask for; killed anywhere, it is taken up from what stands."""
    memory = runtime.push_memory
    tips = _tips(runtime, memory.prefixes)
    if memory.settled == _basis(runtime, tips):
        return
    watchers = [watcher for watcher in live_watchers(runtime) if _may_drive(runtime, watcher)]
    prefixes = _prefixes(watchers)
    if prefixes != memory.prefixes:
        memory.prefixes = prefixes
        tips = _tips(runtime, prefixes)
    basis, quiet = _basis(runtime, tips), True
    for watcher in watchers:
        if runtime.stop():
            return
        for found in _of(runtime, watcher, tips):
            quiet = False
            yield found
    if quiet:
        memory.settled = basis


def _basis(runtime: Runtime, tips: Mapping[str, Oid]) -> object:
    return tuple(runtime.repository.refs(LIVE)), tuple(tips.items()), runtime.policies.tip()


def _prefixes(watchers: Sequence[Gate]) -> tuple[str, ...]:
    """Where the watched refs lie: their names, or the folders of those that are patterns."""
    patterns = {pattern for watcher in watchers for pattern in watcher.trigger.refs}
    return tuple(sorted({_folder(pattern) for pattern in patterns}))


def _folder(pattern: str) -> str:
    fixed = pattern.replace("?", "*").partition("*")[0]
    return pattern if fixed == pattern else fixed[: fixed.rindex("/") + 1]


def _tips(runtime: Runtime, prefixes: tuple[str, ...]) -> Mapping[str, Oid]:
    """Where branches and tags stand: here, or at the remote that runs are shared through."""
    repository, remote = runtime.repository, runtime.remote
    if remote is None:
        found = [*repository.refs(HEADS), *repository.refs(TAGS)]
    else:
        found = list(_remote_tips(runtime, remote, prefixes)) if prefixes else []
    return {name: oid for name, oid in found if not name.startswith((_OWN, RELEASES))}


def _remote_tips(runtime: Runtime, remote: str, prefixes: tuple[str, ...]) -> Iterator[tuple[str, Oid]]:
    """The remote's refs whose objects are here now; one that was moved back there is not moved here."""
    try:
        found = runtime.git.remote_refs(remote, prefixes)
        lacking = [name for name, oid in found if not runtime.repository.contains(oid)]
        specs = [f"{name}:{_kept_as(remote, name)}" for name in lacking if not name.startswith(_OWN)]
        if specs:
            runtime.git.fetch(remote, specs)
    except GitflowError as error:
        if not error.code.startswith("git."):
            raise
        runtime.say(f"what is watched at {remote}: {error.message}")
        if not isinstance(error, ConflictError):
            return
    yield from ((name, oid) for name, oid in found if runtime.repository.contains(oid))


def _kept_as(remote: str, name: str) -> str:
    return remote_branch_ref(remote, name.removeprefix(HEADS)) if name.startswith(HEADS) else name


def _may_drive(runtime: Runtime, watcher: Gate) -> bool:
    """Whether the policy lets this clone's runner drive that flow; one that may not leaves it to others."""
    policy = runtime.policies.newest()
    if policy is None:
        return False
    try:
        policy.check_runner(policy.keyring.owner(runtime.signer.key), "drive", watcher.slug)
    except Refusal:
        return False
    return True


def _of(runtime: Runtime, watcher: Gate, tips: Mapping[str, Oid]) -> Iterator[Landed]:
    matching = {ref: oid for ref, oid in tips.items() if watcher.guards(ref)}
    try:
        if watcher.problem is not None:
            raise watcher.problem
        chain = _Chain(runtime, watcher)
        chain.watch(matching)
    except GitflowError as error:
        yield Landed(watcher.name, watcher.slug, problem=error)
        return
    for ref, oid in matching.items():
        try:
            begun = chain.answer(ref, oid)
        except GitflowError as error:
            yield Landed(ref, watcher.slug, problem=error)
            continue
        if begun is not None:
            yield Landed(ref, watcher.slug, *begun)


class _Chain:
    """The firings of one watcher; where runs are shared, so is this chain, and the remote decides races."""

    def __init__(self, runtime: Runtime, watcher: Gate) -> None:
        self._runtime = runtime
        self._watcher = watcher
        self._ref = trigger_ref(watcher.slug, watcher.trigger.id)
        self._fetch()
        self._firings = Firings(
            runtime.repository,
            runtime.committer,
            watcher.slug,
            watcher.trigger.id,
            None if runtime.remote is None else self._share,
        )
        tip = self._tip()
        if tip is not None:
            then = "the pushes can be answered anew"
            require_record(runtime, watcher.slug, self._ref, tip, code="trigger.untrusted", then=then)

    def watch(self, matching: Mapping[str, Oid]) -> None:
        """Note what stands where the trigger watches for the first time; later refs are new pushes."""
        tip, patterns = self._tip(), self._watcher.trigger.refs
        if tip is not None and watched(self._runtime.repository, tip) == patterns:
            return
        new = [Seen(ref, oid) for ref, oid in matching.items() if self._seen(ref) is None]
        self._firings.watch(patterns, new, self._runtime.clock.now_ms())

    def answer(self, ref: str, at: Oid) -> tuple[RunId, Stood] | None:
        """Start the run for what came to stand at `ref`; a firing that was cut short comes first."""
        commit, seen = self._commit(at), self._seen(ref)
        if seen is not None and seen.delivery is not None:
            begun = self._take_up(seen.delivery)
            if begun is not None:
                return begun  # what came after it is for the next look
        if commit is None or (seen is not None and seen.tip == commit):
            return None
        move = Move(ref, None if seen is None else seen.tip, commit)
        wanted = landed(self._watcher.slug, self._watcher.trigger.id, move)
        runtime = self._runtime
        run, now = new_run_id(runtime), runtime.clock.now_ms()
        firing = Firing(wanted.delivery, wanted.about, run, now, wanted.facts, runtime.owner)
        known = self._firings.record(firing, Seen(ref, commit))
        return self._start(known, move)

    def _take_up(self, delivery: str) -> tuple[RunId, Stood] | None:
        tip = self._tip()
        firing = None if tip is None else read_firing(self._runtime.repository, tip, delivery)
        if firing is None or self._runtime.clock.now_ms() - firing.at > PENDING_MS:
            return None
        old, facts = firing.facts.get("old", ""), firing.facts
        move = Move(facts.get("ref", ""), Oid(old) if old.strip("0") else None, Oid(facts.get("new", "")))
        return self._start(firing, move)

    def _start(self, firing: Firing, move: Move) -> tuple[RunId, Stood] | None:
        if firing.owner != self._runtime.owner:
            return None  # another clone was first
        return start_fired(self._runtime, self._watcher, move, firing.run)

    def _tip(self) -> Oid | None:
        return self._runtime.repository.resolve(self._ref)

    def _seen(self, ref: str) -> Seen | None:
        tip = self._tip()
        return None if tip is None else last_seen(self._runtime.repository, tip, ref)

    def _commit(self, at: Oid) -> Oid | None:
        """The commit that a ref's object is or leads to; None for a tag of something else."""
        raw = self._runtime.repository.read(at)
        if raw.kind == "tag":
            at = self._runtime.repository.tag(at).target
            raw = self._runtime.repository.read(at)
        return at if raw.kind == "commit" else None

    def _fetch(self) -> None:
        runtime, remote = self._runtime, self._runtime.remote
        if remote is None:
            return
        there = dict(runtime.git.remote_refs(remote, (self._ref,))).get(self._ref)
        if there is not None and there != self._tip():
            runtime.git.fetch(remote, (f"{self._ref}:{self._ref}",))

    def _share(self, ref: str, old: Oid | None, new: Oid) -> None:
        try:
            share_ref(self._runtime, ref, old, new)
        except ConflictError:
            self._fetch()
            raise
