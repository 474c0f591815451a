"""Whether a recorded run may be believed: structure, signatures, and every approval judged again.

The same check stands before a run is driven (protocol 5.1) and behind `gfr runs verify` (5.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from gitflow_runner.errors import GitflowError, RefusedError
from gitflow_runner.git.objects import Oid, RawObject, decode_commit
from gitflow_runner.git.refs import run_ref
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.chain import RecordedTurn, file_in, head_of, read_run, turns
from gitflow_runner.ledger.codec import decode_pin
from gitflow_runner.ledger.fsck import Finding, LookUp, verify_run
from gitflow_runner.ledger.listing import RunRef
from gitflow_runner.model.event import DecisionSeen, Recorded, RunStarted, WaitOpened, WaitResolved
from gitflow_runner.model.pin import Pin, ReleaseSource
from gitflow_runner.runner.answers import EXPIRED, NOTHING, decided
from gitflow_runner.runner.asked import as_asked
from gitflow_runner.runner.checkpoints import UNPROVEN
from gitflow_runner.runner.push_certs import FOLDER as PUSHES
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import RunnerLogs
from gitflow_runner.runner.witness import witnessed_evidence
from gitflow_runner.trust.approval import OpenWait
from gitflow_runner.trust.keyring import Keyring, Signed
from gitflow_runner.trust.landing import signed_merge
from gitflow_runner.trust.policy import Policy
from gitflow_runner.trust.pushcert import prove_push
from gitflow_runner.trust.quorum import Evidence, MergeApproval, SignedApproval, judge
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.statement import Start, parse_statement
from gitflow_runner.trust.turns import verify_turn
from gitflow_runner.trust.verify import is_unsigned_commit, prove

# True of the past, told to whoever looks, no reason to stop what was rightly decided then.
REMARKS = frozenset(("approved_by_revoked_key", UNPROVEN))


def check_run(
    runtime: Runtime,
    ref: str,
    *,
    tip: Oid | None = None,
    since: Oid | None = None,
    reader: ObjectReader | None = None,
    look_up: LookUp | None = None,
) -> tuple[Finding, ...]:
    """All findings about the run at `ref`, none if it is whole and everybody in it was allowed to.

    `since` is a turn of it up to which this clone verified everything before; with `look_up` the values
    beside Git are looked at too.
    """
    source: ObjectReader = reader if reader is not None else runtime.repository
    start = tip if tip is not None else source.resolve(ref)
    if start is None:
        return (Finding("run.unknown", None, f"no run is recorded at {ref}"),)
    try:
        pin = pin_of(source, start)
        policy = runtime.policies.newest()
    except GitflowError as error:
        return (Finding(error.code, start, error.message),)

    def check_turn(oid: Oid, data: bytes) -> Finding | None:
        return _check_turn(runtime, policy, pin, RawObject("commit", data))

    chain: list[RecordedTurn] = []
    findings = list(
        verify_run(source, ref, check_turn, tip=start, since=since, look_up=look_up, told=chain.append)
    )
    if not findings:
        if since is not None:
            chain[:0] = [*turns(source, since)][::-1]
        history = [recorded for turn in chain for recorded in turn.events]
        verified = 0 if since is None else read_run(source, since).seq
        if not verified:
            findings += _starts(source, history, pin, runtime.policies.at(pin.policy) or policy)
            findings += _proofs(source, start, pin)
        findings += _approvals(runtime, source, pin, chain, verified)
    return tuple(findings)


def examine(
    runtime: Runtime, at: RunRef, *, since: Oid | None = None, look_up: LookUp | None = None
) -> tuple[Finding, ...]:
    """All findings about a run that is recorded or fetched here, being moved back among them.

    With `since`, a turn that this clone verified, only what came after it is looked at; with `look_up` the
    values beside Git too.
    """
    known = runtime.local.verified_tip(at.run)
    stood = known if known is not None else _checkpoint(runtime, at)
    if stood is not None and stood != at.tip and not _continues(runtime, at, stood):
        text = f"the run stood at {stood}, which {at.tip} does not continue"
        rewritten = Finding("history_rewritten", at.tip, text)
        # Without own memory of it, what else is wrong with the other history is told too.
        return (rewritten, *(check_run(runtime, at.ref, tip=at.tip) if known is None else ()))
    return check_run(runtime, at.ref, tip=at.tip, since=since, look_up=look_up)


def _checkpoint(runtime: Runtime, at: RunRef) -> Oid | None:
    """Where the runners' logs saw the run last: what a clone without own memory of it goes by."""
    try:
        return RunnerLogs(runtime).tips().get(run_ref(at.slug, at.run))
    except RefusedError as error:
        # A log that was tampered with proves nothing for the run; it is a finding of the audit.
        runtime.say(f"a runner's log is not believed: {error.message}")
        return None


