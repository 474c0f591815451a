"""A person's decision on a wait: shown, signed, recorded where the runner looks, and pushed."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.errors import ConflictError, NotFoundError, RefusedError, UsageError
from gitflow_runner.git.objects import Oid, decode_commit
from gitflow_runner.git.refs import approval_ref, request_ref
from gitflow_runner.git.repository import ObjectReader
from gitflow_runner.ledger.chain import file_in, find_wait_commit, read_history, read_run
from gitflow_runner.ledger.lease import wake
from gitflow_runner.ledger.listing import RunRef, find_run
from gitflow_runner.model.event import WaitOpened, WaitResolved
from gitflow_runner.model.ids import is_step_folder
from gitflow_runner.model.run import OpenWaitState, Run
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.sync import send
from gitflow_runner.runner.verify import require_trusted
from gitflow_runner.trust.approval import OpenWait, build_approval
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.requests import build_request, content_digest
from gitflow_runner.trust.statement import Act, Request, StepOutcome

SHORT = 7  # hex digits of a payload's digest that people type


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked to sign, read from the wait commit itself."""

    at: RunRef
    run: Run
    state: OpenWaitState
    commit: Oid
    payload: bytes
    edits: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the payload's bytes."""
        return self.state.wait.payload.removeprefix("sha256:")


@dataclass(frozen=True, slots=True)
class Signed:
    """A decision or request that now lies in an inbox."""

    ref: str
    oid: Oid
    principal: str | None


def find_question(runtime: Runtime, typed_run: str, typed_wait: str | None) -> Question:
    """The open wait that these names mean; `NotFoundError` (`wait.*`), `ConflictError` (`wait.closed`)."""
    reader = runtime.repository
    at = find_run(reader, typed_run)
    run = read_run(reader, at.tip)
    states = [s for s in run.waits if typed_wait is None or names_wait(s.wait, typed_wait)]
    if not states:
        _refuse_missing(reader, at, run, typed_wait)
    if len(states) > 1:
        names = ", ".join(s.wait.folder for s in states)
        raise NotFoundError(
            "wait.ambiguous",
            f"run {run.run} has several open waits: {names}",
            fix=tuple(f"gfr show {run.run} {s.wait.folder}" for s in states),
        )
    state = states[0]
    commit = find_wait_commit(reader, at.tip, state.wait.folder)
    tree = decode_commit(reader.read(commit).data).tree
    payload = file_in(reader, tree, "wait/payload.edn") or b""
    if content_digest(payload) != state.wait.payload:
        raise RefusedError(
            "approval.payload", f"the payload of {state.wait.folder} is not the one that the wait names"
        )
    return Question(at, run, state, commit, payload, state.wait.edits)


def decide(runtime: Runtime, question: Question, decision: str, *, note: str, payload: str) -> Signed:
    """Sign `decision` over exactly this payload and put it into the wait's inbox.

    `payload` is the digest (or its beginning) that the person saw. Raises `ConflictError`
    (`approval.payload`) if it is another one, `RefusedError` where the policy would not count it, or where
    nobody trusted asks (`untrusted_run`).
    """
    wait = question.state.wait
    if len(payload) < SHORT or not question.digest.startswith(payload):
        raise ConflictError(
            "approval.payload",
            f"the payload of {wait.folder} is {question.digest[:SHORT]}, not {payload[:64]}",
            hint="look at what is asked now",
            fix=(f"gfr show {question.run.run} {wait.folder}",),
            details={"given": payload, "now": question.digest},
        )
    check_action(question, decision)
    signer = runtime.person.require_signer(f"to {decision}")
    principal = check_person(runtime, question)
    require_trusted(runtime, question.at, act="decided")
    tree = runtime.repository.commit(question.commit).tree
    asked = OpenWait(
        question.run.run,
        wait.folder,
        question.commit,
        tree,
        wait.payload,
        wait.deadline,
        actions=wait.actions,
    )
    who = runtime.person.ident(runtime.clock.now_ms())
    objects = build_approval(asked, decision, who, signer, runtime.repository, text=note)
    ref = approval_ref(question.run.run, wait.folder, objects[-1].oid)
    send(runtime, ref, objects)
    wake(runtime.repository.common_dir, question.run.run)
    return Signed(ref, objects[-1].oid, principal)


