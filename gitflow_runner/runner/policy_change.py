"""Changing the policy: its draft proposed, signed by others, and put into force once the quorum is met.

A proposal has no ref of its own: each person's signed consent carries the whole text and lies among the
requests that belong to no run, so it travels with them and can only be added. Which of them is a consent to
what says the commit, never the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitflow_runner.errors import ConflictError, DamagedError, NotFoundError, RefusedError, UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import POLICY, request_ref, requests_prefix
from gitflow_runner.runner.local import write_whole
from gitflow_runner.runner.person import Person
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.seen import note_policies
from gitflow_runner.runner.signers import write_signers
from gitflow_runner.runner.sync import push_ref, send, share_ref
from gitflow_runner.trust.consent import MAX_CONSENTS
from gitflow_runner.trust.keyring import Signed
from gitflow_runner.trust.policy import Policy, policy_digest
from gitflow_runner.trust.policy_chain import apply_policy, read_consent, sign_policy
from gitflow_runner.trust.policy_text import POLICY_FILE, parse_policy
from gitflow_runner.trust.reasons import Reason, Refusal

MAX_SCANNED = 4_096
SHORT = 7  # hex digits of a text's digest that people type


@dataclass(frozen=True, slots=True)
class Consent:
    """One signed consent to a proposal by the key `fingerprint`; `reason` says why it does not count."""

    oid: Oid
    principal: str | None
    fingerprint: str
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A next version with the consents to it; `need` of the people who count are asked for."""

    policy: Policy
    consents: tuple[Consent, ...]
    need: int

    @property
    def by(self) -> tuple[str, ...]:
        """The people who count."""
        return tuple(sorted({c.principal for c in self.consents if c.reason is None and c.principal}))


def draft_text(runtime: Runtime) -> bytes:
    """The draft in the work tree, numbered as the next version; `UsageError` (`policy.*`)."""
    path = _draft(runtime)
    text = path.read_bytes()
    draft = parse_policy(text, file=POLICY_FILE)
    newest = _newest(runtime)
    expected = 1 if newest is None else newest.version + 1
    if draft.version == expected or (newest is not None and text == newest.text):
        return text
    return _numbered(text, draft.version, expected)


def open_proposals(runtime: Runtime) -> tuple[Proposal, ...]:
    """The proposals that stand on the version in force, the one with most people first."""
    newest = _newest(runtime)
    previous = runtime.policies.tip()
    expected = 1 if newest is None else newest.version + 1
    found: dict[bytes, list[tuple[Oid, Signed]]] = {}
    for _, oid in runtime.repository.refs(requests_prefix(None))[:MAX_SCANNED]:
        try:
            signed, text = read_consent(runtime.repository, oid, previous, newest, runtime.open_gpg)
        except (RefusedError, DamagedError, UsageError):
            continue  # a request of another kind, a consent to an earlier version, a text nobody can read
        found.setdefault(text, []).append((oid, signed))
    proposals = []
    for text, signatures in found.items():
        try:
            policy = parse_policy(text, open_gpg=runtime.open_gpg)
        except UsageError:
            continue  # nobody can put into force what cannot be read
        if policy.version == expected:
            proposals.append(_proposal(runtime, policy, newest or policy, signatures))
    return tuple(sorted(proposals, key=lambda p: (-len(p.by), p.policy.digest)))


def find_proposal(runtime: Runtime, typed: str | None) -> Proposal:
    """The proposal with that digest (or its beginning), or the only one; `NotFoundError` (`policy.*`)."""
    proposals = open_proposals(runtime)
    wanted = None if typed is None else typed.removeprefix("sha256:")
    if wanted is not None and len(wanted) < SHORT:
        raise UsageError("policy.proposal", f"give at least {SHORT} digits of the digest")
    fit = [p for p in proposals if wanted is None or p.policy.digest[7:].startswith(wanted)]
    if len(fit) == 1:
        return fit[0]
    shown = ", ".join(p.policy.digest for p in fit or proposals) or "none"
    raise NotFoundError(
        "policy.no_proposal" if not fit else "policy.ambiguous",
        f"which proposal is meant? open are: {shown}",
        fix=tuple(f"gfr policy sign {p.policy.digest[7:19]}" for p in proposals) or ("gfr policy propose",),
    )


def propose(runtime: Runtime) -> Proposal:
    """Sign the draft as the next version, for others to sign too."""
    text = draft_text(runtime)
    newest = _newest(runtime)
    if newest is not None and text == newest.text:
        raise ConflictError(
            "policy.unchanged",
            f"{POLICY_FILE} is version {newest.version}, which is in force",
            hint="change the draft first",
        )
    write_whole(_draft(runtime), text)
    return consent_to(runtime, text)


