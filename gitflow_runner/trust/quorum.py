"""Distinct people counted over the approvals of one wait: open, approved, rejected or expired."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never

from gitflow_runner.errors import DamagedError
from gitflow_runner.git.objects import Oid, RawObject, decode_commit
from gitflow_runner.git.repository import Objects
from gitflow_runner.trust.approval import REJECT, Decision, OpenWait, edit_files, read_decision
from gitflow_runner.trust.eligible import check_key, check_person
from gitflow_runner.trust.keyring import Keyring, Signed
from gitflow_runner.trust.landing import signed_merge
from gitflow_runner.trust.policy import Policy, Proof
from gitflow_runner.trust.pushcert import prove_push
from gitflow_runner.trust.reasons import Reason, Refusal
from gitflow_runner.trust.revocation import Revocations
from gitflow_runner.trust.terms import Terms, terms_of
from gitflow_runner.trust.verify import check_skew, is_unsigned_commit, prove

State = Literal["open", "approved", "rejected", "expired", "cancelled"]
CheckEdit = Callable[[Mapping[str, bytes]], str | None]


@dataclass(frozen=True, slots=True)
class SignedApproval:
    """An approval commit and when (ms) this runner first saw it.

    `in_time` is set where the first look begun after the deadline found it (`protocol.md` 4.5). An unsigned
    one may bring the `certificate` of the signed push that sent it.
    """

    oid: Oid
    seen: int
    in_time: bool = False
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class AttestedApproval:
    """What a forge says that one of its accounts decided; `oid` is the runner's verified record of it."""

    oid: Oid
    seen: int
    forge: str
    account: int
    proof: Proof
    action: str = "approve"
    in_time: bool = False


@dataclass(frozen=True, slots=True)
class MergeApproval:
    """A person's own signed merge of the proposed `head`, which lies on the protected branch."""

    oid: Oid
    seen: int
    raw: RawObject
    head: str
    action: str = "approve"
    in_time: bool = False


@dataclass(frozen=True, slots=True)
class ContentApproval:
    """The proposed content lies on the protected branch, and nobody in particular put it there.

    `oid` is the runner's verified record of it. It names no person, so it counts for one, and only where
    the rule takes `:content-only` and asks for no human.
    """

    oid: Oid
    seen: int
    action: str = "approve"
    in_time: bool = False


