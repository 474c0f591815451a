"""What pushed refs hold, judged by keys and policy as the runner will judge it when it reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.objects import Oid, RawObject, decode_commit
from gitflow_runner.git.refs import (
    APPROVALS,
    CALLBACKS,
    LIVE,
    LOGS,
    RELEASES,
    REQUESTS,
    RUNS,
    TRIGGERS,
    approvals_prefix,
    callbacks_prefix,
    live_ref,
    parse_approval_ref,
    parse_callback_ref,
    parse_live_ref,
    parse_log_ref,
    parse_request_ref,
    parse_run_ref,
    parse_trigger_ref,
    requests_prefix,
    run_ref,
)
from gitflow_runner.git.repository import Repository
from gitflow_runner.ledger.chain import file_in, head_of, read_run
from gitflow_runner.ledger.codec import decode_pin
from gitflow_runner.ledger.fsck import Finding, verify_run
from gitflow_runner.model.ids import EARLY
from gitflow_runner.model.pin import Pin
from gitflow_runner.model.run import OpenWaitState, Run
from gitflow_runner.runner.asked import as_asked
from gitflow_runner.runner.push_certs import certificates_for
from gitflow_runner.runner.pushed import Change, run_refs
from gitflow_runner.trust.approval import OpenWait
from gitflow_runner.trust.checkpoint import read_checkpoint
from gitflow_runner.trust.glass import read_break_glass
from gitflow_runner.trust.live import load_live, read_promotion_consent
from gitflow_runner.trust.log import load_log
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.policy_chain import PolicyChain, read_consent
from gitflow_runner.trust.pushcert import prove_push
from gitflow_runner.trust.quorum import SignedApproval, judge
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.release import verify_release
from gitflow_runner.trust.requests import read_answer, read_request, read_start
from gitflow_runner.trust.statement import BreakGlass, Checkpoint, PolicyChange, Promotion, parse_any
from gitflow_runner.trust.turns import verify_turn
from gitflow_runner.trust.verify import is_unsigned_commit, prove

MOST_FROM_ONE = 64  # refs of one person in one inbox
MOST_LOOKED_AT = 1_000
MOST_BYTES = 256 * 1024  # of a commit


@dataclass(frozen=True, slots=True)
class _Asked:
    """A wait as its own commit tells it."""

    wait: OpenWait
    pinned: Policy


def no_certificate() -> None:
    """What a push brings that is not signed."""


@dataclass(frozen=True)
class Received:
    """One push: the repository with its objects in it, the policy, the time, and where refs will stand."""

    repository: Repository
    chain: PolicyChain | None
    now: int
    pushed: Mapping[str, Oid | None]
    waits: dict[tuple[Oid, str, str], _Asked] = field(default_factory=dict)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)  # by inbox and principal, in this push
    certificate: Callable[[], bytes | None] = no_certificate  # of this push; refuses one that is not fresh
    held: dict[str, Counter[str]] = field(default_factory=dict)  # by inbox and owner, what lies there

    @property
    def policy(self) -> Policy:
        """The policy that judges; `RefusedError` (`policy.not_pinned`)."""
        if self.chain is None:
            raise RefusedError(
                "policy.not_pinned",
                "the server trusts no policy, so it cannot tell who may do this",
                hint="push the policy, then pin its root in the server's repository",
                fix=("gfr trust pin <digest>",),
            )
        return self.chain.newest

    def tip(self, name: str) -> Oid | None:
        """Where the ref will stand."""
        return self.pushed[name] if name in self.pushed else self.repository.resolve(name)


def check_content(change: Change, new: Oid, received: Received) -> None:
    """Refuse what nobody may put there; the codes are those of `trust` and of `runs verify`.

    The policy's own ref was judged when its chain was read. Leases, slots, jobs and the like are judged
    when they are read. Branches and gates' refs (`refs/for/`) are the gatekeeper's.
    """
    for prefix, check in _CHECKS.items():
        if change.name.startswith(prefix):
            check(change, new, received)


def _release(change: Change, new: Oid, received: Received) -> None:
    verify_release(received.repository, change.name, new, received.policy, now=received.now)


def _live(change: Change, new: Oid, received: Received) -> None:
    slug = parse_live_ref(change.name)
    assert slug is not None, "the name's form was checked"
    load_live(received.repository, new, slug, received.policy, now=received.now, known=change.old)


def _log(change: Change, new: Oid, received: Received) -> None:
    digest = parse_log_ref(change.name)
    assert digest is not None, "the name's form was checked"
    load_log(received.repository, new, digest, known=change.old)


def _run(change: Change, new: Oid, received: Received) -> None:
    """Every new turn is whole and signed by a runner that may drive the flow.

    A draft may be driven by a runner that the policy does not list, but by one and the same.
    """
    reader = received.repository
    base = change.old or new
    pin = _pin(reader, base)
    own = prove(reader.read(base)).fingerprint if pin.is_draft else None
    policy = received.policy

    def check_turn(oid: Oid, data: bytes) -> Finding | None:
        first_seen = decode_commit(data).committer.time * 1_000
        verdict = verify_turn(
            RawObject("commit", data),
            policy,
            pin.slug,
            first_seen=first_seen,
            draft=pin.is_draft,
            own_key=own,
        )
        return None if verdict.accepted else Finding(f"untrusted.{verdict.reason}", oid, verdict.detail)

    findings = verify_run(reader, change.name, check_turn, tip=new, since=change.old)
    if findings:
        first = findings[0]
        raise RefusedError(
            "untrusted_run",
            f"turn {first.commit or new}: {first.message} ({first.code})",
            hint="only a runner that the policy lists for this flow writes its runs",
            fix=("gfr policy show",),
        )


def _approval(change: Change, new: Oid, received: Received) -> None:
    at = parse_approval_ref(change.name)
    assert at is not None, "the name's form was checked"
    raw = _small(received, new)
    parents = decode_commit(raw.data).parents if raw.kind == "commit" else ()
    pushed = received.certificate() if is_unsigned_commit(raw) else None
    if pushed is None:
        prove(raw, received.policy.keyring)
    if len(parents) != 1:
        raise Refusal("parent", "an approval has exactly one parent, the wait commit")
    place = (parents[0], at.run_id, at.wait)
    asked = received.waits.get(place)
    if asked is None:
        asked = received.waits[place] = _asked(received, *place)
    outcome = judge(
        asked.wait,
        [SignedApproval(new, received.now, True, pushed)],  # the runner alone says what came too late
        reader=received.repository,
        pinned=asked.pinned,
        newest=received.policy,
        now=received.now,
    )
    result = outcome.results[0]
    if result.reason is not None:
        raise Refusal(result.reason, result.detail, hint=f"gfr show {at.run_id} {at.wait} says what counts")
    _count(received, approvals_prefix(at.run_id, at.wait), result.principal or "")


def _callback(change: Change, new: Oid, received: Received) -> None:
    at = parse_callback_ref(change.name)
    assert at is not None, "the name's form was checked"
    raw = _small(received, new)
    signed = prove(raw, received.policy.keyring)
    principal = received.policy.keyring.who(signed, first_seen=received.now, now=received.now)
    parents = decode_commit(raw.data).parents
    early = at.wait == EARLY
    if not early and len(parents) != 1:
        raise Refusal("parent", "a callback has exactly one parent, the turn that opened the wait")
    read_answer(
        raw,
        received.repository,
        run=at.run_id,
        wait=None if early else at.wait,
        opened=None if early else parents[0],
        keys=frozenset((signed.fingerprint,)),
        first_seen=received.now,
        max_skew=received.policy.skew_ms,
    )
    if early:
        if not run_refs(received.repository, at.run_id):
            raise Refusal("run", f"no run {at.run_id} is known here")
        if received.policy.people[principal].kind == "runner":
            raise Refusal("role", f"{principal} is a runner, which answers nothing")
    elif _open_wait(received, parents[0], at.run_id, at.wait)[1].wait.wait != "event":
        raise Refusal("wait", f"{at.wait} is for people's decisions, not for callbacks")
    _count(received, callbacks_prefix(at.run_id, at.wait), principal)


def _request(change: Change, new: Oid, received: Received) -> None:
    at = parse_request_ref(change.name)
    assert at is not None, "the name's form was checked"
    raw, now = _small(received, new), received.now
    reader, policy = received.repository, received.policy
    if at.run_id is None:
        principal = _wish(raw, received)
    else:
        refs = [name for name, _ in run_refs(reader, at.run_id)]
        parts = parse_run_ref(refs[0]) if refs else None
        slug = None if parts is None else parts.slug
        read = read_request(raw, reader, policy, slug, first_seen=now, now=now)
        if read.request.run != at.run_id:
            raise Refusal("run", f"the request is for run {read.request.run}")
        principal = read.principal
    _count(received, requests_prefix(at.run_id), principal)


def _wish(raw: RawObject, received: Received) -> str:
    """Who says what needs no run: start one, change the policy, let a commit past its gate."""
    reader, policy, now = received.repository, received.policy, received.now
    match parse_any(prove(raw, policy.keyring).message):
        case PolicyChange():
            assert received.chain is not None, "a policy is in force"
            signed, _ = read_consent(reader, raw.oid, received.chain.tip.oid, policy)
            name = policy.keyring.who(signed, first_seen=now, now=now)
            return policy.check_duty(policy.policy_change, name, None).name
        case Promotion() as said:
            before = received.tip(live_ref(said.flow))
            return read_promotion_consent(reader, raw.oid, before, policy, now=now)[0]
        case Checkpoint():
            return read_checkpoint(raw, reader, policy, now=now).principal
        case BreakGlass():
            return read_break_glass(raw, policy, now=now, ttl_ms=policy.skew_ms)[0]
        case _:
            return read_start(raw, reader, policy, first_seen=now, now=now, steers=False).principal


def _asked(received: Received, commit: Oid, run_id: str, folder: str) -> _Asked:
    """The wait that a commit opened, as the commit's own tree tells it."""
    run, state, pin = _open_wait(received, commit, run_id, folder)
    wait = state.wait
    if wait.wait != "approval":
        raise Refusal("wait", f"{folder} takes no approvals")
    policy = received.policy
    assert received.chain is not None, "a policy is in force"
    pinned = None if wait.policy is None else received.chain.at(Oid(wait.policy))
    if pinned is None:
        raise Refusal("wait", f"the policy that {folder} pins is not in the chain that is trusted here")
    raw = received.repository.read(commit)
    verdict = verify_turn(
        raw,
        policy,
        run.slug,
        first_seen=decode_commit(raw.data).committer.time * 1_000,
        draft=pin.is_draft,
        own_key=prove(raw).fingerprint,
    )
    if not verdict.accepted:
        raise Refusal("parent", f"the wait commit {commit} is not a runner's: {verdict.detail}")
    open_wait = as_asked(run.run, wait, commit, decode_commit(raw.data).tree, pin, run.starter)
    return _Asked(open_wait, pinned)