def consent_to(runtime: Runtime, text: bytes) -> Proposal:
    """Sign this text as the next version and put the consent where the others look."""
    policy = parse_policy(text, open_gpg=runtime.open_gpg)
    newest = _newest(runtime)
    signer = runtime.person.require_signer("a policy")
    judge = newest or policy
    judge.check_duty(judge.policy_change, judge.keyring.owner(signer.key), None)
    digest = policy.digest
    mine = next((p for p in open_proposals(runtime) if p.policy.digest == digest), None)
    if mine is not None and any(c.fingerprint == signer.key.fingerprint for c in mine.consents):
        raise ConflictError(
            "policy.signed",
            f"your key has signed {digest} already",
            fix=(f"gfr policy apply {digest[7:19]}",),
        )
    who = runtime.person.ident(runtime.clock.now_ms())
    objects = sign_policy(text, runtime.policies.tip(), who, signer)
    send(runtime, request_ref(None, objects[-1].oid), objects)
    return next(p for p in open_proposals(runtime) if p.policy.digest == digest)


def apply_change(runtime: Runtime, typed: str | None) -> tuple[Policy, Oid]:
    """Put the draft, or the proposal with that digest, into force, signed by whoever sits here.

    The others' consents are taken along. Raises what `parse_policy` and `load_chain` raise; nothing is
    moved unless the chain would verify.
    """
    newest = _newest(runtime)
    text = find_proposal(runtime, typed).policy.text if typed is not None else draft_text(runtime)
    tip = runtime.policies.tip()
    if newest is not None and tip is not None and text == newest.text:
        push_ref(runtime, POLICY, tip)
        return newest, tip
    mine = next((p for p in open_proposals(runtime) if p.policy.text == text), None)
    others = () if mine is None else _one_each(mine, runtime.person)
    try:
        oid = put_in_force(runtime, text, tip, others, runtime.person)
    except RefusedError as error:
        if error.code != "policy.no_consent":
            raise
        digest = policy_digest(text)[7:19]
        raise RefusedError(
            error.code,
            error.message,
            hint="the others sign the same text, then apply it",
            fix=("gfr policy propose", f"gfr policy sign {digest}", f"gfr policy apply {digest}"),
        ) from None
    if newest is None:
        runtime.local.pin_root(policy_digest(text))
    path = _draft_path(runtime)
    if path is not None and path.is_file() and typed is None:
        write_whole(path, text)
    write_signers(runtime)
    if runtime.local.is_ready():
        note_policies(runtime)
    return parse_policy(text), oid


def put_in_force(
    runtime: Runtime, text: bytes, previous: Oid | None, statements: Sequence[Oid], person: Person
) -> Oid:
    """Move the policy's ref to this text, carried by the person's signature and these statements."""
    signer = person.require_signer("a policy")
    who = person.ident(runtime.clock.now_ms())
    objects = apply_policy(text, previous, statements, who, signer)
    oid = objects[-1].oid
    runtime.repository.write(objects)
    runtime.policies.would_hold(oid, policy_digest(text) if previous is None else None)
    share_ref(runtime, POLICY, previous, oid)
    return oid


def _newest(runtime: Runtime) -> Policy | None:
    newest = runtime.policies.newest()
    if newest is None and runtime.repository.resolve(POLICY) is not None:
        raise RefusedError(
            "policy.not_pinned",
            "this repository has a policy that this clone does not trust yet",
            fix=("gfr trust pin <digest>",),
        )
    return newest


def _draft_path(runtime: Runtime) -> Path | None:
    work_dir = runtime.repository.work_dir
    return None if work_dir is None else work_dir / POLICY_FILE


def _draft(runtime: Runtime) -> Path:
    path = _draft_path(runtime)
    if path is None or not path.is_file():
        raise UsageError("policy.no_draft", f"there is no {POLICY_FILE} here", fix=("gfr init",))
    return path


def _proposal(
    runtime: Runtime, policy: Policy, judge: Policy, signatures: Sequence[tuple[Oid, Signed]]
) -> Proposal:
    now = runtime.clock.now_ms()
    consents = []
    for oid, signed in signatures:
        principal = None
        try:
            principal = judge.keyring.who(signed, first_seen=now, now=now)
            judge.check_duty(judge.policy_change, principal, None)
        except Refusal as refusal:
            consents.append(Consent(oid, principal, signed.fingerprint, refusal.reason, refusal.message))
        else:
            consents.append(Consent(oid, principal, signed.fingerprint))
    need = judge.policy_change.need if judge.policy_change is not None else 0
    return Proposal(policy, tuple(consents), need)


def _one_each(proposal: Proposal, person: Person) -> tuple[Oid, ...]:
    own = person.signer.key.fingerprint if person.signer is not None else None
    chosen = {c.principal: c.oid for c in proposal.consents if c.reason is None and c.fingerprint != own}
    return tuple(chosen.values())[:MAX_CONSENTS]


def _numbered(text: bytes, found: int, expected: int) -> bytes:
    old, new = f":policy/version {found}".encode(), f":policy/version {expected}".encode()
    if text.count(old) != 1:
        raise UsageError(
            "policy.version",
            f"the draft says version {found}; the next one is {expected}",
            hint=f"write :policy/version {expected} in {POLICY_FILE}",
        )
    return text.replace(old, new)