Evidence = SignedApproval | AttestedApproval | MergeApproval | ContentApproval
NOBODY_NAMED = ""  # stands where content alone decided


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one piece of evidence; `proposes` marks an editor's text that needs other people."""

    oid: Oid
    counted: bool
    reason: Reason | None = None
    principal: str | None = None
    fingerprint: str | None = None
    detail: str = ""
    decision: Decision | None = None
    proposes: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state of the wait, who decided it and by which evidence, and one result each in the order given.

    `have` of `need` people agree at most; `edited` is the digest of the text that was approved, None for
    the text as it was asked.
    """

    state: State
    need: int
    have: int
    results: tuple[Result, ...]
    action: str | None = None
    by: tuple[str, ...] = ()
    evidence: tuple[Oid, ...] = ()
    edited: str | None = None


@dataclass(frozen=True, slots=True)
class _Person:
    """Who stands behind a piece of evidence; `raw` and `signed` are there for a signed one."""

    principal: str
    fingerprint: str | None = None
    raw: RawObject | None = None
    signed: Signed | None = None
    proof: Proof = "signed-commit"


def judge(
    wait: OpenWait,
    evidence: Sequence[Evidence],
    *,
    reader: Objects,
    pinned: Policy,
    newest: Policy,
    now: int,
    revoked: Revocations | None = None,
    check_edit: CheckEdit | None = None,
) -> Outcome:
    """What comes of these approvals at `now` (ms), judged by the pinned and the newest policy.

    Evidence is taken in the order of its first sight; one person counts once for one decision, and any
    good reject ends the wait. `revoked` adds to the newest policy's list. `check_edit` says what is wrong
    with edited files, None if nothing is.
    """
    try:
        terms = terms_of(wait, pinned, newest)
    except Refusal as problem:
        refused = tuple(Result(e.oid, False, problem.reason, detail=problem.message) for e in evidence)
        return Outcome("expired" if now > wait.deadline else "open", wait.need, 0, refused)
    ring = newest.keyring if revoked is None else newest.keyring.with_revoked(revoked)
    court = _Court(wait, terms, reader, pinned, newest, ring, now, check_edit)
    order = sorted(range(len(evidence)), key=lambda index: evidence[index].seen)
    results = {index: court.hear(evidence[index]) for index in order}
    return court.close(tuple(results[index] for index in range(len(evidence))))


@dataclass(slots=True)
class _Court:
    wait: OpenWait
    terms: Terms
    reader: Objects
    pinned: Policy
    newest: Policy
    ring: Keyring  # the newest policy's keys, with what was revoked besides
    now: int
    check_edit: CheckEdit | None
    state: State = "open"
    verdict: Decision | None = None
    editors: dict[str, str] = field(default_factory=dict)  # digest of a rewritten text -> who wrote it first
    decided: dict[str, str] = field(default_factory=dict)  # principal -> action
    votes: dict[tuple[str, str | None], list[tuple[str, Oid]]] = field(default_factory=dict)

    def hear(self, evidence: Evidence) -> Result:
        person: _Person | None = None
        decision: Decision | None = None
        try:
            person = self._identify(evidence)
            decision = self._decision(evidence, person)
            if isinstance(evidence, ContentApproval):
                self._check_nobody()
            else:
                check_person(self.wait, self.terms, self.pinned, self.newest, person.principal)
            self._check_moment(evidence, person.signed)
            self._count(person.principal, decision, evidence.oid)
        except Refusal as problem:
            return Result(
                evidence.oid,
                False,
                problem.reason,
                person.principal if person is not None else None,
                person.fingerprint if person is not None else None,
                problem.message,
                decision,
                problem.reason == "self_approval"
                and person is not None
                and self._is_editor(person.principal, decision),
            )
        return Result(evidence.oid, True, None, person.principal or None, person.fingerprint, "", decision)

    def close(self, results: tuple[Result, ...]) -> Outcome:
        have = max((len(people) for (action, _), people in self.votes.items() if action != REJECT), default=0)
        if self.verdict is None:
            state: State = "expired" if self.now > self.wait.deadline else "open"
            return Outcome(state, self.terms.need, have, results)
        people = self.votes[(self.verdict.action, self.verdict.edited)]
        return Outcome(
            self.state,
            self.terms.need,
            have,
            results,
            self.verdict.action,
            tuple(name for name, _ in people if name != NOBODY_NAMED),
            tuple(oid for _, oid in people),
            self.verdict.edited,
        )

    def _identify(self, evidence: Evidence) -> _Person:
        match evidence:
            case SignedApproval():
                return self._identify_signer(evidence)
            case AttestedApproval():
                name = self.newest.account(evidence.forge, evidence.account)
                if name is None or self.pinned.account(evidence.forge, evidence.account) != name:
                    raise Refusal("role", f"no account {evidence.account} of {evidence.forge} is mapped")
                return _Person(name)
            case MergeApproval():
                signed = signed_merge(evidence.raw, evidence.head, self.ring)
                who = check_key(signed, self.ring, self.pinned, seen=evidence.seen, now=self.now)
                return _Person(who, signed.fingerprint, evidence.raw, signed)
            case ContentApproval():
                return _Person(NOBODY_NAMED)
            case _ as never:
                assert_never(never)

    def _identify_signer(self, evidence: SignedApproval) -> _Person:
        try:
            raw = self.reader.read(evidence.oid)
        except DamagedError as problem:
            raise Refusal("malformed", problem.message) from None
        if evidence.certificate is not None and is_unsigned_commit(raw):
            signed = prove_push(
                evidence.certificate, self.ring, oid=evidence.oid, run=self.wait.run, wait=self.wait.wait
            )
            who = check_key(signed, self.ring, self.pinned, seen=evidence.seen, now=self.now)
            return _Person(who, signed.fingerprint, raw, signed, "signed-push")
        signed = prove(raw, self.ring)
        if signed.kind != "commit":
            raise Refusal("malformed", f"an approval is a commit, {evidence.oid} is a {signed.kind}")
        return _Person(
            check_key(signed, self.ring, self.pinned, seen=evidence.seen, now=self.now),
            signed.fingerprint,
            raw,
            signed,
        )

    def _decision(self, evidence: Evidence, person: _Person) -> Decision:
        if not isinstance(evidence, SignedApproval):
            self._demand_proof(_proof_of(evidence))
            if evidence.action not in self.wait.actions:
                raise Refusal("trailers", f"the wait knows no decision {evidence.action}")
            return Decision(evidence.action)
        assert person.raw is not None
        self._demand_proof(person.proof)
        decision = read_decision(person.raw, self.wait, self.reader, may_edit=self.terms.edit)
        if decision.edited is not None:
            self._inspect(person.raw)
            if decision.rewrites:
                self.editors.setdefault(decision.edited, person.principal)
        return decision

    def _check_nobody(self) -> None:
        if self.terms.human:
            raise Refusal("not_human", "content names nobody, and the rule asks for a human")
        if self.terms.starter_unknown:
            raise Refusal("starter_unknown", "the rule leaves out the starter, and the start was not signed")

    def _demand_proof(self, proof: Proof) -> None:
        if proof not in self.terms.proofs:
            raise Refusal("role", f"the rule takes no {proof} as a proof")

    def _inspect(self, raw: RawObject) -> None:
        if self.check_edit is None:
            return
        wrong = self.check_edit(edit_files(decode_commit(raw.data).tree, self.reader))
        if wrong is not None:
            raise Refusal("tree", f"the edited files cannot be taken: {wrong}")

    def _check_moment(self, evidence: Evidence, signed: Signed | None) -> None:
        if evidence.seen > self.wait.deadline and not evidence.in_time:
            raise Refusal("late", "it was first seen after the deadline")
        if signed is not None:
            check_skew(signed.time, evidence.seen, min(self.pinned.skew_ms, self.newest.skew_ms))
        if self.state != "open":
            raise Refusal("resolved", f"the wait was {self.state} already")

    def _count(self, principal: str, decision: Decision, oid: Oid) -> None:
        if decision.action == REJECT:
            self.votes[(REJECT, decision.edited)] = [(principal, oid)]
            self.state, self.verdict = "rejected", decision
            return
        if principal in self.decided:
            raise Refusal("same_person", f"{principal} decided already: {self.decided[principal]}")
        if self._is_editor(principal, decision):
            raise Refusal("self_approval", f"{principal} edited the text, other people must approve it")
        self.decided[principal] = decision.action
        people = self.votes.setdefault((decision.action, decision.edited), [])
        people.append((principal, oid))
        if len(people) >= self.terms.need:
            self.state, self.verdict = "approved", decision

    def _is_editor(self, principal: str, decision: Decision | None) -> bool:
        if decision is None or not decision.rewrites or self.terms.editor_counts:
            return False
        return self.editors.get(decision.edited or "") == principal


def _proof_of(evidence: AttestedApproval | MergeApproval | ContentApproval) -> Proof:
    match evidence:
        case AttestedApproval():
            return evidence.proof
        case MergeApproval():
            return "signed-commit"
        case ContentApproval():
            return "content-only"


def revoked_approvers(outcome: Outcome, newest: Policy, now: int) -> tuple[str, ...]:
    """Who approved with a key that is revoked by now: `approved_by_revoked_key` of a finished run.

    Before the first effect after the wait the caller judges anew instead, which refuses such a key.
    """
    gone = newest.keyring.gone(now)
    return tuple(
        result.principal
        for result in outcome.results
        if result.oid in outcome.evidence and result.fingerprint in gone and result.principal is not None
    )