def _open_wait(received: Received, commit: Oid, run_id: str, folder: str) -> tuple[Run, OpenWaitState, Pin]:
    """The wait that this commit opened; refuses `parent`, `run`, `wait` and `resolved`."""
    reader = received.repository
    try:
        run, pin = read_run(reader, commit), _pin(reader, commit)
    except GitflowError as problem:
        raise Refusal("parent", f"{commit} is no turn of a run: {problem.message}") from None
    if run.run != run_id:
        raise Refusal("run", f"{commit} is a turn of run {run.run}")
    state = run.wait(folder)
    if state is None or file_in(reader, head_of(reader, commit)[0], "wait/payload.edn") is None:
        raise Refusal("wait", f"{commit} did not open {folder}")
    tip = received.tip(run_ref(run.slug, run.run))
    if tip is not None:
        if not received.repository.is_ancestor(commit, tip):
            raise Refusal("parent", f"{commit} is not in the history of run {run_id}")
        if read_run(reader, tip).wait(folder) is None:
            raise Refusal("resolved", f"{folder} is closed")
    return run, state, pin


def _pin(reader: Repository, commit: Oid) -> Pin:
    data = file_in(reader, head_of(reader, commit)[0], "pin.json")
    if data is None:
        raise RefusedError("pin.missing", f"the commit {commit} has no pin.json, so it is no turn of a run")
    return decode_pin(data)