def _continues(runtime: Runtime, at: RunRef, stood: Oid) -> bool:
    """Whether the run goes on from there; one that was fetched may also be older than its checkpoint."""
    reader = runtime.repository
    if not reader.contains(stood):
        return at.remote is not None
    return reader.is_ancestor(stood, at.tip) or (at.remote is not None and reader.is_ancestor(at.tip, stood))


def is_signed_by_runner(runtime: Runtime, at: RunRef) -> bool:
    """Whether the last turn of a run is signed by a key that may drive it: what lists look at."""
    try:
        raw = runtime.repository.read(at.tip)
        return (
            _check_turn(runtime, runtime.policies.newest(), pin_of(runtime.repository, at.tip), raw) is None
        )
    except GitflowError:
        return False


def _check_turn(runtime: Runtime, policy: Policy | None, pin: Pin, raw: RawObject) -> Finding | None:
    verdict = verify_turn(
        raw,
        policy,
        pin.slug,
        first_seen=decode_commit(raw.data).committer.time * 1_000,
        draft=pin.is_draft,
        own_key=runtime.own_key,
    )
    return None if verdict.accepted else Finding(f"untrusted.{verdict.reason}", raw.oid, verdict.detail)


def require_trusted(runtime: Runtime, at: RunRef, *, act: str = "driven") -> None:
    """Refuse (`untrusted_run`) to act on what does not verify; what this clone verified stays so."""
    known = runtime.local.verified_tip(at.run)
    if known == at.tip:
        return
    findings = [f for f in examine(runtime, at, since=known) if f.code not in REMARKS]
    if findings:
        first = findings[0]
        raise RefusedError(
            "untrusted_run",
            f"run {at.run} is not {act}: {first.message} ({first.code})",
            hint="it is only shown until its history verifies",
            fix=(f"gfr runs verify {at.run}",),
            details={"findings": [f"{f.code} {f.commit or ''} {f.message}" for f in findings[:20]]},
        )
    runtime.local.set_verified_tip(at.run, at.tip)


def pin_of(reader: ObjectReader, tip: Oid) -> Pin:
    """What the run at this tip is bound to; `RefusedError` (`pin.missing`)."""
    data = file_in(reader, head_of(reader, tip)[0], "pin.json")
    if data is None:
        raise RefusedError("pin.missing", f"the run at {tip} has no pin.json")
    return decode_pin(data)


def _starts(
    reader: ObjectReader, history: Sequence[Recorded], pin: Pin, policy: Policy | None
) -> Iterable[Finding]:
    """The recorded starter is who signed the request to start this code with this input.

    `policy` is the one that was in force then: people may leave later.
    """
    started = history[0].event
    if not isinstance(started, RunStarted) or started.request is None:
        return
    oid = Oid(started.request)
    try:
        signed = prove(reader.read(oid), None if policy is None else policy.keyring)
        said = parse_statement(signed.message, Start)
    except GitflowError as error:
        yield Finding(error.code, oid, f"the start request: {error.message}")
        return
    if said.flow != started.slug or said.input != f"sha256:{started.input.digest}":
        yield Finding("start.mismatch", oid, "the start request is for another flow or another input")
    if (said.release or said.draft) != _source_of(pin):
        yield Finding("start.mismatch", oid, "the start request is for other code")
    if signed.fingerprint != started.starter_key:
        yield Finding("start.mismatch", oid, "the start request is signed by another key than recorded")
    owners = policy.keyring.owners(signed.key) if policy is not None else frozenset()
    if started.starter not in owners:
        yield Finding("start.mismatch", oid, f"the start request's key is not one of {started.starter}")


def _source_of(pin: Pin) -> str | None:
    return pin.source.tag_oid if isinstance(pin.source, ReleaseSource) else pin.source.commit


def _proofs(reader: ObjectReader, tip: Oid, pin: Pin) -> Iterable[Finding]:
    """A release's tag object lies in the run, byte for byte, under the id that the pin names."""
    if not isinstance(pin.source, ReleaseSource):
        return
    data = file_in(reader, head_of(reader, tip)[0], "proof/tag")
    if data is None:
        yield Finding("incomplete", tip, "the run does not carry its release tag")
    elif RawObject("tag", data).oid != pin.source.tag_oid:
        yield Finding("proof.tag", tip, "the release tag in the run is not the one that it is pinned to")


def _approvals(
    runtime: Runtime, reader: ObjectReader, pin: Pin, chain: Sequence[RecordedTurn], verified: int
) -> Iterable[Finding]:
    """Every decision after event #`verified`, judged again."""
    started = chain[0].events[0].event
    assert isinstance(started, RunStarted), "the fold begins with run.started"
    opened: dict[str, WaitOpened] = {}
    commits: dict[str, Oid] = {}
    seen: dict[str, dict[str, int]] = {}
    for oid, recorded in ((turn.oid, each) for turn in chain for each in turn.events):
        match recorded.event:
            case WaitOpened() as event:
                opened[event.folder], commits[event.folder] = event, oid
            case DecisionSeen() as event:
                seen.setdefault(event.folder, {}).setdefault(event.oid, recorded.at)
            case WaitResolved(outcome="approved" | "rejected") as event if recorded.seq > verified:
                wait = opened[event.folder]
                yield from _resolution(
                    runtime, reader, chain, commits[wait.folder], pin, started, wait, event, seen
                )
            case WaitResolved() as event if (
                recorded.seq > verified and opened[event.folder].wait == "approval"
            ):
                if not _without_decision(event, recorded.at > opened[event.folder].deadline):
                    text = f"{event.folder} is recorded as {event.outcome}, which nothing bears out"
                    yield Finding("approval.unproven", chain[-1].oid, text)
            case _:
                pass


