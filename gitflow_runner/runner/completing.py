"""An answer to an event wait by Git, signed and sent; perhaps before there is a wait for it."""

from __future__ import annotations

from dataclasses import dataclass

from gitflow_runner.errors import ConflictError, NotFoundError, RefusedError, UsageError
from gitflow_runner.git.objects import Oid
from gitflow_runner.git.refs import callback_ref
from gitflow_runner.ledger.chain import find_wait_commit, read_run
from gitflow_runner.ledger.lease import wake
from gitflow_runner.ledger.listing import RunRef, find_run
from gitflow_runner.model.event import WaitOpened
from gitflow_runner.model.ids import EARLY, is_name
from gitflow_runner.runner.callbacks import KEEP_MS, answered_value, check_answer
from gitflow_runner.runner.decide import Signed, names_wait
from gitflow_runner.runner.runtime import Runtime
from gitflow_runner.runner.sync import send
from gitflow_runner.runner.verify import require_trusted
from gitflow_runner.trust.reasons import Refusal
from gitflow_runner.trust.requests import MAX_FILE, build_answer, content_digest
from gitflow_runner.trust.statement import Completion


@dataclass(frozen=True, slots=True)
class Addressed:
    """Where an answer goes: an open wait, or with `wait` None the key of one that is still to come."""

    at: RunRef
    wait: WaitOpened | None
    key: str

    @property
    def folder(self) -> str:
        """The part of the ref that names the wait."""
        return EARLY if self.wait is None else self.wait.folder


def address(runtime: Runtime, typed_run: str, typed_wait: str | None, key: str | None) -> Addressed:
    """The event wait that is meant; with `key` one that may not be open yet.

    Raises `NotFoundError` (`run.*`, `wait.unknown`, `wait.ambiguous`), `ConflictError` (`run.over`),
    `RefusedError` (`approval.wait`) for a wait that is for people, `UsageError` (`wait.key`).
    """
    at = find_run(runtime.repository, typed_run)
    run = read_run(runtime.repository, at.tip)
    if run.is_over:
        raise ConflictError(
            "run.over", f"run {run.run} has ended: {run.status}", fix=(f"gfr show {run.run}",)
        )
    found = [
        state.wait
        for state in run.waits
        if (
            state.wait.key == key
            if key is not None
            else typed_wait is None or names_wait(state.wait, typed_wait)
        )
    ]
    events = [wait for wait in found if wait.wait == "event"]
    if found and not events:
        raise Refusal(
            "wait",
            f"{found[0].folder} is for people's decisions, not for answers",
            hint=f"gfr show {run.run} {found[0].folder} says who decides",
        )
    if key is not None and not events:
        if not is_name(key):
            raise UsageError("wait.key", f"{key[:80]!r} cannot name a wait that is not open yet")
        return Addressed(at, None, key)
    if len(events) != 1:
        open_ones = ", ".join(wait.folder for wait in events) or "none"
        code = "wait.ambiguous" if events else "wait.unknown"
        raise NotFoundError(
            code,
            f"run {run.run} has no single wait of that name; open: {open_ones}",
            fix=(f"gfr show {run.run}",),
        )
    return Addressed(at, events[0], events[0].key)


def complete(runtime: Runtime, to: Addressed, name: str, content: bytes) -> Signed:
    """Sign the answer (`name` ends in `.json` or `.edn`) and put it into the wait's inbox.

    Refused early where it would not count: raises as `prove` and the runner would.
    """
    if len(content) > MAX_FILE:
        raise UsageError("answer.too_large", f"an answer takes at most {MAX_FILE} bytes")
    required = () if to.wait is None else to.wait.required
    check_answer(answered_value(name, content), required)
    signer = runtime.person.require_signer("to answer a wait")
    policy = runtime.policies.require()
    principal = policy.keyring.owner(signer.key)
    opened: Oid | None = None
    if to.wait is not None:
        if signer.key.fingerprint not in to.wait.keys:
            raise Refusal(
                "key_not_allowed",
                f"{to.wait.folder} does not name the key of {principal}",
                hint="the wait's :roles say whose answers count; the policy says who holds the role",
            )
        opened = find_wait_commit(runtime.repository, to.at.tip, to.wait.folder)
    elif policy.people[principal].kind == "runner":
        raise RefusedError("approval.role", f"{principal} is a runner, which answers nothing")
    require_trusted(runtime, to.at, act="answered")
    said = Completion(to.at.run, to.key if to.wait is None else to.wait.folder, content_digest(content))
    who = runtime.person.ident(runtime.clock.now_ms())
    objects = build_answer(said, opened, name, content, who, signer)
    ref = callback_ref(to.at.run, to.folder, objects[-1].oid)
    send(runtime, ref, objects)
    wake(runtime.repository.common_dir, to.at.run)
    return Signed(ref, objects[-1].oid, principal)


def kept_hours() -> int:
    """How long an answer without a wait is kept, in hours."""
    return KEEP_MS // 3_600_000