def check_action(question: Question, decision: str) -> None:
    """`UsageError` (`approval.decision`) for a decision that the wait does not offer."""
    wait = question.state.wait
    if decision not in wait.actions:
        raise UsageError(
            "approval.decision", f"{wait.folder} takes {', '.join(wait.actions)}, not {decision[:40]!r}"
        )


def check_person(runtime: Runtime, question: Question) -> str:
    """Who sits here, refused early where the policy would not count the decision anyway."""
    policy = runtime.policies.require()
    signer = runtime.person.require_signer("a decision")
    principal = policy.keyring.owner(signer.key)
    wait = question.state.wait
    if wait.role is not None:
        policy.check_role(principal, wait.role, question.run.slug)
    policy.check_any_role(principal, wait.any_role, question.run.slug)
    if wait.human and policy.people[principal].kind != "human":
        raise Refusal("not_human", f"{principal} is no human, and this wait asks for one")
    if principal in wait.excluded:
        raise Refusal(
            "self_approval",
            f"{principal} started or wrote what is to be approved",
            hint="somebody else who holds the role has to decide",
        )
    return principal


def ask(
    runtime: Runtime,
    at: RunRef,
    act: Act,
    *,
    reason: str | None = None,
    step: str | None = None,
    outcome: StepOutcome | None = None,
    value: bytes | None = None,
) -> Signed:
    """Sign a request to steer a run and put it into the run's inbox."""
    run = read_run(runtime.repository, at.tip)
    if run.is_over:
        raise ConflictError(
            "run.over", f"run {run.run} has ended: {run.status}", fix=(f"gfr show {run.run}",)
        )
    signer = runtime.person.require_signer(f"to {act} a run")
    policy = runtime.policies.require()
    owner = policy.keyring.owner(signer.key)
    policy.check_duty(policy.control, owner, run.slug)
    digest = None if value is None else content_digest(value)
    request = Request(run.run, act, runtime.jitter.token(16), reason, step, outcome, digest)
    who = runtime.person.ident(runtime.clock.now_ms())
    objects = build_request(request, who, signer, value=value)
    ref = request_ref(run.run, objects[-1].oid)
    send(runtime, ref, objects)
    wake(runtime.repository.common_dir, run.run)
    return Signed(ref, objects[-1].oid, owner)


def names_wait(wait: WaitOpened, typed: str) -> bool:
    """Whether somebody who typed that means this wait."""
    if is_step_folder(typed):
        return wait.folder == typed
    return typed in (wait.identity, wait.key, wait.folder.partition("-")[2])


def _refuse_missing(reader: ObjectReader, at: RunRef, run: Run, typed: str | None) -> None:
    if typed is not None and not run.is_over:
        history = [recorded.event for recorded in read_history(reader, at.tip)]
        opened = [e.folder for e in history if isinstance(e, WaitOpened) and names_wait(e, typed)]
        for event in history:
            if isinstance(event, WaitResolved) and event.folder in opened:
                raise ConflictError(
                    "wait.closed",
                    f"{event.folder} was {event.outcome} already{_by(event.by)}",
                    fix=(f"gfr show {run.run}",),
                )
    if run.is_over:
        raise ConflictError(
            "wait.closed", f"run {run.run} has ended: {run.status}", fix=(f"gfr show {run.run}",)
        )
    open_waits = [state.wait.folder for state in run.waits]
    if typed is None or not open_waits:
        raise ConflictError(
            "wait.closed", f"run {run.run} has no open wait; it is {run.status}", fix=(f"gfr show {run.run}",)
        )
    raise NotFoundError(
        "wait.unknown",
        f"run {run.run} has no open wait {typed!r}; open: {', '.join(open_waits)}",
        fix=tuple(f"gfr show {run.run} {folder}" for folder in open_waits),
    )


def _by(people: tuple[str, ...]) -> str:
    return f" by {', '.join(people)}" if people else ""