def _small(received: Received, oid: Oid) -> RawObject:
    raw = received.repository.read(oid)
    if raw.kind != "commit":
        raise Refusal("malformed", f"a statement is a commit, not a {raw.kind}")
    if len(raw.data) > MOST_BYTES:
        raise Refusal("malformed", f"a commit of more than {MOST_BYTES} bytes")
    return raw


def _count(received: Received, inbox: str, principal: str) -> None:
    """Refuse (`inbox.full`) more than a person's share; who sends much keeps nobody else out."""
    received.sent[inbox, principal] += 1
    there = received.repository.refs(inbox)
    found = received.sent[inbox, principal]
    if found + len(there) > MOST_FROM_ONE:
        if inbox not in received.held:
            owners = _owners(received, there[:MOST_LOOKED_AT])
            received.held[inbox] = Counter(name for names in owners for name in names)
        found += received.held[inbox][principal]
    if found > MOST_FROM_ONE:
        raise RefusedError("inbox.full", f"{inbox} holds {MOST_FROM_ONE} commits of {principal} already")


def _owners(received: Received, there: Sequence[tuple[str, Oid]]) -> Iterator[frozenset[str]]:
    """Whose each commit of one inbox is, by its own signature or that of the push which brought it."""
    reader, ring = received.repository, received.policy.keyring
    at = parse_approval_ref(there[0][0]) if there else None
    pushed: Mapping[str, bytes] = {}
    if at is not None:
        sent = [oid for _, oid in there]
        pushed = certificates_for(reader, sent, at.run_id, at.wait, ring, lambda path: None)
    for _, oid in there:
        try:
            if at is not None and oid in pushed:
                signed = prove_push(pushed[oid], ring, oid=oid, run=at.run_id, wait=at.wait)
            else:
                signed = prove(reader.read(oid), ring)
        except Refusal:
            yield frozenset()
        else:
            yield ring.owners(signed.key)


def _trigger(change: Change, new: Oid, received: Received) -> None:
    """Firings are a runner's record: whoever else writes them hides runs or keeps them from starting."""
    at = parse_trigger_ref(change.name)
    assert at is not None, "the name's form was checked"
    try:
        signed = prove(received.repository.read(new))
        name = received.policy.keyring.who(signed, first_seen=received.now, now=received.now)
        received.policy.check_runner(name, "drive", at.first)
    except Refusal as refusal:
        raise RefusedError("trigger.untrusted", f"no runner's record: {refusal.message}") from None


_CHECKS: Mapping[str, Callable[[Change, Oid, Received], None]] = {
    RELEASES: _release,
    LIVE: _live,
    LOGS: _log,
    RUNS: _run,
    APPROVALS: _approval,
    CALLBACKS: _callback,
    REQUESTS: _request,
    TRIGGERS: _trigger,
}