def _without_decision(event: WaitResolved, late: bool) -> bool:
    """Whether an approval wait may end so where nobody decided: expired after its deadline, or cancelled."""
    fair = {"expired": (EXPIRED, late), "cancelled": (NOTHING, True)}.get(event.outcome)
    return event.action is None and not event.counted and fair == (event.value, True)


def _resolution(
    runtime: Runtime,
    reader: ObjectReader,
    chain: Sequence[RecordedTurn],
    commit: Oid,
    pin: Pin,
    started: RunStarted,
    wait: WaitOpened,
    resolved: WaitResolved,
    seen: dict[str, dict[str, int]],
) -> Iterable[Finding]:
    pinned, newest = runtime.policies.at(wait.policy), runtime.policies.newest()
    if pinned is None or newest is None:
        yield Finding("incomplete", commit, f"the policy that {wait.folder} pins is not in the trusted chain")
        return
    tree = decode_commit(reader.read(commit).data).tree
    carried = file_in(reader, tree, "wait/policy.edn")
    if carried != pinned.text:
        yield Finding("wait.policy", commit, f"{wait.folder} carries another policy than it pins")
        return
    asked = as_asked(started.run, wait, commit, tree, pin, started.starter)
    times = seen.get(wait.folder, {})
    witnessed, doubt = witnessed_evidence(reader, chain, started.run, wait, resolved, pinned, pin.slug)
    if doubt is not None:
        yield doubt
        return
    pushed = _certificates(reader, chain[-1].oid, resolved)
    evidence: list[Evidence] = [
        witnessed.get(o)
        or SignedApproval(Oid(o), times.get(o, wait.deadline), in_time=True, certificate=pushed.get(o))
        for o in resolved.counted
    ]
    # The outcome was reached under the pinned policy; what changed since is told apart, not undone.
    outcome = judge(asked, evidence, reader=reader, pinned=pinned, newest=pinned, now=wait.deadline)
    found: tuple[object, ...] = (outcome.state, outcome.action, outcome.by)
    if found != (resolved.outcome, resolved.action, resolved.by) or (
        resolved.value != decided(reader, outcome, tree)
    ):
        why = next((r.detail for r in outcome.results if not r.counted), "the quorum or the answer differs")
        yield Finding("approval.unproven", commit, f"{wait.folder} is recorded as {resolved.outcome}: {why}")
        return
    now = runtime.clock.now_ms()
    for result in outcome.results:
        proven = partial(_proven, reader, asked, result.oid, pushed)
        match witnessed.get(result.oid):
            case None:
                first = times.get(result.oid, now)
            case MergeApproval() as merge:
                first, proven = merge.seen, partial(signed_merge, merge.raw, merge.head)
            case _:
                continue  # no key of the person stands behind it
        try:
            _still_good(proven, pinned, newest, first, now)
        except GitflowError as error:
            if error.code == "signature.key_revoked":
                yield Finding(
                    "approved_by_revoked_key", result.oid, f"{result.principal}'s key was revoked since"
                )


def _certificates(reader: ObjectReader, tip: Oid, resolved: WaitResolved) -> Mapping[str, bytes]:
    """The certificates of signed pushes that the run carries for what counted."""
    tree = head_of(reader, tip)[0]
    found = {oid: file_in(reader, tree, PUSHES + oid) for oid in resolved.counted}
    return {oid: data for oid, data in found.items() if data is not None}


def _proven(
    reader: ObjectReader, asked: OpenWait, oid: Oid, pushed: Mapping[str, bytes], ring: Keyring
) -> Signed:
    raw = reader.read(oid)
    if oid in pushed and is_unsigned_commit(raw):
        return prove_push(pushed[oid], ring, oid=oid, run=asked.run, wait=asked.wait)
    return prove(raw, ring)


def _still_good(
    proven: Callable[[Keyring], Signed], pinned: Policy, newest: Policy, seen: int, now: int
) -> None:
    """Refuse what the newest policy no longer takes; a GPG key that left it is proven by the pinned one."""
    try:
        signed = proven(newest.keyring)
    except Refusal as refusal:
        if refusal.reason == "key_revoked":
            raise
        signed = proven(pinned.keyring)
    newest.keyring.who(signed, first_seen=seen, now=now)
