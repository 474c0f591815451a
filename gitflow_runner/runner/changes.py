"""Looking at the proposals of a run: asks the forge, holds its word against Git, and bears witness.

What is found becomes durable before it is judged; a webhook is only a reason to look sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitflow_runner.errors import GitflowError, StepError
from gitflow_runner.forges.base import Raw, Told
from gitflow_runner.git.objects import RawObject, blob
from gitflow_runner.model.change import ChangeOpened, ChangeSeen, DecisionAttested, Proposal
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.run import OpenWaitState
from gitflow_runner.runner.asked import as_asked
from gitflow_runner.runner.attested import FOLDER, Place, place_at, raw_files, record_of
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.forge_desk import ForgeDesk
from gitflow_runner.runner.forge_memory import ForgeMemory
from gitflow_runner.runner.proposals import Proposals
from gitflow_runner.trust.approval import REJECT
from gitflow_runner.trust.changes import Bench, Weighed, Witnessed, weigh_change, weigh_content
from gitflow_runner.trust.landing import Landing, find_landing, signed_merge
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.terms import terms_of

LOOK_EVERY_MS = 30_000
MAX_REST_MS = 3_600_000
APPROVE = "approve"
NO_ATTESTER = "change.no_attester"

# Families of what may go wrong there.
OUTSIDE = ("change.", "connection.", "forge.", "git.", "http.", "propose.", "secret.", "step.")

# What a forge answers wrongly stays told until it answers well; what passes by itself is only said.
_TOLD = frozenset(
    (
        "change.too_far",
        "connection.refused",
        "connection.unbound",
        "forge.denied",
        "forge.malformed",
        "forge.no_change",
        "forge.redirect",
        "forge.refused",
        "forge.replayed_etag",
        "forge.settings",
        "forge.unknown_kind",
        "git.fetch_rejected",
        "propose.branch_taken",
        "secret.missing",
        "secret.not_allowed",
        "secret.unfit",
        "secret.unknown",
    )
)


@dataclass(frozen=True, slots=True)
class _Found:
    """One look: where the proposal stands, and the answers and the commit that say so."""

    weighed: Weighed
    landing: Landing | None = None
    raw: tuple[Raw, ...] = ()
    merge: RawObject | None = None


class Changes:
    """The proposals of one driven run."""

    def __init__(
        self, desk: ForgeDesk, proposals: Proposals, buffer: Buffer, pin: Pin, memory: ForgeMemory
    ) -> None:
        self._desk = desk
        self._runtime = desk.runtime
        self._proposals = proposals
        self._buffer = buffer
        self._pin = pin
        self._memory = memory

    def look(self, state: OpenWaitState, *, fresh: bool) -> bool:
        """Look at one wait's proposal if that is due or `fresh`; what is found is durable on return.

        False if the forge or its remote was not heard, so that nobody may take its silence for an answer.
        """
        if state.wait.proposal is None:
            return True
        key = (self._buffer.run.run, state.wait.folder)
        now = self._runtime.clock.monotonic_ms()
        if not fresh and now < self._memory.next_look.get(key, now):
            return True
        self._memory.next_look[key] = now + LOOK_EVERY_MS
        if fresh:
            self._memory.kept.clear()  # no answer from memory settles what a deadline ends
        try:
            self._proposals.ensure(state)
            opened = self._open(state)
            if opened.change is None:
                return True
            self._record(opened, self._find(opened, opened.change, state.wait.proposal))
        except GitflowError as error:
            return self._troubled(state, key, error)
        return True

    def _open(self, state: OpenWaitState) -> OpenWaitState:
        found = self._buffer.run.wait(state.wait.folder)
        return state if found is None else found

    def _troubled(self, state: OpenWaitState, key: tuple[str, str], error: GitflowError) -> bool:
        if not error.code.startswith(OUTSIDE):
            raise error
        if isinstance(error, StepError) and error.retry_after_ms is not None:
            rest = min(error.retry_after_ms, MAX_REST_MS)
            self._memory.next_look[key] = self._runtime.clock.monotonic_ms() + rest
        self._runtime.say(f"the change of {state.wait.folder} was not looked at: {error}")
        if error.code not in _TOLD:
            return False
        self._note(self._open(state), Weighed("unproven", error.code))
        self._buffer.flush()
        return True

    def _find(self, state: OpenWaitState, opened: ChangeOpened, proposal: Proposal) -> _Found:
        self._desk.fetch(proposal.target)
        told: Told | None = None
        if opened.number is not None:
            told = self._desk.forge.look(self._desk.site, opened.number, self._desk.ports(self._memory))
        landing = self._landing(proposal)
        if told is not None and told.change.state == "merged" and landing is None:
            # It may have been merged between the fetch and the question.
            self._desk.fetch(proposal.target)
            landing = self._landing(proposal)
        bench = self._bench(state)
        if told is not None:
            weighed = weigh_change(proposal, opened, told.change, landing, bench)
            return _Found(weighed, landing, tuple(self._hidden(raw) for raw in told.raw))
        merge = self._signed(proposal, landing)
        return _Found(weigh_content(landing, bench, merged_by_key=merge is not None), landing, (), merge)

    def _landing(self, proposal: Proposal) -> Landing | None:
        tip = self._desk.tip(proposal.target)
        return None if tip is None else find_landing(self._runtime.repository, tip, proposal)

    def _signed(self, proposal: Proposal, landing: Landing | None) -> RawObject | None:
        if landing is None:
            return None
        raw = self._runtime.repository.read(landing.commit)
        try:
            signed_merge(raw, proposal.head, self._runtime.policies.require().keyring)
        except Refusal:
            return None
        return raw

    def _bench(self, state: OpenWaitState) -> Bench:
        policies = self._runtime.policies
        newest, pinned = policies.newest(), policies.at(state.wait.policy)
        proofs: frozenset[str] = frozenset()
        if newest is not None and pinned is not None:
            commit = self._buffer.journal.wait_commit(state.wait.folder)
            tree = self._runtime.repository.commit(commit).tree
            run = self._buffer.run
            asked = as_asked(run.run, state.wait, commit, tree, self._pin, run.starter)
            try:
                proofs = terms_of(asked, pinned, newest).proofs
            except Refusal:
                proofs = frozenset()  # no rule fits any more: nothing is taken
        actions = state.wait.actions
        return Bench(
            proofs,
            APPROVE if APPROVE in actions else None,
            REJECT in actions,
            lambda number: newest is not None and newest.account(self._desk.named.name, number) is not None,
        )

    def may_attest(self) -> bool:
        """Whether this clone's key may bear witness for a forge, by the policy in force."""
        policy = self._runtime.policies.newest()
        return policy is not None and may_attest(policy, self._runtime.own_key or "", self._pin.slug)

    def _record(self, state: OpenWaitState, found: _Found) -> None:
        weighed = found.weighed
        needs_trust = any(d.proof != "signed-commit" for d in weighed.decisions)
        if needs_trust and not self.may_attest():
            weighed = Weighed(weighed.standing, NO_ATTESTER, (), weighed.notes)
        self._note(state, weighed)
        known = {(seen.proof, seen.action, seen.account) for seen in state.attested}
        new = [
            d
            for d in weighed.decisions
            if (d.proof, d.action, None if d.account is None else d.account.id) not in known
        ]
        if new:
            self._attest(state, new, found)
        self._buffer.flush()

    def _attest(self, state: OpenWaitState, decisions: Sequence[Witnessed], found: _Found) -> None:
        place = place_of(self._buffer.run.run, state)
        now = self._runtime.clock.now_ms()
        landed = None if found.landing is None else found.landing.commit
        for path, data in raw_files(found.raw).items():
            self._buffer.put(path, data)
        for decision in decisions:
            if decision.proof == "signed-commit":
                assert found.merge is not None, "a signed merge was weighed because there is one"
                oid, data = found.merge.oid, found.merge.data
            else:
                data = record_of(place, decision, self._desk.named.name, landed, now, found.raw)
                oid = blob(data).oid
            self._buffer.put(FOLDER + oid, data)
            who = decision.account
            self._buffer.add(
                DecisionAttested(
                    state.wait.folder,
                    oid,
                    decision.proof,
                    decision.action,
                    None if who is None else self._desk.named.name,
                    None if who is None else who.id,
                )
            )

    def _note(self, state: OpenWaitState, weighed: Weighed) -> None:
        seen = ChangeSeen(state.wait.folder, weighed.standing, weighed.reason, weighed.notes)
        if seen != (state.standing or ChangeSeen(state.wait.folder, "open")):
            self._buffer.add(seen)

    def _hidden(self, raw: Raw) -> Raw:
        """The answer without the token, should the forge have repeated it."""
        token = self._desk.site.token
        if not token or token.encode() not in raw.body:
            return raw
        return Raw(raw.url, raw.etag, raw.body.replace(token.encode(), b"***"))


def place_of(run: str, state: OpenWaitState) -> Place:
    """What decisions on this wait's proposal are about."""
    assert state.wait.proposal is not None, "only a wait that proposes is witnessed"
    return place_at(run, state.wait, state.wait.proposal, state.change)


def may_attest(policy: Policy, fingerprint: str, slug: str) -> bool:
    """Whether the runner with this key may bear witness for a forge about that flow's waits."""
    for person in policy.people.values():
        if any(key.key.fingerprint == fingerprint for key in person.keys):
            try:
                policy.check_runner(person.name, "attest-forge", slug)
            except Refusal:
                return False
            return True
    return False
