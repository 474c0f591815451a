"""What people sent: decisions and requests, judged by keys and policy and recorded at first sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gitflow_runner.errors import RefusedError
from gitflow_runner.git.objects import Ident, Oid, decode_commit
from gitflow_runner.git.refs import APPROVALS, approvals_prefix, inbox_of_run, parse_approval_ref
from gitflow_runner.git.repository import Repository
from gitflow_runner.model.event import DecisionSeen, Level, WaitOpened, WaitResolved
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.run import OpenWaitState, SeenDecision
from gitflow_runner.runner.answers import decided
from gitflow_runner.runner.asked import as_asked, deadline_under
from gitflow_runner.runner.attested import attested_in, evidence_of, level_of, place_in
from gitflow_runner.runner.buffer import Buffer
from gitflow_runner.runner.callbacks import Callbacks
from gitflow_runner.runner.changes import Changes, place_of
from gitflow_runner.runner.clock import Clock
from gitflow_runner.runner.clock_watch import ClockWatch
from gitflow_runner.runner.policies import Policies
from gitflow_runner.runner.push_certs import FOLDER as PUSHES
from gitflow_runner.runner.push_certs import certificates_for
from gitflow_runner.runner.requests import Requests
from gitflow_runner.trust.approval import OpenWait
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.quorum import Evidence, Outcome, Result, SignedApproval, judge

LOOK_EVERY_MS = 30_000  # inboxes are looked at at least this often (protocol 4.6)
MAX_RECORDED_REFUSALS = 64

# A person's fault is final; what hangs on the policy is judged again when that changes (protocol 6.6).
_AGAIN = frozenset(
    (
        "role",
        "key_not_allowed",
        "key_not_yet_valid",
        "key_expired",
        "key_revoked",
        "not_human",
        "starter_unknown",
        "unsigned",  # the certificate of its push may come after it
    )
)


class Inbox:
    """Looks for what concerns one driven run and records what it finds."""

    def __init__(
        self,
        *,
        repository: Repository,
        buffer: Buffer,
        policies: Policies,
        requests: Requests,
        clock: Clock,
        clock_watch: ClockWatch,
        pin: Pin,
        changes: Changes,
        settle: Callable[[], bool],
        callbacks: Callbacks,
        fetch: Callable[[], bool],
        require_fresh: Callable[[], None],
    ) -> None:
        """`settle` clears away what decided waits had proposed.

        `require_fresh` refuses to judge by a policy that may have changed where it is shared.
        """
        self._repository = repository
        self._buffer = buffer
        self._policies = policies
        self._requests = requests
        self._clock = clock
        self._pin = pin
        self._changes = changes
        self._settle = settle
        self._callbacks = callbacks
        self._fetch = fetch
        self._require_fresh = require_fresh
        self._fetched_at = clock.monotonic_ms()
        self._looked_at: int | None = None
        self._clock_watch = clock_watch
        self._judged: dict[str, tuple[object, ...]] = {}

    def is_due(self) -> bool:
        """Whether the last look is so long ago that another is owed."""
        return self._looked_at is None or self._clock.monotonic_ms() - self._looked_at >= LOOK_EVERY_MS

    def clock_doubt(self) -> str | None:
        """Why the wall clock is not believed now, None if it is; without it no time is judged."""
        return self._clock_watch.doubt(self._buffer.run.at)

    def look(self, *, fresh: bool = False) -> bool:
        """Read requests and decisions once; everything found is durable on return.

        Whoever drives has fetched before; here that is done again every 30 s, and with `fresh` in any case.
        False if the remote was not heard then, so that nobody may take its silence for an answer.
        """
        began = self._clock.now_ms()
        self._looked_at = self._clock.monotonic_ms()
        heard = True
        if fresh or self._looked_at - self._fetched_at >= LOOK_EVERY_MS:
            heard = self._fetch()
            self._fetched_at = self._looked_at
        if self._buffer.run.is_over:
            return heard
        self._requests.look()
        if self._buffer.run.is_over or self.clock_doubt() is not None:
            return heard
        for folder in [s.wait.folder for s in self._buffer.run.waits if s.wait.wait == "approval"]:
            heard = self._look_at(folder, began, fresh) and heard
        self._callbacks.look()
        self._note_late()
        self._settle()
        return heard

    def _look_at(self, folder: str, began: int, fresh: bool) -> bool:
        state = self._buffer.run.wait(folder)
        if state is None:
            return True
        heard = self._changes.look(state, fresh=fresh)
        state = self._buffer.run.wait(folder)
        if state is not None:
            self._decide(state, began)
        return heard

    def _note_late(self) -> None:
        """Record what came to waits that are over, so that its senders see why it counts for nothing."""
        sent = [
            (name, oid, parsed.wait)
            for name, oid in self._repository.refs(inbox_of_run(APPROVALS, self._buffer.run.run))
            if (parsed := parse_approval_ref(name)) is not None
        ]
        known: dict[str, set[str]] = {}
        over: dict[str, str] = {}
        for recorded in self._buffer.history if sent else ():
            match recorded.event:
                case DecisionSeen() as event:
                    known.setdefault(event.folder, set()).add(event.oid)
                case WaitResolved() as event:
                    over[event.folder] = "late" if event.outcome == "expired" else "resolved"
                case _:
                    pass
        late = []
        for name, oid, folder in sent:
            seen = known.setdefault(folder, set())
            if folder in over and oid not in seen and len(seen) < MAX_RECORDED_REFUSALS:
                seen.add(oid)
                late.append(DecisionSeen(folder, oid, name, over[folder], None, None, None, True))
        if late:
            self._buffer.add(*late)
            self._buffer.flush()

    def look_for_requests(self) -> None:
        """Read requests only: what stands before the announcing turn of an unsafe effect."""
        self._requests.look()

    def recheck(self, wait: WaitOpened, resolved: WaitResolved) -> None:
        """Hold an approval against the newest policy again, before the first effect after it.

        Raises `RefusedError` (`approval.withdrawn`): the run halts until the policy, or a person, settles it.
        """
        if wait.wait != "approval":
            return
        self._require_fresh()
        newest, pinned = self._policies.newest(), self._policies.at(wait.policy)
        if newest is None or pinned is None:
            raise RefusedError("policy.none", "the policy that the approval rests on is not known here")
        witnessed = self._witnessed(wait, resolved)
        if any(level_of(e) != "signed" for e in witnessed.values()) and not self._changes.may_attest():
            raise RefusedError(
                "approval.withdrawn",
                f"the approval of {wait.folder} rests on a forge's word, which this runner may not attest",
                hint="its effect was not begun; the policy has to give the runner :attest-forge",
                fix=("gfr policy show", f"gfr cancel {self._buffer.run.run}"),
            )
        sent = [oid for oid in resolved.counted if oid not in witnessed]
        pushed = self._certificates(wait.folder, sent, newest)
        signed = [SignedApproval(Oid(o), wait.deadline, True, pushed.get(o)) for o in sent]
        outcome = judge(
            self.as_asked(OpenWaitState(wait, 0)),
            [*self._timed(wait, signed), *witnessed.values()],
            reader=self._repository,
            pinned=pinned,
            newest=newest,
            now=self._clock.now_ms(),
        )
        if outcome.state != "approved":
            reasons = [f"{r.principal or 'somebody'}: {r.reason}" for r in outcome.results if not r.counted]
            raise RefusedError(
                "approval.withdrawn",
                f"the approval of {wait.folder} does not hold any more ({', '.join(reasons)})",
                hint="its effect was not begun; restore the people's rights, or cancel the run",
                fix=("gfr policy show", f"gfr cancel {self._buffer.run.run}"),
            )

    def _witnessed(self, wait: WaitOpened, resolved: WaitResolved) -> dict[str, Evidence]:
        """The evidence among what counted that the runner bore witness to."""
        seen = attested_in(self._buffer.history, wait.folder)
        place = place_in(self._buffer.history, self._buffer.run.run, wait)
        read = self._buffer.journal.read
        return {
            oid: evidence_of(seen[oid], place, read, in_time=True)
            for oid in resolved.counted
            if oid in seen and place is not None
        }

    def _certificates(self, folder: str, sent: Sequence[str], newest: Policy) -> Mapping[str, bytes]:
        run, read = self._buffer.run.run, self._buffer.journal.read
        return certificates_for(self._repository, sent, run, folder, newest.keyring, read)

    def _timed(self, wait: WaitOpened, evidence: Sequence[SignedApproval]) -> list[SignedApproval]:
        first: dict[str, int] = {}
        for recorded in self._buffer.history:
            if isinstance(recorded.event, DecisionSeen) and recorded.event.folder == wait.folder:
                first.setdefault(recorded.event.oid, recorded.at)
        return [replace(e, seen=first.get(e.oid, e.seen)) for e in evidence]

    def _decide(self, state: OpenWaitState, began: int) -> None:
        wait = state.wait
        found = self._found(state)
        newest, pinned = self._policies.newest(), self._policies.at(wait.policy)
        ends = deadline_under(wait, state.opened_at, newest, self._pin)
        attested = tuple(seen.oid for seen in state.attested)
        if newest is None or not (found or attested):
            return
        pushed = self._certificates(wait.folder, tuple(found), newest)
        over = (began > wait.deadline, began > ends)
        basis = (tuple(found), tuple(pushed.items()), attested, self._policies.tip(), over)
        if self._judged.get(wait.folder) == basis:
            return
        self._require_fresh()
        if pinned is None:
            raise RefusedError(
                "policy.policy_rewound",
                f"the policy that {wait.folder} pins is not in this clone's chain",
                hint="fetch the policy; the wait stays open until the pinned version is known here",
            )
        before = {seen.oid: seen for seen in state.seen}
        late_look = began > wait.deadline
        evidence: list[Evidence] = [
            SignedApproval(
                Oid(oid),
                before[oid].seen_at if oid in before else began,
                # What the first look begun after the deadline finds was there in time.
                in_time=late_look and oid not in before and ends == wait.deadline,
                certificate=pushed.get(oid),
            )
            for oid in found
        ]
        # What is attested of an open wait after its deadline was found by the look that ends it.
        on_time = ends == wait.deadline
        read = self._buffer.journal.read
        evidence += [
            evidence_of(seen, place_of(self._buffer.run.run, state), read, in_time=on_time)
            for seen in state.attested
        ]
        outcome = judge(
            replace(self.as_asked(state), deadline=ends),
            evidence,
            reader=self._repository,
            pinned=pinned,
            newest=newest,
            now=began,
            check_edit=None,
        )
        for result in outcome.results:
            if result.counted and result.oid in pushed:
                self._buffer.put(PUSHES + result.oid, pushed[result.oid])
        self._record(state, found, outcome, {e.oid: level_of(e) for e in evidence})
        self._judged[wait.folder] = basis

    def _found(self, state: OpenWaitState) -> dict[str, str]:
        # Seen ones come first and stay, whether or not their ref is still there: deleting withdraws nothing.
        # What the runner bears witness to is no decision of the inbox.
        final = {seen.oid for seen in state.seen if seen.final and seen.reason is not None}
        final |= {seen.oid for seen in state.attested}
        found = {seen.oid: "" for seen in state.seen if seen.oid not in final}
        prefix = approvals_prefix(self._buffer.run.run, state.wait.folder)
        for name, oid in self._repository.refs(prefix):
            if oid not in final:
                found[oid] = name
        return found

    def as_asked(self, state: OpenWaitState) -> OpenWait:
        """The wait as the judge needs it, from the ledger alone."""
        wait, run = state.wait, self._buffer.run
        commit = self._buffer.journal.wait_commit(wait.folder)
        tree = self._repository.commit(commit).tree
        return as_asked(run.run, wait, commit, tree, self._pin, run.starter)

    def _record(
        self, state: OpenWaitState, found: Mapping[str, str], outcome: Outcome, levels: Mapping[Oid, Level]
    ) -> None:
        before = {seen.oid: seen for seen in state.seen}
        refused = sum(1 for seen in state.seen if seen.reason is not None)
        for result in outcome.results:
            known = before.get(result.oid)
            if known is not None and _same(known, result):
                continue
            if result.reason is not None and known is None:
                refused += 1
                if refused > MAX_RECORDED_REFUSALS:
                    continue
            ref = found.get(result.oid, "")
            self._buffer.add(_seen(state.wait.folder, ref, result, levels[result.oid]))
        if outcome.state in ("approved", "rejected"):
            self._resolve(state, outcome)
        self._buffer.flush(author=self._author(outcome))

    def _resolve(self, state: OpenWaitState, outcome: Outcome) -> None:
        assert outcome.action is not None, "a decided wait has an action"
        self._buffer.add(
            WaitResolved(
                state.wait.identity,
                state.wait.folder,
                "approved" if outcome.state == "approved" else "rejected",
                outcome.action,
                outcome.by,
                tuple(outcome.evidence),
                decided(self._repository, outcome, self.as_asked(state).tree),
                outcome.edited,
            )
        )

    def _author(self, outcome: Outcome) -> Ident | None:
        for oid in reversed(outcome.evidence):
            raw = self._repository.read(oid) if self._repository.contains(oid) else None
            if raw is not None and raw.kind == "commit":
                return decode_commit(raw.data).author
        return None


def _same(known: SeenDecision, result: Result) -> bool:
    return known.reason == result.reason and known.principal == result.principal


def _seen(folder: str, ref: str, result: Result, level: Level) -> DecisionSeen:
    final = result.counted or result.reason not in _AGAIN
    action = result.decision.action if result.decision is not None else None
    return DecisionSeen(
        folder, result.oid, ref, result.reason, result.principal, result.fingerprint, action, final, level
    )
